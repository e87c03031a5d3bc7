// SPDX-License-Identifier: GPL-2.0-only
/* What may be NULL, tested and not. */
#include "check.bpf.h"

SEC("tp_btf/sched_process_exit")
int BPF_PROG(nulls_tested, struct task_struct *task)
{
	struct task_struct *found = bpf_task_from_pid(1);
	int pid;

	if (!found)
		return 0;
	pid = found->pid;
	bpf_task_release(found);
	return pid == 7;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(nulls_read, struct task_struct *task)
{
	struct task_struct *found = bpf_task_from_pid(1);
	int pid = found->pid;

	bpf_task_release(found);
	return pid == 7;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(nulls_passed_on, struct task_struct *task)
{
	bpf_task_release(bpf_task_from_pid(1));
	return 0;
}

/* On all three kernels. */
SEC("lsm.s/bpf")
int BPF_PROG(nulls_key_passed_on, int cmd, union bpf_attr *attr, unsigned int size)
{
	bpf_key_put(bpf_lookup_user_key(1, 0));
	return 0;
}

SEC("lsm.s/bpf")
int BPF_PROG(nulls_key_tested, int cmd, union bpf_attr *attr, unsigned int size)
{
	struct bpf_key *key = bpf_lookup_system_key(0);

	if (!key)
		return 0;
	bpf_key_put(key);
	return 0;
}

/* Tested on one way, used on both. */
SEC("lsm.s/bpf")
int BPF_PROG(nulls_key_half, int cmd, union bpf_attr *attr, unsigned int size)
{
	struct bpf_key *key = bpf_lookup_user_key(1, 0);

	if (cmd > 3 && !key)
		return 0;
	bpf_key_put(key);
	return 0;
}
