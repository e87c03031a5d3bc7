// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that calls one kfunc from sixty places. Place n is reached by every (n + 1)th run, so
 * that each has a count of its own. Five share a line.
 */
#include "calls.bpf.h"

#define SITES 60

enum {
	FIND_SITE,
	RELEASE = FIND_SITE + SITES,
	KERNEL_ACQUIRE,
	LEND_SITE,
	OLD_RELEASE = LEND_SITE + SITES,
};

TRUTH = {
	[FIND_SITE... FIND_SITE + SITES - 1] =
		SITE_OR_NULL(bpf_task_from_pid, find_everywhere, find_everywhere),
	[RELEASE] = CALLS(bpf_task_release, find_everywhere),
	[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire),
	[LEND_SITE... LEND_SITE + SITES - 1] =
		SITE_OR_NULL(bpf_kfunc_call_test_acquire, lend_everywhere, lend_everywhere),
	[OLD_RELEASE] = CALLS(bpf_kfunc_call_test_release, lend_everywhere),
};

__u64 runs;

#define FIVE(step, n) step(n) step(n + 1) step(n + 2) step(n + 3) step(n + 4)

#define FIND(n)                                                                                    \
	if (run % ((n) + 1) == 0) {                                                                \
		task = count_task_from_pid_at(FIND_SITE + (n), KERNEL_ACQUIRE,                     \
					      (n) % 3 ? INIT_PID : NO_PID);                        \
		if (task) {                                                                        \
			bpf_task_release(task);                                                    \
			count_call(RELEASE);                                                       \
		}                                                                                  \
	}

SEC("tc")
int find_everywhere(struct __sk_buff *skb)
{
	u64 run = __sync_fetch_and_add(&runs, 1);
	struct task_struct *task;

	FIVE(FIND, 0)
	FIVE(FIND, 5)
	FIVE(FIND, 10)
	FIVE(FIND, 15)
	FIVE(FIND, 20)
	FIVE(FIND, 25)
	FIVE(FIND, 30)
	FIVE(FIND, 35)
	FIVE(FIND, 40)
	FIVE(FIND, 45)
	FIVE(FIND, 50)
	FIVE(FIND, 55)
	return 0;
}

#define LEND(n)                                                                                    \
	if (run % ((n) + 1) == 0) {                                                                \
		object = count_result_at(LEND_SITE + (n), bpf_kfunc_call_test_acquire(&unused));   \
		if (object) {                                                                      \
			bpf_kfunc_call_test_release(object);                                       \
			count_call(OLD_RELEASE);                                                   \
		}                                                                                  \
	}

SEC("tc")
int lend_everywhere(struct __sk_buff *skb)
{
	u64 run = __sync_fetch_and_add(&runs, 1);
	struct prog_test_ref_kfunc *object;
	unsigned long unused = 0;

	FIVE(LEND, 0)
	FIVE(LEND, 5)
	FIVE(LEND, 10)
	FIVE(LEND, 15)
	FIVE(LEND, 20)
	FIVE(LEND, 25)
	FIVE(LEND, 30)
	FIVE(LEND, 35)
	FIVE(LEND, 40)
	FIVE(LEND, 45)
	FIVE(LEND, 50)
	FIVE(LEND, 55)
	return 0;
}
