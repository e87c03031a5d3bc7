/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters and gauges of a fleet, asked for so that sums are exact (fleet_query.c says how). */
#ifndef KFUNCTRACE_FLEET_QUERY_H
#define KFUNCTRACE_FLEET_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "fleet_hosts.h"

struct json_t;
struct pattern_list;
struct prometheus;

struct fleet_metric {
	const char *name;
	const char *by;	     /* labels to be told apart besides `instance`, or NULL */
	const char *matcher; /* another condition, "reason=\"drains\"", or NULL */
	bool of_kfuncs;	     /* it has a label `kfunc` */
};

/* Of whom. */
struct fleet_choice {
	struct fleet_host *const *hosts; /* none: all */
	size_t nr_hosts;
	const struct pattern_list *kfuncs; /* NULL or empty: all; the answer may have more */
};

/*
 * All give series (jansson), with the labels `instance` and those of `by`. Returns 0 or a negative
 * errno, having said why.
 */

/* By how much counters have grown, where they have; a counter that was not there began with 0. */
int fleet_query__growth(struct prometheus *client, const struct fleet_metric *metric,
			const struct fleet_choice *choice, const struct fleet_span *span,
			struct json_t **result);
/* The last values until then, of hosts that are gone as well. */
int fleet_query__last(struct prometheus *client, const struct fleet_metric *metric,
		      const struct fleet_choice *choice, __s64 time_ms, struct json_t **result);
/* Values as of then: not of series that are gone, of which one has perhaps taken the place. */
int fleet_query__values(struct prometheus *client, const struct fleet_metric *metric,
			const struct fleet_choice *choice, __s64 time_ms, struct json_t **result);

/* Values of these hosts at begin_ms, each step_ms later, up to end_ms. */
int fleet_query__levels(struct prometheus *client, const struct fleet_metric *metric,
			const struct fleet_choice *choice, __s64 begin_ms, __s64 end_ms,
			__s64 step_ms, struct json_t **result);

/* Sums over all of these hosts, without `instance`, as of then, of samples no older than that, */
int fleet_query__sum(struct prometheus *client, const struct fleet_metric *metric,
		     const struct fleet_choice *choice, __s64 lookback_ms, __s64 time_ms,
		     struct json_t **result);
/* and at several times: of those that are there at that time, */
int fleet_query__sums(struct prometheus *client, const struct fleet_metric *metric,
		      const struct fleet_choice *choice, __s64 begin_ms, __s64 end_ms,
		      __s64 step_ms, struct json_t **result);
/* which are so many. */
int fleet_query__present(struct prometheus *client, const struct fleet_choice *choice,
			 __s64 begin_ms, __s64 end_ms, __s64 step_ms, struct json_t **result);

#endif
