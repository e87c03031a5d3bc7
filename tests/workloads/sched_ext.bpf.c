// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least of a scheduler: a task goes to the one queue that all CPUs share, by a kfunc that
 * the kernel is about to remove.
 */
#include "calls.bpf.h"

void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __kfunc;

enum { ENQUEUE_INSERT };

TRUTH = { [ENQUEUE_INSERT] = CALLS(scx_bpf_dsq_insert, enqueue_shared) };

/* SCX_DSQ_GLOBAL, SCX_SLICE_DFL, SCX_OPS_SWITCH_PARTIAL */
#define SHARED_QUEUE	  (1ULL << 63 | 1)
#define SLICE_NS	  20000000
#define ONLY_WHO_ASKS_FOR (1ULL << 3)

struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	u64 flags;
	char name[128];
};

/* Without this one the kernel itself puts tasks to CPUs that are idle, and asks nobody. */
SEC("struct_ops/select_cpu")
s32 BPF_PROG(stay_there, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return prev_cpu;
}

SEC("struct_ops/enqueue")
void BPF_PROG(enqueue_shared, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED_QUEUE, SLICE_NS, enq_flags);
	count_call(ENQUEUE_INSERT);
}

SEC(".struct_ops")
struct sched_ext_ops shared_queue = {
	.select_cpu = (void *)stay_there,
	.enqueue = (void *)enqueue_shared,
	.flags = ONLY_WHO_ASKS_FOR,
	.name = "shared_queue",
};
