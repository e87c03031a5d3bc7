// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demonstration on 6.1, whose vmlinux has test kfuncs only.
 */
#include "calls.bpf.h"

enum {
	WATCH_ACQUIRE,
	WATCH_RELEASE,
	PICK_ACQUIRE,
	PICK_MEMORY,
	PICK_RELEASE,
};

TRUTH = {
	[WATCH_ACQUIRE] = CALLS_OR_NULL(bpf_kfunc_call_test_acquire, demo_task_watch),
	[WATCH_RELEASE] = CALLS(bpf_kfunc_call_test_release, demo_task_watch),
	[PICK_ACQUIRE] = CALLS_OR_NULL(bpf_kfunc_call_test_acquire, demo_cpu_picker),
	[PICK_MEMORY] = CALLS_OR_NULL(bpf_kfunc_call_test_get_rdonly_mem, demo_cpu_picker),
	[PICK_RELEASE] = CALLS(bpf_kfunc_call_test_release, demo_cpu_picker),
};

SEC("tp_btf/sched_process_exit")
int BPF_PROG(demo_task_watch, struct task_struct *exiting)
{
	struct prog_test_ref_kfunc *object;
	unsigned long pid = exiting->pid;

	object = count_result(WATCH_ACQUIRE, bpf_kfunc_call_test_acquire(&pid));
	if (object) {
		bpf_kfunc_call_test_release(object);
		count_call(WATCH_RELEASE);
	}
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(demo_cpu_picker, struct task_struct *parent, struct task_struct *child)
{
	struct prog_test_ref_kfunc *object;
	unsigned long pid = child->pid;

	object = count_result(PICK_ACQUIRE, bpf_kfunc_call_test_acquire(&pid));
	if (!object)
		return 0;
	(void)count_result(PICK_MEMORY, bpf_kfunc_call_test_get_rdonly_mem(object, 8));
	if (child->pid % 8 == 0)
		(void)count_result(PICK_MEMORY, bpf_kfunc_call_test_get_rdonly_mem(object, 64));
	bpf_kfunc_call_test_release(object);
	count_call(PICK_RELEASE);
	return 0;
}
