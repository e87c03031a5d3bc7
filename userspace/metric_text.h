/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Families of metrics as text, in OpenMetrics 1.0 or in the older format of Prometheus: headers,
 * suffixes of samples, escapes and numbers. Which metrics there are is for openmetrics.c to say.
 */
#ifndef KFUNCTRACE_METRIC_TEXT_H
#define KFUNCTRACE_METRIC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "openmetrics.h"

struct histogram;

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_INFO,
	METRIC_HISTOGRAM,
	METRIC_SUMMARY,
};

/* In the order in which they are written. A value that is NULL is written as "". */
struct metric_labels {
	struct metric_label {
		const char *name, *value;
	} labels[10];
	size_t nr;
};

void metric_labels__add(struct metric_labels *labels, const char *name, const char *value);

struct metric_text {
	char *data;
	size_t size, room;
	bool failed; /* out of memory */
	enum exposition_format format;
	/* The family whose samples are being written. */
	enum metric_type type;
	const char *name, *unit, *help;
	bool begun; /* its headers are written */
};

void metric_text__init(struct metric_text *text, enum exposition_format format);
/* Ends the text, which is then the caller's to free. 0 or -ENOMEM. */
int metric_text__finish(struct metric_text *text, char **data, size_t *size);

/*
 * Begins a family. `name` is without the suffixes of samples (_total, _info) and ends with `unit`,
 * which may be NULL. Of a family without samples nothing is written.
 */
void metric_text__family(struct metric_text *text, enum metric_type type, const char *name,
			 const char *unit, const char *help);

/* A sample of a counter or a gauge. `labels` may be NULL. */
void metric_text__number(struct metric_text *text, const struct metric_labels *labels, __u64 value);
/* Nanoseconds, written in seconds to the last digit. */
void metric_text__seconds(struct metric_text *text, const struct metric_labels *labels, __u64 ns);
void metric_text__ratio(struct metric_text *text, const struct metric_labels *labels, double value);
void metric_text__info(struct metric_text *text, const struct metric_labels *labels);
void metric_text__summary(struct metric_text *text, const struct metric_labels *labels, __u64 count,
			  __u64 sum_ns);
/*
 * Those of its values that are known, in METRIC_NR_BORDERS + 1 buckets. The histogram's own buckets are
 * [2^(n-1), 2^n) ns; `le` is the largest value below a power of two, so that counts are exact.
 */
void metric_text__histogram(struct metric_text *text, const struct metric_labels *labels,
			    const struct histogram *histogram);

#define METRIC_NR_BORDERS 13
struct metric_border {
	int bucket;	/* the first of the histogram's buckets that is above it */
	const char *le; /* seconds */
};
extern const struct metric_border metric_borders[METRIC_NR_BORDERS];

#endif
