// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects whose count is zero already, and NULL for other reasons.
 */
#include <stdio.h>

#include "scene.h"
#include "workload.h"

/* Of a flood. */
#define FLOODS 5

/* A process that is dead, but for the reference in slot `key`. */
static int make_victim(struct scene *scene, __u32 key)
{
	pid_t pid = scene__start_child(scene);

	if (pid < 0 || scene__add_slot(scene, "victims", key, sizeof(void *)))
		return -1;
	scene->step->pid = pid;
	scene->step->key = key;
	if (scene__do(scene, "park_victim") || scene__end_child(scene, pid))
		return -1;
	return scene__wait_surely(scene, "read_task", scene->step->address, 1);
}

static int make_victim_cgroup(struct scene *scene, __u32 key)
{
	char name[32];

	snprintf(name, sizeof(name), "victim-%u", key);
	scene->step->cgroup_id = scene__make_cgroup(scene, NULL, name);
	if (!scene->step->cgroup_id ||
	    scene__add_slot(scene, "victim_cgroups", key, sizeof(void *)))
		return -1;
	scene->step->key = key;
	if (scene__do(scene, "park_cgroup") || scene__remove_cgroup(scene, name))
		return -1;
	return scene__wait_surely(scene, "read_cgroup", scene->step->address, 1);
}

int refs_zero__perform(struct scene *scene)
{
	unsigned int n = scene->options->times;

	for (unsigned int i = 0; i < n; i++) {
		if (make_victim(scene, i) || scene__do(scene, "zero_task") ||
		    make_victim_cgroup(scene, i) || scene__do(scene, "zero_cgroup"))
			return -1;
	}
	references__add_refcount_zero(scene->references, "bpf_task_acquire", "zero_task", n);
	references__add_refcount_zero(scene->references, "bpf_cgroup_acquire", "zero_cgroup", n);
	references__add_handed_over(scene->references, TASK, "park_victim", "zero_task", n);
	references__add_handed_over(scene->references, CGROUP, "park_cgroup", "zero_cgroup", n);
	if (scene__do_times(scene, "no_such_pid", 3 * n))
		return -1;
	return scene__do_times(scene, "no_ancestor", 2 * n);
}

int refs_zero_flood__perform(struct scene *scene)
{
	unsigned int n = scene->options->times;

	for (unsigned int i = 0; i < FLOODS; i++) {
		if (make_victim(scene, i))
			return -1;
	}
	scene->step->n = n;
	for (unsigned int i = 0; i < FLOODS; i++) {
		scene->step->key = i;
		if (scene__do(scene, "zero_flood"))
			return -1;
	}
	references__add_refcount_zero(scene->references, "bpf_task_acquire", "zero_flood",
				      (unsigned long long)FLOODS * n);
	references__add_handed_over(scene->references, TASK, "park_victim", "zero_flood", FLOODS);
	return 0;
}
