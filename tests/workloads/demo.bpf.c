// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a host might run: one program looks at tasks that exit, the other picks CPUs for new tasks.
 */
#include "calls.bpf.h"

enum {
	WATCH_ACQUIRE,
	WATCH_RELEASE,
	WATCH_FROM_PID,
	WATCH_FROM_ID,
	WATCH_UNDER,
	WATCH_CGROUP_RELEASE,
	KERNEL_ACQUIRE,
	PICK_CREATE,
	PICK_SET,
	PICK_INTERSECTS,
	PICK_DISTRIBUTE,
	PICK_RELEASE,
};

TRUTH = {
	[WATCH_ACQUIRE] = CALLS_OR_NULL(bpf_task_acquire, demo_task_watch),
	[WATCH_RELEASE] = CALLS(bpf_task_release, demo_task_watch),
	[WATCH_FROM_PID] = CALLS_OR_NULL(bpf_task_from_pid, demo_task_watch),
	[WATCH_FROM_ID] = CALLS_OR_NULL(bpf_cgroup_from_id, demo_task_watch),
	[WATCH_UNDER] = CALLS(bpf_task_under_cgroup, demo_task_watch),
	[WATCH_CGROUP_RELEASE] = CALLS(bpf_cgroup_release, demo_task_watch),
	[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire),
	[PICK_CREATE] = CALLS_OR_NULL(bpf_cpumask_create, demo_cpu_picker),
	[PICK_SET] = CALLS(bpf_cpumask_set_cpu, demo_cpu_picker),
	[PICK_INTERSECTS] = CALLS(bpf_cpumask_intersects, demo_cpu_picker),
	[PICK_DISTRIBUTE] = CALLS(bpf_cpumask_any_and_distribute, demo_cpu_picker),
	[PICK_RELEASE] = CALLS(bpf_cpumask_release, demo_cpu_picker),
};

__u64 exits_in_root;

static __always_inline void look_for(s32 pid)
{
	struct task_struct *task;

	task = count_task_from_pid(WATCH_FROM_PID, KERNEL_ACQUIRE, pid);
	if (task) {
		bpf_task_release(task);
		count_call(WATCH_RELEASE);
	}
}

/* Are its parent and its tracer there? Pid 0, if it has none, is nobody's. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(demo_task_watch, struct task_struct *exiting)
{
	struct task_struct *task;
	struct cgroup *root;

	task = count_result(WATCH_ACQUIRE, bpf_task_acquire(exiting));
	if (!task)
		return 0;
	root = count_result(WATCH_FROM_ID, bpf_cgroup_from_id(ROOT_CGROUP));
	if (root) {
		if (bpf_task_under_cgroup(task, root) == 1)
			__sync_fetch_and_add(&exits_in_root, 1);
		count_call(WATCH_UNDER);
		bpf_cgroup_release(root);
		count_call(WATCH_CGROUP_RELEASE);
	}
	look_for(task->real_parent->pid);
	if (task->pid % 4 == 0)
		look_for(task->ptrace ? task->parent->pid : 0);
	bpf_task_release(task);
	count_call(WATCH_RELEASE);
	return 0;
}

__u64 picks[16];

/* Picks one of the first CPUs that the new task may run on. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(demo_cpu_picker, struct task_struct *parent, struct task_struct *child)
{
	struct bpf_cpumask *first;
	u32 i, cpu;

	first = count_result(PICK_CREATE, bpf_cpumask_create());
	if (!first)
		return 0;
#pragma unroll
	for (i = 0; i < 4; i++) {
		bpf_cpumask_set_cpu(i, first);
		count_call(PICK_SET);
	}
	count_call(PICK_INTERSECTS);
	if (bpf_cpumask_intersects(&first->cpumask, child->cpus_ptr)) {
		cpu = bpf_cpumask_any_and_distribute(&first->cpumask, child->cpus_ptr);
		count_call(PICK_DISTRIBUTE);
		if (cpu < 16)
			__sync_fetch_and_add(&picks[cpu], 1);
	}
	bpf_cpumask_release(first);
	count_call(PICK_RELEASE);
	return 0;
}
