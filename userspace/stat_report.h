/* SPDX-License-Identifier: GPL-2.0-only */
/* The usage model as `stat` prints it: a table or JSON, by kfunc, caller or call site. */
#ifndef KFUNCTRACE_STAT_REPORT_H
#define KFUNCTRACE_STAT_REPORT_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

struct counters;
struct live_kernel;
struct probe_set;
struct site_table;
struct usage;

enum stat_by {
	STAT_BY_KFUNC,
	STAT_BY_CALLER,
	STAT_BY_SITE,
};

/* What a total does not have in it: kfuncs that matched and were not counted. */
struct stat_omissions {
	int untraceable;     /* nothing can see them: registry.h tells why */
	int hot_in_kernel;   /* left out because the kernel calls them all the time */
	int failed;	     /* their probes could not be attached */
	bool tracer_was_off; /* the function tracer was switched off in between */
};

struct stat_report {
	const struct live_kernel *kernel;
	const struct counters *counters;
	const struct probe_set *set;
	const struct site_table *sites; /* STAT_BY_SITE */
	struct stat_omissions omissions;
	enum stat_by by;
	const char *engine; /* "bpf" or "module" */
	__u64 missed;	    /* by the module: see struct counters_module_state */
	bool missed_are_counted;
	bool addresses; /* kernel addresses may be shown */
	double seconds; /* that `usage` covers */
};

/* Returns 0 or -ENOMEM; whether it reached its reader, output__finish() tells. */
int stat_report__print_table(const struct stat_report *report, const struct usage *usage,
			     FILE *out);
/* An array of rows; pretty, or on one line. */
int stat_report__print_json(const struct stat_report *report, const struct usage *usage, FILE *out,
			    bool pretty);

#endif
