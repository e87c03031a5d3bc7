/* SPDX-License-Identifier: GPL-2.0-only */
/* Histograms with a bucket a power of two, as the kernel side fills them (struct kft_hold). */
#ifndef KFUNCTRACE_HISTOGRAM_H
#define KFUNCTRACE_HISTOGRAM_H

#include <stdio.h>
#include <linux/types.h>

#include "../tracepoints/reference_records.h"

struct json_t;

struct histogram {
	__u64 count;   /* all there were... */
	__u64 unknown; /* ...and of these, those whose value is not known */
	__u64 sum, max;
	__u64 buckets[KFT_BUCKETS];
};

void histogram__add(struct histogram *histogram, const struct kft_hold *hold);

/* Bucket n holds the values from histogram__low(n) to histogram__low(n + 1) - 1. */
__u64 histogram__low(int bucket);

/*
 * The value that `percent` of the values do not exceed, as well as buckets can tell: evenly spread
 * within a bucket, never above the largest value. 0 when there is none.
 */
__u64 histogram__percentile(const struct histogram *histogram, double percent);

/* As bpftrace prints it: "[1K, 2K)  17 |@@@@      |", a line each from the first bucket to the last. */
void histogram__print(const struct histogram *histogram, FILE *out, const char *indent);

/* count, unknown, mean, p50, p99, max and buckets: [{from, to, count}]; `unit` ("_ns") is appended. */
struct json_t *histogram__json(const struct histogram *histogram, const char *unit);

/* "350 ns", "12.3 us", "4.2 s", "3 min 20 s". Returns buf. */
const char *format_ns(__u64 ns, char *buf, size_t size);

#endif
