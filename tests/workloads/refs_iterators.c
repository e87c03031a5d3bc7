// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loops over open-coded iterators, with a known number of elements each.
 */
#include <pthread.h>
#include <stdlib.h>

#include "scene.h"
#include "workload.h"

#define MORE_THREADS 3
#define MORE_CGROUPS 4

/* Of the kernel's: BPF_TASK_ITER_PROC_THREADS and BPF_CGROUP_ITER_DESCENDANTS_PRE. */
#define THREADS_OF_PROCESS 2
#define DESCENDANTS	   2
/* That no iterator takes: flags, a number of words, an end. */
#define NOT_ALLOWED   99
#define TOO_MANY_BITS 100000
#define BEFORE_START  (-5)

struct loop {
	const char *program;
	int argument;
	unsigned int most; /* elements; 0: all */
	unsigned int elements;
};

static int run_loops(struct scene *scene, const struct loop *loops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		scene->step->flags = loops[i].argument;
		scene->step->n = loops[i].most;
		if (scene__do(scene, loops[i].program))
			return -1;
		if (scene->step->value != loops[i].elements)
			return fail(0, "%s had %llu elements, not %u", loops[i].program,
				    (unsigned long long)scene->step->value, loops[i].elements);
	}
	return 0;
}

static int make_cgroups(struct scene *scene)
{
	static const char *const names[MORE_CGROUPS] = { "a", "b", "c", "d" };
	__u64 id = scene__make_cgroup(scene, NULL, "tree");

	for (int i = 0; id && i < MORE_CGROUPS; i++) {
		if (!scene__make_cgroup(scene, "tree", names[i]))
			return -1;
	}
	scene->step->cgroup_id = id;
	return id ? 0 : -1;
}

static void *wait_for_end(void *barrier)
{
	pthread_barrier_wait(barrier);
	return NULL;
}

static int loop_over_all(struct scene *scene)
{
	const unsigned int threads = 1 + MORE_THREADS, cgroups = 1 + MORE_CGROUPS;
	const struct loop loops[] = {
		{ "iterate_tasks", THREADS_OF_PROCESS, 0, threads },
		{ "iterate_tasks", THREADS_OF_PROCESS, 2, 2 },
		{ "iterate_tasks", NOT_ALLOWED, 0, 0 },
		{ "iterate_tasks", THREADS_OF_PROCESS, 0, threads },
		{ "iterate_css", DESCENDANTS, 0, cgroups },
		{ "iterate_css", DESCENDANTS, 1, 1 },
		{ "iterate_css", NOT_ALLOWED, 0, 0 },
		{ "iterate_bits", 1, 0, 3 },
		{ "iterate_bits", 2, 0, 4 },
		{ "iterate_bits", 2, 2, 2 },
		{ "iterate_bits", TOO_MANY_BITS, 0, 0 },
		{ "iterate_bits", 0, 0, 0 },
		{ "iterate_numbers", 10, 0, 10 },
		{ "iterate_numbers", 10, 4, 4 },
		{ "iterate_numbers", 0, 0, 0 },
		{ "iterate_numbers", BEFORE_START, 0, 0 },
	};

	return run_loops(scene, loops, sizeof(loops) / sizeof(loops[0]));
}

int refs_iterators__perform(struct scene *scene)
{
	pthread_t threads[MORE_THREADS];
	pthread_barrier_t end;
	int err;

	if (make_cgroups(scene))
		return -1;
	pthread_barrier_init(&end, NULL, 1 + MORE_THREADS);
	for (int i = 0; i < MORE_THREADS; i++) {
		err = pthread_create(&threads[i], NULL, wait_for_end, &end);
		if (err) {
			fail(err, "cannot start a thread");
			exit(1);
		}
	}
	err = loop_over_all(scene);
	pthread_barrier_wait(&end);
	for (int i = 0; i < MORE_THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&end);
	return err ? err : scene__note_iterations(scene);
}
