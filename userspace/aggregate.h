/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the aggregator knows: counters by kfunc and caller that never go backwards, and the state of
 * references as it was last. Drains of the kernel's counters are added to it; the exposition
 * (openmetrics.h), the history (history.h) and the status page read it. Bounded: what is beyond the
 * bounds goes to `other`. It is for one thread.
 */
#ifndef KFUNCTRACE_AGGREGATE_H
#define KFUNCTRACE_AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "histogram.h"
#include "known_program.h"

struct aggregate;

struct aggregate_options {
	size_t max_callers; /* pairs of kfunc and caller told apart; of each kfunc the rest is `other` */
	size_t max_objects; /* objects kept in `objects` */
	__u64 forget_s; /* a pair of which nothing was seen for so long, and of which no reference is
				held, may give its place to a new one; its counts are gone then. 0: never */
};

/* Of what is not measured of a kfunc, a 0 is not known. */
#define AGGREGATE_NULLS	     (1u << 0) /* whether it returned NULL */
#define AGGREGATE_ZEROS	     (1u << 1) /* acquires that failed because the count was zero */
#define AGGREGATE_REFERENCES (1u << 2) /* references handed out and given back */

/* A kfunc, or another function that matters to references (a destructor). */
struct aggregate_kfunc {
	char *name;
	char *module; /* "vmlinux" */
	/* What the catalogue says of it on this kernel; kind is NULL when it is not deprecated. */
	const char *deprecation; /* "deprecated", "superseded" (deprecation_kind__name()) */
	char *replacement;	 /* or NULL */
	char *since;		 /* "6.19", or NULL */
	unsigned int measured;	 /* AGGREGATE_NULLS, ...: what else than calls */
	bool traced;		 /* probed at the moment */
	char *untraced;		 /* why it is not: "no ftrace site", "over max_overhead"; or NULL */
	__u64 run_time_ns, runs; /* of its probes, where that was measured; never backwards */
};

struct aggregate_counts {
	__u64 calls;
	__u64 nulls;	/* of these, those that returned NULL */
	__u64 zeros;	/* acquires that failed because the count was zero */
	__u64 unclear;	/* that, or something else */
	__u64 acquired; /* references handed out */
	__u64 released; /* references given back */
};

void aggregate_counts__add(struct aggregate_counts *to, const struct aggregate_counts *counts);

/* A kfunc and who calls it. */
struct aggregate_row {
	__u64 serial; /* another one when the place was given to another pair, or anew to this one */
	__u32 kfunc;  /* aggregate__kfunc_at() */
	__u32 caller; /* aggregate__caller_at() */
	struct aggregate_counts counts;
	__s64 outstanding;	     /* references acquired here and still held; -1: not known */
	__s64 first_seen, last_seen; /* seconds since 1970, of a call */
	struct histogram
		*held; /* how long references were held that were acquired here, ns; or NULL */
};

/* References by the type of their objects. */
struct aggregate_type {
	char *name;
	__u64 acquired, released;
	__s64 outstanding;   /* -1 where not known */
	__s64 parked, stale; /* of these; -1 where not known */
	__u64 oldest_ns;     /* age of the oldest */
	__u64 untracked;     /* acquired, and no room to account for it */
};

/* An object on which references are held, as of the last look. */
struct aggregate_object {
	__u32 type;
	char what[96];	     /* "pid 812 (sleep), exited" */
	__u32 kfunc, caller; /* who acquired it; AGGREGATE_NONE: not known, or several */
	__u32 references;
	__u64 age_ns;
	bool parked, stale;
};
#define AGGREGATE_NONE (~0u)

/*
 * A loaded program that uses what is deprecated here, or what the target kernel has not. Of the same
 * kfunc, caller, target and problem there is one.
 */
struct aggregate_problem {
	__u32 kfunc, caller;
	char *target;	   /* release of the target kernel; NULL: deprecated on this one */
	char *problem;	   /* "removed", "renamed: a -> b", "deprecated" */
	char *replacement; /* or NULL */
	__u32 programs;	   /* loaded programs of that name */
};

/* Calls and events that the figures do not have, or have without a caller. Never backwards. */
struct aggregate_losses {
	__u64 recursion_misses; /* counted, caller unknown, return not seen */
	__u64 table_full;	/* counted, caller unknown */
	__u64 no_caller;	/* counted, caller unknown */
	__u64 orphaned;		/* counted, caller unknown */
	__u64 events_dropped;	/* the ring buffer was full */
	__u64 events_left_out;	/* more in a second than are sent */
	__u64 untracked;	/* references for which there was no room */
	__u64 lost_releases;
	__u64 lost_sites;
	__u64 lost_holds;
	__u64 programs;	  /* that could not be recorded */
	__u64 other_rows; /* calls that went to `other` */
	__u64 drains_failed;
};

/* What the aggregator itself costs. Never backwards, but for the gauges. */
struct aggregate_cost {
	__u64 probe_ns;	  /* spent in probes, as measured or extrapolated from measured samples */
	__u64 process_ns; /* CPU time of the process */
	__u64 drains, drain_ns, last_drain_ns;
	__u64 rss_bytes;
	__u64 kernel_bytes;    /* memory of the maps */
	double share;	       /* of one CPU, of both, over the last measurement */
	__u64 detached_kfuncs; /* by the governor, at the moment */
};

struct aggregate_state {
	char release[128];    /* of the running kernel */
	char target[128];     /* of the target kernel, or "" */
	__s64 started;	      /* seconds since 1970, of the process */
	__s64 counting_since; /* of the oldest count: of a process before, out of the history */
	__s64 last_drain, last_look; /* that succeeded */
	bool only_looks;	     /* count = off: at programs; nothing is counted */
	bool ready;		     /* calls are seen, and a drain has succeeded lately */
	char trouble[256];	     /* why it is not, or what is the matter: "" when all is well */
	__u64 notices, notices_suppressed;
	bool history_on;    /* there is to be one */
	__s64 history_save; /* when one succeeded last, of this process; 0: none yet */
	__u64 history_bytes, history_errors;
	struct aggregate_losses losses;
	struct aggregate_cost cost;
};

/* NULL when out of memory. */
struct aggregate *aggregate__new(const struct aggregate_options *opts);
void aggregate__free(struct aggregate *aggregate);
/* Bounds may be changed; what is there stays. */
void aggregate__set_options(struct aggregate *aggregate, const struct aggregate_options *opts);

/*
 * The one of that name and module (NULL: vmlinux), made when it is not there. AGGREGATE_NONE: out of
 * memory.
 */
__u32 aggregate__kfunc(struct aggregate *aggregate, const char *name, const char *module);
/* Sets what is known besides the name; strings are copied, NULL for none. 0 or -ENOMEM. */
int aggregate__set_deprecation(struct aggregate *aggregate, __u32 kfunc, const char *kind,
			       const char *replacement, const char *since);
int aggregate__set_traced(struct aggregate *aggregate, __u32 kfunc, bool traced,
			  const char *why_not);

/*
 * Adds to the row of the kfunc and the caller, which is made if there is room; otherwise to the
 * kfunc's `other`. Callers are the same when kind, name and type are; of the rest, what is passed
 * last is kept. `now` is in seconds since 1970. Returns the row, good until the next is made; NULL:
 * out of memory.
 */
struct aggregate_row *aggregate__add(struct aggregate *aggregate, __u32 kfunc,
				     const struct known_program *caller,
				     const struct aggregate_counts *counts, __s64 now);
/*
 * Adds what a process before counted: no row gives its place for it, and what goes to `other` was counted
 * as lost in its time. Returns the index of the row; AGGREGATE_NONE: out of memory.
 */
__u32 aggregate__add_past(struct aggregate *aggregate, __u32 kfunc,
			  const struct known_program *caller, const struct aggregate_counts *counts,
			  __s64 first_seen, __s64 last_seen);
/* The row if it is there, or NULL. */
struct aggregate_row *aggregate__find(struct aggregate *aggregate, __u32 kfunc,
				      const struct known_program *caller);
/* Adds times that references were held (a difference of records in the kernel). 0 or -ENOMEM. */
int aggregate_row__add_held(struct aggregate_row *row, const struct kft_hold *hold);
/*
 * The type of that name, made when it is not there; programs have types of their own, so beyond
 * AGGREGATE_MAX_TYPES it is the one named "other". AGGREGATE_NONE: out of memory.
 */
#define AGGREGATE_MAX_TYPES 1024
__u32 aggregate__type(struct aggregate *aggregate, const char *name);
struct aggregate_type *aggregate__type_for(struct aggregate *aggregate, __u32 type);
/*
 * The caller's index, made when it is not there (without a row): for objects and problems, good until
 * these have been set twice more. Beyond the bounds it is the one of `other`. AGGREGATE_NONE: out of
 * memory.
 */
__u32 aggregate__caller(struct aggregate *aggregate, const struct known_program *caller);

/*
 * Replace what was known; copied, in the order given, cut at max_objects and AGGREGATE_MAX_PROBLEMS.
 * 0 or -ENOMEM.
 */
#define AGGREGATE_MAX_PROBLEMS 16384
int aggregate__set_objects(struct aggregate *aggregate, const struct aggregate_object *objects,
			   size_t nr);
int aggregate__set_problems(struct aggregate *aggregate, const struct aggregate_problem *problems,
			    size_t nr);

struct aggregate_state *aggregate__state(struct aggregate *aggregate);

/*
 * To read all. Indices are stable, but for those of rows, which may be reused when `forget_s` is over, and
 * then of callers that no row, object or problem has.
 */
size_t aggregate__nr_kfuncs(const struct aggregate *aggregate);
const struct aggregate_kfunc *aggregate__kfunc_at(const struct aggregate *aggregate, size_t idx);
struct aggregate_kfunc *aggregate__kfunc_for(struct aggregate *aggregate, __u32 kfunc);
size_t aggregate__nr_callers(const struct aggregate *aggregate);
const struct known_program *aggregate__caller_at(const struct aggregate *aggregate, size_t idx);
size_t aggregate__nr_rows(const struct aggregate *aggregate);
const struct aggregate_row *aggregate__row_at(const struct aggregate *aggregate, size_t idx);
struct aggregate_row *aggregate__row_for(struct aggregate *aggregate, size_t idx);
size_t aggregate__nr_types(const struct aggregate *aggregate);
const struct aggregate_type *aggregate__type_at(const struct aggregate *aggregate, size_t idx);
const struct aggregate_object *aggregate__objects(const struct aggregate *aggregate, size_t *nr);
const struct aggregate_problem *aggregate__problems(const struct aggregate *aggregate, size_t *nr);
const struct aggregate_state *aggregate__read_state(const struct aggregate *aggregate);

#endif
