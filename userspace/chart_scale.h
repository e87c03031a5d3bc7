/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the axes of a chart have their marks, and what stands at them. */
#ifndef KFUNCTRACE_CHART_SCALE_H
#define KFUNCTRACE_CHART_SCALE_H

#include <stddef.h>
#include <linux/types.h>

/*
 * The distance of round marks (1, 2 or 5 times a power of ten, 1 at least) of which `max` needs
 * `marks` at most beside the 0.
 */
__u64 chart_scale__step(__u64 max, unsigned int marks);
/* "950", "12k", "1.5M", for marks that are `step` apart. Returns buf. */
const char *chart_scale__mark(__u64 value, __u64 step, char *buf, size_t size);

struct time_mark {
	__s64 time;
	char text[16];
};
/*
 * Round local times from `begin` to `end`, both included: full hours, midnights. Returns how many, at
 * most `max`; none when begin is not before end.
 */
size_t chart_scale__times(__s64 begin, __s64 end, struct time_mark *marks, size_t max);

#endif
