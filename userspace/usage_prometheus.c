// SPDX-License-Identifier: GPL-2.0-only
/* A usage report of a fleet: who calls what, what is deprecated, what a target kernel breaks. */
#include "usage_prometheus.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "message.h"
#include "prometheus_client.h"

static const struct fleet_metric calls_metric = {
	.name = "kfunctrace_kfunc_calls_total",
	.by = FLEET_CALLER,
	.of_kfuncs = true,
};
/* The same calls, where the kernel of the host has the kfunc as deprecated. */
static const struct fleet_metric deprecated_metric = {
	.name = "kfunctrace_deprecated_calls_total",
	.by = FLEET_CALLER,
	.of_kfuncs = true,
};

const struct fleet_metric *fleet_report__calls_metric(const struct fleet_report *fleet)
{
	return fleet->query->deprecated_only ? &deprecated_metric : &calls_metric;
}

/* --- who calls --------------------------------------------------------------------------------------- */

/* NULL: there is none, and none is to be made, or there is no memory (*err). */
static struct usage_use *find_use(struct fleet_report *fleet, __u32 host, __u32 kfunc,
				  __u32 program, bool make, int *err)
{
	struct usage_report *report = fleet->report;
	__u64 hash = hash_number(hash_number(hash_number(HASH_START, host), kfunc), program);
	struct usage_use *use;
	size_t at;

	for (__u32 v = hash_index__first(&fleet->uses, hash, &at); v != HASH_NONE;
	     v = hash_index__next(&fleet->uses, hash, &at)) {
		use = &report->uses[v];
		if (use->host == host && use->kfunc == kfunc && use->program == program)
			return use;
	}
	if (!make)
		return NULL;
	use = usage_report__add_use(report);
	if (!use || hash_index__add(&fleet->uses, hash, use - report->uses)) {
		*err = fleet__out_of_memory();
		return NULL;
	}
	use->host = host;
	use->kfunc = kfunc;
	use->program = program;
	use->outstanding = -1;
	return use;
}

enum use_field { USE_CALLS, USE_NULLS, USE_ZEROS, USE_OUTSTANDING };

static void add_to_use(struct usage_use *use, enum use_field field, __u64 count)
{
	switch (field) {
	case USE_CALLS:
		use->calls += count;
		break;
	case USE_NULLS:
		use->nulls += count;
		break;
	case USE_ZEROS:
		use->zeros += count;
		break;
	case USE_OUTSTANDING:
		use->outstanding = (use->outstanding < 0 ? 0 : use->outstanding) + count;
		break;
	}
}

static int take_uses(struct fleet_report *fleet, const json_t *result, enum use_field field)
{
	/* References that are held are a use, whenever they were acquired; that there are none, none. */
	bool all =
		field == USE_CALLS || (field == USE_OUTSTANDING && !fleet->query->deprecated_only);
	const json_t *series;
	size_t i;

	json_array_foreach (result, i, series) {
		__u32 host = fleet_report__host(fleet, series), kfunc, program;
		struct usage_use *use;
		__u64 count;
		int err;

		if (host == USAGE_ALL || !fleet_series__count(series, &count))
			continue;
		err = fleet_report__caller(fleet, series, &kfunc, &program);
		if (err < 0)
			return err;
		if (!err)
			continue;
		err = 0;
		use = find_use(fleet, host, kfunc, program, all && count, &err);
		if (err)
			return err;
		if (use)
			add_to_use(use, field, count);
	}
	return 0;
}

/*
 * A kfunc of which it is measured has such series, also of 0. They are looked up at the end of the span,
 * where growth looks too: there are too many of them to have the server read all their samples.
 */
static int fill_measured(struct fleet_report *fleet, const char *name, unsigned int kind,
			 const struct fleet_choice *choice, const struct fleet_span *span)
{
	const struct fleet_metric metric = {
		.name = name,
		.by = "kfunc, module",
		.of_kfuncs = true,
	};
	json_t *result;
	const json_t *series;
	size_t i;
	int err = fleet_query__sum(fleet->client, &metric, choice, fleet_span__lookback_ms(span),
				   span->end_ms, &result);

	json_array_foreach (result, i, series) {
		__u32 kfunc;

		if (err)
			break;
		err = fleet_report__kfunc(fleet, series, &kfunc);
		if (err <= 0)
			continue;
		fleet->report->kfuncs[kfunc].measured |= kind;
		err = 0;
	}
	json_decref(result);
	return err;
}

static int fill_uses(struct fleet_report *fleet, const struct fleet_chunk *chunk)
{
	static const struct fleet_metric held = { "kfunctrace_references_held", FLEET_CALLER, NULL,
						  true };
	static const struct {
		struct fleet_metric metric;
		enum use_field field;
		unsigned int measured;
	} rest[] = {
		{ { "kfunctrace_kfunc_null_returns_total", FLEET_CALLER, NULL, true },
		  USE_NULLS,
		  AGGREGATE_NULLS },
		{ { "kfunctrace_refcount_zero_total", FLEET_CALLER, NULL, true },
		  USE_ZEROS,
		  AGGREGATE_ZEROS },
	};
	struct fleet_choice choice = fleet_chunk__choice(fleet, chunk);
	json_t *result;
	int err;

	err = fleet_query__growth(fleet->client, fleet_report__calls_metric(fleet), &choice,
				  &chunk->span, &result);
	if (!err)
		err = take_uses(fleet, result, USE_CALLS);
	json_decref(result);
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]) && !err; i++) {
		err = fleet_query__growth(fleet->client, &rest[i].metric, &choice, &chunk->span,
					  &result);
		if (!err)
			err = take_uses(fleet, result, rest[i].field);
		json_decref(result);
		err = err
			      ?: fill_measured(fleet, rest[i].metric.name, rest[i].measured,
					       &choice, &chunk->span);
	}
	/* What a host held that is gone says nothing of now. */
	if (err || !chunk->now)
		return err;
	err = fleet_query__values(fleet->client, &held, &choice, chunk->span.end_ms, &result);
	if (!err)
		err = take_uses(fleet, result, USE_OUTSTANDING);
	json_decref(result);
	return err;
}

/* --- when ---------------------------------------------------------------------------------------------- */

/* The time until which the counter rose for the last time; 0: it did not. */
static __s64 last_rise(const json_t *series, __s64 begin_ms)
{
	const json_t *pair;
	__s64 time, last = 0;
	double value, before = 0;
	bool is_first = true;
	size_t i;

	json_array_foreach (json_object_get(series, "values"), i, pair) {
		if (prometheus__sample(pair, &time, &value))
			continue;
		/* One that was not there at the begin came with its calls. */
		if (is_first ? value > 0 && time > begin_ms : value != before)
			last = time / 1000;
		is_first = false;
		before = value;
	}
	return last;
}

/*
 * When what is deprecated was called last, to a sixtieth of the time: there are few such series, so
 * that they can be looked at step by step. Only of what was called.
 */
static int fill_last_seen(struct fleet_report *fleet, const struct fleet_chunk *chunk)
{
	struct fleet_choice choice = fleet_chunk__choice(fleet, chunk);
	__s64 begin_ms =
		chunk->span.begin_ms > fleet->begin_ms ? chunk->span.begin_ms : fleet->begin_ms;
	__s64 step_ms = (chunk->span.end_ms - begin_ms + 59) / 60;
	json_t *result;
	const json_t *series;
	size_t i;
	int err;

	if (step_ms <= 0)
		return 0;
	if (step_ms < 1000)
		step_ms = 1000;
	/* The last step ends with the span. */
	begin_ms = chunk->span.end_ms - (chunk->span.end_ms - begin_ms) / step_ms * step_ms;
	err = fleet_query__levels(fleet->client, &deprecated_metric, &choice, begin_ms,
				  chunk->span.end_ms, step_ms, &result);
	json_array_foreach (result, i, series) {
		__u32 host = fleet_report__host(fleet, series), kfunc, program;
		struct usage_use *use;
		__s64 last;

		if (host == USAGE_ALL)
			continue;
		err = fleet_report__caller(fleet, series, &kfunc, &program);
		if (err < 0)
			break;
		use = err ? find_use(fleet, host, kfunc, program, false, &err) : NULL;
		err = 0;
		if (!use || !use->calls)
			continue;
		/* If not after its first value, then before. */
		last = last_rise(series, begin_ms) ?: begin_ms / 1000;
		if (last > use->last_seen)
			use->last_seen = last;
	}
	json_decref(result);
	return err;
}

/* --- what another kernel breaks --------------------------------------------------------------------------- */

static int take_problem(struct fleet_report *fleet, const json_t *series)
{
	__u32 host = fleet_report__host(fleet, series), kfunc, program;
	struct usage_problem *problem;
	__u64 count;
	int err;

	/* 0: programs of that name were loaded, and are not now. */
	if (host == USAGE_ALL || !fleet_series__count(series, &count) || !count)
		return 0;
	err = fleet_report__caller(fleet, series, &kfunc, &program);
	if (err <= 0)
		return err;
	problem = usage_report__add_problem(fleet->report);
	if (!problem)
		return fleet__out_of_memory();
	problem->host = host;
	problem->kfunc = kfunc;
	problem->program = program;
	if (fleet_series__set_text(&problem->target, series, "target") ||
	    fleet_series__set_text(&problem->problem, series, "problem") ||
	    fleet_series__set_text(&problem->replacement, series, "replacement"))
		return fleet__out_of_memory();
	return 0;
}

/* Those of programs that are loaded now. */
static int fill_problems(struct fleet_report *fleet, const struct fleet_chunk *chunk)
{
	static const struct fleet_metric metric = {
		.name = "kfunctrace_problem_programs",
		.by = "kfunc, module, caller, program, program_type, target, problem, replacement",
		.of_kfuncs = true,
	};
	struct fleet_choice choice = fleet_chunk__choice(fleet, chunk);
	json_t *result;
	const json_t *series;
	size_t i;
	int err;

	if (!chunk->now)
		return 0;
	err = fleet_query__values(fleet->client, &metric, &choice, chunk->span.end_ms, &result);
	json_array_foreach (result, i, series) {
		if (!err)
			err = take_problem(fleet, series);
	}
	json_decref(result);
	return err;
}

/* --- deprecations --------------------------------------------------------------------------------------- */

/* What the hosts' catalogues say, over the whole time: of few kfuncs, so that all samples may be read. */
static int fill_deprecations(struct fleet_report *fleet)
{
	json_t *result = NULL;
	const json_t *series;
	char *expression;
	size_t i;
	int err;

	if (asprintf(&expression,
		     "count by (kfunc, module, deprecation, since, replacement) "
		     "(last_over_time(kfunctrace_deprecated_calls_total[%lldms]))",
		     fleet->end_ms - fleet->begin_ms) < 0)
		return fleet__out_of_memory();
	err = prometheus__query(fleet->client, expression, fleet->end_ms, &result);
	free(expression);
	json_array_foreach (result, i, series) {
		struct usage_kfunc *known;
		__u32 kfunc;

		if (err)
			break;
		err = fleet_report__kfunc(fleet, series, &kfunc);
		if (err <= 0)
			continue;
		known = &fleet->report->kfuncs[kfunc];
		err = 0;
		if (fleet_series__set_text(&known->deprecation, series, "deprecation") ||
		    fleet_series__set_text(&known->since, series, "since") ||
		    fleet_series__set_text(&known->replacement, series, "replacement"))
			err = fleet__out_of_memory();
	}
	json_decref(result);
	return err;
}

/* --- what was not counted ---------------------------------------------------------------------------------- */

/* Of the kfuncs that are in the report. Another reason on other hosts does not matter. */
static int take_untraced(struct fleet_report *fleet, const json_t *series, size_t nr_hosts)
{
	char reason[128], module[64], *text = NULL;
	__u64 hosts;
	int err = 0;

	if (!fleet_series__count(series, &hosts))
		return 0;
	fleet_series__take_label(reason, sizeof(reason), series, "reason");
	fleet_series__take_label(module, sizeof(module), series, "module");
	for (size_t i = 0; i < fleet->report->nr_kfuncs && !err; i++) {
		struct usage_kfunc *kfunc = &fleet->report->kfuncs[i];

		if (kfunc->untraced ||
		    strcmp(kfunc->name, fleet_series__label(series, "kfunc")) != 0 ||
		    strcmp(kfunc->module, module) != 0)
			continue;
		if (asprintf(&text, "%s (%llu of %zu hosts)", reason, hosts, nr_hosts) < 0)
			return fleet__out_of_memory();
		if (usage_report__set(&kfunc->untraced, text))
			err = fleet__out_of_memory();
		free(text);
	}
	return err;
}

static int fill_untraced(struct fleet_report *fleet)
{
	static const char expression[] =
		"sort_desc(count by (kfunc, module, reason) "
		"(last_over_time(kfunctrace_untraced_kfunc[" FLEET_LOOKBACK "])))";
	json_t *result;
	const json_t *series;
	size_t i, nr_hosts = 0;
	int err = prometheus__query(fleet->client, expression, fleet->end_ms, &result);

	for (i = 0; i < fleet->hosts.nr_hosts; i++)
		nr_hosts += fleet->hosts.hosts[i].there_end;
	json_array_foreach (result, i, series) {
		if (!err)
			err = take_untraced(fleet, series, nr_hosts);
	}
	json_decref(result);
	return err;
}

/* --- all of it -------------------------------------------------------------------------------------------- */

static int fill_chunks(struct fleet_report *fleet)
{
	int err = 0;

	for (size_t i = 0; i < fleet->nr_chunks && !err; i++) {
		const struct fleet_chunk *chunk = &fleet->chunks[i];

		err = fleet_report__fill_hosts(fleet, chunk)
			      ?: fill_uses(fleet, chunk)
			      ?: fill_last_seen(fleet, chunk)
			      ?: fill_problems(fleet, chunk);
	}
	return err;
}

static int no_hosts(const struct fleet_report *fleet)
{
	msg__error(
		"%s: no host with kfunctrace was scraped in this time; is kfunctrace serve among "
		"its targets (Documentation/fleet.rst)?",
		prometheus__url(fleet->client));
	return -ENODATA;
}

static int fill(struct fleet_report *fleet)
{
	int err = fleet_hosts__find(&fleet->hosts, fleet->client, fleet->begin_ms, fleet->end_ms);

	if (!err && !fleet->hosts.nr_hosts)
		err = no_hosts(fleet);
	err = err ?: fleet_report__add_hosts(fleet)
		  ?: fleet_report__make_chunks(fleet)
		  ?: fill_deprecations(fleet)
		  ?: fill_chunks(fleet)
		  ?: fill_untraced(fleet);
	if (!err && fleet->query->want_points)
		err = fleet_report__fill_points(fleet);
	return err;
}

/*
 * Up to now, which was a moment ago, is up to this very moment: what was scraped in the second that is
 * going on counts.
 */
static __s64 end_ms(const struct usage_query *query)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return query->end + 2 < now.tv_sec ? query->end * 1000
					   : (__s64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int usage_from_prometheus(struct usage_report *report, const char *url,
			  const struct usage_query *query)
{
	struct fleet_report fleet = {
		.report = report,
		.query = query,
		.begin_ms = query->begin * 1000,
		.end_ms = end_ms(query),
	};
	int err;

	memset(report, 0, sizeof(*report));
	report->begin = query->begin;
	report->end = query->end;
	err = prometheus__open(url, &fleet.client);
	if (err)
		return err;
	if (usage_report__set(&report->source, prometheus__url(fleet.client)))
		err = fleet__out_of_memory();
	err = err ?: fill(&fleet);
	if (!err) {
		const struct prometheus_cost *cost = prometheus__cost(fleet.client);

		msg__detail("%s: %llu queries, %.1f MB of answers, %.1f s", report->source,
			    cost->queries, cost->bytes / 1e6, cost->ns / 1e9);
	}
	for (size_t i = 0; i < fleet.nr_chunks; i++)
		free(fleet.chunks[i].hosts);
	free(fleet.chunks);
	hash_index__free(&fleet.uses);
	hash_index__free(&fleet.points);
	fleet_hosts__free(&fleet.hosts);
	prometheus__close(fleet.client);
	return err;
}
