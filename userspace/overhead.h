/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tracing costs: the aggregator's CPU time but for its HTTP server's, and that of its probes, which the kernel measures while
 * somebody asks it to. Because asking makes every BPF program of the host a little slower, it is asked
 * for a short time now and then, and the rest is extrapolated.
 */
#ifndef KFUNCTRACE_OVERHEAD_H
#define KFUNCTRACE_OVERHEAD_H

#include <linux/types.h>

struct aggregate;
struct counting;
struct notices;
struct overhead;

struct overhead_options {
	double max_share;  /* of one CPU, beyond which probes are taken off; 0: no limit */
	__u64 interval_ns; /* from one measurement to the next */
};

/* NULL: out of memory. All must outlive it. */
struct overhead *overhead__new(const struct overhead_options *opts, struct counting *counting,
			       struct aggregate *aggregate, struct notices *notices);
void overhead__free(struct overhead *overhead);
void overhead__set_options(struct overhead *overhead, const struct overhead_options *opts);

/* CPU time of the process so far. */
__u64 overhead__process_ns(void);
/*
 * So much of that was not for tracing: whoever asks for metrics again and again is not to have probes
 * taken off.
 */
void overhead__leave_out(struct overhead *overhead, __u64 cpu_ns);

/*
 * Begins or ends a measurement when it is time; takes probes off when they have cost too much, and says
 * so. `now_ns` is of CLOCK_MONOTONIC. Returns when it wants to be called again.
 */
__u64 overhead__tend(struct overhead *overhead, __u64 now_ns);

#endif
