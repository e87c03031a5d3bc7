// SPDX-License-Identifier: GPL-2.0-only
/* Declared as if it took a pointer. */
#define bpf_task_from_pid check_task_from_pid
#include "check.bpf.h"
#undef bpf_task_from_pid

struct other {
	int unused;
};

struct task_struct *bpf_task_from_pid(struct other *pid) __ksym;

SEC("tp_btf/sched_process_exit")
int BPF_PROG(prototype_structure, struct task_struct *task)
{
	struct task_struct *found = bpf_task_from_pid((void *)task);

	if (found)
		bpf_task_release(found);
	return 0;
}
