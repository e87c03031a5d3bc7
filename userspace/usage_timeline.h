/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls over time out of a usage report: a few lines that can be drawn. */
#ifndef KFUNCTRACE_USAGE_TIMELINE_H
#define KFUNCTRACE_USAGE_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "usage_report.h"

#define TIMELINE_LINES 6
#define TIMELINE_STEPS 400

struct timeline_line {
	__u32 idx; /* of the program or kfunc */
	__u64 total;
	__u64 *values; /* of each step */
};

struct timeline {
	__s64 begin, step; /* steps of the report are taken together when there are too many */
	size_t nr_steps;
	bool *known;				    /* was anything measured in this step? */
	bool last_is_partial;			    /* the report ends within the last step */
	struct timeline_line lines[TIMELINE_LINES]; /* most calls first */
	size_t nr_lines;
	size_t left_out; /* more that have calls */
	__u64 *all;	 /* by everybody, those included that have no line */
};

enum timeline_key { TIMELINE_BY_PROGRAM, TIMELINE_BY_KFUNC };

/* Without points there are no steps. Returns 0 or -ENOMEM; to be freed in any case. */
int timeline__make(struct timeline *timeline, const struct usage_report *report,
		   enum timeline_key key);
void timeline__free(struct timeline *timeline);

#endif
