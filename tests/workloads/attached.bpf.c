// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that call kfuncs, one for each way to attach one (attach_all.c). Those whose name begins
 * with old_ are for 6.1, those with own_ for every kernel, the rest for newer ones.
 */
#include "calls.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sock {
	int dummy;
};

struct sk_buff {
	unsigned int len;
};

#pragma clang attribute pop

/* libbpf looks members up by name, and wants no others than the kernel has. */
struct tcp_congestion_ops {
	u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, u32 ack, u32 acked);
	u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};

void *bpf_cast_to_kern_ctx(void *context) __kfunc;
u32 tcp_reno_ssthresh(struct sock *sk) __kfunc;
void tcp_reno_cong_avoid(struct sock *sk, u32 ack, u32 acked) __kfunc;
u32 tcp_reno_undo_cwnd(struct sock *sk) __kfunc;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u32);
} tail_calls SEC(".maps");

static void ask(void)
{
	struct task_struct *task = bpf_task_from_pid(INIT_PID);

	if (task)
		bpf_task_release(task);
}

SEC("tc")
int ask_filter(struct __sk_buff *skb)
{
	/* The verifier makes one instruction of this call. */
	struct sk_buff *inside = bpf_cast_to_kern_ctx(skb);

	ask();
	return inside->len == 1;
}

SEC("tc")
int old_filter(struct __sk_buff *skb)
{
	struct prog_test_ref_kfunc *object;
	unsigned long unused = 0;

	object = bpf_kfunc_call_test_acquire(&unused);
	if (object)
		bpf_kfunc_call_test_release(object);
	return 0;
}

/* The one that calls the others keeps the map alive. */
SEC("tc")
int own_caller(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &tail_calls, 0);
	return 0;
}

SEC("xdp")
int ask_xdp(struct xdp_md *packet)
{
	ask();
	return XDP_PASS;
}

SEC("cgroup_skb/egress")
int ask_cgroup(struct __sk_buff *skb)
{
	ask();
	return 1;
}

SEC("cgroup_skb/ingress")
int ask_cgroup_by_link(struct __sk_buff *skb)
{
	ask();
	return 1;
}

SEC("tp_btf/sched_process_exec")
int ask_exec(void *context)
{
	ask();
	return 0;
}

SEC("fentry/bpf_fentry_test1")
int ask_entry(void *context)
{
	ask();
	return 0;
}

SEC("tracepoint/sched/sched_process_fork")
int ask_tracepoint(void *context)
{
	ask();
	return 0;
}

SEC("struct_ops/own_ssthresh")
u32 BPF_PROG(own_ssthresh, struct sock *sk)
{
	return tcp_reno_ssthresh(sk);
}

SEC("struct_ops/own_cong_avoid")
void BPF_PROG(own_cong_avoid, struct sock *sk, u32 ack, u32 acked)
{
	tcp_reno_cong_avoid(sk, ack, acked);
}

SEC("struct_ops/own_undo_cwnd")
u32 BPF_PROG(own_undo_cwnd, struct sock *sk)
{
	return tcp_reno_undo_cwnd(sk);
}

SEC(".struct_ops")
struct tcp_congestion_ops own_tcp = {
	.ssthresh = (void *)own_ssthresh,
	.cong_avoid = (void *)own_cong_avoid,
	.undo_cwnd = (void *)own_undo_cwnd,
	.name = "own_tcp",
};
