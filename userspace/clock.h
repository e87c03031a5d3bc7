/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_CLOCK_H
#define KFUNCTRACE_CLOCK_H

#include <time.h>
#include <linux/types.h>

#define NS_PER_S 1000000000ull

/* Nanoseconds of CLOCK_MONOTONIC, which is bpf_ktime_get_ns()'s as well. */
static inline __u64 clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

#endif
