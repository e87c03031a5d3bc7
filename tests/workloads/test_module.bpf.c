// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kfuncs of kfunctrace_test.ko, called by programs of all types that may.
 */
#include "test_kfuncs.bpf.h"

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	cannot(test_tc, kfunctrace_test_plain)							\
	cannot(test_tc, kfunctrace_test_old)							\
	cannot(test_tc, kfunctrace_test_sum)							\
	cannot(test_xdp, kfunctrace_test_plain)							\
	may_fail(test_xdp, kfunctrace_test_object_find)						\
	cannot(test_xdp, kfunctrace_test_object_release)					\
	cannot(test_fentry, kfunctrace_test_plain)						\
	cannot(test_syscall, kfunctrace_test_old)						\
	cannot(test_syscall, kfunctrace_test_sleepable)						\
	cannot(test_syscall, kfunctrace_test_destructive)					\
	cannot(test_syscall, kfunctrace_test_no_site)						\
	cannot(test_syscall, kfunctrace_test_by_kernel)						\
	may_fail(test_objects, kfunctrace_test_object_create)					\
	may_fail(test_objects, kfunctrace_test_object_acquire)					\
	cannot(test_objects, kfunctrace_test_object_index)					\
	cannot(test_objects, kfunctrace_test_object_expire)					\
	cannot(test_objects, kfunctrace_test_object_release)					\
	may_fail(test_peek, kfunctrace_test_object_peek)					\
	cannot(test_perfmon, kfunctrace_test_perfmon)						\
	cannot(test_spinlock, kfunctrace_test_spinlock_safe)					\
	cannot(test_implicit, kfunctrace_test_implicit)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) N_ROWS };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT) };

SEC("tc")
int test_tc(struct __sk_buff *skb)
{
	__u8 bytes[] = { 1, 2, 3, 4 };
	u32 value;

	value = VALUE(test_tc, kfunctrace_test_plain, 1);
	value += VALUE(test_tc, kfunctrace_test_plain, 2);
	value += VALUE(test_tc, kfunctrace_test_old, 3);
	value += VALUE(test_tc, kfunctrace_test_sum, bytes, sizeof(bytes));
	step.value = value;
	return 0;
}

SEC("xdp")
int test_xdp(struct xdp_md *xdp)
{
	struct kfunctrace_test_object *object;

	step.value = VALUE(test_xdp, kfunctrace_test_plain, 1);
	object = RESULT(test_xdp, kfunctrace_test_object_find, NO_OBJECT);
	if (object)
		VOID(test_xdp, kfunctrace_test_object_release, object);
	return XDP_PASS;
}

/* To run it is to call this function of the kernel. */
SEC("fentry/bpf_fentry_test1")
int BPF_PROG(test_fentry)
{
	step.value = VALUE(test_fentry, kfunctrace_test_plain, 1);
	return 0;
}

SEC("syscall")
int test_syscall(void *context)
{
	u32 value;

	value = VALUE(test_syscall, kfunctrace_test_old, 1);
	value += VALUE(test_syscall, kfunctrace_test_sleepable, 1);
	value += VALUE(test_syscall, kfunctrace_test_destructive, 1);
	value += VALUE(test_syscall, kfunctrace_test_no_site, 1);
	value += VALUE(test_syscall, kfunctrace_test_by_kernel, 1);
	step.value = value;
	return 0;
}

/* The second acquire fails, because the count is zero. */
SEC("tc")
int test_objects(struct __sk_buff *skb)
{
	struct kfunctrace_test_object *object, *again;

	object = RESULT(test_objects, kfunctrace_test_object_create);
	if (!object)
		return 0;
	step.value = VALUE(test_objects, kfunctrace_test_object_index, object);
	again = RESULT(test_objects, kfunctrace_test_object_acquire, object);
	if (again)
		VOID(test_objects, kfunctrace_test_object_release, again);
	VOID(test_objects, kfunctrace_test_object_expire, object);
	again = RESULT(test_objects, kfunctrace_test_object_acquire, object);
	if (again)
		VOID(test_objects, kfunctrace_test_object_release, again);
	VOID(test_objects, kfunctrace_test_object_release, object);
	return 0;
}

SEC("tc")
int test_peek(struct __sk_buff *skb)
{
	(void)RESULT(test_peek, kfunctrace_test_object_peek, 0);
	(void)RESULT(test_peek, kfunctrace_test_object_peek, NO_OBJECT);
	return 0;
}

SEC("tc")
int test_perfmon(struct __sk_buff *skb)
{
	step.value = VALUE(test_perfmon, kfunctrace_test_perfmon, 1);
	return 0;
}

SEC("tc")
int test_spinlock(struct __sk_buff *skb)
{
	step.value = VALUE(test_spinlock, kfunctrace_test_spinlock_safe, 1);
	return 0;
}

SEC("tc")
int test_implicit(struct __sk_buff *skb)
{
	step.value = VALUE(test_implicit, kfunctrace_test_implicit, 1);
	return 0;
}
