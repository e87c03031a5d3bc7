// SPDX-License-Identifier: GPL-2.0-only
/* Declared differently, but in nothing that libbpf or the verifier look at. */
#define bpf_task_from_pid   check_task_from_pid
#define bpf_lookup_user_key check_lookup_user_key
#include "check.bpf.h"
#undef bpf_task_from_pid
#undef bpf_lookup_user_key

struct task_struct___mine {
	int pid;
};

typedef const struct task_struct___mine *mine;

mine bpf_task_from_pid(u64 pid) __kfunc;
struct bpf_key *bpf_lookup_user_key(u64 serial, u32 flags) __ksym;

SEC("lsm.s/bpf")
int BPF_PROG(prototype_close, int cmd, union bpf_attr *attr, unsigned int size)
{
	struct bpf_key *key = bpf_lookup_user_key(1, 0);

	if (key)
		bpf_key_put(key);
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(prototype_close_weak, struct task_struct *task)
{
	struct task_struct *found = (void *)bpf_task_from_pid(1);

	if (found)
		bpf_task_release(found);
	return 0;
}
