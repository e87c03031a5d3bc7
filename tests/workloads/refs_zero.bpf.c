// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects whose count is zero already, and kfuncs that return NULL for other reasons.
 *
 * While a reference is parked the count cannot be zero. So the last reference, which is a map's, is
 * released in an RCU section in which the pointer was read before: the object is there until the
 * section ends, and cannot be acquired any more.
 */
#include "refs.bpf.h"

struct cgroup *bpf_cgroup_acquire(struct cgroup *cgrp) __kfunc;
struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgrp, int level) __kfunc;

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(park_victim, bpf_task_from_pid)						\
	cannot(park_victim, bpf_task_release)							\
	cannot(zero_task, bpf_rcu_read_lock)							\
	may_fail(zero_task, bpf_task_acquire)							\
	cannot(zero_task, bpf_task_release)							\
	cannot(zero_task, bpf_rcu_read_unlock)							\
	cannot(zero_flood, bpf_rcu_read_lock)							\
	may_fail(zero_flood, bpf_task_acquire)							\
	cannot(zero_flood, bpf_task_release)							\
	cannot(zero_flood, bpf_rcu_read_unlock)							\
	may_fail(park_cgroup, bpf_cgroup_from_id)						\
	cannot(park_cgroup, bpf_cgroup_release)							\
	cannot(zero_cgroup, bpf_rcu_read_lock)							\
	may_fail(zero_cgroup, bpf_cgroup_acquire)						\
	cannot(zero_cgroup, bpf_cgroup_release)							\
	cannot(zero_cgroup, bpf_rcu_read_unlock)						\
	may_fail(no_such_pid, bpf_task_from_pid)						\
	cannot(no_such_pid, bpf_task_release)							\
	may_fail(no_ancestor, bpf_cgroup_from_id)						\
	may_fail(no_ancestor, bpf_cgroup_ancestor)						\
	cannot(no_ancestor, bpf_cgroup_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) KERNEL_ACQUIRE };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT)[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire) };

struct task_slot {
	struct task_struct owned *task;
};

struct cgroup_slot {
	struct cgroup owned *cgroup;
};

SLOTS(victims, struct task_slot, 256);
SLOTS(victim_cgroups, struct cgroup_slot, 256);

SEC("syscall")
int park_victim(void *context)
{
	struct task_struct *task;

	task = count_task_from_pid(ROW(park_victim, bpf_task_from_pid), KERNEL_ACQUIRE, step.pid);
	if (!task)
		return 0;
	step.address = (u64)task;
	task = park(victims, offsetof(struct task_slot, task), task);
	if (task)
		VOID(park_victim, bpf_task_release, task);
	else
		step_done();
	return 0;
}

SEC("syscall")
int zero_task(void *context)
{
	struct task_struct *dead, *parked;
	struct task_slot *slot;
	u32 key = step.key;

	slot = bpf_map_lookup_elem(&victims, &key);
	if (!slot)
		return 0;
	VOID(zero_task, bpf_rcu_read_lock);
	dead = slot->task;
	if (dead) {
		parked = bpf_kptr_xchg(&slot->task, NULL);
		if (parked)
			VOID(zero_task, bpf_task_release, parked);
		dead = RESULT(zero_task, bpf_task_acquire, dead);
		if (dead)
			VOID(zero_task, bpf_task_release, dead);
		else
			step_done();
	}
	VOID(zero_task, bpf_rcu_read_unlock);
	return 0;
}

struct flood {
	struct task_struct *dead;
	u64 nulls;
};

static int acquire_dead(u64 i, struct flood *flood)
{
	struct task_struct *task;

	task = RESULT(zero_flood, bpf_task_acquire, flood->dead);
	if (task)
		VOID(zero_flood, bpf_task_release, task);
	else
		flood->nulls++;
	return 0;
}

SEC("syscall")
int zero_flood(void *context)
{
	struct task_struct *dead, *parked;
	struct flood flood = {};
	struct task_slot *slot;
	u32 key = step.key;

	slot = bpf_map_lookup_elem(&victims, &key);
	if (!slot)
		return 0;
	VOID(zero_flood, bpf_rcu_read_lock);
	dead = slot->task;
	if (dead) {
		parked = bpf_kptr_xchg(&slot->task, NULL);
		if (parked)
			VOID(zero_flood, bpf_task_release, parked);
		flood.dead = dead;
		bpf_loop(step.n, acquire_dead, &flood, 0);
		if (flood.nulls == step.n)
			step_done();
	}
	VOID(zero_flood, bpf_rcu_read_unlock);
	return 0;
}

SEC("syscall")
int park_cgroup(void *context)
{
	struct cgroup *cgroup;

	cgroup = RESULT(park_cgroup, bpf_cgroup_from_id, step.cgroup_id);
	if (!cgroup)
		return 0;
	step.address = (u64)cgroup;
	cgroup = park(victim_cgroups, offsetof(struct cgroup_slot, cgroup), cgroup);
	if (cgroup)
		VOID(park_cgroup, bpf_cgroup_release, cgroup);
	else
		step_done();
	return 0;
}

SEC("syscall")
int zero_cgroup(void *context)
{
	struct cgroup *dead, *parked;
	struct cgroup_slot *slot;
	u32 key = step.key;

	slot = bpf_map_lookup_elem(&victim_cgroups, &key);
	if (!slot)
		return 0;
	VOID(zero_cgroup, bpf_rcu_read_lock);
	dead = slot->cgroup;
	if (dead) {
		parked = bpf_kptr_xchg(&slot->cgroup, NULL);
		if (parked)
			VOID(zero_cgroup, bpf_cgroup_release, parked);
		dead = RESULT(zero_cgroup, bpf_cgroup_acquire, dead);
		if (dead)
			VOID(zero_cgroup, bpf_cgroup_release, dead);
		else
			step_done();
	}
	VOID(zero_cgroup, bpf_rcu_read_unlock);
	return 0;
}

SEC("syscall")
int no_such_pid(void *context)
{
	struct task_struct *task;

	task = count_task_from_pid(ROW(no_such_pid, bpf_task_from_pid), KERNEL_ACQUIRE, NO_PID);
	if (task)
		VOID(no_such_pid, bpf_task_release, task);
	else
		step_done();
	return 0;
}

SEC("syscall")
int no_ancestor(void *context)
{
	struct cgroup *root, *ancestor;

	root = RESULT(no_ancestor, bpf_cgroup_from_id, ROOT_CGROUP);
	if (!root)
		return 0;
	ancestor = RESULT(no_ancestor, bpf_cgroup_ancestor, root, 3);
	if (ancestor)
		VOID(no_ancestor, bpf_cgroup_release, ancestor);
	else
		step_done();
	VOID(no_ancestor, bpf_cgroup_release, root);
	return 0;
}

SEC("syscall")
int read_task(void *context)
{
	struct task_struct *task = (void *)step.address;

	step.value = BPF_CORE_READ(task, rcu_users.refs.counter);
	step_done();
	return 0;
}

/* It is a count only when the cgroup has been removed. */
SEC("syscall")
int read_cgroup(void *context)
{
	struct cgroup *cgroup = (void *)step.address;

	step.value = BPF_CORE_READ(cgroup, self.refcnt.data, count.counter);
	step_done();
	return 0;
}
