/* SPDX-License-Identifier: GPL-2.0-only */
/* What `refs` prints, as tables or JSON. */
#ifndef KFUNCTRACE_REFS_REPORT_H
#define KFUNCTRACE_REFS_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "reference_objects.h"

struct counters;
struct event_sample;
struct json_t;
struct pairing;
struct probe_set;
struct references;
struct site_table;
struct tracing_session;
struct usage;

struct refs_report {
	const struct tracing_session *session;
	const struct pairing *pairing;
	struct references *references;	/* NULL: only calls were counted */
	const struct usage *usage;	/* subjects are functions of the pairing */
	const struct site_table *sites; /* source lines; may be NULL */
	double seconds;			/* that `usage` covers */
	int nr_untraceable;		/* functions that cannot be watched */
	__u64 not_followed;		/* calls that the module had no room for: in no figure */
	bool addresses;			/* kernel addresses may be shown */
	bool pretty;			/* JSON on many lines */
	/* Of objects: */
	bool stale_only;
	__u64 min_age_ns;
	enum object_order order;
	/* Of acquires that failed: */
	const struct event_sample *events;
};

/*
 * Each prints to `out` and returns 0 or a negative errno; whether it reached its reader,
 * results__failed() tells. With `json` a single object.
 */
int balance_report__print(const struct refs_report *report, FILE *out, bool json);
int objects_report__print(const struct refs_report *report, FILE *out, bool json);
int zero_report__print(const struct refs_report *report, FILE *out, bool json);
int iterators_report__print(const struct refs_report *report, FILE *out, bool json);

/* --- shared by them --- */

/* Adds seconds, types, callers and losses. Returns 0 or a negative errno. */
int balance_report__add_json(const struct refs_report *report, struct json_t *root);

/* What is not in the figures: calls that probes missed, records for which there was no room. */
void refs_report__print_losses(const struct refs_report *report, FILE *out);
struct json_t *refs_report__json_losses(const struct refs_report *report);
/* Adds the function, its caller and the site that a numbered call site stands for. */
void refs_report__add_site_json(const struct refs_report *report, __u32 site,
				struct json_t *object);
/* The function that is called at a numbered site; NULL when it is none. */
const struct reference_function *refs_report__function_at(const struct refs_report *report,
							  __u32 site);
struct caller refs_report__caller_at(const struct refs_report *report, __u32 site);

#endif
