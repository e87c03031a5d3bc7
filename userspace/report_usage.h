/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `kfunctrace report` of what was used over a time: out of the history, a fleet out of Prometheus, or a
 * recording.
 */
#ifndef KFUNCTRACE_REPORT_USAGE_H
#define KFUNCTRACE_REPORT_USAGE_H

#include <stdbool.h>

#include "pattern.h"

#define REPORT_HISTORY_PATH "/var/lib/kfunctrace/history.db"

struct report_usage_options {
	const char *history;	   /* NULL: REPORT_HISTORY_PATH */
	const char *prometheus;	   /* its URL, in place of a history; or NULL */
	const char *recording;	   /* of trace events, in place of a history; or NULL */
	const char *since, *until; /* as option__moment() takes them; NULL: 7d, now */
	const struct pattern_list *kfuncs;
	bool deprecations; /* nothing but these */
	bool json;
	const char *html;   /* a page goes there, "-" is standard output; or NULL */
	const char *output; /* or NULL */
};

/* Returns the exit status, having said what went wrong. */
int report_usage__run(const struct report_usage_options *opts);

#endif
