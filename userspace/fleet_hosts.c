// SPDX-License-Identifier: GPL-2.0-only
#include "fleet_hosts.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "prometheus_client.h"

/* Every host has it once; another value says that counts were lost. */
#define SINCE "kfunctrace_counting_since_timestamp_seconds"

static const char *label(const json_t *series, const char *name)
{
	return json_string_value(json_object_get(json_object_get(series, "metric"), name)) ?: "";
}

struct fleet_host *fleet_hosts__get(const struct fleet_hosts *hosts, const char *instance)
{
	__u64 hash = hash_text(HASH_START, instance);
	size_t at;

	for (__u32 v = hash_index__first(&hosts->by_instance, hash, &at); v != HASH_NONE;
	     v = hash_index__next(&hosts->by_instance, hash, &at)) {
		if (strcmp(hosts->hosts[v].instance, instance) == 0)
			return &hosts->hosts[v];
	}
	return NULL;
}

/* The one of that series, made when it is not there; NULL without memory. */
static struct fleet_host *take_host(struct fleet_hosts *hosts, const json_t *series)
{
	const char *instance = label(series, "instance"), *name = label(series, "host");
	struct fleet_host *host = fleet_hosts__get(hosts, instance), *grown;

	if (host)
		return host;
	grown = realloc(hosts->hosts, (hosts->nr_hosts + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	hosts->hosts = grown;
	host = &grown[hosts->nr_hosts];
	memset(host, 0, sizeof(*host));
	host->instance = strdup(instance);
	host->name = strdup(name[0] ? name : instance);
	if (!host->instance || !host->name ||
	    hash_index__add(&hosts->by_instance, hash_text(HASH_START, instance),
			    hosts->nr_hosts)) {
		free(host->instance);
		free(host->name);
		return NULL;
	}
	hosts->nr_hosts++;
	return host;
}

enum look { LOOK_MAX, LOOK_MIN, LOOK_BEGIN, LOOK_END };

static void take_look(struct fleet_host *host, enum look look, double since)
{
	switch (look) {
	case LOOK_MAX:
		host->since_max = since;
		break;
	case LOOK_MIN:
		host->since_min = since;
		break;
	case LOOK_BEGIN:
		host->there_begin = true;
		host->since_begin = since;
		break;
	case LOOK_END:
		host->there_end = true;
		host->since_end = since;
		break;
	}
}

static int look_at(struct fleet_hosts *hosts, struct prometheus *client, enum look look,
		   const char *expression, __s64 time_ms)
{
	json_t *result;
	const json_t *series;
	size_t i;
	int err = prometheus__query(client, expression, time_ms, &result);

	json_array_foreach (result, i, series) {
		struct fleet_host *host = take_host(hosts, series);
		double since;
		__s64 time;

		if (!host) {
			msg__error("out of memory");
			err = -ENOMEM;
			break;
		}
		if (!prometheus__sample(json_object_get(series, "value"), &time, &since))
			take_look(host, look, since);
	}
	json_decref(result);
	return err;
}

/* All hosts of the time, and what was the matter at its begin and end. */
static int look_around(struct fleet_hosts *hosts, struct prometheus *client, __s64 begin_ms,
		       __s64 end_ms)
{
	static const char begin[] =
		"max by (instance, host) (last_over_time(" SINCE "[" FLEET_LOOKBACK "]))";
	/* This one without the hosts that are gone by then, however shortly before. */
	static const char end[] = "max by (instance, host) (" SINCE ")";
	char max[160], min[160];

	snprintf(max, sizeof(max), "max by (instance, host) (max_over_time(" SINCE "[%lldms]))",
		 end_ms - begin_ms);
	snprintf(min, sizeof(min), "min by (instance, host) (min_over_time(" SINCE "[%lldms]))",
		 end_ms - begin_ms);
	return look_at(hosts, client, LOOK_MAX, max, end_ms)
		       ?: look_at(hosts, client, LOOK_MIN, min, end_ms)
		       ?: look_at(hosts, client, LOOK_BEGIN, begin, begin_ms)
		       ?: look_at(hosts, client, LOOK_END, end, end_ms);
}

/* --- spans ----------------------------------------------------------------------------------------- */

struct sample {
	__s64 time_ms;
	double since;
};

static int compare_samples(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return x->time_ms < y->time_ms ? -1 : x->time_ms > y->time_ms;
}

/* Of all series: a host may have got another job meanwhile. In order of time. */
static int take_samples(const json_t *result, struct sample **samples, size_t *nr)
{
	const json_t *series, *pair;
	size_t i, j, room = 0;

	*nr = 0;
	json_array_foreach (result, i, series)
		room += json_array_size(json_object_get(series, "values"));
	*samples = calloc(room + 1, sizeof(**samples));
	if (!*samples)
		return -ENOMEM;
	json_array_foreach (result, i, series) {
		json_array_foreach (json_object_get(series, "values"), j, pair) {
			struct sample *sample = &(*samples)[*nr];

			if (!prometheus__sample(pair, &sample->time_ms, &sample->since))
				++*nr;
		}
	}
	qsort(*samples, *nr, sizeof(**samples), compare_samples);
	return 0;
}

static int add_span(struct fleet_hosts *hosts, const struct fleet_span *span)
{
	struct fleet_span *grown =
		realloc(hosts->spans, (hosts->nr_spans + 1) * sizeof(*hosts->spans));

	if (!grown)
		return -ENOMEM;
	hosts->spans = grown;
	grown[hosts->nr_spans++] = *span;
	return 0;
}

/* The samples of one value are a span; it begins with the last of them that is not after `begin_ms`. */
static int split(struct fleet_hosts *hosts, struct fleet_host *host, const struct sample *samples,
		 size_t nr, __s64 begin_ms)
{
	size_t first = 0;
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++) {
		bool last = i + 1 == nr || samples[i + 1].since != samples[i].since;
		struct fleet_span span = { .host = host - hosts->hosts };

		if (samples[i].time_ms <= begin_ms)
			first = i;
		if (!last)
			continue;
		span.from_zero = samples[i].since * 1000 >= begin_ms;
		span.begin_ms = samples[first].time_ms;
		span.end_ms = samples[i].time_ms;
		if (span.end_ms > begin_ms)
			err = add_span(hosts, &span);
		first = i + 1;
	}
	return err;
}

static int find_spans(struct fleet_hosts *hosts, struct fleet_host *host, struct prometheus *client,
		      __s64 begin_ms, __s64 end_ms)
{
	struct sample *samples = NULL;
	char *text = NULL;
	json_t *result = NULL;
	size_t size, nr = 0;
	FILE *expression = open_memstream(&text, &size);
	int err = expression ? 0 : -ENOMEM;

	if (!err) {
		fputs(SINCE "{instance=", expression);
		promql__print_string(expression, host->instance);
		/* Also what was there just before the begin. */
		fprintf(expression, "}[%lldms]", end_ms - begin_ms + 300000);
		if (fclose(expression))
			err = -ENOMEM;
	}
	if (!err)
		err = prometheus__query(client, text, end_ms, &result);
	if (!err)
		err = take_samples(result, &samples, &nr)
			      ?: split(hosts, host, samples, nr, begin_ms);
	if (!err && nr) {
		host->begin_ms = samples[0].since * 1000 >= begin_ms ? samples[0].since * 1000
				 : samples[0].time_ms < begin_ms     ? begin_ms
								     : samples[0].time_ms;
		host->end_ms = samples[nr - 1].time_ms;
	}
	json_decref(result);
	free(samples);
	free(text);
	return err;
}

int fleet_hosts__find(struct fleet_hosts *hosts, struct prometheus *client, __s64 begin_ms,
		      __s64 end_ms)
{
	int err;

	memset(hosts, 0, sizeof(*hosts));
	err = look_around(hosts, client, begin_ms, end_ms);
	for (size_t i = 0; i < hosts->nr_hosts && !err; i++) {
		struct fleet_host *host = &hosts->hosts[i];

		host->begin_ms = begin_ms;
		host->end_ms = end_ms;
		host->steady = host->there_begin && host->there_end &&
			       host->since_begin == host->since_end &&
			       host->since_min == host->since_begin &&
			       host->since_max == host->since_begin;
		if (!host->steady)
			err = find_spans(hosts, host, client, begin_ms, end_ms);
	}
	return err;
}

void fleet_hosts__free(struct fleet_hosts *hosts)
{
	for (size_t i = 0; i < hosts->nr_hosts; i++) {
		free(hosts->hosts[i].instance);
		free(hosts->hosts[i].name);
	}
	free(hosts->hosts);
	free(hosts->spans);
	hash_index__free(&hosts->by_instance);
	memset(hosts, 0, sizeof(*hosts));
}

__s64 fleet_span__lookback_ms(const struct fleet_span *span)
{
	__s64 length_ms = span->end_ms - span->begin_ms;

	if (!span->from_zero || length_ms >= FLEET_LOOKBACK_MS)
		return FLEET_LOOKBACK_MS;
	return length_ms > 0 ? length_ms : 1;
}
