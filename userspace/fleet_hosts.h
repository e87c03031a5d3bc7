/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hosts that Prometheus has scraped in a time, and over which spans of it their counters can be
 * subtracted: within a span a host has lost no count, and what the counters had at its begin is
 * known.
 */
#ifndef KFUNCTRACE_FLEET_HOSTS_H
#define KFUNCTRACE_FLEET_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "hash_index.h"

struct prometheus;

/* A sample may be so old. Prometheus itself looks back for five minutes. */
#define FLEET_LOOKBACK	  "5m"
#define FLEET_LOOKBACK_MS 300000

struct fleet_host {
	char *instance;	  /* the label that tells targets apart */
	char *name;	  /* its label `host` where it has one, else `instance` */
	bool steady;	  /* scraped at begin and end, and lost no count in between: no spans */
	bool there_begin; /* scraped at the begin, */
	bool there_end;	  /* at the end */
	double since_begin, since_end, since_min, since_max; /* counts since, seconds since 1970 */
	__s64 begin_ms, end_ms;				     /* what is known of it */
};

struct fleet_span {
	__u32 host;
	bool from_zero; /* counters were 0 at its begin, which is later than the begin asked for */
	__s64 begin_ms, end_ms;
};

struct fleet_hosts {
	struct fleet_host *hosts;
	size_t nr_hosts;
	struct fleet_span *spans; /* of hosts that are not steady, in order of time for each */
	size_t nr_spans;
	struct hash_index by_instance;
};

/*
 * How old a sample at its end may be. What is older than a span that begins with 0 was counted before
 * the counters began anew.
 */
__s64 fleet_span__lookback_ms(const struct fleet_span *span);

/* Returns 0 or a negative errno, having said why. To be freed in any case. */
int fleet_hosts__find(struct fleet_hosts *hosts, struct prometheus *client, __s64 begin_ms,
		      __s64 end_ms);
void fleet_hosts__free(struct fleet_hosts *hosts);
/* NULL: there is none. */
struct fleet_host *fleet_hosts__get(const struct fleet_hosts *hosts, const char *instance);

#endif
