// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that are loaded, run and unloaded over and over. They differ in the number of calls and
 * in size, so that the memory of one becomes that of another with call sites at other offsets.
 */
#include "calls.bpf.h"

enum {
	ONE_FIND,
	ONE_RELEASE,
	TWO_FIND,
	TWO_RELEASE,
	THREE_FIND,
	THREE_RELEASE,
	FIVE_FIND,
	FIVE_RELEASE,
	KERNEL_ACQUIRE,
	OLD_ONE_ACQUIRE,
	OLD_ONE_RELEASE,
	OLD_TWO_ACQUIRE,
	OLD_TWO_RELEASE,
	OLD_THREE_ACQUIRE,
	OLD_THREE_RELEASE,
	OLD_FIVE_ACQUIRE,
	OLD_FIVE_RELEASE,
};

TRUTH = {
	[ONE_FIND] = CALLS_OR_NULL(bpf_task_from_pid, find_one),
	[ONE_RELEASE] = CALLS(bpf_task_release, find_one),
	[TWO_FIND] = CALLS_OR_NULL(bpf_task_from_pid, find_two),
	[TWO_RELEASE] = CALLS(bpf_task_release, find_two),
	[THREE_FIND] = CALLS_OR_NULL(bpf_task_from_pid, find_three),
	[THREE_RELEASE] = CALLS(bpf_task_release, find_three),
	[FIVE_FIND] = CALLS_OR_NULL(bpf_task_from_pid, find_five),
	[FIVE_RELEASE] = CALLS(bpf_task_release, find_five),
	[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire),
	[OLD_ONE_ACQUIRE] = CALLS_OR_NULL(bpf_kfunc_call_test_acquire, lend_one),
	[OLD_ONE_RELEASE] = CALLS(bpf_kfunc_call_test_release, lend_one),
	[OLD_TWO_ACQUIRE] = CALLS_OR_NULL(bpf_kfunc_call_test_acquire, lend_two),
	[OLD_TWO_RELEASE] = CALLS(bpf_kfunc_call_test_release, lend_two),
	[OLD_THREE_ACQUIRE] = CALLS_OR_NULL(bpf_kfunc_call_test_acquire, lend_three),
	[OLD_THREE_RELEASE] = CALLS(bpf_kfunc_call_test_release, lend_three),
	[OLD_FIVE_ACQUIRE] = CALLS_OR_NULL(bpf_kfunc_call_test_acquire, lend_five),
	[OLD_FIVE_RELEASE] = CALLS(bpf_kfunc_call_test_release, lend_five),
};

#define FINDER(name, times, FIND, RELEASE)                                                         \
	SEC("tc")                                                                                  \
	int name(struct __sk_buff *skb)                                                            \
	{                                                                                          \
		struct task_struct *task;                                                          \
		int i;                                                                             \
                                                                                                   \
		_Pragma("unroll") for (i = 0; i < times; i++)                                      \
		{                                                                                  \
			task = count_task_from_pid(FIND, KERNEL_ACQUIRE,                           \
						   i == 1 ? NO_PID : INIT_PID);                    \
			if (task) {                                                                \
				bpf_task_release(task);                                            \
				count_call(RELEASE);                                               \
			}                                                                          \
		}                                                                                  \
		return 0;                                                                          \
	}

FINDER(find_one, 1, ONE_FIND, ONE_RELEASE)
FINDER(find_two, 2, TWO_FIND, TWO_RELEASE)
FINDER(find_three, 3, THREE_FIND, THREE_RELEASE)
FINDER(find_five, 5, FIVE_FIND, FIVE_RELEASE)

#define LENDER(name, times, ACQUIRE, RELEASE)                                                      \
	SEC("tc")                                                                                  \
	int name(struct __sk_buff *skb)                                                            \
	{                                                                                          \
		struct prog_test_ref_kfunc *object;                                                \
		unsigned long unused = 0;                                                          \
		int i;                                                                             \
                                                                                                   \
		_Pragma("unroll") for (i = 0; i < times; i++)                                      \
		{                                                                                  \
			object = count_result(ACQUIRE, bpf_kfunc_call_test_acquire(&unused));      \
			if (object) {                                                              \
				bpf_kfunc_call_test_release(object);                               \
				count_call(RELEASE);                                               \
			}                                                                          \
		}                                                                                  \
		return 0;                                                                          \
	}

LENDER(lend_one, 1, OLD_ONE_ACQUIRE, OLD_ONE_RELEASE)
LENDER(lend_two, 2, OLD_TWO_ACQUIRE, OLD_TWO_RELEASE)
LENDER(lend_three, 3, OLD_THREE_ACQUIRE, OLD_THREE_RELEASE)
LENDER(lend_five, 5, OLD_FIVE_ACQUIRE, OLD_FIVE_RELEASE)
