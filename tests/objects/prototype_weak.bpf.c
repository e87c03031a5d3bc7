// SPDX-License-Identifier: GPL-2.0-only
/* Declared weak, and wrong: libbpf before 1.3 refuses it like any other. */
#define bpf_task_from_pid check_task_from_pid
#include "check.bpf.h"
#undef bpf_task_from_pid

struct task_struct *bpf_task_from_pid(s32 pid, u64 flags) __kfunc;

SEC("tp_btf/sched_process_exit")
int BPF_PROG(prototype_weak, struct task_struct *task)
{
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(prototype_weak_caller, struct task_struct *task)
{
	struct task_struct *found;

	if (!bpf_ksym_exists(bpf_task_from_pid))
		return 0;
	found = bpf_task_from_pid(1, 0);
	if (found)
		bpf_task_release(found);
	return 0;
}
