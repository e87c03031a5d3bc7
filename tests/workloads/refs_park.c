// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to tasks that are released by the program that acquired them, or stay in maps.
 */
#include "scene.h"
#include "workload.h"

#define PARKED_TASKS "parked_tasks"
#define DOOMED_TASKS "doomed_tasks"
#define READ_TASK    "read_task"
/* The size of a slot: a pointer. */
#define SLOT_SIZE 8
/* Where an element's deletion releases at all, it does so at once. */
#define DELETION_SECONDS 2

int refs_tasks__perform(struct scene *scene)
{
	return object__run(scene->object, scene->options);
}

struct way {
	const char *program;
	const char *kfunc;
};

static const struct way found = { "park_found", "bpf_task_from_pid" };
static const struct way acquired = { "park_acquired", "bpf_task_acquire" };
static const struct way doomed = { "park_doomed", "bpf_task_from_pid" };

enum { STALE = 1, DELETED = 2, AMBIGUOUS = 4 };

static void add_parked(struct scene *scene, const struct way *way, pid_t pid, int what)
{
	struct parked parked = {
		.type = TASK,
		.program = way->program,
		.kfunc = way->kfunc,
		.map = PARKED_TASKS,
		.pid = pid,
		.references = 1,
		.stale = what & STALE,
		.deleted_element = what & DELETED,
		.is_ambiguous = what & AMBIGUOUS,
	};

	references__add_parked(scene->references, &parked);
}

/* Parks a process in the slot with its own number; its address and its count with the reference. */
static int park_task(struct scene *scene, const struct way *way, const char *map, pid_t pid,
		     __u32 key, __u64 *address, __u64 *count)
{
	if (scene__add_slot(scene, map, key, SLOT_SIZE))
		return -1;
	scene->step->pid = pid;
	scene->step->key = key;
	if (scene__do(scene, way->program))
		return -1;
	*address = scene->step->address;
	return scene__read(scene, READ_TASK, *address, count);
}

static pid_t park_child(struct scene *scene, const struct way *way, const char *map, __u64 *address,
			__u64 *count)
{
	pid_t pid = scene__start_child(scene);

	if (pid < 0 || park_task(scene, way, map, pid, pid, address, count))
		return -1;
	return pid;
}

static int drop(struct scene *scene, __u32 key)
{
	scene->step->key = key;
	return scene__do(scene, "drop_task");
}

static int keep_some(struct scene *scene)
{
	__u64 address, count;
	pid_t pid;

	pid = park_child(scene, &found, PARKED_TASKS, &address, &count);
	if (pid < 0)
		return -1;
	add_parked(scene, &found, pid, 0);
	pid = park_child(scene, &acquired, PARKED_TASKS, &address, &count);
	if (pid < 0)
		return -1;
	add_parked(scene, &acquired, pid, 0);
	return 0;
}

static int hand_one_over(struct scene *scene)
{
	__u64 address, count;
	pid_t pid;

	pid = park_child(scene, &found, PARKED_TASKS, &address, &count);
	if (pid < 0 || drop(scene, pid))
		return -1;
	return scene__wait_surely(scene, READ_TASK, address, count - 1);
}

/*
 * Before 7.2 the kernel releases what a deleted element holds. Since then it keeps it, until the map
 * dies or the element is used again: so all are added before the first is deleted.
 */
static int delete_some(struct scene *scene, unsigned int n)
{
	__u64 addresses[MAX_CHILDREN], counts[MAX_CHILDREN];
	pid_t pids[MAX_CHILDREN];

	for (unsigned int i = 0; i < n; i++) {
		pids[i] = park_child(scene, &found, PARKED_TASKS, &addresses[i], &counts[i]);
		if (pids[i] < 0)
			return -1;
	}
	for (unsigned int i = 0; i < n; i++) {
		int released;

		if (scene__delete_slot(scene, PARKED_TASKS, pids[i]))
			return -1;
		released = scene__wait_for(scene, READ_TASK, addresses[i], counts[i] - 1,
					   DELETION_SECONDS);
		if (released < 0)
			return -1;
		if (released)
			references__add_released_by_maps(scene->references, TASK, 1);
		else
			add_parked(scene, &found, pids[i], DELETED);
	}
	return 0;
}

static int make_one_stale(struct scene *scene)
{
	__u64 address, count;
	pid_t pid;

	pid = park_child(scene, &acquired, PARKED_TASKS, &address, &count);
	if (pid < 0 || scene__end_child(scene, pid) ||
	    scene__wait_surely(scene, READ_TASK, address, 1))
		return -1;
	add_parked(scene, &acquired, pid, STALE);
	return 0;
}

static int destroy_a_map(struct scene *scene, unsigned int n)
{
	__u64 addresses[MAX_CHILDREN], counts[MAX_CHILDREN];

	for (unsigned int i = 0; i < n; i++) {
		if (park_child(scene, &doomed, DOOMED_TASKS, &addresses[i], &counts[i]) < 0)
			return -1;
	}
	if (scene__destroy_map(scene, DOOMED_TASKS, "park_doomed"))
		return -1;
	for (unsigned int i = 0; i < n; i++) {
		if (scene__wait_surely(scene, READ_TASK, addresses[i], counts[i] - 1))
			return -1;
	}
	references__add_released_by_maps(scene->references, TASK, n);
	return 0;
}

int refs_park__perform(struct scene *scene)
{
	unsigned int n = scene->options->times;

	if (n * 6 > MAX_CHILDREN)
		return fail(0, "refs-park does its things up to %d times", MAX_CHILDREN / 6);
	for (unsigned int i = 0; i < n; i++) {
		if (keep_some(scene) || hand_one_over(scene) || make_one_stale(scene))
			return -1;
	}
	references__add_handed_over(scene->references, TASK, "park_found", "drop_task", n);
	if (delete_some(scene, n))
		return -1;
	return destroy_a_map(scene, n);
}

/* Two programs hold the same task, and one reference is released: whose was it? */
int refs_holders__perform(struct scene *scene)
{
	__u64 address, count, again;
	pid_t pid = scene__start_child(scene);

	if (pid < 0 || park_task(scene, &found, PARKED_TASKS, pid, 0, &address, &count) ||
	    park_task(scene, &acquired, PARKED_TASKS, pid, 1, &address, &again))
		return -1;
	if (again != count + 1)
		return fail(0, "of two references %llu are there", again - count + 1);
	if (drop(scene, 0) || scene__wait_surely(scene, READ_TASK, address, count))
		return -1;
	references__add_handed_over(scene->references, TASK, "park_found", "drop_task", 1);
	add_parked(scene, &acquired, pid, AMBIGUOUS);

	/* Of another one both references stay. */
	pid = scene__start_child(scene);
	if (pid < 0 || park_task(scene, &found, PARKED_TASKS, pid, 2, &address, &count) ||
	    park_task(scene, &acquired, PARKED_TASKS, pid, 3, &address, &again))
		return -1;
	add_parked(scene, &found, pid, 0);
	add_parked(scene, &acquired, pid, 0);
	return 0;
}

/* The program goes, its map and what it parked there stay. */
int refs_unload__perform(struct scene *scene)
{
	for (unsigned int i = 0; i < scene->options->times; i++) {
		__u64 address, count;
		pid_t pid = park_child(scene, &found, PARKED_TASKS, &address, &count);

		if (pid < 0)
			return -1;
		add_parked(scene, &found, pid, 0);
	}
	return scene__unload(scene, "park_found");
}

/*
 * Where deletion does not release, the next element that is added is the deleted one, on the same
 * CPU, and holds what that held: another program finds it.
 */
int refs_reuse__perform(struct scene *scene)
{
	__u64 address, count;
	int released;
	pid_t pid;

	if (pin_to_cpu(0))
		return -1;
	pid = park_child(scene, &found, PARKED_TASKS, &address, &count);
	if (pid < 0 || scene__delete_slot(scene, PARKED_TASKS, pid))
		return -1;
	released = scene__wait_for(scene, READ_TASK, address, count - 1, DELETION_SECONDS);
	if (released < 0 || scene__add_slot(scene, PARKED_TASKS, 0, SLOT_SIZE))
		return -1;
	if (released) {
		references__add_released_by_maps(scene->references, TASK, 1);
		return 0;
	}
	if (drop(scene, 0) || scene__wait_surely(scene, READ_TASK, address, count - 1))
		return -1;
	references__add_handed_over(scene->references, TASK, "park_found", "drop_task", 1);
	return 0;
}
