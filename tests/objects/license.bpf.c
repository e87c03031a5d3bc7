// SPDX-License-Identifier: GPL-2.0-only
/* Kfuncs are only for programs that are compatible with the GPL; the rest of BPF is not. */
#define LICENSE "Proprietary"
#include "check.bpf.h"

const volatile bool no = false;

SEC("tp_btf/sched_process_exit")
int BPF_PROG(license_caller, struct task_struct *task)
{
	struct task_struct *found = bpf_task_from_pid(1);

	if (found)
		bpf_task_release(found);
	return 0;
}

/* Also when the verifier never comes there. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(license_dead, struct task_struct *task)
{
	if (no)
		bpf_key_put(NULL);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(license_bystander, struct task_struct *task)
{
	return 0;
}
