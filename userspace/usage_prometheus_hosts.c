// SPDX-License-Identifier: GPL-2.0-only
/* The hosts of a report, in pieces that can be asked for; their kernels, losses and references. */
#include "usage_prometheus.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "prometheus_client.h"

/* --- hosts ------------------------------------------------------------------------------------------ */

int fleet_report__add_hosts(struct fleet_report *fleet)
{
	for (size_t i = 0; i < fleet->hosts.nr_hosts; i++) {
		const struct fleet_host *host = &fleet->hosts.hosts[i];
		struct usage_host *reported;
		__u32 idx;

		idx = usage_report__host(fleet->report, host->name);
		if (idx == USAGE_ALL)
			return fleet__out_of_memory();
		reported = &fleet->report->hosts[idx];
		if (!reported->begin || host->begin_ms / 1000 < reported->begin)
			reported->begin = host->begin_ms / 1000;
		if (host->end_ms / 1000 > reported->end)
			reported->end = host->end_ms / 1000;
		reported->known_s = reported->end - reported->begin;
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
				return fleet__out_of_memory();
			chunk->steady = chunk->now = true;
			chunk->span.begin_ms = fleet->begin_ms;
			chunk->span.end_ms = fleet->end_ms;
			nr = series[i];
			length = text_length(host->instance);
		}
		if (add_to_chunk(chunk, host))
			return fleet__out_of_memory();
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
			return fleet__out_of_memory();
		chunk->span = *span;
		chunk->now = chunk->hosts[0]->there_end &&
			     (i + 1 == fleet->hosts.nr_spans || span[1].host != span->host);
	}
	return 0;
}

int fleet_report__make_chunks(struct fleet_report *fleet)
{
	/* What a host says of itself; to count its series would cost the server all of them. */
	static const struct fleet_metric callers = { .name = "kfunctrace_callers" };
	struct fleet_choice all = { .nr_hosts = 0 };
	__u64 *series = calloc(fleet->hosts.nr_hosts + 1, sizeof(*series));
	json_t *result = NULL;
	const json_t *entry;
	size_t i;
	int err = series ? 0 : fleet__out_of_memory();

	if (!err)
		err = fleet_query__last(fleet->client, &callers, &all, fleet->end_ms, &result);
	json_array_foreach (result, i, entry) {
		const struct fleet_host *host =
			fleet_hosts__get(&fleet->hosts, fleet_series__label(entry, "instance"));

		if (host)
			fleet_series__count(entry, &series[host - fleet->hosts.hosts]);
	}
	json_decref(result);
	if (!err)
		err = chunk_steady(fleet, series) ?: chunk_spans(fleet);
	free(series);
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
	int err;

	/* A host that was started with another kernel has one. */
	err = (chunk->now ? fleet_query__values : fleet_query__last)(fleet->client, &info, &choice,
								     chunk->span.end_ms, &result);

	json_array_foreach (result, i, series) {
		__u32 host = fleet_report__host(fleet, series);

		if (err || host == USAGE_ALL)
			continue;
		if (fleet_series__set_text(&fleet->report->hosts[host].release, series,
					   "release") ||
		    fleet_series__set_text(&fleet->report->hosts[host].target, series, "target"))
			err = fleet__out_of_memory();
	}
	json_decref(result);
	return err;
}

static int fill_lost(struct fleet_report *fleet, const struct fleet_chunk *chunk)
{
	/* What is beyond max_callers has a caller, `other`. */
	static const struct fleet_metric losses[] = {
		{ "kfunctrace_unattributed_calls_total", NULL, "reason!=\"max_callers\"", false },
		{ "kfunctrace_lost_total", NULL, "reason=\"events_dropped\"", false },
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
			__u32 host = fleet_report__host(fleet, series);
			__u64 count;

			if (host != USAGE_ALL && fleet_series__count(series, &count))
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

	fleet_series__take_label(type, sizeof(type), series, "type");
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
			__u32 host = fleet_report__host(fleet, series);
			struct usage_references *references;
			__u64 count;

			if (err || host == USAGE_ALL || !fleet_series__count(series, &count))
				continue;
			references = references_of(fleet, first, host, series);
			if (references)
				add_to_references(references, field, count);
			else
				err = fleet__out_of_memory();
		}
		json_decref(result);
	}
	return err;
}

int fleet_report__fill_hosts(struct fleet_report *fleet, const struct fleet_chunk *chunk)
{
	return fill_release(fleet, chunk) ?: fill_lost(fleet, chunk) ?: fill_references(fleet, chunk);
}
