// SPDX-License-Identifier: GPL-2.0-only
/* Declared with a parameter more than it has. */
#define bpf_task_from_pid check_task_from_pid
#include "check.bpf.h"
#undef bpf_task_from_pid

struct other {
	int unused;
};

struct task_struct *bpf_task_from_pid(s32 pid, u64 flags) __ksym;

SEC("tp_btf/sched_process_exit")
int BPF_PROG(prototype_count, struct task_struct *task)
{
	struct task_struct *found = bpf_task_from_pid(1, 0);

	if (found)
		bpf_task_release(found);
	return 0;
}
