/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A host as large as one likes, for what the aggregator does with its counts: all of the aggregator's
 * own code from reading the counters on, also where fentry is refused. What is made up is what
 * the kernel would do: the counts of each CPU, in memory laid out as the probes' is, and the programs
 * that call, in maps as the watchers fill them.
 */
#ifndef KFUNCTRACE_MADE_UP_HOST_H
#define KFUNCTRACE_MADE_UP_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "counting_private.h"
#include "serve_config.h"

struct made_up_host_options {
	int nr_cpus, nr_kfuncs, nr_callers;
	size_t max_callers; /* of the aggregator: 0 is its default */
	bool with_events;
};

struct made_up_host {
	struct made_up_host_options opts;
	struct serve_config config;
	struct counting *counting;
	struct kft_region *regions; /* one a CPU */
	struct kft_reference_state *state;
};

/* Returns 0 or a negative errno, having said why. */
int made_up_host__open(struct made_up_host *host, const struct made_up_host_options *opts);
void made_up_host__close(struct made_up_host *host);

/*
 * A call, counted as the probes count it (tracepoints/probe_frame.h). False: the CPU's table had no
 * room for the pair.
 */
bool made_up_host__call(struct made_up_host *host, int cpu, int kfunc, int caller);
/* A numbered call site of a pair, for events. */
void made_up_host__number_site(struct made_up_host *host, __u32 number, int kfunc, int caller);

/* CPU time of this thread: what other processes take does not count. */
__u64 spent_ns(void);
double median(double *values, size_t nr);

#endif
