/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The truth as a file: an array of rows or, for references, an object with the rows and more. All
 * is as of the moment when the scenario was done; what is parked then is released by the kernel
 * after the workload has ended.
 *
 *	{"rows": [...],
 *	 "types": [{"type", "acquired", "null_returns", "released", "released_by_maps",
 *	            "outstanding"}],
 *	 "parked": [{"type", "program", "kfunc", "pid" or "cgroup_id", "map", "objects", "references",
 *	             "stale", "deleted_element", "in_use", "ambiguous"}],
 *	 "handed_over": [{"type", "acquired_by", "released_by", "count"}],
 *	 "zero": [{"kfunc", "program", "refcount_zero", "other_nulls"}],
 *	 "iterators": [{"type", "program", "made", "failed", "destroyed", "elements",
 *	                "per_iteration": [...]}]}
 *
 * acquired, null_returns, released	by programs; what kfuncs call inside is in the rows only,
 *			with the caller "kernel", and so are the destructors of maps that are kfuncs
 * empty_releases	(6.1) of a type: calls of the destructor for slots that hold nothing
 * pushed, popped	of a type: into and out of lists, which is neither acquired nor released
 * objects		so many that are parked alike; each has references / objects references
 * in_use		not parked: its program sleeps
 * ambiguous		one of the object's references was released that was acquired elsewhere;
 *			who sees only calls cannot tell which of them is left
 */
#ifndef WORKLOADS_TRUTH_FILE_H
#define WORKLOADS_TRUTH_FILE_H

#include <stddef.h>

struct references;
struct truth_row;

/* The file is there whole or not at all. References may be NULL. */
int truth_file__write(const char *path, const struct truth_row *rows, size_t n,
		      const struct references *references);

#endif
