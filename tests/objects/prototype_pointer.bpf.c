// SPDX-License-Identifier: GPL-2.0-only
/* Declared as if it returned a pointer to anything. */
#define bpf_task_from_pid check_task_from_pid
#include "check.bpf.h"
#undef bpf_task_from_pid

struct other {
	int unused;
};

void *bpf_task_from_pid(s32 pid) __ksym;

SEC("tp_btf/sched_process_exit")
int BPF_PROG(prototype_pointer, struct task_struct *task)
{
	struct task_struct *found = bpf_task_from_pid(1);

	if (found)
		bpf_task_release(found);
	return 0;
}
