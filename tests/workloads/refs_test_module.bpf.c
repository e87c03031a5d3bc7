// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to the objects of kfunctrace_test.ko: parked, handed over, destroyed with their map,
 * with a count that has become zero, and released by a kfunc that forgets to give them back.
 */
#include "test_kfuncs.bpf.h"

#ifdef FOR_6_1
#define own owned_6_1
#else
#define own owned
#endif

/* clang-format off */
#define FOR_EACH_ROW_ANYWHERE(may_fail, cannot)							\
	may_fail(pair_module, kfunctrace_test_object_create)					\
	may_fail(pair_module, kfunctrace_test_object_acquire)					\
	cannot(pair_module, kfunctrace_test_object_release)					\
	may_fail(park_module, kfunctrace_test_object_create)					\
	cannot(park_module, kfunctrace_test_object_release)					\
	may_fail(doom_module, kfunctrace_test_object_create)					\
	may_fail(doom_module, kfunctrace_test_object_acquire)					\
	cannot(doom_module, kfunctrace_test_object_release)					\
	cannot(drop_module, kfunctrace_test_object_release)					\
	may_fail(zero_module, kfunctrace_test_object_create)					\
	cannot(zero_module, kfunctrace_test_object_expire)					\
	may_fail(zero_module, kfunctrace_test_object_acquire)					\
	cannot(zero_module, kfunctrace_test_object_release)					\
	may_fail(leak_module, kfunctrace_test_object_create)					\
	cannot(leak_module, kfunctrace_test_object_leak)
#ifdef FOR_6_1
#define FOR_EACH_ROW(may_fail, cannot)								\
	FOR_EACH_ROW_ANYWHERE(may_fail, cannot)							\
	may_fail(use_module, kfunctrace_test_object_kptr_get)					\
	cannot(use_module, kfunctrace_test_object_release)
#else
#define FOR_EACH_ROW(may_fail, cannot)								\
	FOR_EACH_ROW_ANYWHERE(may_fail, cannot)							\
	cannot(loop_module, bpf_iter_kfunctrace_test_new)					\
	may_fail(loop_module, bpf_iter_kfunctrace_test_next)					\
	cannot(loop_module, bpf_iter_kfunctrace_test_destroy)
#endif
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) N_ROWS };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT) };

struct slot {
	struct kfunctrace_test_object own *object;
};

SLOTS(parked_objects, struct slot, 64);
SLOTS(doomed_objects, struct slot, DOOMED_SLOTS);

SEC("tc")
int pair_module(struct __sk_buff *skb)
{
	struct kfunctrace_test_object *object, *again;

	object = RESULT(pair_module, kfunctrace_test_object_create);
	if (!object)
		return 0;
	again = RESULT(pair_module, kfunctrace_test_object_acquire, object);
	if (again) {
		VOID(pair_module, kfunctrace_test_object_release, again);
		step_done();
	}
	VOID(pair_module, kfunctrace_test_object_release, object);
	return 0;
}

SEC("tc")
int park_module(struct __sk_buff *skb)
{
	struct kfunctrace_test_object *object;

	object = RESULT(park_module, kfunctrace_test_object_create);
	if (!object)
		return 0;
	step.address = (u64)object;
	object = park(parked_objects, offsetof(struct slot, object), object);
	if (object)
		VOID(park_module, kfunctrace_test_object_release, object);
	else
		step_done();
	return 0;
}

/* One reference into each map. */
SEC("tc")
int doom_module(struct __sk_buff *skb)
{
	struct kfunctrace_test_object *object, *again;

	object = RESULT(doom_module, kfunctrace_test_object_create);
	if (!object)
		return 0;
	step.address = (u64)object;
	again = RESULT(doom_module, kfunctrace_test_object_acquire, object);
	if (again) {
		again = park(parked_objects, offsetof(struct slot, object), again);
		if (again)
			VOID(doom_module, kfunctrace_test_object_release, again);
	}
	object = park(doomed_objects, offsetof(struct slot, object), object);
	if (object)
		VOID(doom_module, kfunctrace_test_object_release, object);
	else
		step_done();
	return 0;
}

SEC("tc")
int drop_module(struct __sk_buff *skb)
{
	struct kfunctrace_test_object *object;

	object = park(parked_objects, offsetof(struct slot, object),
		      (struct kfunctrace_test_object *)NULL);
	if (object) {
		VOID(drop_module, kfunctrace_test_object_release, object);
		step_done();
	}
	return 0;
}

SEC("tc")
int read_module(struct __sk_buff *skb)
{
	struct kfunctrace_test_object *object = (void *)step.address;

	step.value = BPF_CORE_READ(object, refs.refs.counter);
	step_done();
	return 0;
}

/* Three acquires that fail because the count is zero. */
SEC("tc")
int zero_module(struct __sk_buff *skb)
{
	struct kfunctrace_test_object *object, *again;
	int i;

	object = RESULT(zero_module, kfunctrace_test_object_create);
	if (!object)
		return 0;
	VOID(zero_module, kfunctrace_test_object_expire, object);
#pragma unroll
	for (i = 0; i < ZEROS_A_RUN; i++) {
		again = RESULT(zero_module, kfunctrace_test_object_acquire, object);
		if (again)
			VOID(zero_module, kfunctrace_test_object_release, again);
	}
	VOID(zero_module, kfunctrace_test_object_release, object);
	step_done();
	return 0;
}

SEC("tc")
int leak_module(struct __sk_buff *skb)
{
	struct kfunctrace_test_object *object;

	object = RESULT(leak_module, kfunctrace_test_object_create);
	if (object) {
		VOID(leak_module, kfunctrace_test_object_leak, object);
		step_done();
	}
	return 0;
}

#ifdef FOR_6_1
/* Takes another reference of what is parked, for a moment. */
SEC("tc")
int use_module(struct __sk_buff *skb)
{
	struct kfunctrace_test_object *object;
	struct slot *slot;
	u32 key = step.key;

	slot = bpf_map_lookup_elem(&parked_objects, &key);
	if (!slot)
		return 0;
	object = RESULT(use_module, kfunctrace_test_object_kptr_get, &slot->object);
	if (object)
		VOID(use_module, kfunctrace_test_object_release, object);
	step_done();
	return 0;
}
#else
struct iteration_row iterations[] SEC(ITERATIONS_SECTION) = {
	{ .type = "kfunctrace_test", .program = "loop_module" },
};

SEC("tc")
int loop_module(struct __sk_buff *skb)
{
	struct iteration_row *row = &iterations[0];
	struct bpf_iter_kfunctrace_test iterator;
	u32 elements = 0;
	u64 i = row->made;
	int err;

	err = VALUE(loop_module, bpf_iter_kfunctrace_test_new, &iterator, step.n);
	while (RESULT(loop_module, bpf_iter_kfunctrace_test_next, &iterator))
		elements++;
	VOID(loop_module, bpf_iter_kfunctrace_test_destroy, &iterator);
	row->destroyed++;
	if (err) {
		row->failed++;
	} else {
		row->made++;
		row->elements += elements;
		if (i < MAX_ITERATIONS)
			row->per_iteration[i] = elements;
	}
	step_done();
	return 0;
}
#endif
