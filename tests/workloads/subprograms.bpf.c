// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program whose subprograms call the same kfunc, each a different number of times. Every call
 * stands on a line of its own, which the truth names.
 */
#include "calls.bpf.h"

enum {
	MAIN_FIND,
	MAIN_RELEASE,
	ONCE_FIND,
	ONCE_RELEASE,
	TWICE_FIND_1,
	TWICE_FIND_2,
	TWICE_RELEASE_1,
	TWICE_RELEASE_2,
	KERNEL_ACQUIRE,
	OLD_MAIN_ACQUIRE,
	OLD_MAIN_RELEASE,
	OLD_ONCE_ACQUIRE,
	OLD_ONCE_RELEASE,
	OLD_TWICE_ACQUIRE_1,
	OLD_TWICE_ACQUIRE_2,
	OLD_TWICE_RELEASE_1,
	OLD_TWICE_RELEASE_2,
};

TRUTH = {
	[MAIN_FIND] = SITE_OR_NULL(bpf_task_from_pid, find_in_parts, find_in_parts),
	[MAIN_RELEASE] = SITE(bpf_task_release, find_in_parts, find_in_parts),
	[ONCE_FIND] = SITE_OR_NULL(bpf_task_from_pid, find_in_parts, find_once),
	[ONCE_RELEASE] = SITE(bpf_task_release, find_in_parts, find_once),
	[TWICE_FIND_1] = SITE_OR_NULL(bpf_task_from_pid, find_in_parts, find_twice),
	[TWICE_FIND_2] = SITE_OR_NULL(bpf_task_from_pid, find_in_parts, find_twice),
	[TWICE_RELEASE_1] = SITE(bpf_task_release, find_in_parts, find_twice),
	[TWICE_RELEASE_2] = SITE(bpf_task_release, find_in_parts, find_twice),
	[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire),
	[OLD_MAIN_ACQUIRE] =
		SITE_OR_NULL(bpf_kfunc_call_test_acquire, lend_in_parts, lend_in_parts),
	[OLD_MAIN_RELEASE] = SITE(bpf_kfunc_call_test_release, lend_in_parts, lend_in_parts),
	[OLD_ONCE_ACQUIRE] = SITE_OR_NULL(bpf_kfunc_call_test_acquire, lend_in_parts, lend_once),
	[OLD_ONCE_RELEASE] = SITE(bpf_kfunc_call_test_release, lend_in_parts, lend_once),
	[OLD_TWICE_ACQUIRE_1] =
		SITE_OR_NULL(bpf_kfunc_call_test_acquire, lend_in_parts, lend_twice),
	[OLD_TWICE_ACQUIRE_2] =
		SITE_OR_NULL(bpf_kfunc_call_test_acquire, lend_in_parts, lend_twice),
	[OLD_TWICE_RELEASE_1] = SITE(bpf_kfunc_call_test_release, lend_in_parts, lend_twice),
	[OLD_TWICE_RELEASE_2] = SITE(bpf_kfunc_call_test_release, lend_in_parts, lend_twice),
};

/* The pid comes from outside, so that the compiler cannot make special copies of the parts. */
static __noinline int find_once(s32 pid)
{
	struct task_struct *task;

	task = count_task_from_pid_at(ONCE_FIND, KERNEL_ACQUIRE, pid);
	if (!task)
		return 0;
	count_call_at(ONCE_RELEASE, bpf_task_release(task));
	return 1;
}

static __noinline int find_twice(s32 pid)
{
	struct task_struct *task;
	int found = 0;

	task = count_task_from_pid_at(TWICE_FIND_1, KERNEL_ACQUIRE, pid);
	if (task) {
		count_call_at(TWICE_RELEASE_1, bpf_task_release(task));
		found++;
	}
	task = count_task_from_pid_at(TWICE_FIND_2, KERNEL_ACQUIRE, pid);
	if (task) {
		count_call_at(TWICE_RELEASE_2, bpf_task_release(task));
		found++;
	}
	return found;
}

SEC("tc")
int find_in_parts(struct __sk_buff *skb)
{
	s32 pid = skb->mark ? NO_PID : INIT_PID;
	struct task_struct *task;
	int found;

	found = find_once(pid) + find_twice(pid) + find_twice(NO_PID - pid);
	task = count_task_from_pid_at(MAIN_FIND, KERNEL_ACQUIRE, pid);
	if (task) {
		count_call_at(MAIN_RELEASE, bpf_task_release(task));
		found++;
	}
	return found;
}

static __noinline int lend_once(u64 number)
{
	struct prog_test_ref_kfunc *object;
	unsigned long unused = number;

	object = count_result_at(OLD_ONCE_ACQUIRE, bpf_kfunc_call_test_acquire(&unused));
	if (!object)
		return 0;
	count_call_at(OLD_ONCE_RELEASE, bpf_kfunc_call_test_release(object));
	return 1;
}

static __noinline int lend_twice(u64 number)
{
	struct prog_test_ref_kfunc *object;
	unsigned long unused = number;
	int lent = 0;

	object = count_result_at(OLD_TWICE_ACQUIRE_1, bpf_kfunc_call_test_acquire(&unused));
	if (object) {
		count_call_at(OLD_TWICE_RELEASE_1, bpf_kfunc_call_test_release(object));
		lent++;
	}
	object = count_result_at(OLD_TWICE_ACQUIRE_2, bpf_kfunc_call_test_acquire(&unused));
	if (object) {
		count_call_at(OLD_TWICE_RELEASE_2, bpf_kfunc_call_test_release(object));
		lent++;
	}
	return lent;
}

SEC("tc")
int lend_in_parts(struct __sk_buff *skb)
{
	struct prog_test_ref_kfunc *object;
	unsigned long unused = skb->mark;
	int lent;

	lent = lend_once(skb->len) + lend_twice(skb->mark) + lend_twice(skb->len);
	object = count_result_at(OLD_MAIN_ACQUIRE, bpf_kfunc_call_test_acquire(&unused));
	if (object) {
		count_call_at(OLD_MAIN_RELEASE, bpf_kfunc_call_test_release(object));
		lent++;
	}
	return lent;
}
