/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The aggregate as text that Prometheus and its kind read: OpenMetrics 1.0, or the older text format
 * of Prometheus. Documentation/metrics.rst lists every metric and label.
 */
#ifndef KFUNCTRACE_OPENMETRICS_H
#define KFUNCTRACE_OPENMETRICS_H

#include <stdbool.h>
#include <stddef.h>

struct aggregate;

enum exposition_format {
	EXPOSITION_OPENMETRICS,
	EXPOSITION_PROMETHEUS, /* version 0.0.4, for whoever does not ask for the other */
};

/* What the Accept header of a client asks for; NULL: it has none. */
enum exposition_format exposition__choose(const char *accept);
/* False when it asks for neither of the two (406). */
bool exposition__acceptable(const char *accept);
const char *exposition__content_type(enum exposition_format format);

/*
 * Writes all of it to malloc'ed memory, 0-terminated, its length in *size. Returns 0 or -ENOMEM.
 * `version` is kfunctrace's.
 */
int exposition__write(const struct aggregate *aggregate, enum exposition_format format,
		      const char *version, char **text, size_t *size);

#endif
