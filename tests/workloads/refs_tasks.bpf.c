// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to tasks that are released by the program that acquired them.
 */
#include "refs.bpf.h"

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(pair_found, bpf_task_from_pid)							\
	may_fail(pair_found, bpf_task_acquire)							\
	cannot(pair_found, bpf_task_release)							\
	may_fail(pair_current, bpf_task_acquire)						\
	cannot(pair_current, bpf_task_release)							\
	may_fail(miss_pid, bpf_task_from_pid)							\
	cannot(miss_pid, bpf_task_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) KERNEL_ACQUIRE };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT)[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire) };

SEC("syscall")
int pair_found(void *context)
{
	struct task_struct *task, *again;

	task = count_task_from_pid(ROW(pair_found, bpf_task_from_pid), KERNEL_ACQUIRE, INIT_PID);
	if (!task)
		return 0;
	again = RESULT(pair_found, bpf_task_acquire, task);
	if (again)
		VOID(pair_found, bpf_task_release, again);
	VOID(pair_found, bpf_task_release, task);
	return 0;
}

SEC("syscall")
int pair_current(void *context)
{
	struct task_struct *task;

	task = RESULT(pair_current, bpf_task_acquire,
		      (struct task_struct *)bpf_get_current_task_btf());
	if (task)
		VOID(pair_current, bpf_task_release, task);
	return 0;
}

SEC("syscall")
int miss_pid(void *context)
{
	struct task_struct *task;

	task = count_task_from_pid(ROW(miss_pid, bpf_task_from_pid), KERNEL_ACQUIRE, NO_PID);
	if (task)
		VOID(miss_pid, bpf_task_release, task);
	return 0;
}
