// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test kfuncs of 6.1: there is one object, and everybody's reference is to that.
 */
#include "refs.bpf.h"

struct prog_test_ref_kfunc *bpf_kfunc_call_test_kptr_get(struct prog_test_ref_kfunc **p, int a,
							 int b) __kfunc;

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(pair_test, bpf_kfunc_call_test_acquire)					\
	cannot(pair_test, bpf_kfunc_call_test_release)						\
	may_fail(park_test, bpf_kfunc_call_test_acquire)					\
	cannot(park_test, bpf_kfunc_call_test_release)						\
	may_fail(doom_test, bpf_kfunc_call_test_acquire)					\
	cannot(doom_test, bpf_kfunc_call_test_release)						\
	may_fail(use_test, bpf_kfunc_call_test_kptr_get)					\
	cannot(use_test, bpf_kfunc_call_test_release)						\
	cannot(drop_test, bpf_kfunc_call_test_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) KERNEL_RELEASE };

/* It is the destructor of maps as well. */
TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT)[KERNEL_RELEASE] =
		  KERNEL_CALLS(bpf_kfunc_call_test_release) };

struct slot {
	struct prog_test_ref_kfunc owned_6_1 *object;
};

SLOTS(parked_tests, struct slot, 64);
SLOTS(doomed_tests, struct slot, DOOMED_SLOTS);

SEC("tc")
int pair_test(struct __sk_buff *skb)
{
	struct prog_test_ref_kfunc *object;
	unsigned long number = 0;

	object = RESULT(pair_test, bpf_kfunc_call_test_acquire, &number);
	if (object) {
		VOID(pair_test, bpf_kfunc_call_test_release, object);
		step_done();
	}
	return 0;
}

SEC("tc")
int park_test(struct __sk_buff *skb)
{
	struct prog_test_ref_kfunc *object;
	unsigned long number = 0;

	object = RESULT(park_test, bpf_kfunc_call_test_acquire, &number);
	if (!object)
		return 0;
	step.address = (u64)object;
	object = park(parked_tests, offsetof(struct slot, object), object);
	if (object)
		VOID(park_test, bpf_kfunc_call_test_release, object);
	else
		step_done();
	return 0;
}

SEC("tc")
int doom_test(struct __sk_buff *skb)
{
	struct prog_test_ref_kfunc *object;
	unsigned long number = 0;

	object = RESULT(doom_test, bpf_kfunc_call_test_acquire, &number);
	if (!object)
		return 0;
	step.address = (u64)object;
	object = park(doomed_tests, offsetof(struct slot, object), object);
	if (object)
		VOID(doom_test, bpf_kfunc_call_test_release, object);
	else
		step_done();
	return 0;
}

/* Takes another reference of what is parked, for a moment. */
SEC("tc")
int use_test(struct __sk_buff *skb)
{
	struct prog_test_ref_kfunc *object;
	struct slot *slot;
	u32 key = step.key;

	slot = bpf_map_lookup_elem(&parked_tests, &key);
	if (!slot)
		return 0;
	object = RESULT(use_test, bpf_kfunc_call_test_kptr_get, &slot->object, 1, 2);
	if (object)
		VOID(use_test, bpf_kfunc_call_test_release, object);
	step_done();
	return 0;
}

SEC("tc")
int drop_test(struct __sk_buff *skb)
{
	struct prog_test_ref_kfunc *object;

	object = park(parked_tests, offsetof(struct slot, object),
		      (struct prog_test_ref_kfunc *)NULL);
	if (object) {
		VOID(drop_test, bpf_kfunc_call_test_release, object);
		step_done();
	}
	return 0;
}

SEC("tc")
int read_test(struct __sk_buff *skb)
{
	struct prog_test_ref_kfunc *object = (void *)step.address;

	step.value = BPF_CORE_READ(object, cnt.refs.counter);
	step_done();
	return 0;
}
