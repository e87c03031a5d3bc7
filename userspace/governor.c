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

size_t governor__decide(struct governor *governor, struct governed_unit *units, size_t nr,
			__u64 process_ns, __u64 wall_ns)
{
	double share = governor__share(units, nr, process_ns, wall_ns);
	size_t nr_off = 0;

	if (!governor->max_share || !wall_ns || share <= governor->max_share) {
		governor->nr_over = 0;
		return 0;
	}
	if (++governor->nr_over < GOVERNOR_PATIENCE)
		return 0;
	governor->nr_over = 0;
	if (nr)
		qsort(units, nr, sizeof(*units), compare);
	/* A unit that costs nothing is not worth losing, whatever the process needs. */
	while (nr_off < nr && units[nr_off].run_ns && share > governor->max_share * GOAL)
		share -= (double)units[nr_off++].run_ns / wall_ns;
	return nr_off;
}
