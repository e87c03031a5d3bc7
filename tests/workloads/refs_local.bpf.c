// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to objects of the programs' own types.
 */
#include "refs.bpf.h"

struct bpf_list_head {
	__u64 opaque[2];
} __attribute__((aligned(8)));

struct bpf_list_node {
	__u64 opaque[3];
} __attribute__((aligned(8)));

struct bpf_refcount {
	u32 opaque[1];
} __attribute__((aligned(4)));

void *bpf_obj_new_impl(u64 local_type_id__k, void *meta__ign) __kfunc;
void bpf_obj_drop_impl(void *p__alloc, void *meta__ign) __kfunc;
void *bpf_refcount_acquire_impl(void *p__refcounted_kptr, void *meta__ign) __kfunc;
int bpf_list_push_back_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta__ign,
			    u64 off) __kfunc;
struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head) __kfunc;

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(pair_object, bpf_obj_new_impl)							\
	cannot(pair_object, bpf_refcount_acquire_impl)						\
	cannot(pair_object, bpf_obj_drop_impl)							\
	may_fail(park_object, bpf_obj_new_impl)							\
	cannot(park_object, bpf_obj_drop_impl)							\
	may_fail(doom_object, bpf_obj_new_impl)							\
	cannot(doom_object, bpf_refcount_acquire_impl)						\
	cannot(doom_object, bpf_obj_drop_impl)							\
	cannot(drop_object, bpf_obj_drop_impl)							\
	may_fail(push_object, bpf_obj_new_impl)							\
	cannot(push_object, bpf_list_push_back_impl)						\
	may_fail(pop_object, bpf_list_pop_front)						\
	cannot(pop_object, bpf_obj_drop_impl)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) N_ROWS };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT) };

struct object {
	u64 value;
	struct bpf_refcount count;
};

struct element {
	struct bpf_list_node node;
	u64 value;
};

struct slot {
	struct object owned *object;
};

SLOTS(parked_objects, struct slot, 64);
SLOTS(doomed_objects, struct slot, 64);

/* The verifier finds out by these names what the list holds, and what protects it. */
#define private(name) SEC(".data." #name) __attribute__((visibility("hidden"), aligned(8)))
private(elements) struct bpf_spin_lock lock;
private(elements) struct bpf_list_head list __attribute__((btf_decl_tag("contains:element:node")));

#define NEW(program, type)    RESULT(program, bpf_obj_new_impl, bpf_core_type_id_local(type), NULL)
#define DROP(program, object) VOID(program, bpf_obj_drop_impl, object, NULL)

SEC("tc")
int pair_object(struct __sk_buff *skb)
{
	struct object *object, *again;

	object = NEW(pair_object, struct object);
	if (!object)
		return 0;
	again = VALUE(pair_object, bpf_refcount_acquire_impl, object, NULL);
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
	step.address = (u64)object;
	object = park(parked_objects, offsetof(struct slot, object), object);
	if (object)
		DROP(park_object, object);
	else
		step_done();
	return 0;
}

/* Of two references one is in each map. */
SEC("tc")
int doom_object(struct __sk_buff *skb)
{
	struct object *object, *again;
	int left = 0;

	object = NEW(doom_object, struct object);
	if (!object)
		return 0;
	step.address = (u64)object;
	again = VALUE(doom_object, bpf_refcount_acquire_impl, object, NULL);
	object = park(doomed_objects, offsetof(struct slot, object), object);
	again = park(parked_objects, offsetof(struct slot, object), again);
	if (object) {
		DROP(doom_object, object);
		left++;
	}
	if (again) {
		DROP(doom_object, again);
		left++;
	}
	if (!left)
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

SEC("tc")
int push_object(struct __sk_buff *skb)
{
	struct element *element;

	element = NEW(push_object, struct element);
	if (!element)
		return 0;
	bpf_spin_lock(&lock);
	VALUE(push_object, bpf_list_push_back_impl, &list, &element->node, NULL, 0);
	bpf_spin_unlock(&lock);
	step_done();
	return 0;
}

/* An empty list is all right. */
SEC("tc")
int pop_object(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	bpf_spin_lock(&lock);
	node = RESULT(pop_object, bpf_list_pop_front, &list);
	bpf_spin_unlock(&lock);
	if (node) {
		struct element *element = (void *)node - offsetof(struct element, node);

		DROP(pop_object, element);
	}
	step_done();
	return 0;
}

SEC("tc")
int read_object(struct __sk_buff *skb)
{
	struct object *object = (void *)step.address;
	u32 count = 0;

	bpf_probe_read_kernel(&count, sizeof(count), &object->count);
	step.value = count;
	step_done();
	return 0;
}
