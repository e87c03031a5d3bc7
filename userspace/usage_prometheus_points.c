// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls over time: the same subtraction as for the whole, step by step, of the sums over a chunk's
 * hosts, so that the points are as many calls as the uses.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "prometheus_client.h"
#include "usage_prometheus.h"

/* Each costs the server a look at every series. */
#define MAX_STEPS 48

/* The shortest usual one of which there are not too many. */
static __s64 choose_step_ms(__s64 time_ms)
{
	static const __s64 steps[] = {
		60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400, 604800
	};
	__s64 step = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		step = steps[i] * 1000;
		if (time_ms / step <= MAX_STEPS)
			break;
	}
	return step;
}

/* The begin of the step in which that is. */
static __s64 step_at(const struct fleet_report *fleet, __s64 time_ms)
{
	__s64 step_ms = fleet->report->step * 1000;

	return fleet->report->begin + (time_ms - fleet->begin_ms) / step_ms * fleet->report->step;
}

static struct usage_point *point_of(struct fleet_report *fleet, __s64 time, __u32 kfunc,
				    __u32 program)
{
	struct usage_report *report = fleet->report;
	__u64 hash = hash_number(hash_number(hash_number(HASH_START, time), kfunc), program);
	struct usage_point *point;
	size_t at;

	for (__u32 v = hash_index__first(&fleet->points, hash, &at); v != HASH_NONE;
	     v = hash_index__next(&fleet->points, hash, &at)) {
		point = &report->points[v];
		if (point->time == time && point->kfunc == kfunc && point->program == program)
			return point;
	}
	point = usage_report__add_point(report);
	if (!point || hash_index__add(&fleet->points, hash, point - report->points)) {
		fleet__out_of_memory();
		return NULL;
	}
	point->time = time;
	point->kfunc = kfunc;
	point->program = program;
	return point;
}

/* --- sums of the hosts of a chunk ----------------------------------------------------------------- */

/* The last value of each sum. */
struct levels {
	struct level {
		__u32 kfunc, program;
		double value;
	} *levels;
	size_t nr;
	struct hash_index index;
};

static struct level *level_of(struct levels *levels, __u32 kfunc, __u32 program)
{
	__u64 hash = hash_number(hash_number(HASH_START, kfunc), program);
	struct level *grown;
	size_t at;

	for (__u32 v = hash_index__first(&levels->index, hash, &at); v != HASH_NONE;
	     v = hash_index__next(&levels->index, hash, &at)) {
		if (levels->levels[v].kfunc == kfunc && levels->levels[v].program == program)
			return &levels->levels[v];
	}
	grown = realloc(levels->levels, (levels->nr + 1) * sizeof(*grown));
	if (grown)
		levels->levels = grown;
	if (!grown || hash_index__add(&levels->index, hash, levels->nr)) {
		fleet__out_of_memory();
		return NULL;
	}
	grown[levels->nr] = (struct level){ .kfunc = kfunc, .program = program };
	return &grown[levels->nr++];
}

/* One look at all sums, or several, one after the other. */
struct look {
	const struct fleet_chunk *chunk;
	bool base;		/* it is what there was at the begin */
	const json_t *complete; /* times at which all hosts were there, as keys; NULL: any */
};

static bool is_complete(const struct look *look, __s64 time_ms)
{
	char key[32];

	snprintf(key, sizeof(key), "%lld", time_ms);
	return !look->complete || json_object_get(look->complete, key);
}

static int take_value(struct fleet_report *fleet, const struct look *look, struct level *level,
		      const json_t *pair)
{
	struct usage_point *point;
	double value, grown;
	__s64 time;

	if (prometheus__sample(pair, &time, &value) || !(value >= 0 && value < 0x1p63) ||
	    !is_complete(look, time))
		return 0;
	grown = value - level->value;
	/* Counters that an aggregator forgot, and that began anew: of many hosts it cannot be told. */
	if (grown < 0)
		grown = look->chunk->nr_hosts == 1 ? value : 0;
	level->value = value;
	if (look->base)
		return 0;
	point = point_of(fleet, step_at(fleet, time - 1), level->kfunc, level->program);
	if (!point)
		return -ENOMEM;
	point->calls += grown;
	return 0;
}

static int take_sums(struct fleet_report *fleet, const struct look *look, struct levels *levels,
		     const json_t *result)
{
	const json_t *series, *pair;
	size_t i, j;
	int err = 0;

	json_array_foreach (result, i, series) {
		__u32 kfunc, program;
		struct level *level;

		err = fleet_report__caller(fleet, series, &kfunc, &program);
		if (err < 0)
			return err;
		if (!err)
			continue;
		level = level_of(levels, kfunc, program);
		if (!level)
			return -ENOMEM;
		err = 0;
		if (json_object_get(series, "value"))
			err = take_value(fleet, look, level, json_object_get(series, "value"));
		json_array_foreach (json_object_get(series, "values"), j, pair) {
			if (!err)
				err = take_value(fleet, look, level, pair);
		}
		if (err)
			return err;
	}
	return 0;
}

/* At the begin or the end of the span. */
static int look_once(struct fleet_report *fleet, const struct fleet_chunk *chunk,
		     struct levels *levels, __s64 time_ms, bool base)
{
	struct fleet_choice choice = fleet_chunk__choice(fleet, chunk);
	struct look look = { .chunk = chunk, .base = base };
	json_t *result;
	int err = fleet_query__sum(fleet->client, fleet_report__calls_metric(fleet), &choice,
				   fleet_span__lookback_ms(&chunk->span), time_ms, &result);

	if (!err)
		err = take_sums(fleet, &look, levels, result);
	json_decref(result);
	return err;
}

/* The times at which all hosts of the chunk were there. A sum over some of them says nothing. */
static int find_complete(struct fleet_report *fleet, const struct fleet_choice *choice,
			 __s64 begin_ms, __s64 end_ms, json_t **complete)
{
	json_t *result;
	const json_t *pair;
	size_t i;
	int err = fleet_query__present(fleet->client, choice, begin_ms, end_ms,
				       fleet->report->step * 1000, &result);

	*complete = json_object();
	json_array_foreach (json_object_get(json_array_get(result, 0), "values"), i, pair) {
		char key[32];
		double value;
		__s64 time;

		if (prometheus__sample(pair, &time, &value) || value < choice->nr_hosts)
			continue;
		snprintf(key, sizeof(key), "%lld", time);
		json_object_set_new(*complete, key, json_true());
	}
	json_decref(result);
	return err ?: *complete ? 0 : fleet__out_of_memory();
}

/* At the borders of steps. */
static int look_often(struct fleet_report *fleet, const struct fleet_chunk *chunk,
		      struct levels *levels, __s64 begin_ms, __s64 end_ms)
{
	struct fleet_choice choice = fleet_chunk__choice(fleet, chunk);
	struct look look = { .chunk = chunk };
	json_t *result = NULL, *complete;
	int err = find_complete(fleet, &choice, begin_ms, end_ms, &complete);

	look.complete = complete;
	if (!err)
		err = fleet_query__sums(fleet->client, fleet_report__calls_metric(fleet), &choice,
					begin_ms, end_ms, fleet->report->step * 1000, &result);
	if (!err)
		err = take_sums(fleet, &look, levels, result);
	json_decref(result);
	json_decref(complete);
	return err;
}

static int fill_chunk(struct fleet_report *fleet, const struct fleet_chunk *chunk)
{
	const struct fleet_span *span = &chunk->span;
	__s64 step_ms = fleet->report->step * 1000;
	__s64 begin_ms = span->begin_ms > fleet->begin_ms ? span->begin_ms : fleet->begin_ms;
	/* The first border after its begin, and the last before its end. */
	__s64 first_ms = fleet->begin_ms + ((begin_ms - fleet->begin_ms) / step_ms + 1) * step_ms;
	__s64 last_ms = fleet->begin_ms + (span->end_ms - fleet->begin_ms - 1) / step_ms * step_ms;
	struct levels levels = { 0 };
	int err = 0;

	if (!span->from_zero)
		err = look_once(fleet, chunk, &levels, span->begin_ms, true);
	if (!err && first_ms <= last_ms)
		err = look_often(fleet, chunk, &levels, first_ms, last_ms);
	err = err ?: look_once(fleet, chunk, &levels, span->end_ms, false);
	free(levels.levels);
	hash_index__free(&levels.index);
	return err;
}

int fleet_report__fill_points(struct fleet_report *fleet)
{
	int err = 0;

	fleet->report->step = choose_step_ms(fleet->end_ms - fleet->begin_ms) / 1000;
	for (size_t i = 0; i < fleet->nr_chunks && !err; i++)
		err = fill_chunk(fleet, &fleet->chunks[i]);
	if (!err)
		usage_report__finish_points(fleet->report);
	return err;
}
