// SPDX-License-Identifier: GPL-2.0-only
/*
 * References that programs hold for long while they run: one sleeps, one is busy. And one that a
 * program parks that may sleep.
 */
#include "refs.bpf.h"

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(hold_asleep, bpf_task_from_pid)						\
	cannot(hold_asleep, bpf_task_release)							\
	may_fail(hold_busy, bpf_task_from_pid)							\
	cannot(hold_busy, bpf_task_release)							\
	may_fail(park_asleep, bpf_task_from_pid)						\
	cannot(park_asleep, bpf_task_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) KERNEL_ACQUIRE };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT)[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire) };

struct slot {
	struct task_struct owned *task;
};

SLOTS(slept_tasks, struct slot, 64);

/* The page at user_address is not there until user space wants it to be: so long this sleeps. */
SEC("syscall")
int hold_asleep(void *context)
{
	struct task_struct *task;
	u64 word;

	task = count_task_from_pid(ROW(hold_asleep, bpf_task_from_pid), KERNEL_ACQUIRE, step.pid);
	if (!task)
		return 0;
	bpf_copy_from_user(&word, sizeof(word), (void *)step.user_address);
	VOID(hold_asleep, bpf_task_release, task);
	step.left = 1;
	return 0;
}

static int is_over(u64 i, void *context)
{
	return bpf_ktime_get_ns() >= step.until_ns;
}

SEC("syscall")
int hold_busy(void *context)
{
	struct task_struct *task;

	task = count_task_from_pid(ROW(hold_busy, bpf_task_from_pid), KERNEL_ACQUIRE, step.pid);
	if (!task)
		return 0;
	bpf_loop(1 << 23, is_over, NULL, 0);
	VOID(hold_busy, bpf_task_release, task);
	step_done();
	return 0;
}

SEC("syscall")
int park_asleep(void *context)
{
	struct task_struct *task;
	u64 word;

	task = count_task_from_pid(ROW(park_asleep, bpf_task_from_pid), KERNEL_ACQUIRE, step.pid);
	if (!task)
		return 0;
	bpf_copy_from_user(&word, sizeof(word), (void *)step.user_address);
	task = park(slept_tasks, offsetof(struct slot, task), task);
	if (task)
		VOID(park_asleep, bpf_task_release, task);
	else
		step_done();
	return 0;
}
