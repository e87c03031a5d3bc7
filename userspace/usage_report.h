/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who used which kfuncs over a time, on one host or on many: what `report` prints, and its printers.
 * Filled from the history of a host (usage_from_history()), from Prometheus (usage_from_prometheus())
 * or from a recording of trace events (usage_from_recording()); owns all of its strings.
 */
#ifndef KFUNCTRACE_USAGE_REPORT_H
#define KFUNCTRACE_USAGE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

#include "aggregate.h"
#include "known_program.h"
#include "pattern.h"

/* Of what the source does not say, and which is part of a name. */
#define USAGE_UNKNOWN "?"

struct usage_host {
	char *name;	  /* host, or the `instance` of Prometheus; or USAGE_UNKNOWN */
	char *release;	  /* of its kernel, the last seen; or NULL */
	char *target;	  /* of the kernel that it is checked against; or NULL */
	__s64 begin, end; /* seconds since 1970, of what is known of it within the report's time */
	__s64 known_s;	  /* seconds of these in which it was counted */
	__u64 lost;	  /* calls whose caller is not known, events that were dropped */
	bool lost_more;	  /* and more of these, nobody knows how many */
};

struct usage_kfunc {
	char *name, *module; /* module: USAGE_UNKNOWN when the source does not say */
	/* NULL when it is not deprecated on any of the hosts. */
	char *deprecation, *replacement, *since;
	/* Why its calls were not counted, or not all of the time; NULL: they were. */
	char *untraced;
	/* AGGREGATE_NULLS, AGGREGATE_ZEROS: on some host; without it a 0 is not known. */
	unsigned int measured;
};

/* A program on a host that calls a kfunc. */
struct usage_use {
	__u32 host, kfunc, program; /* indices */
	__u64 calls, nulls, zeros;
	__s64 outstanding;	     /* now; -1: not known */
	__s64 first_seen, last_seen; /* seconds since 1970; 0: not known */
};

/*
 * Calls of a kfunc by a program (both may be USAGE_ALL) in a step of time. A step without any point
 * was not measured; one in which nothing was called has a point of 0 calls, of whatever kfunc.
 */
struct usage_point {
	__s64 time; /* begin of the step */
	__u32 kfunc, program;
	__u64 calls;
};
#define USAGE_ALL (~0u)

struct usage_references {
	__u32 host;
	char *type;
	__s64 acquired, released;	      /* -1: not known */
	__s64 outstanding, parked, stale; /* now; -1: not known */
	__u64 oldest_s;
};

struct usage_object {
	__u32 host;
	char *type, *what;    /* what: NULL when it is not known */
	__u32 kfunc, program; /* USAGE_ALL: not known */
	__u32 references;
	__u64 age_s;
	bool parked, stale;
};

/* A loaded program that would not work, or not as it does, on the target kernel. */
struct usage_problem {
	__u32 host, kfunc, program;
	char *target, *problem, *replacement; /* replacement may be NULL */
};

struct usage_report {
	char *source;	      /* "history /var/lib/...", "http://prometheus:9090" */
	__s64 begin, end;     /* seconds since 1970; both 0: not known */
	__s64 step;	      /* of points, seconds; 0: there are none */
	bool deprecated_only; /* that is all to be printed */
	bool is_recorded;     /* out of events: a call whose event was lost is not counted */
	struct usage_host *hosts;
	size_t nr_hosts;
	struct usage_kfunc *kfuncs;
	size_t nr_kfuncs;
	struct known_program *programs;
	size_t nr_programs;
	struct usage_use *uses;
	size_t nr_uses;
	struct usage_point *points; /* sorted by time */
	size_t nr_points;
	struct usage_references *references;
	size_t nr_references;
	struct usage_object *objects; /* oldest first; the fleet has none */
	size_t nr_objects;
	struct usage_problem *problems;
	size_t nr_problems;
	struct usage_names *names; /* finds hosts, kfuncs and programs; of usage_report.c */
};

/* What is asked for. */
struct usage_query {
	__s64 begin, end;		   /* seconds since 1970 */
	const struct pattern_list *kfuncs; /* globs; NULL or empty: all */
	bool deprecated_only;
	bool want_points;
};

/* All return 0, or a negative errno having said what failed and what to do. To be freed in any case. */
int usage_from_history(struct usage_report *report, const char *path,
		       const struct usage_query *query);
int usage_from_prometheus(struct usage_report *report, const char *url,
			  const struct usage_query *query);
/* A file of `perf record` or `trace-cmd record`; the time asked for is not looked at. */
int usage_from_recording(struct usage_report *report, const char *path,
			 const struct usage_query *query);
void usage_report__free(struct usage_report *report);

/* Sets a text of a report to a copy, or to NULL. 0 or -ENOMEM; then it is as it was. */
int usage_report__set(char **text, const char *value);

/*
 * The index of the one that is equal, made when it is not there; strings are copied. USAGE_ALL: out
 * of memory. For those who fill a report.
 */
__u32 usage_report__host(struct usage_report *report, const char *name);
/* A module of NULL is vmlinux. */
__u32 usage_report__kfunc(struct usage_report *report, const char *name, const char *module);
__u32 usage_report__program(struct usage_report *report, const struct known_program *program);
/* A new one, all zeros, good until the next one is made; or NULL. */
struct usage_use *usage_report__add_use(struct usage_report *report);
struct usage_point *usage_report__add_point(struct usage_report *report);
/*
 * Sorts them and leaves out those without calls, but for one in a step without any: so a step in which
 * nothing was called is not one that was not measured.
 */
void usage_report__finish_points(struct usage_report *report);
struct usage_references *usage_report__add_references(struct usage_report *report);
struct usage_object *usage_report__add_object(struct usage_report *report);
struct usage_problem *usage_report__add_problem(struct usage_report *report);

/* Print to `out`; 0 or a negative errno. Whether it reached its reader, output__finish() tells. */
int usage_report__print_text(const struct usage_report *report, FILE *out);
int usage_report__print_json(const struct usage_report *report, FILE *out, bool pretty);
int usage_report__print_html(const struct usage_report *report, FILE *out);

#endif
