// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the scenarios about references are made of.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "scene.h"
#include "truth.h"
#include "workload.h"

#define CGROUPS "/sys/fs/cgroup"
/* The kernel frees maps and programs after grace periods, and an emulated CPU is slow. */
#define PATIENCE_SECONDS 60

/* A data section of the object, which the programs use at the same time. */
static void *section(struct bpf_object *object, const char *name, size_t *size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	void *data;

	*size = bpf_map__value_size(map);
	data = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (data == MAP_FAILED) {
		fail(errno, "cannot map the section %s of the BPF object", name);
		exit(1);
	}
	return data;
}

void scene__begin(struct scene *scene)
{
	size_t size;

	if (!bpf_object__find_map_by_name(scene->object, STEP_SECTION))
		return;
	scene->step = section(scene->object, STEP_SECTION, &size);
}

void scene__end(struct scene *scene)
{
	if (scene->finish)
		scene->finish(scene);
	while (scene->n_children)
		scene__end_child(scene, scene->children[0]);
	while (scene->n_cgroups)
		rmdir(scene->cgroups[--scene->n_cgroups]);
}

static struct bpf_program *find_program(struct scene *scene, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(scene->object, name);

	if (!program || bpf_program__fd(program) < 0) {
		fail(0, "there is no program %s on this kernel", name);
		return NULL;
	}
	return program;
}

int scene__do_times(struct scene *scene, const char *name, unsigned int times)
{
	struct bpf_program *program = find_program(scene, name);
	__u64 done = scene->step->done;
	int err;

	if (!program)
		return -1;
	err = program__run(bpf_program__fd(program), bpf_program__type(program), times);
	if (err)
		return err;
	done = *(volatile __u64 *)&scene->step->done - done;
	if (done != times)
		return fail(0, "of %u runs of %s %llu did what they are for", times, name,
			    (unsigned long long)done);
	return 0;
}

int scene__do(struct scene *scene, const char *name)
{
	return scene__do_times(scene, name, 1);
}

int scene__kernel_called(struct scene *scene, const char *kfunc, unsigned int calls)
{
	struct truth_row *rows;
	size_t size;

	rows = section(scene->object, TRUTH_SECTION, &size);
	for (size_t i = 0; i < size / sizeof(*rows); i++) {
		if (!rows[i].program[0] && !strcmp(rows[i].kfunc, kfunc)) {
			__sync_fetch_and_add(&rows[i].calls, calls);
			munmap(rows, size);
			return 0;
		}
	}
	return fail(0, "there is no row for the kernel's calls of %s", kfunc);
}

int scene__note_iterations(struct scene *scene)
{
	struct iteration_row *rows;
	size_t size;

	rows = section(scene->object, ITERATIONS_SECTION, &size);
	for (size_t i = 0; i < size / sizeof(*rows); i++)
		references__add_iterations(scene->references, &rows[i]);
	munmap(rows, size);
	return 0;
}

int scene__read(struct scene *scene, const char *program, __u64 address, __u64 *value)
{
	__u64 before = scene->step->address;
	int err;

	scene->step->address = address;
	err = scene__do(scene, program);
	scene->step->address = before;
	*value = scene->step->value;
	return err;
}

int scene__wait_for(struct scene *scene, const char *program, __u64 address, __u64 value,
		    double seconds)
{
	double end = now() + seconds;
	__u64 have;

	for (;;) {
		if (scene__read(scene, program, address, &have))
			return -1;
		if (have == value)
			return 1;
		if (now() >= end)
			return 0;
		usleep(20000);
	}
}

int scene__wait_surely(struct scene *scene, const char *program, __u64 address, __u64 value)
{
	int result = scene__wait_for(scene, program, address, value, PATIENCE_SECONDS);

	if (result)
		return result < 0 ? -1 : 0;
	return fail(0, "%s reads %llu and not %llu, after %d seconds", program,
		    (unsigned long long)scene->step->value, (unsigned long long)value,
		    PATIENCE_SECONDS);
}

/* --- maps and programs ---------------------------------------------------------- */

static int map_fd(struct scene *scene, const char *name)
{
	return bpf_object__find_map_fd_by_name(scene->object, name);
}

int scene__add_slot(struct scene *scene, const char *map, __u32 key, size_t size)
{
	char value[256] = {};
	int err;

	if (size > sizeof(value))
		return fail(0, "a value of %s is too large", map);
	err = bpf_map_update_elem(map_fd(scene, map), &key, value, BPF_NOEXIST);
	return err ? fail(-err, "cannot add an element to %s", map) : 0;
}

int scene__delete_slot(struct scene *scene, const char *map, __u32 key)
{
	int err = bpf_map_delete_elem(map_fd(scene, map), &key);

	return err ? fail(-err, "cannot delete an element of %s", map) : 0;
}

static int program_id(int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int err = bpf_obj_get_info_by_fd(fd, &info, &size);

	return err ? fail(-err, "cannot ask for a program's id") : (int)info.id;
}

int scene__unload(struct scene *scene, const char *name)
{
	struct bpf_program *program = find_program(scene, name);
	double end = now() + PATIENCE_SECONDS;
	int id, fd;

	if (!program)
		return -1;
	id = program_id(bpf_program__fd(program));
	if (id < 0)
		return -1;
	bpf_program__unload(program);
	while ((fd = bpf_prog_get_fd_by_id(id)) >= 0) {
		close(fd);
		if (now() >= end)
			return fail(0, "%s is still loaded, after %d seconds", name,
				    PATIENCE_SECONDS);
		usleep(20000);
	}
	return 0;
}

int scene__destroy_map(struct scene *scene, const char *map, const char *program)
{
	int nothing, err = 0;

	if (scene__unload(scene, program))
		return -1;
	/* libbpf keeps the number of the descriptor, and closes it in the end. */
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing < 0 || dup3(nothing, map_fd(scene, map), O_CLOEXEC) < 0)
		err = fail(errno, "cannot let go of the map %s", map);
	if (nothing >= 0)
		close(nothing);
	return err;
}

/* --- processes ------------------------------------------------------------------ */

pid_t scene__start_child(struct scene *scene)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (scene->n_children == MAX_CHILDREN || pipe2(ready, O_CLOEXEC))
		return fail(errno, "cannot start a process");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* It must hold no map and no program; with the last of the pipe it says so. */
		close_range(3, ~0U, 0);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &byte, 1) == 0)
		scene->children[scene->n_children++] = pid;
	close(ready[0]);
	return pid > 0 ? pid : fail(errno, "cannot start a process");
}

int scene__end_child(struct scene *scene, pid_t pid)
{
	for (unsigned int i = 0; i < scene->n_children; i++) {
		if (scene->children[i] == pid)
			scene->children[i] = scene->children[--scene->n_children];
	}
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		return fail(errno, "cannot reap process %d", pid);
	return 0;
}

/* --- cgroups -------------------------------------------------------------------- */

static void cgroup_path(const char *parent, const char *name, char *path, size_t size)
{
	if (parent)
		snprintf(path, size, CGROUPS "/workload-%d-%s/%s", getpid(), parent, name);
	else
		snprintf(path, size, CGROUPS "/workload-%d-%s", getpid(), name);
}

/* A cgroup's id is the number of its folder's inode. */
__u64 scene__make_cgroup(struct scene *scene, const char *parent, const char *name)
{
	struct stat status;
	char *path;

	if (scene->n_cgroups == MAX_CGROUPS) {
		fail(0, "there are too many cgroups");
		return 0;
	}
	path = scene->cgroups[scene->n_cgroups];
	cgroup_path(parent, name, path, sizeof(scene->cgroups[0]));
	if (mkdir(path, 0755)) {
		fail(errno, "cannot make the cgroup %s", path);
		return 0;
	}
	scene->n_cgroups++;
	if (stat(path, &status)) {
		fail(errno, "cannot read %s", path);
		return 0;
	}
	return status.st_ino;
}

int scene__remove_cgroup(struct scene *scene, const char *name)
{
	char path[sizeof(scene->cgroups[0])];

	cgroup_path(NULL, name, path, sizeof(path));
	for (unsigned int i = 0; i < scene->n_cgroups; i++) {
		if (!strcmp(scene->cgroups[i], path))
			strcpy(scene->cgroups[i], scene->cgroups[--scene->n_cgroups]);
	}
	if (rmdir(path))
		return fail(errno, "cannot remove the cgroup %s", path);
	return 0;
}
