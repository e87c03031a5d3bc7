// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to cgroups: to one that stays, two that are removed and one that is given back.
 */
#include "scene.h"
#include "workload.h"

#define PARKED_CGROUPS "parked_cgroups"
#define DOOMED_CGROUPS "doomed_cgroups"

static int park_cgroup(struct scene *scene, const char *program, const char *name, __u32 key)
{
	scene->step->cgroup_id = scene__make_cgroup(scene, NULL, name);
	if (!scene->step->cgroup_id || scene__add_slot(scene, PARKED_CGROUPS, key, sizeof(void *)))
		return -1;
	scene->step->key = key;
	return scene__do(scene, program);
}

/* Of two references one goes with its map. The count can be read only of a removed cgroup. */
static int destroy_map(struct scene *scene)
{
	if (park_cgroup(scene, "park_acquired", "doomed", 3) ||
	    scene__add_slot(scene, DOOMED_CGROUPS, 3, sizeof(void *)) ||
	    scene__do(scene, "park_doomed") || scene__remove_cgroup(scene, "doomed") ||
	    scene__wait_surely(scene, "read_cgroup", scene->step->address, 2) ||
	    scene__destroy_map(scene, DOOMED_CGROUPS, "park_doomed") ||
	    scene__wait_surely(scene, "read_cgroup", scene->step->address, 1))
		return -1;
	references__add_released_by_maps(scene->references, CGROUP, 1);
	return 0;
}

int refs_cgroup__perform(struct scene *scene)
{
	struct parked parked = { .type = CGROUP, .map = PARKED_CGROUPS, .references = 1 };

	if (park_cgroup(scene, "park_found", "kept", 0))
		return -1;
	parked.program = "park_found";
	parked.kfunc = "bpf_cgroup_from_id";
	parked.cgroup_id = scene->step->cgroup_id;
	references__add_parked(scene->references, &parked);
	if (scene__do_times(scene, "pair_cgroup", scene->options->times))
		return -1;

	if (park_cgroup(scene, "park_acquired", "removed", 1) ||
	    scene__remove_cgroup(scene, "removed") ||
	    scene__wait_surely(scene, "read_cgroup", scene->step->address, 1))
		return -1;
	parked.program = "park_acquired";
	parked.kfunc = "bpf_cgroup_acquire";
	parked.cgroup_id = scene->step->cgroup_id;
	parked.stale = true;
	references__add_parked(scene->references, &parked);

	if (park_cgroup(scene, "park_found", "given-back", 2) || scene__do(scene, "drop_cgroup"))
		return -1;
	references__add_handed_over(scene->references, CGROUP, "park_found", "drop_cgroup", 1);

	if (destroy_map(scene))
		return -1;
	parked.cgroup_id = scene->step->cgroup_id;
	parked.is_ambiguous = true;
	references__add_parked(scene->references, &parked);
	return 0;
}
