// SPDX-License-Identifier: GPL-2.0-only
/* A kfunc that 6.1 has not, and that is not weak: no program of the object loads there. */
#define __kfunc __ksym
#include "check.bpf.h"

SEC("tp_btf/sched_process_exit")
int BPF_PROG(strong_caller, struct task_struct *task)
{
	struct task_struct *found = bpf_task_from_pid(1);

	if (found)
		bpf_task_release(found);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(strong_bystander, struct task_struct *task)
{
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(strong_optional, struct task_struct *task)
{
	struct task_struct *found = bpf_task_from_pid(2);

	if (found)
		bpf_task_release(found);
	return 0;
}
