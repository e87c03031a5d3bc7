/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the scenarios about references are made of: processes and cgroups that references are
 * taken to, programs that are run step by step, and waiting for the kernel to have done something.
 */
#ifndef WORKLOADS_SCENE_H
#define WORKLOADS_SCENE_H

#include <stdbool.h>
#include <sys/types.h>

#include <bpf/libbpf.h>

#include "references.h"
#include "step.h"

#define MAX_CHILDREN 64
#define MAX_CGROUPS  16

struct options;

struct scene {
	struct bpf_object *object;
	const struct options *options;
	struct references *references;
	struct step *step;
	bool is_held; /* what goes on goes on until the observer has seen it */

	pid_t children[MAX_CHILDREN];
	unsigned int n_children;
	char cgroups[MAX_CGROUPS][64];
	unsigned int n_cgroups;
	/* Ends what perform() has left going on. */
	void (*finish)(struct scene *scene);
};

void scene__begin(struct scene *scene);
/* All that was made for the scene is unmade. */
void scene__end(struct scene *scene);

/* Runs a program once or so many times, each of which must do what it is for. */
int scene__do(struct scene *scene, const char *program);
int scene__do_times(struct scene *scene, const char *program, unsigned int times);
/* The kernel itself called a kfunc on behalf of the scene. */
int scene__kernel_called(struct scene *scene, const char *kfunc, unsigned int calls);

/* What the programs know of their loops goes to the truth. */
int scene__note_iterations(struct scene *scene);

/* What a program reads at an address. */
int scene__read(struct scene *scene, const char *program, __u64 address, __u64 *value);
/* Waits until it reads that: 1, or 0 when it does not within so many seconds, or -1. */
int scene__wait_for(struct scene *scene, const char *program, __u64 address, __u64 value,
		    double seconds);
/* It must, in the end. */
int scene__wait_surely(struct scene *scene, const char *program, __u64 address, __u64 value);

int scene__add_slot(struct scene *scene, const char *map, __u32 key, size_t size);
int scene__delete_slot(struct scene *scene, const char *map, __u32 key);
/* The program is gone from the kernel on return. */
int scene__unload(struct scene *scene, const char *program);
/* The only program that uses the map is unloaded, and the map with it; the kernel takes its time. */
int scene__destroy_map(struct scene *scene, const char *map, const char *program);

/* A process that sleeps; -1 on failure. */
pid_t scene__start_child(struct scene *scene);
/* Kills and reaps it. */
int scene__end_child(struct scene *scene, pid_t pid);

/* A cgroup below the one that holds them all; its id, or 0. */
__u64 scene__make_cgroup(struct scene *scene, const char *parent, const char *name);
int scene__remove_cgroup(struct scene *scene, const char *name);

/* The scenarios. */
int refs_cgroup__perform(struct scene *scene);
int refs_churn__perform(struct scene *scene);
int refs_conntrack__perform(struct scene *scene);
int refs_cpumask__perform(struct scene *scene);
int refs_crypto__perform(struct scene *scene);
int refs_holders__perform(struct scene *scene);
int refs_iterators__perform(struct scene *scene);
int refs_local__perform(struct scene *scene);
int refs_local_new__perform(struct scene *scene);
int refs_many__perform(struct scene *scene);
int refs_park__perform(struct scene *scene);
int refs_reuse__perform(struct scene *scene);
int refs_sleepable__perform(struct scene *scene);
int refs_tasks__perform(struct scene *scene);
int refs_test__perform(struct scene *scene);
int refs_test_module__perform(struct scene *scene);
int refs_unload__perform(struct scene *scene);
int refs_zero__perform(struct scene *scene);
int refs_zero_flood__perform(struct scene *scene);

#endif
