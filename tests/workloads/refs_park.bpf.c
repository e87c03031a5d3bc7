// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to tasks that stay in maps.
 */
#include "refs.bpf.h"

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(park_found, bpf_task_from_pid)							\
	cannot(park_found, bpf_task_release)							\
	may_fail(park_acquired, bpf_task_from_pid)						\
	may_fail(park_acquired, bpf_task_acquire)						\
	cannot(park_acquired, bpf_task_release)							\
	may_fail(park_doomed, bpf_task_from_pid)						\
	cannot(park_doomed, bpf_task_release)							\
	cannot(drop_task, bpf_task_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) KERNEL_ACQUIRE };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT)[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire) };

struct slot {
	struct task_struct owned *task;
};

SLOTS(parked_tasks, struct slot, 256);
SLOTS(doomed_tasks, struct slot, 256);

SEC("syscall")
int park_found(void *context)
{
	struct task_struct *task;

	task = count_task_from_pid(ROW(park_found, bpf_task_from_pid), KERNEL_ACQUIRE, step.pid);
	if (!task)
		return 0;
	step.address = (u64)task;
	task = park(parked_tasks, offsetof(struct slot, task), task);
	if (task)
		VOID(park_found, bpf_task_release, task);
	else
		step_done();
	return 0;
}

/* What is parked was acquired by bpf_task_acquire(). */
SEC("syscall")
int park_acquired(void *context)
{
	struct task_struct *task, *found;

	found = count_task_from_pid(ROW(park_acquired, bpf_task_from_pid), KERNEL_ACQUIRE,
				    step.pid);
	if (!found)
		return 0;
	step.address = (u64)found;
	task = RESULT(park_acquired, bpf_task_acquire, found);
	VOID(park_acquired, bpf_task_release, found);
	if (!task)
		return 0;
	task = park(parked_tasks, offsetof(struct slot, task), task);
	if (task)
		VOID(park_acquired, bpf_task_release, task);
	else
		step_done();
	return 0;
}

SEC("syscall")
int park_doomed(void *context)
{
	struct task_struct *task;

	task = count_task_from_pid(ROW(park_doomed, bpf_task_from_pid), KERNEL_ACQUIRE, step.pid);
	if (!task)
		return 0;
	step.address = (u64)task;
	task = park(doomed_tasks, offsetof(struct slot, task), task);
	if (task)
		VOID(park_doomed, bpf_task_release, task);
	else
		step_done();
	return 0;
}

SEC("syscall")
int drop_task(void *context)
{
	struct task_struct *task;

	task = park(parked_tasks, offsetof(struct slot, task), (struct task_struct *)NULL);
	if (task) {
		VOID(drop_task, bpf_task_release, task);
		step_done();
	}
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
