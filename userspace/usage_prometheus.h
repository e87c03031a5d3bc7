/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of usage_from_prometheus() share. */
#ifndef KFUNCTRACE_USAGE_PROMETHEUS_H
#define KFUNCTRACE_USAGE_PROMETHEUS_H

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

struct fleet_choice fleet_chunk__choice(const struct fleet_report *fleet,
					const struct fleet_chunk *chunk);

/*
 * The kfunc and the program of a series, made when they are not there. Returns 1, 0 when the kfunc is
 * not asked for, or a negative errno, having said why.
 */
int fleet_report__caller(struct fleet_report *fleet, const struct json_t *series, __u32 *kfunc,
			 __u32 *program);
/* Calls over time, in all chunks. Returns 0 or a negative errno, having said why. */
int fleet_report__fill_points(struct fleet_report *fleet);

#endif
