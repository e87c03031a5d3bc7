// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to objects that programs make themselves: masks of CPUs, ciphers, objects of local
 * types, and the test object of 6.1. They all do the same things.
 */
#include <stddef.h>

#include "scene.h"
#include "workload.h"

enum { KEPT_1, KEPT_2, HANDED_OVER, DOOMED_1, DOOMED_2, N_KEYS };

struct kind {
	const char *type;
	/* Programs: acquires and releases; parks; parks in both maps; releases what is parked. */
	const char *pair, *park, *doom, *drop;
	const char *read;    /* the count */
	const char *creates; /* kfuncs, by the first of which what is parked is acquired */
	const char *acquires;
	const char *destroys; /* a kfunc that maps call, too */
	const char *parked_map, *doomed_map;
	unsigned int empty_slots; /* of the doomed map, for which the kernel calls it in vain */
	bool is_shared; /* there is one object, and the doomed reference is the only new one */
};

static int park_in(struct scene *scene, const struct kind *kind, const char *program, __u32 key)
{
	if (scene__add_slot(scene, kind->parked_map, key, sizeof(void *)))
		return -1;
	scene->step->key = key;
	return scene__do(scene, program);
}

static int doom(struct scene *scene, const struct kind *kind, __u32 key, __u64 *address,
		__u64 *count)
{
	if (scene__add_slot(scene, kind->doomed_map, key, sizeof(void *)) ||
	    park_in(scene, kind, kind->doom, key))
		return -1;
	*address = scene->step->address;
	return scene__read(scene, kind->read, *address, count);
}

static void add_parked(struct scene *scene, const struct kind *kind, const char *program,
		       const char *kfunc, unsigned int n, bool is_ambiguous)
{
	struct parked parked = {
		.type = kind->type,
		.program = program,
		.kfunc = kfunc,
		.map = kind->parked_map,
		.objects = kind->is_shared ? 1 : n,
		.references = n,
		.is_ambiguous = is_ambiguous,
	};

	references__add_parked(scene->references, &parked);
}

static int destroy_map(struct scene *scene, const struct kind *kind)
{
	__u64 addresses[2], counts[2];

	if (doom(scene, kind, DOOMED_1, &addresses[0], &counts[0]) ||
	    doom(scene, kind, DOOMED_2, &addresses[1], &counts[1]) ||
	    scene__destroy_map(scene, kind->doomed_map, kind->doom))
		return -1;
	if (kind->is_shared) {
		counts[1]--;
		counts[0] = counts[1];
	}
	if (scene__wait_surely(scene, kind->read, addresses[0], counts[0] - 1) ||
	    scene__wait_surely(scene, kind->read, addresses[1], counts[1] - 1))
		return -1;
	references__add_released_by_maps(scene->references, kind->type, 2);
	if (!kind->is_shared)
		add_parked(scene, kind, kind->doom, kind->acquires, 2, true);
	if (kind->empty_slots)
		references__add_empty_releases(scene->references, kind->type, kind->empty_slots);
	if (!kind->destroys)
		return 0;
	return scene__kernel_called(scene, kind->destroys, 2 + kind->empty_slots);
}

static int pair_and_park(struct scene *scene, const struct kind *kind)
{
	if (scene__do_times(scene, kind->pair, scene->options->times) ||
	    park_in(scene, kind, kind->park, KEPT_1) || park_in(scene, kind, kind->park, KEPT_2))
		return -1;
	add_parked(scene, kind, kind->park, kind->creates, 2, false);
	if (park_in(scene, kind, kind->park, HANDED_OVER) || scene__do(scene, kind->drop))
		return -1;
	references__add_handed_over(scene->references, kind->type, kind->park, kind->drop, 1);
	return 0;
}

static int do_all(struct scene *scene, const struct kind *kind)
{
	return pair_and_park(scene, kind) ? -1 : destroy_map(scene, kind);
}

int refs_cpumask__perform(struct scene *scene)
{
	static const struct kind masks = {
		.type = CPUMASK,
		.pair = "pair_mask",
		.park = "park_mask",
		.doom = "doom_mask",
		.drop = "drop_mask",
		.read = "read_mask",
		.creates = "bpf_cpumask_create",
		.acquires = "bpf_cpumask_acquire",
		.destroys = "bpf_cpumask_release",
		.parked_map = "parked_masks",
		.doomed_map = "doomed_masks",
	};

	return do_all(scene, &masks);
}

int refs_crypto__perform(struct scene *scene)
{
	static const struct kind ciphers = {
		.type = CRYPTO_CONTEXT,
		.pair = "pair_cipher",
		.park = "park_cipher",
		.doom = "doom_cipher",
		.drop = "drop_cipher",
		.read = "read_cipher",
		.creates = "bpf_crypto_ctx_create",
		.acquires = "bpf_crypto_ctx_acquire",
		.destroys = "bpf_crypto_ctx_release",
		.parked_map = "parked_ciphers",
		.doomed_map = "doomed_ciphers",
	};

	if (do_all(scene, &ciphers) || scene__do_times(scene, "no_cipher", 3))
		return -1;
	scene->step->key = KEPT_1;
	return scene__do_times(scene, "use_cipher", scene->options->times);
}

int refs_test__perform(struct scene *scene)
{
	struct kind tests = {
		.type = TEST_OBJECT,
		.pair = "pair_test",
		.park = "park_test",
		.doom = "doom_test",
		.drop = "drop_test",
		.read = "read_test",
		.creates = "bpf_kfunc_call_test_acquire",
		.destroys = "bpf_kfunc_call_test_release",
		.parked_map = "parked_tests",
		.doomed_map = "doomed_tests",
		/* A hash map has a spare element for each CPU. */
		.empty_slots = DOOMED_SLOTS + libbpf_num_possible_cpus() - 2,
		.is_shared = true,
	};

	if (do_all(scene, &tests))
		return -1;
	scene->step->key = KEPT_1;
	if (scene__do_times(scene, "use_test", scene->options->times))
		return -1;
	/* There is nothing in it any more. */
	scene->step->key = HANDED_OVER;
	return scene__do_times(scene, "use_test", 2);
}

/* The numbers of elements that a loop goes over; the last is too large to begin. */
static int run_loops(struct scene *scene)
{
	static const unsigned int lengths[] = { 0, 1, 7, 1 << 20 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		scene->step->n = lengths[i];
		if (scene__do(scene, "loop_module"))
			return -1;
	}
	return scene__note_iterations(scene);
}

int refs_test_module__perform(struct scene *scene)
{
	bool is_old = bpf_object__find_program_by_name(scene->object, "use_module");
	unsigned int n = scene->options->times;
	struct kind objects = {
		.type = MODULE_OBJECT,
		.pair = "pair_module",
		.park = "park_module",
		.doom = "doom_module",
		.drop = "drop_module",
		.read = "read_module",
		.creates = "kfunctrace_test_object_create",
		.acquires = "kfunctrace_test_object_acquire",
		.parked_map = "parked_objects",
		.doomed_map = "doomed_objects",
		/* A hash map has a spare element for each CPU. */
		.empty_slots = is_old ? DOOMED_SLOTS + libbpf_num_possible_cpus() - 2 : 0,
	};
	/* By the kernel, which has no program. */
	struct parked leaked = { .type = MODULE_OBJECT, .kfunc = objects.acquires };

	if (do_all(scene, &objects) || scene__do_times(scene, "zero_module", n) ||
	    scene__do_times(scene, "leak_module", n))
		return -1;
	leaked.objects = leaked.references = n;
	references__add_parked(scene->references, &leaked);
	if (!is_old) {
		references__add_refcount_zero(scene->references, objects.acquires, "zero_module",
					      (unsigned long long)ZEROS_A_RUN * n);
		return run_loops(scene);
	}
	scene->step->key = KEPT_1;
	if (scene__do_times(scene, "use_module", n))
		return -1;
	/* There is nothing in it any more. */
	scene->step->key = HANDED_OVER;
	return scene__do_times(scene, "use_module", 2);
}

#define PUSHED 5
#define POPPED 2

int refs_local__perform(struct scene *scene)
{
	static const struct kind objects = {
		.type = LOCAL_OBJECT,
		.pair = "pair_object",
		.park = "park_object",
		.doom = "doom_object",
		.drop = "drop_object",
		.read = "read_object",
		.creates = "bpf_obj_new_impl",
		.acquires = "bpf_refcount_acquire_impl",
		.parked_map = "parked_objects",
		.doomed_map = "doomed_objects",
	};
	struct parked in_list = {
		.type = LOCAL_OBJECT,
		.program = "push_object",
		.kfunc = objects.creates,
		.map = ".data.elements",
		.objects = PUSHED,
		.references = PUSHED,
	};

	/* In the end one too many is popped, and then as many are pushed again. */
	if (do_all(scene, &objects) || scene__do_times(scene, "push_object", POPPED) ||
	    scene__do_times(scene, "pop_object", POPPED + 1) ||
	    scene__do_times(scene, "push_object", PUSHED))
		return -1;
	references__add_handed_over(scene->references, LOCAL_OBJECT, "push_object", "pop_object",
				    POPPED);
	references__add_parked(scene->references, &in_list);
	return 0;
}

int refs_local_new__perform(struct scene *scene)
{
	static const struct kind objects = {
		.type = LOCAL_OBJECT,
		.pair = "pair_object",
		.park = "park_object",
		.drop = "drop_object",
		.creates = "bpf_obj_new",
		.parked_map = "parked_objects",
	};

	return pair_and_park(scene, &objects);
}

int refs_many__perform(struct scene *scene)
{
	unsigned int n = scene->options->times;
	struct parked parked = {
		.type = CPUMASK,
		.program = "park_many",
		.kfunc = "bpf_cpumask_create",
		.map = "many_masks",
		.objects = n,
		.references = n,
	};

	if (n > MAX_MANY)
		return fail(0, "refs-many parks up to %d", MAX_MANY);
	if (scene__do_times(scene, "park_many", n))
		return -1;
	references__add_parked(scene->references, &parked);
	return 0;
}
