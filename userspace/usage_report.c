// SPDX-License-Identifier: GPL-2.0-only
#include "usage_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash_index.h"

struct usage_names {
	struct hash_index hosts, kfuncs, programs;
};

/* A new element at the end, all zeros. The room is the next power of two, so it need not be kept. */
static void *add(void **array, size_t *nr, size_t size)
{
	char *grown = *array;

	if (!(*nr & (*nr - 1))) {
		grown = realloc(*array, (*nr ? *nr * 2 : 1) * size);
		if (!grown)
			return NULL;
		*array = grown;
	}
	return memset(grown + (*nr)++ * size, 0, size);
}

#define ADD(report, what)                                                                          \
	add((void **)&(report)->what, &(report)->nr_##what, sizeof(*(report)->what))

static struct usage_names *names_of(struct usage_report *report)
{
	if (!report->names)
		report->names = calloc(1, sizeof(*report->names));
	return report->names;
}

int usage_report__set(char **text, const char *value)
{
	char *copy = NULL;

	if (value) {
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}
	free(*text);
	*text = copy;
	return 0;
}

static __u32 find_host(const struct usage_report *report, const char *name, __u64 hash)
{
	size_t at;
	__u32 i;

	for (i = hash_index__first(&report->names->hosts, hash, &at); i != HASH_NONE;
	     i = hash_index__next(&report->names->hosts, hash, &at)) {
		if (!strcmp(report->hosts[i].name, name))
			break;
	}
	return i;
}

__u32 usage_report__host(struct usage_report *report, const char *name)
{
	__u64 hash = hash_text(HASH_START, name);
	struct usage_host *host;
	__u32 found;
	char *copy;

	if (!names_of(report))
		return USAGE_ALL;
	found = find_host(report, name, hash);
	if (found != HASH_NONE)
		return found;
	copy = strdup(name);
	if (!copy || hash_index__add(&report->names->hosts, hash, report->nr_hosts))
		goto no_memory;
	host = ADD(report, hosts);
	if (host) {
		host->name = copy;
		return host - report->hosts;
	}
	hash_index__remove(&report->names->hosts, hash, report->nr_hosts);
no_memory:
	free(copy);
	return USAGE_ALL;
}

static __u32 find_kfunc(const struct usage_report *report, const char *name, const char *module,
			__u64 hash)
{
	size_t at;
	__u32 i;

	for (i = hash_index__first(&report->names->kfuncs, hash, &at); i != HASH_NONE;
	     i = hash_index__next(&report->names->kfuncs, hash, &at)) {
		if (!strcmp(report->kfuncs[i].name, name) &&
		    !strcmp(report->kfuncs[i].module, module))
			break;
	}
	return i;
}

__u32 usage_report__kfunc(struct usage_report *report, const char *name, const char *module)
{
	struct usage_kfunc new = { 0 }, *kfunc;
	__u64 hash;
	__u32 found;

	if (!module || !*module)
		module = "vmlinux";
	hash = hash_text(hash_text(HASH_START, name), module);
	if (!names_of(report))
		return USAGE_ALL;
	found = find_kfunc(report, name, module, hash);
	if (found != HASH_NONE)
		return found;
	new.name = strdup(name);
	new.module = strdup(module);
	if (!new.name || !new.module ||
	    hash_index__add(&report->names->kfuncs, hash, report->nr_kfuncs))
		goto no_memory;
	kfunc = ADD(report, kfuncs);
	if (kfunc) {
		*kfunc = new;
		return kfunc - report->kfuncs;
	}
	hash_index__remove(&report->names->kfuncs, hash, report->nr_kfuncs);
no_memory:
	free(new.name);
	free(new.module);
	return USAGE_ALL;
}

__u32 usage_report__program(struct usage_report *report, const struct known_program *program)
{
	__u64 hash = known_program__hash(program);
	struct known_program *new;
	size_t at;

	if (!names_of(report))
		return USAGE_ALL;
	for (__u32 i = hash_index__first(&report->names->programs, hash, &at); i != HASH_NONE;
	     i = hash_index__next(&report->names->programs, hash, &at)) {
		if (known_program__equal(&report->programs[i], program))
			return i;
	}
	if (hash_index__add(&report->names->programs, hash, report->nr_programs))
		return USAGE_ALL;
	new = ADD(report, programs);
	if (!new) {
		hash_index__remove(&report->names->programs, hash, report->nr_programs);
		return USAGE_ALL;
	}
	*new = *program;
	return new - report->programs;
}

struct usage_use *usage_report__add_use(struct usage_report *report)
{
	return ADD(report, uses);
}

struct usage_point *usage_report__add_point(struct usage_report *report)
{
	return ADD(report, points);
}

struct usage_references *usage_report__add_references(struct usage_report *report)
{
	return ADD(report, references);
}

struct usage_object *usage_report__add_object(struct usage_report *report)
{
	return ADD(report, objects);
}

struct usage_problem *usage_report__add_problem(struct usage_report *report)
{
	return ADD(report, problems);
}

static void free_names(struct usage_names *names)
{
	if (!names)
		return;
	hash_index__free(&names->hosts);
	hash_index__free(&names->kfuncs);
	hash_index__free(&names->programs);
	free(names);
}

void usage_report__free(struct usage_report *report)
{
	for (size_t i = 0; i < report->nr_hosts; i++) {
		free(report->hosts[i].name);
		free(report->hosts[i].release);
		free(report->hosts[i].target);
	}
	for (size_t i = 0; i < report->nr_kfuncs; i++) {
		free(report->kfuncs[i].name);
		free(report->kfuncs[i].module);
		free(report->kfuncs[i].deprecation);
		free(report->kfuncs[i].replacement);
		free(report->kfuncs[i].since);
		free(report->kfuncs[i].untraced);
	}
	for (size_t i = 0; i < report->nr_references; i++)
		free(report->references[i].type);
	for (size_t i = 0; i < report->nr_objects; i++) {
		free(report->objects[i].type);
		free(report->objects[i].what);
	}
	for (size_t i = 0; i < report->nr_problems; i++) {
		free(report->problems[i].target);
		free(report->problems[i].problem);
		free(report->problems[i].replacement);
	}
	free(report->source);
	free(report->hosts);
	free(report->kfuncs);
	free(report->programs);
	free(report->uses);
	free(report->points);
	free(report->references);
	free(report->objects);
	free(report->problems);
	free_names(report->names);
	memset(report, 0, sizeof(*report));
}

static int compare_points(const void *a, const void *b)
{
	const struct usage_point *left = a, *right = b;

	if (left->time != right->time)
		return left->time < right->time ? -1 : 1;
	if (left->kfunc != right->kfunc)
		return left->kfunc < right->kfunc ? -1 : 1;
	return left->program < right->program ? -1 : left->program > right->program;
}

void usage_report__finish_points(struct usage_report *report)
{
	size_t nr = 0;

	if (!report->nr_points)
		return;
	qsort(report->points, report->nr_points, sizeof(*report->points), compare_points);
	for (size_t i = 0; i < report->nr_points; i++) {
		struct usage_point *point = &report->points[i], *last = NULL;

		if (nr && report->points[nr - 1].time == point->time)
			last = &report->points[nr - 1];
		if (last && !point->calls)
			continue;
		if (last && !last->calls)
			nr--;
		report->points[nr++] = *point;
	}
	report->nr_points = nr;
}
