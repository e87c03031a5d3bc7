// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to objects of the programs' own types, by the names that the kfuncs have since 7.2:
 * the verifier adds the last argument.
 */
#include "refs.bpf.h"

struct bpf_refcount {
	u32 opaque[1];
} __attribute__((aligned(4)));

void *bpf_obj_new(u64 local_type_id__k) __kfunc;
void bpf_obj_drop(void *p__alloc) __kfunc;
void *bpf_refcount_acquire(void *p__refcounted_kptr) __kfunc;

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(pair_object, bpf_obj_new)							\
	cannot(pair_object, bpf_refcount_acquire)						\
	cannot(pair_object, bpf_obj_drop)							\
	may_fail(park_object, bpf_obj_new)							\
	cannot(park_object, bpf_obj_drop)							\
	cannot(drop_object, bpf_obj_drop)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) N_ROWS };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT) };

struct object {
	u64 value;
	struct bpf_refcount count;
};

struct slot {
	struct object owned *object;
};

SLOTS(parked_objects, struct slot, 64);

#define NEW(program, type)    RESULT(program, bpf_obj_new, bpf_core_type_id_local(type))
#define DROP(program, object) VOID(program, bpf_obj_drop, object)

SEC("tc")
int pair_object(struct __sk_buff *skb)
{
	struct object *object, *again;

	object = NEW(pair_object, struct object);
	if (!object)
		return 0;
	again = VALUE(pair_object, bpf_refcount_acquire, object);
	DROP(pair_object, object);
	DROP(pair_object, again);
	step_done();
	return 0;
}

SEC("tc")
int park_object(struct __sk_buff *skb)
{
	struct object *object;

	object = NEW(park_object, struct object);
	if (!object)
		return 0;
	object = park(parked_objects, offsetof(struct slot, object), object);
	if (object)
		DROP(park_object, object);
	else
		step_done();
	return 0;
}

SEC("tc")
int drop_object(struct __sk_buff *skb)
{
	struct object *object;

	object = park(parked_objects, offsetof(struct slot, object), (struct object *)NULL);
	if (object) {
		DROP(drop_object, object);
		step_done();
	}
	return 0;
}
