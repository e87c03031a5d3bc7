/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Workloads: BPF programs that call kfuncs, and count themselves how often.
 */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include <bpf/libbpf.h>

struct scene;
struct truth_row;

/* Where the threads of a workload run. */
enum placement {
	ANYWHERE,
	ONE_CPU, /* all on options.cpu */
	SPREAD,	 /* each thread on the next CPU */
};

struct options {
	unsigned int times;
	unsigned int threads;
	unsigned int rounds;
	unsigned int seconds; /* 0: once */
	int cpu;
	enum placement placement;
};

#define MAX_OBJECTS 2

struct workload {
	const char *name;
	const char *summary;
	/* BPF objects; the first with a program that this kernel can run is taken. */
	const void *(*objects[MAX_OBJECTS])(size_t *size);
	struct options defaults;
	/* Runs what is loaded; NULL: every program options.times times. */
	int (*run)(struct bpf_object *object, const struct options *options);
	/* The same for a workload whose truth is about references. */
	int (*perform)(struct scene *scene);
};

/* With a message on stderr, as `errno` words if error is not 0; both return -1. */
int fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- objects.c --- */

const void *object__churn(size_t *size);
const void *object__conntrack(size_t *size);
const void *object__contend(size_t *size);
const void *object__demo(size_t *size);
const void *object__demo_old(size_t *size);
const void *object__many_sites(size_t *size);
const void *object__mix(size_t *size);
const void *object__readonly_dynptr(size_t *size);
const void *object__refs_cgroup(size_t *size);
const void *object__refs_churn(size_t *size);
const void *object__refs_churn_test(size_t *size);
const void *object__refs_conntrack(size_t *size);
const void *object__refs_cpumask(size_t *size);
const void *object__refs_crypto(size_t *size);
const void *object__refs_iterators(size_t *size);
const void *object__refs_local(size_t *size);
const void *object__refs_local_new(size_t *size);
const void *object__refs_many(size_t *size);
const void *object__refs_park(size_t *size);
const void *object__refs_sleepable(size_t *size);
const void *object__refs_tasks(size_t *size);
const void *object__refs_test(size_t *size);
const void *object__refs_test_module(size_t *size);
const void *object__refs_test_module_old(size_t *size);
const void *object__refs_zero(size_t *size);
const void *object__sched_ext(size_t *size);
const void *object__subprograms(size_t *size);
const void *object__test_module(size_t *size);
const void *object__two_programs(size_t *size);

/* --- object.c: choosing, loading and running the programs of an object --- */

/*
 * Opens the first object of a workload that has programs for this kernel, with the others set to be
 * left out. NULL when there is none; missing then has the name of a kfunc for want of which.
 */
struct bpf_object *object__open(const struct workload *workload, const char **missing);
/* On stdout, each once: those that programs of this kernel call, and the kernel for them. */
void object__print_kfuncs(struct bpf_object *object);
int object__load(struct bpf_object *object);
int object__run(struct bpf_object *object, const struct options *options);
/* Runs one program so many times. */
int program__run(int fd, enum bpf_prog_type type, unsigned int times);
/* Loads a copy of a loaded one with so many instructions more; its fd, or -1. */
int program__load_copy(struct bpf_program *program, unsigned int padding);
/* The rows of the programs that are loaded, and of the kernel; to be freed. */
int object__truth(struct bpf_object *object, struct truth_row **rows, size_t *n);

int pin_to_cpu(int cpu);
double now(void);

/* --- the workloads that run in a way of their own --- */

int churn__run(struct bpf_object *object, const struct options *options);
int demo__run(struct bpf_object *object, const struct options *options);
int sched_ext__run(struct bpf_object *object, const struct options *options);

#endif
