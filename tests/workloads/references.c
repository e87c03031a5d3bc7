// SPDX-License-Identifier: GPL-2.0-only
/*
 * The truth about references.
 */
#include <stdlib.h>
#include <string.h>

#include "references.h"
#include "step.h"
#include "truth.h"
#include "workload.h"

#define MAX_PARKED	128
#define MAX_TYPES	8
#define MAX_BY_MAPS	64
#define MAX_HANDED_OVER 16
#define MAX_ZEROS	16
#define MAX_ITERATORS	16

enum role {
	ACQUIRES,
	RELEASES,
	PUSHES, /* into a list: whose reference it is changes, how many there are does not */
	POPS,
	LEAKS, /* releases, and acquires one that nobody releases */
};

struct meaning {
	const char *kfunc;
	enum role role;
	const char *type;
};

static const struct meaning meanings[] = {
	{ "bpf_task_acquire", ACQUIRES, TASK },
	{ "bpf_task_from_pid", ACQUIRES, TASK },
	{ "bpf_task_release", RELEASES, TASK },
	{ "bpf_cgroup_from_id", ACQUIRES, CGROUP },
	{ "bpf_cgroup_acquire", ACQUIRES, CGROUP },
	{ "bpf_cgroup_ancestor", ACQUIRES, CGROUP },
	{ "bpf_cgroup_release", RELEASES, CGROUP },
	{ "bpf_cpumask_create", ACQUIRES, CPUMASK },
	{ "bpf_cpumask_acquire", ACQUIRES, CPUMASK },
	{ "bpf_cpumask_release", RELEASES, CPUMASK },
	{ "bpf_crypto_ctx_create", ACQUIRES, CRYPTO_CONTEXT },
	{ "bpf_crypto_ctx_acquire", ACQUIRES, CRYPTO_CONTEXT },
	{ "bpf_crypto_ctx_release", RELEASES, CRYPTO_CONTEXT },
	{ "bpf_skb_ct_alloc", ACQUIRES, NEW_CONNECTION },
	/* Also when it fails. */
	{ "bpf_ct_insert_entry", RELEASES, NEW_CONNECTION },
	{ "bpf_ct_insert_entry", ACQUIRES, CONNECTION },
	{ "bpf_skb_ct_lookup", ACQUIRES, CONNECTION },
	{ "bpf_ct_release", RELEASES, CONNECTION },
	{ "bpf_obj_new", ACQUIRES, LOCAL_OBJECT },
	{ "bpf_obj_new_impl", ACQUIRES, LOCAL_OBJECT },
	{ "bpf_refcount_acquire", ACQUIRES, LOCAL_OBJECT },
	{ "bpf_refcount_acquire_impl", ACQUIRES, LOCAL_OBJECT },
	{ "bpf_obj_drop", RELEASES, LOCAL_OBJECT },
	{ "bpf_obj_drop_impl", RELEASES, LOCAL_OBJECT },
	{ "bpf_list_push_front_impl", PUSHES, LOCAL_OBJECT },
	{ "bpf_list_push_back_impl", PUSHES, LOCAL_OBJECT },
	{ "bpf_list_pop_front", POPS, LOCAL_OBJECT },
	{ "bpf_list_pop_back", POPS, LOCAL_OBJECT },
	{ "bpf_kfunc_call_test_acquire", ACQUIRES, TEST_OBJECT },
	{ "bpf_kfunc_call_test_kptr_get", ACQUIRES, TEST_OBJECT },
	{ "bpf_kfunc_call_test_release", RELEASES, TEST_OBJECT },
	{ "kfunctrace_test_object_create", ACQUIRES, MODULE_OBJECT },
	{ "kfunctrace_test_object_acquire", ACQUIRES, MODULE_OBJECT },
	{ "kfunctrace_test_object_kptr_get", ACQUIRES, MODULE_OBJECT },
	{ "kfunctrace_test_object_release", RELEASES, MODULE_OBJECT },
	{ "kfunctrace_test_object_leak", LEAKS, MODULE_OBJECT },
};

#define N_MEANINGS (sizeof(meanings) / sizeof(meanings[0]))

struct by_maps {
	const char *type;
	unsigned long long n;
	unsigned long long empty;
};

struct handed_over {
	const char *type, *acquired_by, *released_by;
	unsigned long long n;
};

struct zero {
	const char *kfunc, *program;
	unsigned long long n;
};

struct references {
	struct parked parked[MAX_PARKED];
	size_t n_parked;
	struct by_maps by_maps[MAX_BY_MAPS];
	size_t n_by_maps;
	struct handed_over handed_over[MAX_HANDED_OVER];
	size_t n_handed_over;
	struct zero zeros[MAX_ZEROS];
	size_t n_zeros;
	struct iteration_row iterations[MAX_ITERATORS];
	size_t n_iterations;
};

struct totals {
	const char *type;
	unsigned long long acquired, nulls, released, by_maps, empty, pushed, popped, leaked;
};

static bool same(const char *a, const char *b)
{
	return !strcmp(a, b);
}

struct references *references__new(void)
{
	struct references *references = calloc(1, sizeof(*references));

	if (!references) {
		fail(0, "there is no memory");
		exit(1);
	}
	return references;
}

void references__free(struct references *references)
{
	free(references);
}

/* The next of an array that is large enough for the scenarios that there are. */
#define NEXT(array, n) (&(array)[next_index(sizeof(array) / sizeof((array)[0]), &(n))])

static size_t next_index(size_t size, size_t *n)
{
	if (*n == size) {
		fail(0, "a scenario knows more than there is room for");
		exit(1);
	}
	return (*n)++;
}

void references__add_parked(struct references *references, const struct parked *parked)
{
	*NEXT(references->parked, references->n_parked) = *parked;
}

void references__add_released_by_maps(struct references *references, const char *type,
				      unsigned long long n)
{
	*NEXT(references->by_maps, references->n_by_maps) = (struct by_maps){ type, n, 0 };
}

void references__add_empty_releases(struct references *references, const char *type,
				    unsigned long long n)
{
	*NEXT(references->by_maps, references->n_by_maps) = (struct by_maps){ type, 0, n };
}

void references__add_handed_over(struct references *references, const char *type,
				 const char *acquired_by, const char *released_by,
				 unsigned long long n)
{
	*NEXT(references->handed_over, references->n_handed_over) =
		(struct handed_over){ type, acquired_by, released_by, n };
}

void references__add_refcount_zero(struct references *references, const char *kfunc,
				   const char *program, unsigned long long n)
{
	*NEXT(references->zeros, references->n_zeros) = (struct zero){ kfunc, program, n };
}

void references__add_iterations(struct references *references, const struct iteration_row *row)
{
	*NEXT(references->iterations, references->n_iterations) = *row;
}

/* --- by type ------------------------------------------------------------------ */

static struct totals *totals_of(struct totals *types, size_t *n, const char *type)
{
	for (size_t i = 0; i < *n; i++) {
		if (same(types[i].type, type))
			return &types[i];
	}
	types[next_index(MAX_TYPES, n)] = (struct totals){ .type = type };
	return &types[*n - 1];
}

/*
 * The kernel's own calls, inside of other kfuncs or for a map, are not the programs'; but what it
 * leaks is outstanding.
 */
static size_t count_types(const struct references *references, const struct truth_row *rows,
			  size_t n_rows, struct totals *types)
{
	size_t n = 0;

	for (size_t i = 0; i < n_rows; i++) {
		const struct truth_row *row = &rows[i];

		for (size_t j = 0; j < N_MEANINGS; j++) {
			struct totals *totals;

			if (!row->program[0] || !row->calls || !same(meanings[j].kfunc, row->kfunc))
				continue;
			totals = totals_of(types, &n, meanings[j].type);
			switch (meanings[j].role) {
			case ACQUIRES:
				totals->acquired += row->calls - row->null_returns;
				totals->nulls += row->null_returns;
				break;
			case RELEASES:
				totals->released += row->calls;
				break;
			case LEAKS:
				totals->released += row->calls;
				totals->acquired += row->calls;
				totals->leaked += row->calls;
				break;
			case PUSHES:
				totals->pushed += row->calls;
				break;
			case POPS:
				totals->popped += row->calls - row->null_returns;
				break;
			}
		}
	}
	for (size_t i = 0; i < references->n_by_maps; i++) {
		const struct by_maps *by_maps = &references->by_maps[i];
		struct totals *totals = totals_of(types, &n, by_maps->type);

		totals->by_maps += by_maps->n;
		totals->empty += by_maps->empty;
	}
	return n;
}

static unsigned long long outstanding(const struct totals *totals)
{
	return totals->acquired - totals->released - totals->by_maps;
}

int references__check(const struct references *references, const struct truth_row *rows, size_t n)
{
	struct totals types[MAX_TYPES];
	size_t n_types = count_types(references, rows, n, types);

	for (size_t i = 0; i < n_types; i++) {
		unsigned long long parked = 0;

		for (size_t j = 0; j < references->n_parked; j++) {
			if (same(references->parked[j].type, types[i].type))
				parked += references->parked[j].references;
		}
		if (parked != outstanding(&types[i]))
			return fail(0, "%s: %llu are parked, but by the calls %lld are outstanding",
				    types[i].type, parked, (long long)outstanding(&types[i]));
	}
	return 0;
}

/* --- as JSON; no name in here needs escapes ------------------------------------- */

static void print_string(FILE *file, const char *key, const char *value)
{
	if (value)
		fprintf(file, ", \"%s\": \"%s\"", key, value);
	else
		fprintf(file, ", \"%s\": null", key);
}

static void print_bool(FILE *file, const char *key, bool value)
{
	fprintf(file, ", \"%s\": %s", key, value ? "true" : "false");
}

static void begin(FILE *file, const char *section)
{
	fprintf(file, ",\n\"%s\": [", section);
}

static void print_types(const struct references *references, FILE *file,
			const struct truth_row *rows, size_t n)
{
	struct totals types[MAX_TYPES];
	size_t n_types = count_types(references, rows, n, types);

	begin(file, "types");
	for (size_t i = 0; i < n_types; i++) {
		const struct totals *totals = &types[i];

		fprintf(file,
			"%s\n  {\"type\": \"%s\", \"acquired\": %llu, \"null_returns\": %llu, "
			"\"released\": %llu, \"released_by_maps\": %llu, \"outstanding\": %llu",
			i ? "," : "", totals->type, totals->acquired, totals->nulls,
			totals->released, totals->by_maps, outstanding(totals));
		if (totals->leaked)
			fprintf(file, ", \"acquired_by_kernel\": %llu", totals->leaked);
		if (totals->empty)
			fprintf(file, ", \"empty_releases\": %llu", totals->empty);
		if (totals->pushed || totals->popped)
			fprintf(file, ", \"pushed\": %llu, \"popped\": %llu", totals->pushed,
				totals->popped);
		fputs("}", file);
	}
	fputs("\n]", file);
}

static void print_parked(const struct references *references, FILE *file)
{
	begin(file, "parked");
	for (size_t i = 0; i < references->n_parked; i++) {
		const struct parked *parked = &references->parked[i];

		fprintf(file, "%s\n  {\"type\": \"%s\"", i ? "," : "", parked->type);
		print_string(file, "program", parked->program);
		print_string(file, "kfunc", parked->kfunc);
		if (parked->pid)
			fprintf(file, ", \"pid\": %d", parked->pid);
		if (parked->cgroup_id)
			fprintf(file, ", \"cgroup_id\": %llu",
				(unsigned long long)parked->cgroup_id);
		print_string(file, "map", parked->map);
		fprintf(file, ", \"objects\": %u, \"references\": %u",
			parked->objects ? parked->objects : 1, parked->references);
		print_bool(file, "stale", parked->stale);
		print_bool(file, "deleted_element", parked->deleted_element);
		print_bool(file, "in_use", parked->in_use);
		print_bool(file, "ambiguous", parked->is_ambiguous);
		fputs("}", file);
	}
	fputs("\n]", file);
}

static void print_handed_over(const struct references *references, FILE *file)
{
	begin(file, "handed_over");
	for (size_t i = 0; i < references->n_handed_over; i++) {
		const struct handed_over *handed_over = &references->handed_over[i];

		fprintf(file, "%s\n  {\"type\": \"%s\"", i ? "," : "", handed_over->type);
		print_string(file, "acquired_by", handed_over->acquired_by);
		print_string(file, "released_by", handed_over->released_by);
		fprintf(file, ", \"count\": %llu}", handed_over->n);
	}
	fputs("\n]", file);
}

static bool acquires(const char *kfunc)
{
	for (size_t i = 0; i < N_MEANINGS; i++) {
		if (same(meanings[i].kfunc, kfunc) && meanings[i].role == ACQUIRES)
			return true;
	}
	return false;
}

static void print_zeros(const struct references *references, FILE *file,
			const struct truth_row *rows, size_t n)
{
	const char *comma = "";

	begin(file, "zero");
	for (size_t i = 0; i < n; i++) {
		const struct truth_row *row = &rows[i];
		unsigned long long zeros = 0;

		if (!row->program[0] || !row->null_returns || !acquires(row->kfunc))
			continue;
		for (size_t j = 0; j < references->n_zeros; j++) {
			const struct zero *zero = &references->zeros[j];

			if (same(zero->kfunc, row->kfunc) && same(zero->program, row->program))
				zeros += zero->n;
		}
		fprintf(file,
			"%s\n  {\"kfunc\": \"%s\", \"program\": \"%s\", \"refcount_zero\": %llu, "
			"\"other_nulls\": %llu}",
			comma, row->kfunc, row->program, zeros, row->null_returns - zeros);
		comma = ",";
	}
	fputs("\n]", file);
}

static void print_iterations(const struct references *references, FILE *file)
{
	begin(file, "iterators");
	for (size_t i = 0; i < references->n_iterations; i++) {
		const struct iteration_row *row = &references->iterations[i];

		fprintf(file,
			"%s\n  {\"type\": \"%s\", \"program\": \"%s\", \"made\": %llu, "
			"\"failed\": %llu, \"destroyed\": %llu, \"elements\": %llu, "
			"\"per_iteration\": [",
			i ? "," : "", row->type, row->program, row->made, row->failed,
			row->destroyed, row->elements);
		for (size_t j = 0; j < row->made && j < MAX_ITERATIONS; j++)
			fprintf(file, "%s%u", j ? ", " : "", row->per_iteration[j]);
		fputs("]}", file);
	}
	fputs("\n]", file);
}

void references__print(const struct references *references, FILE *file,
		       const struct truth_row *rows, size_t n)
{
	print_types(references, file, rows, n);
	print_parked(references, file);
	print_handed_over(references, file);
	print_zeros(references, file, rows, n);
	print_iterations(references, file);
}
