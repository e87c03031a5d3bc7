// SPDX-License-Identifier: GPL-2.0-only
#include "usage_summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_version.h"
#include "table.h"

void usage_gauge__add(struct usage_gauge *gauge, __s64 value)
{
	if (value < 0) {
		gauge->unknown++;
		return;
	}
	gauge->known++;
	gauge->sum += value;
}

const char *usage_gauge__format(const struct usage_gauge *gauge, char *buf, size_t size)
{
	char number[32];

	if (!gauge->known)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%s%s", gauge->unknown ? ">=" : "",
			 format_thousands(gauge->sum, number, sizeof(number)));
	return buf;
}

struct usage_gauge usage_host__lost(const struct usage_host *host)
{
	return (struct usage_gauge){ .sum = host->lost, .known = 1, .unknown = host->lost_more };
}

bool usage_kfunc__knows(const struct usage_kfunc *kfunc, unsigned int kind, __u64 count)
{
	return count || kfunc->measured & kind;
}

bool usage_use__happened(const struct usage_use *use)
{
	return use->calls || use->nulls || use->zeros || use->outstanding > 0;
}

bool usage_report__deprecates(const struct usage_report *report, __u32 kfunc, __u32 host)
{
	const char *since = report->kfuncs[kfunc].since, *release = report->hosts[host].release;
	unsigned int first = since ? kernel_version__parse(since) : 0;
	unsigned int version = release ? kernel_version__parse(release) : 0;

	return report->kfuncs[kfunc].deprecation && (!first || !version || version >= first);
}

static bool is_deprecated(const struct usage_report *report, const struct usage_use *use)
{
	return use->calls && usage_report__deprecates(report, use->kfunc, use->host);
}

/* --- sums --------------------------------------------------------------------------------------- */

struct grouping {
	const struct usage_report *report;
	unsigned int key;
};

static int compare_index(__u32 a, __u32 b)
{
	return (a > b) - (a < b);
}

static int compare_keys(const struct usage_use *a, const struct usage_use *b, unsigned int key)
{
	int order = 0;

	if (key & USAGE_BY_KFUNC)
		order = compare_index(a->kfunc, b->kfunc);
	if (!order && (key & USAGE_BY_PROGRAM))
		order = compare_index(a->program, b->program);
	if (!order && (key & USAGE_BY_HOST))
		order = compare_index(a->host, b->host);
	return order;
}

static int compare_uses(const void *a, const void *b, void *arg)
{
	const struct grouping *grouping = arg;
	const struct usage_use *x = &grouping->report->uses[*(const __u32 *)a];
	const struct usage_use *y = &grouping->report->uses[*(const __u32 *)b];

	return compare_keys(x, y, grouping->key)
		       ?: compare_keys(x, y, USAGE_BY_KFUNC | USAGE_BY_PROGRAM | USAGE_BY_HOST);
}

static int compare_names(const struct usage_report *report, const struct usage_sum *a,
			 const struct usage_sum *b)
{
	int order = 0;

	if (a->kfunc != b->kfunc)
		order = strcmp(report->kfuncs[a->kfunc].name, report->kfuncs[b->kfunc].name);
	if (!order && a->program != b->program)
		order = strcmp(known_program__title(&report->programs[a->program]),
			       known_program__title(&report->programs[b->program]));
	if (!order && a->host != b->host)
		order = strcmp(report->hosts[a->host].name, report->hosts[b->host].name);
	return order;
}

static int compare_sums(const void *a, const void *b, void *arg)
{
	const struct usage_sum *x = a, *y = b;
	int order = (x->calls < y->calls) - (x->calls > y->calls);

	return order ?: compare_names(arg, x, y) ?: (x->first > y->first) - (x->first < y->first);
}

static void add_use(struct usage_sum *sum, const struct usage_use *use)
{
	sum->calls += use->calls;
	sum->nulls += use->nulls;
	sum->zeros += use->zeros;
	usage_gauge__add(&sum->outstanding, use->outstanding);
	if (use->first_seen > 0 && (!sum->first_seen || use->first_seen < sum->first_seen))
		sum->first_seen = use->first_seen;
	if (use->last_seen > sum->last_seen)
		sum->last_seen = use->last_seen;
}

/* Which hosts, kfuncs and programs have been counted: the number of the sum that did it last. */
struct stamps {
	size_t *hosts, *kfuncs, *programs;
};

static void count_once(size_t *stamps, __u32 idx, size_t stamp, size_t *count)
{
	if (stamps[idx] == stamp)
		return;
	stamps[idx] = stamp;
	++*count;
}

static void sum_up(struct usage_sums *sums, const struct usage_report *report, size_t nr,
		   unsigned int key, struct stamps *stamps)
{
	for (size_t i = 0; i < nr; i++) {
		const struct usage_use *use = &report->uses[sums->order[i]];
		struct usage_sum *sum;

		if (!i || compare_keys(&report->uses[sums->order[i - 1]], use, key)) {
			sums->sums[sums->nr++] = (struct usage_sum){
				.host = key & USAGE_BY_HOST ? use->host : USAGE_ALL,
				.kfunc = key & USAGE_BY_KFUNC ? use->kfunc : USAGE_ALL,
				.program = key & USAGE_BY_PROGRAM ? use->program : USAGE_ALL,
				.first = i,
			};
		}
		sum = &sums->sums[sums->nr - 1];
		sum->nr++;
		add_use(sum, use);
		count_once(stamps->hosts, use->host, sums->nr, &sum->hosts);
		count_once(stamps->kfuncs, use->kfunc, sums->nr, &sum->kfuncs);
		count_once(stamps->programs, use->program, sums->nr, &sum->programs);
	}
}

int usage_sums__make(struct usage_sums *sums, const struct usage_report *report, unsigned int key)
{
	struct grouping grouping = { .report = report, .key = key };
	struct stamps stamps = {
		.hosts = calloc(report->nr_hosts + 1, sizeof(size_t)),
		.kfuncs = calloc(report->nr_kfuncs + 1, sizeof(size_t)),
		.programs = calloc(report->nr_programs + 1, sizeof(size_t)),
	};
	int err = -ENOMEM;
	size_t nr = 0;

	*sums = (struct usage_sums){
		.order = calloc(report->nr_uses + 1, sizeof(*sums->order)),
		.sums = calloc(report->nr_uses + 1, sizeof(*sums->sums)),
	};
	if (!stamps.hosts || !stamps.kfuncs || !stamps.programs || !sums->order || !sums->sums)
		goto out;
	for (size_t i = 0; i < report->nr_uses; i++) {
		const struct usage_use *use = &report->uses[i];

		if (key & USAGE_DEPRECATED ? is_deprecated(report, use) : usage_use__happened(use))
			sums->order[nr++] = i;
	}
	qsort_r(sums->order, nr, sizeof(*sums->order), compare_uses, &grouping);
	sum_up(sums, report, nr, key, &stamps);
	qsort_r(sums->sums, sums->nr, sizeof(*sums->sums), compare_sums, (void *)report);
	err = 0;
out:
	free(stamps.hosts);
	free(stamps.kfuncs);
	free(stamps.programs);
	return err;
}

void usage_sums__free(struct usage_sums *sums)
{
	free(sums->sums);
	free(sums->order);
	memset(sums, 0, sizeof(*sums));
}

/* --- references ----------------------------------------------------------------------------------- */

static int compare_references(const void *a, const void *b)
{
	return strcmp((*(const struct usage_references *const *)a)->type,
		      (*(const struct usage_references *const *)b)->type);
}

static int compare_types(const void *a, const void *b)
{
	const struct usage_type *x = a, *y = b;
	int order = (x->outstanding.sum < y->outstanding.sum) -
		    (x->outstanding.sum > y->outstanding.sum);

	return order ?: strcmp(x->name, y->name);
}

static void add_references(struct usage_type *type, const struct usage_references *references)
{
	type->hosts++;
	usage_gauge__add(&type->acquired, references->acquired);
	usage_gauge__add(&type->released, references->released);
	if (references->oldest_s > type->oldest_s)
		type->oldest_s = references->oldest_s;
	usage_gauge__add(&type->outstanding, references->outstanding);
	usage_gauge__add(&type->parked, references->parked);
	usage_gauge__add(&type->stale, references->stale);
}

struct usage_type *usage_report__types(const struct usage_report *report, size_t *nr, int *err)
{
	struct usage_type *types = calloc(report->nr_references + 1, sizeof(*types));
	const struct usage_references **sorted = calloc(report->nr_references + 1, sizeof(*sorted));

	*nr = 0;
	*err = types && sorted ? 0 : -ENOMEM;
	if (*err) {
		free(types);
		free(sorted);
		return NULL;
	}
	for (size_t i = 0; i < report->nr_references; i++)
		sorted[i] = &report->references[i];
	qsort(sorted, report->nr_references, sizeof(*sorted), compare_references);
	for (size_t i = 0; i < report->nr_references; i++) {
		if (!*nr || strcmp(types[*nr - 1].name, sorted[i]->type) != 0)
			types[(*nr)++].name = sorted[i]->type;
		add_references(&types[*nr - 1], sorted[i]);
	}
	free(sorted);
	qsort(types, *nr, sizeof(*types), compare_types);
	return types;
}

/* --- problems ------------------------------------------------------------------------------------- */

/* "deprecated" and the like: the program still works there. */
static bool breaks(const struct usage_problem *problem)
{
	return problem->problem && strncmp(problem->problem, "deprecated", 10) &&
	       strncmp(problem->problem, "superseded", 10);
}

static int compare_problems(const struct usage_report *report, const struct usage_problem *a,
			    const struct usage_problem *b)
{
	return breaks(b) - breaks(a) ?: strcmp(a->target ?: "", b->target ?: "")
		       ?: strcmp(report->kfuncs[a->kfunc].name, report->kfuncs[b->kfunc].name)
		       ?: compare_index(a->kfunc, b->kfunc)
		       ?: strcmp(a->problem ?: "", b->problem ?: "")
		       ?: strcmp(known_program__title(&report->programs[a->program]),
				 known_program__title(&report->programs[b->program]))
		       ?: compare_index(a->program, b->program);
}

bool usage_problem__same(const struct usage_report *report, const struct usage_problem *a,
			 const struct usage_problem *b)
{
	return !compare_problems(report, a, b);
}

static int compare_problems_by_host(const void *a, const void *b, void *arg)
{
	const struct usage_problem *x = *(const struct usage_problem *const *)a;
	const struct usage_problem *y = *(const struct usage_problem *const *)b;

	return compare_problems(arg, x, y) ?: compare_index(x->host, y->host);
}

struct usage_breakage *usage_report__breakages(const struct usage_report *report, size_t *nr,
					       int *err)
{
	struct usage_breakage *breakages = calloc(report->nr_problems + 1, sizeof(*breakages));
	const struct usage_problem **sorted = calloc(report->nr_problems + 1, sizeof(*sorted));
	size_t nr_sorted = 0;

	*nr = 0;
	*err = breakages && sorted ? 0 : -ENOMEM;
	if (*err) {
		free(breakages);
		free(sorted);
		return NULL;
	}
	/* Those without a target are deprecations. */
	for (size_t i = 0; i < report->nr_problems; i++) {
		if (report->problems[i].target)
			sorted[nr_sorted++] = &report->problems[i];
	}
	qsort_r(sorted, nr_sorted, sizeof(*sorted), compare_problems_by_host, (void *)report);
	for (size_t i = 0; i < nr_sorted; i++) {
		bool is_new = !i || compare_problems(report, sorted[i - 1], sorted[i]);

		if (is_new)
			breakages[(*nr)++] = (struct usage_breakage){
				.problem = sorted[i],
				.breaks = breaks(sorted[i]),
			};
		if (is_new || sorted[i - 1]->host != sorted[i]->host)
			breakages[*nr - 1].hosts++;
	}
	free(sorted);
	return breakages;
}
