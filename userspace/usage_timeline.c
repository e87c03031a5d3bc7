// SPDX-License-Identifier: GPL-2.0-only
#include "usage_timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Which points tell about something, of those that are there: sums are not counted twice. */
enum shape {
	EACH,	     /* of a kfunc and a program */
	OF_KFUNCS,   /* of a kfunc by all programs */
	OF_PROGRAMS, /* of all kfuncs by a program */
	OF_ALL,
	NR_SHAPES,
};

static enum shape shape_of(const struct usage_point *point)
{
	if (point->kfunc == USAGE_ALL)
		return point->program == USAGE_ALL ? OF_ALL : OF_PROGRAMS;
	return point->program == USAGE_ALL ? OF_KFUNCS : EACH;
}

/* Points without calls only say that something was measured. */
static void find_shapes(const struct usage_report *report, bool *have)
{
	for (size_t i = 0; i < report->nr_points; i++) {
		if (report->points[i].calls)
			have[shape_of(&report->points[i])] = true;
	}
}

static enum shape shape_for_lines(const bool *have, enum timeline_key key)
{
	enum shape own = key == TIMELINE_BY_PROGRAM ? OF_PROGRAMS : OF_KFUNCS;

	return have[own] ? own : EACH;
}

static enum shape shape_for_all(const bool *have)
{
	enum shape shape = OF_ALL;

	while (shape != EACH && !have[shape])
		shape--;
	return shape;
}

static __u32 index_of(const struct usage_point *point, enum timeline_key key)
{
	return key == TIMELINE_BY_PROGRAM ? point->program : point->kfunc;
}

/* Which step a point is in; nr_steps: none. */
static size_t step_of(const struct timeline *timeline, const struct usage_point *point)
{
	if (point->time < timeline->begin)
		return timeline->nr_steps;
	return (point->time - timeline->begin) / timeline->step;
}

/* Steps that hold all points, TIMELINE_STEPS at the most. */
static void choose_steps(struct timeline *timeline, const struct usage_report *report)
{
	__s64 first = report->points[0].time, last = report->points[report->nr_points - 1].time;
	__s64 step = report->step > 0 ? report->step : 1, merged;

	/* The steps of the time asked for, also where there are no points at its ends. */
	if (report->begin > 0 && report->begin < first)
		first -= (first - report->begin) / step * step;
	if (report->end > last)
		last += (report->end - 1 - last) / step * step;
	if (last < first)
		last = first;
	merged = ((last - first) / step + TIMELINE_STEPS) / TIMELINE_STEPS;
	timeline->begin = first;
	timeline->step = step * merged;
	timeline->nr_steps = (last - first) / timeline->step + 1;
	timeline->last_is_partial =
		report->end && report->end < first + (__s64)timeline->nr_steps * timeline->step;
}

static int compare_totals(const void *a, const void *b)
{
	const struct timeline_line *x = a, *y = b;

	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return (x->idx > y->idx) - (x->idx < y->idx);
}

/* Those with most calls; *nr is how many have any. NULL: out of memory. */
static struct timeline_line *rank(const struct usage_report *report, enum timeline_key key,
				  enum shape shape, size_t *nr)
{
	size_t nr_all = key == TIMELINE_BY_PROGRAM ? report->nr_programs : report->nr_kfuncs;
	struct timeline_line *ranks = calloc(nr_all + 1, sizeof(*ranks));

	*nr = 0;
	if (!ranks)
		return NULL;
	for (size_t i = 0; i < nr_all; i++)
		ranks[i].idx = i;
	for (size_t i = 0; i < report->nr_points; i++) {
		const struct usage_point *point = &report->points[i];

		if (shape_of(point) == shape && index_of(point, key) < nr_all)
			ranks[index_of(point, key)].total += point->calls;
	}
	qsort(ranks, nr_all, sizeof(*ranks), compare_totals);
	while (*nr < nr_all && ranks[*nr].total)
		++*nr;
	return ranks;
}

static struct timeline_line *find_line(struct timeline *timeline, __u32 idx)
{
	for (size_t i = 0; i < timeline->nr_lines; i++) {
		if (timeline->lines[i].idx == idx)
			return &timeline->lines[i];
	}
	return NULL;
}

static void fill(struct timeline *timeline, const struct usage_report *report,
		 enum timeline_key key, enum shape for_lines, enum shape for_all)
{
	for (size_t i = 0; i < report->nr_points; i++) {
		const struct usage_point *point = &report->points[i];
		size_t step = step_of(timeline, point);
		struct timeline_line *line;

		if (step >= timeline->nr_steps)
			continue;
		timeline->known[step] = true;
		if (shape_of(point) == for_all)
			timeline->all[step] += point->calls;
		if (shape_of(point) != for_lines)
			continue;
		line = find_line(timeline, index_of(point, key));
		if (line)
			line->values[step] += point->calls;
	}
}

static int make_lines(struct timeline *timeline, const struct usage_report *report,
		      enum timeline_key key, enum shape shape)
{
	size_t nr;
	struct timeline_line *ranks = rank(report, key, shape, &nr);
	int err = ranks ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < nr && i < TIMELINE_LINES; i++) {
		timeline->lines[i] = ranks[i];
		timeline->lines[i].values = calloc(timeline->nr_steps, sizeof(__u64));
		if (timeline->lines[i].values)
			timeline->nr_lines++;
		else
			err = -ENOMEM;
	}
	if (!err)
		timeline->left_out = nr - timeline->nr_lines;
	free(ranks);
	return err;
}

int timeline__make(struct timeline *timeline, const struct usage_report *report,
		   enum timeline_key key)
{
	bool have[NR_SHAPES] = { false };
	int err;

	memset(timeline, 0, sizeof(*timeline));
	if (!report->nr_points)
		return 0;
	find_shapes(report, have);
	choose_steps(timeline, report);
	timeline->known = calloc(timeline->nr_steps, sizeof(*timeline->known));
	timeline->all = calloc(timeline->nr_steps, sizeof(*timeline->all));
	if (!timeline->known || !timeline->all)
		return -ENOMEM;
	err = make_lines(timeline, report, key, shape_for_lines(have, key));
	if (!err)
		fill(timeline, report, key, shape_for_lines(have, key), shape_for_all(have));
	return err;
}

void timeline__free(struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->nr_lines; i++)
		free(timeline->lines[i].values);
	free(timeline->known);
	free(timeline->all);
	memset(timeline, 0, sizeof(*timeline));
}
