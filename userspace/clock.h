/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_CLOCK_H
#define KFUNCTRACE_CLOCK_H

#include <time.h>
#include <linux/types.h>

/* Nanoseconds of CLOCK_MONOTONIC. */
static inline __u64 clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

#endif
