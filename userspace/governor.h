/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps the aggregator's own cost below a share of one CPU: what is most expensive is taken off first.
 * Decides only; who asks measures and takes off.
 */
#ifndef KFUNCTRACE_GOVERNOR_H
#define KFUNCTRACE_GOVERNOR_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* Something that can be taken off, and what it cost in a time that was measured. */
struct governed_unit {
	const char *name;
	__u64 run_ns;
};

struct governor {
	double max_share; /* of one CPU; 0: no limit */
	int nr_over;	  /* measurements in a row that were above it */
	bool is_process;  /* the process alone is above it: to take units off does not help */
};

/* So many in a row, so that one busy moment takes nothing off. */
#define GOVERNOR_PATIENCE 2

/*
 * After a measurement over `wall_ns` in which the process took `process_ns` of CPU time, and the units
 * those of theirs: sorts the units, most expensive first, and returns how many of them, from the first
 * on, are to be taken off so that the rest is below four fifths of the limit. What the process itself
 * needs is not theirs, but counts: up to the limit when it needs four fifths alone. When it is above the
 * limit alone, the units are held to the limit without it.
 */
size_t governor__decide(struct governor *governor, struct governed_unit *units, size_t nr,
			__u64 process_ns, __u64 wall_ns);

/* The share of one CPU. */
double governor__share(const struct governed_unit *units, size_t nr, __u64 process_ns,
		       __u64 wall_ns);

#endif
