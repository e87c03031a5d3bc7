// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choosing, loading and running the programs of a BPF object.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "truth.h"
#include "workload.h"

#define MAX_MODULES 256

static struct btf *vmlinux_btf;

static bool has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

/* To read them takes long, and what is loaded does not change meanwhile. */
static const struct btf *const *module_btfs(size_t *n)
{
	static struct btf *btfs[MAX_MODULES];
	static size_t n_btfs;
	static bool are_read;
	struct dirent *entry;
	DIR *modules;

	modules = are_read ? NULL : opendir("/sys/kernel/btf");
	while (modules && n_btfs < MAX_MODULES && (entry = readdir(modules))) {
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "vmlinux"))
			continue;
		btfs[n_btfs] = btf__load_module_btf(entry->d_name, vmlinux_btf);
		if (btfs[n_btfs])
			n_btfs++;
	}
	if (modules)
		closedir(modules);
	are_read = true;
	*n = n_btfs;
	return (const struct btf *const *)btfs;
}

/* Before a module's own types come all of the kernel's, which have been looked at. */
static bool has_own_function(const struct btf *btf, const char *name)
{
	for (__u32 id = btf__type_cnt(vmlinux_btf); id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_is_func(type) && !strcmp(btf__name_by_offset(btf, type->name_off), name))
			return true;
	}
	return false;
}

static bool module_has_function(const char *name)
{
	const struct btf *const *btfs;
	size_t n;

	btfs = module_btfs(&n);
	for (size_t i = 0; i < n; i++) {
		if (has_own_function(btfs[i], name))
			return true;
	}
	return false;
}

/* Rows of the same kfunc follow each other often. */
static bool kernel_has(const char *name)
{
	static char last_name[sizeof(((struct truth_row *)0)->kfunc)];
	static bool last;

	if (strcmp(name, last_name)) {
		last = has_function(vmlinux_btf, name) || module_has_function(name);
		strcpy(last_name, name);
	}
	return last;
}

static const struct truth_row *initial_rows(struct bpf_object *object, size_t *n)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, TRUTH_SECTION);
	size_t size;
	const void *rows;

	rows = map ? bpf_map__initial_value(map, &size) : NULL;
	*n = rows ? size / sizeof(struct truth_row) : 0;
	return rows;
}

/* Some programs only help the others: they call no kfuncs. */
static bool has_rows(const char *program, const struct truth_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(rows[i].program, program))
			return true;
	}
	return false;
}

static const char *missing_kfunc(const char *program, const struct truth_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(rows[i].program, program) && !kernel_has(rows[i].kfunc))
			return rows[i].kfunc;
	}
	return NULL;
}

/* A scenario needs all of its programs, the others do with what there is. */
static struct bpf_object *open_one(const void *(*elf)(size_t *size), const char *name,
				   bool needs_all, const char **missing)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = name);
	static char missing_name[sizeof(((struct truth_row *)0)->kfunc)];
	struct bpf_program *program;
	const struct truth_row *rows;
	struct bpf_object *object;
	bool has_any = false, has_all = true;
	const void *bytes;
	size_t size, n;

	bytes = elf(&size);
	object = bpf_object__open_mem(bytes, size, &opts);
	if (!object) {
		fail(errno, "cannot open the BPF object of %s", name);
		return NULL;
	}
	rows = initial_rows(object, &n);
	bpf_object__for_each_program(program, object)
	{
		const char *kfunc = missing_kfunc(bpf_program__name(program), rows, n);

		bpf_program__set_autoload(program, !kfunc);
		if (kfunc) {
			strcpy(missing_name, kfunc);
			*missing = missing_name;
			has_all = false;
		} else if (has_rows(bpf_program__name(program), rows, n)) {
			has_any = true;
		}
	}
	if (has_any && (has_all || !needs_all))
		return object;
	bpf_object__close(object);
	return NULL;
}

struct bpf_object *object__open(const struct workload *workload, const char **missing)
{
	struct bpf_object *object = NULL;

	*missing = NULL;
	if (!vmlinux_btf)
		vmlinux_btf = btf__load_vmlinux_btf();
	if (!vmlinux_btf) {
		fail(errno, "cannot read the kernel's BTF");
		return NULL;
	}
	for (int i = 0; i < MAX_OBJECTS && workload->objects[i] && !object; i++)
		object = open_one(workload->objects[i], workload->name, workload->perform, missing);
	return object;
}

static bool is_wanted(struct bpf_object *object, const struct truth_row *row)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, row->program);

	return row->program[0] ? program && bpf_program__autoload(program) : kernel_has(row->kfunc);
}

void object__print_kfuncs(struct bpf_object *object)
{
	const struct truth_row *rows;
	size_t n;

	rows = initial_rows(object, &n);
	for (size_t i = 0; i < n; i++) {
		bool again = !is_wanted(object, &rows[i]);

		for (size_t j = 0; j < i && !again; j++)
			again = !strcmp(rows[j].kfunc, rows[i].kfunc) &&
				is_wanted(object, &rows[j]);
		if (!again)
			puts(rows[i].kfunc);
	}
}

int object__load(struct bpf_object *object)
{
	int err = bpf_object__load(object);

	if (err)
		return fail(-err, "cannot load the BPF programs of %s", bpf_object__name(object));
	return 0;
}

int program__run(int fd, enum bpf_prog_type type, unsigned int times)
{
	unsigned char packet[64] = {};
	bool repeats = type == BPF_PROG_TYPE_SCHED_CLS || type == BPF_PROG_TYPE_XDP ||
		       type == BPF_PROG_TYPE_CGROUP_SKB || type == BPF_PROG_TYPE_SOCKET_FILTER;
	int err;

	if (repeats) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
			    .data_size_in = sizeof(packet), .repeat = times);

		/* Who was stopped and goes on begins again: what was called, the programs count. */
		do
			err = times ? bpf_prog_test_run_opts(fd, &opts) : 0;
		while (err == -EINTR);
		return err ? fail(-err, "cannot run a program") : 0;
	}
	for (unsigned int i = 0; i < times; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts);

		err = bpf_prog_test_run_opts(fd, &opts);
		if (err)
			return fail(-err, "cannot run a program");
	}
	return 0;
}

int pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return fail(errno, "cannot run on CPU %d", cpu);
	return 0;
}

double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

#define MAX_PROGRAMS 64

struct run {
	struct bpf_program *programs[MAX_PROGRAMS];
	unsigned int n;
	const struct options *options;
	double end;
	pthread_barrier_t start;
};

struct runner {
	struct run *run;
	unsigned int number;
	pthread_t thread;
	int err;
};

static int run_share(struct runner *runner)
{
	const struct options *options = runner->run->options;
	struct run *run = runner->run;
	int err;

	/* With more threads than programs, several run the same one. */
	for (unsigned int i = runner->number % run->n; i < run->n; i += options->threads) {
		struct bpf_program *program = run->programs[i];

		err = program__run(bpf_program__fd(program), bpf_program__type(program),
				   options->times);
		if (err)
			return err;
	}
	return 0;
}

static void *thread_main(void *data)
{
	struct runner *runner = data;
	const struct options *options = runner->run->options;

	if (options->placement == ONE_CPU)
		runner->err = pin_to_cpu(options->cpu);
	else if (options->placement == SPREAD)
		runner->err = pin_to_cpu(runner->number % sysconf(_SC_NPROCESSORS_ONLN));
	pthread_barrier_wait(&runner->run->start);
	while (!runner->err) {
		runner->err = run_share(runner);
		if (now() >= runner->run->end)
			break;
	}
	return NULL;
}

int object__run(struct bpf_object *object, const struct options *options)
{
	struct run run = { .options = options };
	struct bpf_program *program;
	struct runner *runners;
	int err = 0;

	bpf_object__for_each_program(program, object)
	{
		if (bpf_program__fd(program) < 0 || run.n == MAX_PROGRAMS)
			continue;
		if (bpf_program__type(program) == BPF_PROG_TYPE_TRACING &&
		    !bpf_program__attach(program))
			return fail(errno, "cannot attach %s", bpf_program__name(program));
		run.programs[run.n++] = program;
	}
	runners = calloc(options->threads, sizeof(*runners));
	if (!runners)
		return fail(ENOMEM, "cannot run");
	pthread_barrier_init(&run.start, NULL, options->threads);
	run.end = now() + options->seconds;
	for (unsigned int i = 0; i < options->threads; i++) {
		runners[i].run = &run;
		runners[i].number = i;
		if (pthread_create(&runners[i].thread, NULL, thread_main, &runners[i])) {
			fail(EAGAIN, "cannot start thread %u", i);
			exit(1);
		}
	}
	for (unsigned int i = 0; i < options->threads; i++) {
		pthread_join(runners[i].thread, NULL);
		if (runners[i].err)
			err = runners[i].err;
	}
	pthread_barrier_destroy(&run.start);
	free(runners);
	return err;
}

/* Also of a program that has been unloaded since. */
static bool was_loaded(struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	return program && bpf_program__autoload(program);
}

int object__truth(struct bpf_object *object, struct truth_row **rows, size_t *n)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, TRUTH_SECTION);
	__u32 key = 0;
	size_t all, kept = 0;
	int err;

	*rows = malloc(bpf_map__value_size(map));
	if (!*rows)
		return fail(ENOMEM, "cannot read the truth");
	err = bpf_map_lookup_elem(bpf_map__fd(map), &key, *rows);
	if (err)
		return fail(-err, "cannot read the truth");
	all = bpf_map__value_size(map) / sizeof(struct truth_row);
	for (size_t i = 0; i < all; i++) {
		const struct truth_row *row = &(*rows)[i];

		if (row->program[0] ? was_loaded(object, row->program) : row->calls > 0)
			(*rows)[kept++] = *row;
	}
	*n = kept;
	return 0;
}
