// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two programs that call the same kfuncs in tight loops. They are system call programs, because
 * those can be preempted at any instruction.
 */
#include "calls.bpf.h"

enum {
	LEFT_FROM_PID,
	LEFT_RELEASE,
	RIGHT_FROM_PID,
	RIGHT_RELEASE,
	KERNEL_ACQUIRE,
	OLD_LEFT_ACQUIRE,
	OLD_LEFT_RELEASE,
	OLD_RIGHT_ACQUIRE,
	OLD_RIGHT_RELEASE,
};

TRUTH = {
	[LEFT_FROM_PID] = CALLS_OR_NULL(bpf_task_from_pid, find_left),
	[LEFT_RELEASE] = CALLS(bpf_task_release, find_left),
	[RIGHT_FROM_PID] = CALLS_OR_NULL(bpf_task_from_pid, find_right),
	[RIGHT_RELEASE] = CALLS(bpf_task_release, find_right),
	[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire),
	[OLD_LEFT_ACQUIRE] = CALLS_OR_NULL(bpf_kfunc_call_test_acquire, lend_left),
	[OLD_LEFT_RELEASE] = CALLS(bpf_kfunc_call_test_release, lend_left),
	[OLD_RIGHT_ACQUIRE] = CALLS_OR_NULL(bpf_kfunc_call_test_acquire, lend_right),
	[OLD_RIGHT_RELEASE] = CALLS(bpf_kfunc_call_test_release, lend_right),
};

#define ROUNDS 1000

#define FIND_LOOP(side, FROM_PID, RELEASE)                                                         \
	static long find_once_##side(u32 round, void *unused)                                      \
	{                                                                                          \
		struct task_struct *task;                                                          \
                                                                                                   \
		task = count_task_from_pid(FROM_PID, KERNEL_ACQUIRE,                               \
					   round % 4 ? INIT_PID : NO_PID);                         \
		if (task) {                                                                        \
			bpf_task_release(task);                                                    \
			count_call(RELEASE);                                                       \
		}                                                                                  \
		return 0;                                                                          \
	}                                                                                          \
                                                                                                   \
	SEC("syscall")                                                                             \
	int find_##side(void *context)                                                             \
	{                                                                                          \
		bpf_loop(ROUNDS, find_once_##side, NULL, 0);                                       \
		return 0;                                                                          \
	}

FIND_LOOP(left, LEFT_FROM_PID, LEFT_RELEASE)
FIND_LOOP(right, RIGHT_FROM_PID, RIGHT_RELEASE)

#define LEND_LOOP(side, ACQUIRE, RELEASE)                                                          \
	static long lend_once_##side(u32 round, void *unused)                                      \
	{                                                                                          \
		struct prog_test_ref_kfunc *object;                                                \
		unsigned long number = round;                                                      \
                                                                                                   \
		object = count_result(ACQUIRE, bpf_kfunc_call_test_acquire(&number));              \
		if (object) {                                                                      \
			bpf_kfunc_call_test_release(object);                                       \
			count_call(RELEASE);                                                       \
		}                                                                                  \
		return 0;                                                                          \
	}                                                                                          \
                                                                                                   \
	SEC("syscall")                                                                             \
	int lend_##side(void *context)                                                             \
	{                                                                                          \
		bpf_loop(ROUNDS, lend_once_##side, NULL, 0);                                       \
		return 0;                                                                          \
	}

LEND_LOOP(left, OLD_LEFT_ACQUIRE, OLD_LEFT_RELEASE)
LEND_LOOP(right, OLD_RIGHT_ACQUIRE, OLD_RIGHT_RELEASE)
