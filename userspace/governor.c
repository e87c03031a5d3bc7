// SPDX-License-Identifier: GPL-2.0-only
#include "governor.h"

#include <stdlib.h>

/* Not back to the limit itself, where the next busy moment would take off one more. */
#define GOAL 0.8

double governor__share(const struct governed_unit *units, size_t nr, __u64 process_ns,
		       __u64 wall_ns)
{
	double all = process_ns;

	for (size_t i = 0; i < nr; i++)
		all += units[i].run_ns;
	return wall_ns ? all / wall_ns : 0;
}

static int compare(const void *a, const void *b)
{
	const struct governed_unit *left = a, *right = b;

	return left->run_ns < right->run_ns ? 1 : left->run_ns > right->run_ns ? -1 : 0;
}

/* What units may cost so that all is below the limit, and not back to the limit itself if that can be. */
static double goal_for_units(const struct governor *governor, double process_share)
{
	double limit = governor->max_share;

	/* That the process takes too much is no reason to lose units that are cheap. */
	if (governor->is_process)
		return limit * GOAL;
	return (process_share < limit * GOAL ? limit * GOAL : limit) - process_share;
}

size_t governor__decide(struct governor *governor, struct governed_unit *units, size_t nr,
			__u64 process_ns, __u64 wall_ns)
{
	double all = governor__share(units, nr, process_ns, wall_ns);
	double share = governor__share(units, nr, 0, wall_ns), goal;
	size_t nr_off = 0;

	if (!governor->max_share || !wall_ns || all <= governor->max_share) {
		governor->nr_over = 0;
		governor->is_process = false;
		return 0;
	}
	if (++governor->nr_over < GOVERNOR_PATIENCE)
		return 0;
	governor->nr_over = 0;
	governor->is_process = (double)process_ns / wall_ns > governor->max_share;
	if (governor->is_process && share <= governor->max_share)
		return 0;
	goal = goal_for_units(governor, (double)process_ns / wall_ns);
	if (nr)
		qsort(units, nr, sizeof(*units), compare);
	/* A unit that costs nothing is not worth losing. */
	while (nr_off < nr && units[nr_off].run_ns && share > goal)
		share -= (double)units[nr_off++].run_ns / wall_ns;
	return nr_off;
}
