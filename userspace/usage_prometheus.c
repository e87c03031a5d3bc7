// SPDX-License-Identifier: GPL-2.0-only
#include "usage_prometheus.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "pattern.h"
#include "printable.h"
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

static int out_of_memory(void)
{
	msg__error("out of memory");
	return -ENOMEM;
}

/* --- series ----------------------------------------------------------------------------------------- */

static const char *label(const json_t *series, const char *name)
{
	return json_string_value(json_object_get(json_object_get(series, "metric"), name)) ?: "";
}

/* Printable, and cut to what there is room for. */
static void take_label(char *buf, size_t size, const json_t *series, const char *name)
{
	snprintf(buf, size, "%s", label(series, name));
	printable__make(buf);
}

/* NULL for a label that is empty or not there. Returns 0 or -ENOMEM. */
static int set_from_label(char **text, const json_t *series, const char *name)
{
	char value[256];

	take_label(value, sizeof(value), series, name);
	return usage_report__set(text, value[0] ? value : NULL);
}

/* False: it is no number, or none that a counter can have. */
static bool take_count(const json_t *series, __u64 *count)
{
	__s64 time;
	double value;

	if (prometheus__sample(json_object_get(series, "value"), &time, &value) ||
	    !(value >= 0 && value < 0x1p63))
		return false;
	*count = value;
	return true;
}

/* As fleet_report__caller(). */
static int kfunc_of(struct fleet_report *fleet, const json_t *series, __u32 *kfunc)
{
	char name[128], module[64];

	take_label(name, sizeof(name), series, "kfunc");
	take_label(module, sizeof(module), series, "module");
	if (!name[0]) {
		msg__error("%s: metrics of kfuncs have no label kfunc: does relabeling drop it?",
			   prometheus__url(fleet->client));
		return -EPROTO;
	}
	if (fleet->query->kfuncs && !pattern_list__match(fleet->query->kfuncs, name))
		return 0;
	*kfunc = usage_report__kfunc(fleet->report, name, module);
	return *kfunc == USAGE_ALL ? out_of_memory() : 1;
}

int fleet_report__caller(struct fleet_report *fleet, const json_t *series, __u32 *kfunc,
			 __u32 *program)
{
	struct known_program caller = { .kind = KNOWN_UNKNOWN };
	char kind[16];
	int parsed, err;

	err = kfunc_of(fleet, series, kfunc);
	if (err <= 0)
		return err;
	take_label(kind, sizeof(kind), series, "caller");
	parsed = known_kind__parse(kind);
	/* Problems are those of programs, and have no such label. */
	if (!kind[0])
		caller.kind = KNOWN_PROGRAM;
	else if (parsed >= 0)
		caller.kind = parsed;
	if (caller.kind == KNOWN_PROGRAM) {
		take_label(caller.name, sizeof(caller.name), series, "program");
		take_label(caller.type, sizeof(caller.type), series, "program_type");
	}
	*program = usage_report__program(fleet->report, &caller);
	return *program == USAGE_ALL ? out_of_memory() : 1;
}

/* The report's host for the instance of a series; USAGE_ALL: it is none of those that were found. */
static __u32 host_of(const struct fleet_report *fleet, const json_t *series)
{
	const struct fleet_host *host = fleet_hosts__get(&fleet->hosts, label(series, "instance"));

	return host ? usage_report__host(fleet->report, host->name) : USAGE_ALL;
}

/* --- hosts ------------------------------------------------------------------------------------------ */

static int add_hosts(struct fleet_report *fleet)
{
	for (size_t i = 0; i < fleet->hosts.nr_hosts; i++) {
		const struct fleet_host *host = &fleet->hosts.hosts[i];
		struct usage_host *reported;
		__u32 idx;

		idx = usage_report__host(fleet->report, host->name);
		if (idx == USAGE_ALL)
			return out_of_memory();
		reported = &fleet->report->hosts[idx];
		if (!reported->begin || host->begin_ms / 1000 < reported->begin)
			reported->begin = host->begin_ms / 1000;
		if (host->end_ms / 1000 > reported->end)
			reported->end = host->end_ms / 1000;
	}
	return 0;
}

struct fleet_choice fleet_chunk__choice(const struct fleet_report *fleet,
					const struct fleet_chunk *chunk)
{
	return (struct fleet_choice){
		.hosts = chunk->hosts,
		.nr_hosts = chunk->nr_hosts,
		.kfuncs = fleet->query->kfuncs,
	};
}

static struct fleet_chunk *add_chunk(struct fleet_report *fleet)
{
	struct fleet_chunk *grown =
		realloc(fleet->chunks, (fleet->nr_chunks + 1) * sizeof(*fleet->chunks));

	if (!grown)
		return NULL;
	fleet->chunks = grown;
	grown += fleet->nr_chunks++;
	memset(grown, 0, sizeof(*grown));
	return grown;
}

static int add_to_chunk(struct fleet_chunk *chunk, struct fleet_host *host)
{
	struct fleet_host **grown =
		realloc(chunk->hosts, (chunk->nr_hosts + 1) * sizeof(*chunk->hosts));

	if (!grown)
		return -ENOMEM;
	chunk->hosts = grown;
	grown[chunk->nr_hosts++] = host;
	return 0;
}

/* Its part of an expression: escaped, the dots of an address are three characters. */
static size_t text_length(const char *instance)
{
	size_t length = 1;

	for (; *instance; instance++)
		length += *instance == '.' ? 3 : 1;
	return length;
}

/* Steady hosts together, as many as an answer may have series, and an expression characters. */
static int chunk_steady(struct fleet_report *fleet, const __u64 *series)
{
	struct fleet_chunk *chunk = NULL;
	size_t length = 0;
	__u64 nr = 0;

	for (size_t i = 0; i < fleet->hosts.nr_hosts; i++) {
		struct fleet_host *host = &fleet->hosts.hosts[i];

		if (!host->steady)
			continue;
		nr += series[i];
		length += text_length(host->instance);
		if (!chunk || nr > FLEET_CHUNK_SERIES || length > FLEET_CHUNK_TEXT) {
			chunk = add_chunk(fleet);
			if (!chunk)
				return out_of_memory();
			chunk->steady = chunk->now = true;
			chunk->span.begin_ms = fleet->begin_ms;
			chunk->span.end_ms = fleet->end_ms;
			nr = series[i];
			length = text_length(host->instance);
		}
		if (add_to_chunk(chunk, host))
			return out_of_memory();
	}
	return 0;
}

/* Each span of the others by itself. */
static int chunk_spans(struct fleet_report *fleet)
{
	for (size_t i = 0; i < fleet->hosts.nr_spans; i++) {
		const struct fleet_span *span = &fleet->hosts.spans[i];
		struct fleet_chunk *chunk = add_chunk(fleet);

		if (!chunk || add_to_chunk(chunk, &fleet->hosts.hosts[span->host]))
			return out_of_memory();
		chunk->span = *span;
		chunk->now = chunk->hosts[0]->there_end &&
			     (i + 1 == fleet->hosts.nr_spans || span[1].host != span->host);
	}
	return 0;
}

static int make_chunks(struct fleet_report *fleet)
{
	/* What a host says of itself; to count its series would cost the server all of them. */
	static const struct fleet_metric callers = { .name = "kfunctrace_callers" };
	struct fleet_choice all = { .nr_hosts = 0 };
	__u64 *series = calloc(fleet->hosts.nr_hosts + 1, sizeof(*series));
	json_t *result = NULL;
	const json_t *entry;
	size_t i;
	int err = series ? 0 : out_of_memory();

	if (!err)
		err = fleet_query__values(fleet->client, &callers, &all, fleet->end_ms, &result);
	json_array_foreach (result, i, entry) {
		const struct fleet_host *host =
			fleet_hosts__get(&fleet->hosts, label(entry, "instance"));

		if (host)
			take_count(entry, &series[host - fleet->hosts.hosts]);
	}
	json_decref(result);
	if (!err)
		err = chunk_steady(fleet, series) ?: chunk_spans(fleet);
	free(series);
	return err;
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
		*err = out_of_memory();
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
		__u32 host = host_of(fleet, series), kfunc, program;
		struct usage_use *use;
		__u64 count;
		int err;

		if (host == USAGE_ALL || !take_count(series, &count))
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

static int fill_uses(struct fleet_report *fleet, const struct fleet_chunk *chunk)
{
	static const struct fleet_metric held = { "kfunctrace_references_held", FLEET_CALLER, NULL,
						  true };
	static const struct {
		struct fleet_metric metric;
		enum use_field field;
	} rest[] = {
		{ { "kfunctrace_kfunc_null_returns_total", FLEET_CALLER, NULL, true }, USE_NULLS },
		{ { "kfunctrace_refcount_zero_total", FLEET_CALLER, NULL, true }, USE_ZEROS },
	};
	struct fleet_choice choice = fleet_chunk__choice(fleet, chunk);
	json_t *result;
	int err;

	err = fleet_query__growth(
		fleet->client, fleet->query->deprecated_only ? &deprecated_metric : &calls_metric,
		&choice, &chunk->span, &result);
	if (!err)
		err = take_uses(fleet, result, USE_CALLS);
	json_decref(result);
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]) && !err; i++) {
		err = fleet_query__growth(fleet->client, &rest[i].metric, &choice, &chunk->span,
					  &result);
		if (!err)
			err = take_uses(fleet, result, rest[i].field);
		json_decref(result);
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

/* --- what else there is of a host --------------------------------------------------------------------- */

static int fill_release(struct fleet_report *fleet, const struct fleet_chunk *chunk)
{
	static const struct fleet_metric info = { "kfunctrace_kernel_info", "release, target", NULL,
						  false };
	struct fleet_choice choice = fleet_chunk__choice(fleet, chunk);
	json_t *result;
	const json_t *series;
	size_t i;
	int err = fleet_query__values(fleet->client, &info, &choice, chunk->span.end_ms, &result);

	json_array_foreach (result, i, series) {
		__u32 host = host_of(fleet, series);

		if (err || host == USAGE_ALL)
			continue;
		if (set_from_label(&fleet->report->hosts[host].release, series, "release") ||
		    set_from_label(&fleet->report->hosts[host].target, series, "target"))
			err = out_of_memory();
	}
	json_decref(result);
	return err;
}

static int fill_lost(struct fleet_report *fleet, const struct fleet_chunk *chunk)
{
	/* What is beyond max_callers has a caller, `other`. */
	static const struct fleet_metric losses[] = {
		{ "kfunctrace_unattributed_calls_total", NULL, "reason!=\"max_callers\"", false },
		{ "kfunctrace_lost_total", NULL, "reason=~\"events_dropped|events_left_out\"",
		  false },
	};
	struct fleet_choice choice = fleet_chunk__choice(fleet, chunk);
	json_t *result;
	const json_t *series;
	size_t i;
	int err = 0;

	for (size_t metric = 0; metric < sizeof(losses) / sizeof(losses[0]) && !err; metric++) {
		err = fleet_query__growth(fleet->client, &losses[metric], &choice, &chunk->span,
					  &result);
		json_array_foreach (result, i, series) {
			__u32 host = host_of(fleet, series);
			__u64 count;

			if (host != USAGE_ALL && take_count(series, &count))
				fleet->report->hosts[host].lost += count;
		}
		json_decref(result);
	}
	return err;
}

enum type_field {
	TYPE_ACQUIRED,
	TYPE_RELEASED,
	TYPE_OUTSTANDING,
	TYPE_PARKED,
	TYPE_STALE,
	TYPE_OLDEST,
};

static const struct {
	struct fleet_metric metric;
	bool gauge;
} type_metrics[] = {
	[TYPE_ACQUIRED] = { { .name = "kfunctrace_references_acquired_total", .by = "type" },
			    false },
	[TYPE_RELEASED] = { { .name = "kfunctrace_references_released_total", .by = "type" },
			    false },
	[TYPE_OUTSTANDING] = { { .name = "kfunctrace_references_outstanding", .by = "type" },
			       true },
	[TYPE_PARKED] = { { .name = "kfunctrace_references_parked", .by = "type" }, true },
	[TYPE_STALE] = { { .name = "kfunctrace_references_stale", .by = "type" }, true },
	[TYPE_OLDEST] = { { .name = "kfunctrace_oldest_reference_seconds", .by = "type" }, true },
};

/* Of a host there are a dozen types. NULL without memory. */
static struct usage_references *references_of(struct fleet_report *fleet, size_t first, __u32 host,
					      const json_t *series)
{
	struct usage_report *report = fleet->report;
	struct usage_references *references;
	char type[128];

	take_label(type, sizeof(type), series, "type");
	for (size_t i = first; i < report->nr_references; i++) {
		if (report->references[i].host == host &&
		    strcmp(report->references[i].type, type) == 0)
			return &report->references[i];
	}
	references = usage_report__add_references(report);
	if (!references)
		return NULL;
	references->host = host;
	references->outstanding = references->parked = references->stale = -1;
	return usage_report__set(&references->type, type) ? NULL : references;
}

static void add_to_references(struct usage_references *references, enum type_field field,
			      __u64 count)
{
	switch (field) {
	case TYPE_ACQUIRED:
		references->acquired += count;
		break;
	case TYPE_RELEASED:
		references->released += count;
		break;
	case TYPE_OUTSTANDING:
		references->outstanding = count;
		break;
	case TYPE_PARKED:
		references->parked = count;
		break;
	case TYPE_STALE:
		references->stale = count;
		break;
	case TYPE_OLDEST:
		references->oldest_s = count;
		break;
	}
}

/* A host's spans come one after the other, so that its types are among the last. */
static int fill_references(struct fleet_report *fleet, const struct fleet_chunk *chunk)
{
	struct fleet_choice choice = fleet_chunk__choice(fleet, chunk);
	size_t first = chunk->steady ? fleet->report->nr_references : 0, i;
	const json_t *series;
	json_t *result;
	int err = 0;

	for (int field = 0; field <= TYPE_OLDEST && !err; field++) {
		const struct fleet_metric *metric = &type_metrics[field].metric;

		if (type_metrics[field].gauge && !chunk->now)
			break;
		err = type_metrics[field].gauge
			      ? fleet_query__values(fleet->client, metric, &choice,
						    chunk->span.end_ms, &result)
			      : fleet_query__growth(fleet->client, metric, &choice, &chunk->span,
						    &result);
		json_array_foreach (result, i, series) {
			__u32 host = host_of(fleet, series);
			struct usage_references *references;
			__u64 count;

			if (err || host == USAGE_ALL || !take_count(series, &count))
				continue;
			references = references_of(fleet, first, host, series);
			if (references)
				add_to_references(references, field, count);
			else
				err = out_of_memory();
		}
		json_decref(result);
	}
	return err;
}

static int take_problem(struct fleet_report *fleet, const json_t *series)
{
	__u32 host = host_of(fleet, series), kfunc, program;
	struct usage_problem *problem;
	__u64 count;
	int err;

	/* 0: programs of that name were loaded, and are not now. */
	if (host == USAGE_ALL || !take_count(series, &count) || !count)
		return 0;
	err = fleet_report__caller(fleet, series, &kfunc, &program);
	if (err <= 0)
		return err;
	problem = usage_report__add_problem(fleet->report);
	if (!problem)
		return out_of_memory();
	problem->host = host;
	problem->kfunc = kfunc;
	problem->program = program;
	if (set_from_label(&problem->target, series, "target") ||
	    set_from_label(&problem->problem, series, "problem") ||
	    set_from_label(&problem->replacement, series, "replacement"))
		return out_of_memory();
	return 0;
}

/* Those of programs that are loaded now. */
static int fill_problems(struct fleet_report *fleet, const struct fleet_chunk *chunk)
{
	static const struct fleet_metric metric = {
		.name = "kfunctrace_problem_programs",
		.by = "kfunc, module, program, program_type, target, problem, replacement",
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
		return out_of_memory();
	err = prometheus__query(fleet->client, expression, fleet->end_ms, &result);
	free(expression);
	json_array_foreach (result, i, series) {
		struct usage_kfunc *known;
		__u32 kfunc;

		if (err)
			break;
		err = kfunc_of(fleet, series, &kfunc);
		if (err <= 0)
			continue;
		known = &fleet->report->kfuncs[kfunc];
		err = 0;
		if (set_from_label(&known->deprecation, series, "deprecation") ||
		    set_from_label(&known->since, series, "since") ||
		    set_from_label(&known->replacement, series, "replacement"))
			err = out_of_memory();
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

	if (!take_count(series, &hosts))
		return 0;
	take_label(reason, sizeof(reason), series, "reason");
	take_label(module, sizeof(module), series, "module");
	for (size_t i = 0; i < fleet->report->nr_kfuncs && !err; i++) {
		struct usage_kfunc *kfunc = &fleet->report->kfuncs[i];

		if (kfunc->untraced || strcmp(kfunc->name, label(series, "kfunc")) != 0 ||
		    strcmp(kfunc->module, module) != 0)
			continue;
		if (asprintf(&text, "%s (%llu of %zu hosts)", reason, hosts, nr_hosts) < 0)
			return out_of_memory();
		if (usage_report__set(&kfunc->untraced, text))
			err = out_of_memory();
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

		err = fill_release(fleet, chunk) ?:
		      fill_lost(fleet, chunk) ?:
		      fill_uses(fleet, chunk) ?:
		      fill_references(fleet, chunk) ?:
		      fill_problems(fleet, chunk);
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
	err = err ?: add_hosts(fleet)
		  ?: make_chunks(fleet)
		  ?: fill_deprecations(fleet)
		  ?: fill_chunks(fleet)
		  ?: fill_untraced(fleet);
	if (!err && fleet->query->want_points)
		err = fleet_report__fill_points(fleet);
	return err;
}

int usage_from_prometheus(struct usage_report *report, const char *url,
			  const struct usage_query *query)
{
	struct fleet_report fleet = {
		.report = report,
		.query = query,
		.begin_ms = query->begin * 1000,
		.end_ms = query->end * 1000,
	};
	int err;

	memset(report, 0, sizeof(*report));
	report->begin = query->begin;
	report->end = query->end;
	err = prometheus__open(url, &fleet.client);
	if (err)
		return err;
	if (usage_report__set(&report->source, prometheus__url(fleet.client)))
		err = out_of_memory();
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
