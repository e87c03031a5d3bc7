// SPDX-License-Identifier: GPL-2.0-only
/* Who still calls what is on its way out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "usage_summary.h"

/* What a caller's kind says of the use of a kfunc. */
static void add_caller(const struct usage_report *report, struct usage_deprecated *kfunc,
		       const struct usage_sum *sum)
{
	switch (report->programs[sum->program].kind) {
	case KNOWN_PROGRAM:
		kfunc->calls += sum->calls;
		kfunc->programs++;
		break;
	case KNOWN_KERNEL:
		kfunc->kernel_calls += sum->calls;
		return;
	default:
		kfunc->vague_calls += sum->calls;
	}
	if (sum->last_seen > kfunc->last_seen)
		kfunc->last_seen = sum->last_seen;
}

static int compare_callers(const void *a, const void *b, void *arg)
{
	const struct usage_sum *sums = arg;
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	if (sums[x].kfunc != sums[y].kfunc)
		return sums[x].kfunc < sums[y].kfunc ? -1 : 1;
	/* Sums are sorted by calls. */
	return (x > y) - (x < y);
}

static int compare_kfuncs(const void *a, const void *b, void *arg)
{
	const struct usage_report *report = arg;
	const struct usage_deprecated *x = a, *y = b;
	int used_x = usage_deprecated__used(report, x), used_y = usage_deprecated__used(report, y);

	if (used_x != used_y)
		return used_x == 1 || !used_y ? -1 : 1;
	if (x->programs != y->programs)
		return x->programs > y->programs ? -1 : 1;
	if (x->calls != y->calls)
		return x->calls > y->calls ? -1 : 1;
	if (x->vague_calls != y->vague_calls)
		return x->vague_calls > y->vague_calls ? -1 : 1;
	return strcmp(report->kfuncs[x->kfunc].name, report->kfuncs[y->kfunc].name);
}

/* Hosts on which programs call it. `stamps` is of a number for each host. */
static size_t count_hosts(const struct usage_report *report,
			  const struct usage_deprecations *deprecations,
			  const struct usage_deprecated *kfunc, size_t *stamps, size_t stamp)
{
	size_t hosts = 0;

	for (size_t i = 0; i < kfunc->nr_sums; i++) {
		const struct usage_sum *sum = usage_deprecated__caller(deprecations, kfunc, i);

		if (report->programs[sum->program].kind != KNOWN_PROGRAM)
			continue;
		for (size_t j = 0; j < sum->nr; j++) {
			const struct usage_use *use =
				&report->uses[deprecations->callers.order[sum->first + j]];

			if (stamps[use->host] == stamp)
				continue;
			stamps[use->host] = stamp;
			hosts++;
		}
	}
	return hosts;
}

/* Loaded programs that contain calls of the kfunc. `stamps` is of a number for each program. */
static size_t count_loaded(const struct usage_report *report, __u32 kfunc, size_t *stamps)
{
	size_t nr = 0;

	for (size_t i = 0; i < report->nr_problems; i++) {
		const struct usage_problem *problem = &report->problems[i];

		if (problem->target || problem->kfunc != kfunc ||
		    stamps[problem->program] == kfunc + 1)
			continue;
		stamps[problem->program] = kfunc + 1;
		nr++;
	}
	return nr;
}

static void collect(struct usage_deprecations *deprecations, const struct usage_report *report,
		    size_t *host_stamps, size_t *program_stamps)
{
	size_t at = 0;

	for (size_t i = 0; i < deprecations->callers.nr; i++)
		deprecations->order[i] = i;
	qsort_r(deprecations->order, deprecations->callers.nr, sizeof(*deprecations->order),
		compare_callers, deprecations->callers.sums);
	for (size_t i = 0; i < report->nr_kfuncs; i++) {
		struct usage_deprecated *kfunc = &deprecations->kfuncs[deprecations->nr];
		const struct usage_sum *sums = deprecations->callers.sums;

		while (at < deprecations->callers.nr && sums[deprecations->order[at]].kfunc < i)
			at++;
		if (!report->kfuncs[i].deprecation)
			continue;
		deprecations->nr++;
		kfunc->kfunc = i;
		kfunc->first_sum = at;
		while (at < deprecations->callers.nr && sums[deprecations->order[at]].kfunc == i) {
			add_caller(report, kfunc, &sums[deprecations->order[at++]]);
			kfunc->nr_sums++;
		}
		kfunc->hosts = count_hosts(report, deprecations, kfunc, host_stamps, i + 1);
		kfunc->loaded = count_loaded(report, i, program_stamps);
		if (usage_deprecated__used(report, kfunc) == 1 || kfunc->vague_calls)
			deprecations->in_use++;
	}
}

int usage_deprecations__make(struct usage_deprecations *deprecations,
			     const struct usage_report *report)
{
	size_t *hosts = calloc(report->nr_hosts + 1, sizeof(*hosts));
	size_t *programs = calloc(report->nr_programs + 1, sizeof(*programs));
	int err;

	memset(deprecations, 0, sizeof(*deprecations));
	err = usage_sums__make(&deprecations->callers, report,
			       USAGE_BY_KFUNC | USAGE_BY_PROGRAM | USAGE_DEPRECATED);
	if (!err) {
		deprecations->kfuncs = calloc(report->nr_kfuncs + 1, sizeof(*deprecations->kfuncs));
		deprecations->order =
			calloc(deprecations->callers.nr + 1, sizeof(*deprecations->order));
		if (!hosts || !programs || !deprecations->kfuncs || !deprecations->order)
			err = -ENOMEM;
	}
	if (!err) {
		collect(deprecations, report, hosts, programs);
		qsort_r(deprecations->kfuncs, deprecations->nr, sizeof(*deprecations->kfuncs),
			compare_kfuncs, (void *)report);
	}
	free(hosts);
	free(programs);
	return err;
}

void usage_deprecations__free(struct usage_deprecations *deprecations)
{
	usage_sums__free(&deprecations->callers);
	free(deprecations->kfuncs);
	free(deprecations->order);
	memset(deprecations, 0, sizeof(*deprecations));
}

const struct usage_sum *usage_deprecated__caller(const struct usage_deprecations *deprecations,
						 const struct usage_deprecated *kfunc, size_t n)
{
	return &deprecations->callers.sums[deprecations->order[kfunc->first_sum + n]];
}

int usage_deprecated__used(const struct usage_report *report, const struct usage_deprecated *kfunc)
{
	if (kfunc->programs || kfunc->loaded)
		return 1;
	if (kfunc->vague_calls || report->kfuncs[kfunc->kfunc].untraced)
		return -1;
	return usage_report__covered(report, kfunc->kfunc) ? 0 : -1;
}

/* What else there is to say: "; 12 calls by callers that could not be told". */
static void add_others(FILE *out, const struct usage_deprecated *kfunc)
{
	char number[48];

	if (kfunc->vague_calls)
		fprintf(out, "; %s call%s by callers that could not be told",
			format_thousands(kfunc->vague_calls, number, sizeof(number)),
			kfunc->vague_calls == 1 ? "" : "s");
	if (kfunc->kernel_calls)
		fprintf(out, "; %s by the kernel itself",
			format_thousands(kfunc->kernel_calls, number, sizeof(number)));
	if (kfunc->loaded)
		fprintf(out, "; %s contain%s calls of it",
			usage__count(kfunc->loaded, "loaded program", number, sizeof(number)),
			kfunc->loaded == 1 ? "s" : "");
}

static void print_verdict(FILE *out, const struct usage_report *report,
			  const struct usage_deprecated *kfunc)
{
	const char *untraced = report->kfuncs[kfunc->kfunc].untraced;
	char hosts[48], time[96], calls[48], programs[48];

	usage__count(usage_report__deprecating_hosts(report, kfunc->kfunc), "host", hosts,
		     sizeof(hosts));
	usage_report__coverage(report, kfunc->kfunc, time, sizeof(time));
	if (kfunc->programs && report->nr_hosts > 1)
		fprintf(out, "%s by %s on %zu of %s in %s",
			usage__count(kfunc->calls, "call", calls, 48),
			usage__count(kfunc->programs, "program", programs, 48), kfunc->hosts, hosts,
			time);
	else if (kfunc->programs)
		fprintf(out, "%s by %s in %s", usage__count(kfunc->calls, "call", calls, 48),
			usage__count(kfunc->programs, "program", programs, 48), time);
	else if (report->nr_hosts && !usage_report__deprecating_hosts(report, kfunc->kfunc))
		fputs("not deprecated on any host", out);
	else if (!usage_report__covered(report, kfunc->kfunc))
		fputs("not known: nothing was measured", out);
	else if (untraced)
		fprintf(out, "no call was seen in %s on %s", time, hosts);
	else if (kfunc->vague_calls)
		fprintf(out, "no call by a known program in %s on %s", time, hosts);
	else
		fprintf(out, "nobody called it in %s on %s", time, hosts);
	add_others(out, kfunc);
	if (untraced)
		fprintf(out, "; not all calls are counted: %s", untraced);
}

const char *usage_deprecated__verdict(const struct usage_report *report,
				      const struct usage_deprecated *kfunc, char *buf, size_t size)
{
	FILE *out = fmemopen(buf, size, "w");

	buf[0] = '\0';
	if (!out)
		return buf;
	print_verdict(out, report, kfunc);
	fclose(out);
	buf[size - 1] = '\0';
	return buf;
}
