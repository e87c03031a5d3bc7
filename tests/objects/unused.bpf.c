// SPDX-License-Identifier: GPL-2.0-only
/* A kfunc that only a function wants which nobody calls: libbpf looks for it all the same. */
#define __kfunc __ksym
#include "check.bpf.h"

__noinline int unused_function(u32 pid)
{
	struct task_struct *found = bpf_task_from_pid(pid);

	if (found)
		bpf_task_release(found);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(unused_bystander, struct task_struct *task)
{
	return 0;
}
