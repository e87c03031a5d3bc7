// SPDX-License-Identifier: GPL-2.0-only
/* Weak kfuncs, guarded in all ways and in none. */
#include "check.bpf.h"

#ifndef KERNEL_VERSION
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
#endif

extern int LINUX_KERNEL_VERSION __kconfig;

struct bpf_cpumask {
	int unused;
};

const volatile bool no = false;
const volatile bool yes = true;
const volatile struct {
	int first;
	u64 wanted;
} settings = { 1, 0x100000000 };

static __always_inline int find(u32 pid)
{
	struct task_struct *found = bpf_task_from_pid(pid);

	if (found)
		bpf_task_release(found);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_guarded, struct task_struct *task)
{
	if (bpf_ksym_exists(bpf_task_from_pid))
		return find(1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_unguarded, struct task_struct *task)
{
	return find(1);
}

/* Guarded once, and once not. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_forgotten, struct task_struct *task)
{
	if (bpf_ksym_exists(bpf_task_from_pid))
		find(1);
	if (task->pid == 1)
		find(2);
	return 0;
}

/* Behind a test of another one. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_by_another, struct task_struct *task)
{
	if (bpf_ksym_exists(bpf_task_acquire))
		return find(1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_constant_no, struct task_struct *task)
{
	return no ? find(1) : 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_constant_yes, struct task_struct *task)
{
	return yes ? find(1) : 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_constant_wide, struct task_struct *task)
{
	return settings.wanted == 0x200000000 ? find(1) : 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_by_version, struct task_struct *task)
{
	if (LINUX_KERNEL_VERSION >= KERNEL_VERSION(6, 12, 0))
		return find(1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_by_wrong_version, struct task_struct *task)
{
	if (LINUX_KERNEL_VERSION >= KERNEL_VERSION(6, 1, 0))
		return find(1);
	return 0;
}

/* What the kernel's BTF says cannot be told without it. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_by_type, struct task_struct *task)
{
	if (bpf_core_type_exists(struct bpf_cpumask))
		return find(1);
	return 0;
}

/* The same, remembered before it is tested. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_by_type_late, struct task_struct *task)
{
	volatile bool has = bpf_core_type_exists(struct bpf_cpumask);

	if (has)
		find(1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_address_only, struct task_struct *task)
{
	return bpf_ksym_exists(bpf_task_from_pid) ? 0 : task->pid;
}

static __noinline int has_task_from_pid(void)
{
	return bpf_ksym_exists(bpf_task_from_pid);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_by_function, struct task_struct *task)
{
	return has_task_from_pid() ? find(1) : 0;
}

/* Test and call far apart, with calls and loops between them. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(weak_far, struct task_struct *task)
{
	bool has = bpf_ksym_exists(bpf_task_from_pid);
	u64 sum = 0;

	for (int i = 0; i < 10; i++)
		sum += bpf_get_prandom_u32() & i;
	if (sum > 12)
		return 0;
	return has ? find(1) : 0;
}

/* 6.1 has it, and takes no address of a kfunc; 7.x has it not. */
SEC("iter.s/cgroup")
int weak_old(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cgroup = ctx->cgroup;

	if (!cgroup)
		return 0;
	if (bpf_ksym_exists(cgroup_rstat_flush))
		cgroup_rstat_flush(cgroup);
	return 0;
}

SEC("iter.s/cgroup")
int weak_either(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cgroup = ctx->cgroup;

	if (!cgroup)
		return 0;
	if (LINUX_KERNEL_VERSION < KERNEL_VERSION(6, 16, 0))
		cgroup_rstat_flush(cgroup);
	else
		css_rstat_flush(&cgroup->self);
	return 0;
}

/* The optional one does not count, and does not load where it cannot. */
SEC("?tp_btf/sched_process_exit")
int BPF_PROG(weak_optional, struct task_struct *task)
{
	return find(1);
}
