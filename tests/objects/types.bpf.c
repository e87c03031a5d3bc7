// SPDX-License-Identifier: GPL-2.0-only
/* Kfuncs called from programs that may not, and from some that may. */
#include "check.bpf.h"

const volatile bool no = false;

static __always_inline int find(u32 pid)
{
	struct task_struct *found = bpf_task_from_pid(pid);

	if (found)
		bpf_task_release(found);
	return 0;
}

SEC("xdp")
int types_xdp(struct xdp_md *ctx)
{
	return find(1);
}

SEC("tc")
int types_tc(struct __sk_buff *skb)
{
	return find(1);
}

SEC("xdp")
int types_xdp_dead(struct xdp_md *ctx)
{
	return no ? find(1) : XDP_PASS;
}

/* There on 6.1 and 6.12, for tracing programs. */
SEC("xdp")
int types_xdp_rstat(struct xdp_md *ctx)
{
	cgroup_rstat_updated(NULL, 0);
	return XDP_PASS;
}

SEC("raw_tp/sched_process_exit")
int types_raw_tp(void *ctx)
{
	return find(1);
}

SEC("tp/sched/sched_process_exit")
int types_tp(void *ctx)
{
	return find(1);
}

SEC("kprobe/do_exit")
int types_kprobe(void *ctx)
{
	return find(1);
}

SEC("perf_event")
int types_perf_event(void *ctx)
{
	return find(1);
}

SEC("socket")
int types_socket(struct __sk_buff *skb)
{
	return find(1);
}

SEC("cgroup_skb/ingress")
int types_cgroup_skb(struct __sk_buff *skb)
{
	find(1);
	return 1;
}

SEC("syscall")
int types_syscall(void *ctx)
{
	return find(1);
}

SEC("lsm/file_open")
int BPF_PROG(types_lsm, struct file *file)
{
	return find(1);
}
