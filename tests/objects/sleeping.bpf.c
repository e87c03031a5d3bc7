// SPDX-License-Identifier: GPL-2.0-only
/* A kfunc that may sleep, called from programs that may and may not. */
#include "check.bpf.h"

static __always_inline int look(u32 serial)
{
	struct bpf_key *key = bpf_lookup_user_key(serial, 0);

	if (key)
		bpf_key_put(key);
	return 0;
}

SEC("lsm.s/bpf")
int BPF_PROG(sleeping_may, int cmd, union bpf_attr *attr, unsigned int size)
{
	return look(1);
}

SEC("lsm/bpf")
int BPF_PROG(sleeping_may_not, int cmd, union bpf_attr *attr, unsigned int size)
{
	return look(1);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sleeping_tp, struct task_struct *task)
{
	return look(1);
}

static long callback(u32 index, void *context)
{
	return look(index);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sleeping_callback, struct task_struct *task)
{
	bpf_loop(2, callback, NULL, 0);
	return 0;
}
