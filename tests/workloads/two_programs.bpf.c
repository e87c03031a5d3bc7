// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two programs that call the same kfuncs, different numbers of times, with and without success.
 */
#include "calls.bpf.h"

enum {
	ALIVE_FROM_PID,
	ALIVE_RELEASE,
	DEAD_FROM_PID,
	DEAD_RELEASE,
	DEAD_FROM_ID,
	DEAD_CGROUP_RELEASE,
	KERNEL_ACQUIRE,
	LEND_ACQUIRE,
	LEND_RELEASE,
	LEND_MEMORY,
	REFUSE_ACQUIRE,
	REFUSE_RELEASE,
	REFUSE_MEMORY,
};

TRUTH = {
	[ALIVE_FROM_PID] = CALLS_OR_NULL(bpf_task_from_pid, ask_alive),
	[ALIVE_RELEASE] = CALLS(bpf_task_release, ask_alive),
	[DEAD_FROM_PID] = CALLS_OR_NULL(bpf_task_from_pid, ask_dead),
	[DEAD_RELEASE] = CALLS(bpf_task_release, ask_dead),
	[DEAD_FROM_ID] = CALLS_OR_NULL(bpf_cgroup_from_id, ask_dead),
	[DEAD_CGROUP_RELEASE] = CALLS(bpf_cgroup_release, ask_dead),
	[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire),
	[LEND_ACQUIRE] = CALLS_OR_NULL(bpf_kfunc_call_test_acquire, lend),
	[LEND_RELEASE] = CALLS(bpf_kfunc_call_test_release, lend),
	[LEND_MEMORY] = CALLS_OR_NULL(bpf_kfunc_call_test_get_rdonly_mem, lend),
	[REFUSE_ACQUIRE] = CALLS_OR_NULL(bpf_kfunc_call_test_acquire, refuse),
	[REFUSE_RELEASE] = CALLS(bpf_kfunc_call_test_release, refuse),
	[REFUSE_MEMORY] = CALLS_OR_NULL(bpf_kfunc_call_test_get_rdonly_mem, refuse),
};

SEC("tc")
int ask_alive(struct __sk_buff *skb)
{
	struct task_struct *task;

	task = count_task_from_pid(ALIVE_FROM_PID, KERNEL_ACQUIRE, INIT_PID);
	if (task) {
		bpf_task_release(task);
		count_call(ALIVE_RELEASE);
	}
	task = count_task_from_pid(ALIVE_FROM_PID, KERNEL_ACQUIRE, NO_PID);
	if (task) {
		bpf_task_release(task);
		count_call(ALIVE_RELEASE);
	}
	return 0;
}

SEC("tc")
int ask_dead(struct __sk_buff *skb)
{
	struct task_struct *task;
	struct cgroup *cgroup;
	int i;

#pragma unroll
	for (i = 0; i < 3; i++) {
		task = count_task_from_pid(DEAD_FROM_PID, KERNEL_ACQUIRE, i ? NO_PID : INIT_PID);
		if (task) {
			bpf_task_release(task);
			count_call(DEAD_RELEASE);
		}
	}
#pragma unroll
	for (i = 0; i < 2; i++) {
		cgroup =
			count_result(DEAD_FROM_ID, bpf_cgroup_from_id(i ? NO_CGROUP : ROOT_CGROUP));
		if (cgroup) {
			bpf_cgroup_release(cgroup);
			count_call(DEAD_CGROUP_RELEASE);
		}
	}
	return 0;
}

/* 6.1 has only test kfuncs. This one returns NULL when asked for more than eight bytes. */
SEC("tc")
int lend(struct __sk_buff *skb)
{
	struct prog_test_ref_kfunc *object;
	unsigned long unused = 0;

	object = count_result(LEND_ACQUIRE, bpf_kfunc_call_test_acquire(&unused));
	if (!object)
		return 0;
	(void)count_result(LEND_MEMORY, bpf_kfunc_call_test_get_rdonly_mem(object, 8));
	bpf_kfunc_call_test_release(object);
	count_call(LEND_RELEASE);
	return 0;
}

SEC("tc")
int refuse(struct __sk_buff *skb)
{
	struct prog_test_ref_kfunc *object;
	unsigned long unused = 0;

	object = count_result(REFUSE_ACQUIRE, bpf_kfunc_call_test_acquire(&unused));
	if (!object)
		return 0;
	(void)count_result(REFUSE_MEMORY, bpf_kfunc_call_test_get_rdonly_mem(object, 4));
	(void)count_result(REFUSE_MEMORY, bpf_kfunc_call_test_get_rdonly_mem(object, 64));
	(void)count_result(REFUSE_MEMORY, bpf_kfunc_call_test_get_rdonly_mem(object, 65));
	bpf_kfunc_call_test_release(object);
	count_call(REFUSE_RELEASE);
	return 0;
}
