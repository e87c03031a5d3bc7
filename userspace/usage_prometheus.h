/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of usage_from_prometheus() share. */
#ifndef KFUNCTRACE_USAGE_PROMETHEUS_H
#define KFUNCTRACE_USAGE_PROMETHEUS_H

#include <stdbool.h>

#include "fleet_hosts.h"
#include "fleet_query.h"
#include "hash_index.h"
#include "usage_report.h"

struct prometheus;

/*
 * An answer has about that many series at most, which bounds memory here and there; and a list of
 * hosts that many characters, as VictoriaMetrics takes no expression beyond 16 KiB, and one has up
 * to three lists.
 */
#define FLEET_CHUNK_SERIES 20000
#define FLEET_CHUNK_TEXT   4000

#define FLEET_CALLER	   "kfunc, module, caller, program, program_type"

/* Hosts that can be asked for at once, over the same span. */
struct fleet_chunk {
	struct fleet_host **hosts;
	size_t nr_hosts;
	struct fleet_span span;
	bool steady; /* the span is the whole time */
	bool now;    /* they are there at the end of the time */
};

struct fleet_report {
	struct usage_report *report;
	const struct usage_query *query;
	struct prometheus *client;
	__s64 begin_ms, end_ms;
	struct fleet_hosts hosts;
	struct fleet_chunk *chunks;
	size_t nr_chunks;
	struct hash_index uses, points; /* of the report */
};

/* All hosts of the time, to the report; and in chunks. Both return 0 or a negative errno. */
int fleet_report__add_hosts(struct fleet_report *fleet);
int fleet_report__make_chunks(struct fleet_report *fleet);
struct fleet_choice fleet_chunk__choice(const struct fleet_report *fleet,
					const struct fleet_chunk *chunk);

/* Kernels, losses and references of a chunk's hosts. Returns 0 or a negative errno, having said why. */
int fleet_report__fill_hosts(struct fleet_report *fleet, const struct fleet_chunk *chunk);
/* The metric of the calls that the report is about. */
const struct fleet_metric *fleet_report__calls_metric(const struct fleet_report *fleet);
/* Calls over time, in all chunks. Returns 0 or a negative errno, having said why. */
int fleet_report__fill_points(struct fleet_report *fleet);

/* "" when it has none. */
const char *fleet_series__label(const struct json_t *series, const char *name);
/* Printable, and cut to what there is room for. */
void fleet_series__take_label(char *buf, size_t size, const struct json_t *series,
			      const char *name);
/* NULL for a label that is empty or not there. Returns 0 or -ENOMEM. */
int fleet_series__set_text(char **text, const struct json_t *series, const char *name);
/* False: its value is no number, or none that a counter can have. */
bool fleet_series__count(const struct json_t *series, __u64 *count);

/* The report's host for a series; USAGE_ALL: it is none of those that were found. */
__u32 fleet_report__host(const struct fleet_report *fleet, const struct json_t *series);
/*
 * The kfunc of a series, or the kfunc and the program, made when they are not there. Both return 1, 0
 * when the kfunc is not asked for, or a negative errno, having said why.
 */
int fleet_report__kfunc(struct fleet_report *fleet, const struct json_t *series, __u32 *kfunc);
int fleet_report__caller(struct fleet_report *fleet, const struct json_t *series, __u32 *kfunc,
			 __u32 *program);

/* Says it; -ENOMEM. */
int fleet__out_of_memory(void);

#endif
