/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of counting; everybody else uses counting.h. */
#ifndef KFUNCTRACE_COUNTING_PRIVATE_H
#define KFUNCTRACE_COUNTING_PRIVATE_H

#include "aggregate.h"
#include "caller.h"
#include "counting.h"
#include "known_program.h"
#include "name_list.h"
#include "pattern.h"
#include "reference_session.h"
#include "usage.h"

struct kfunc;
struct probe;
struct probe_target;

/*
 * Subjects of probes: below it functions of the pairing, by their index; from it on kfuncs that have
 * nothing to do with references, by their index in the registry.
 */
#define FIRST_OTHER (1u << 20)

/* What a probe has cost in this run, as far as the aggregate knows. */
struct probe_cost {
	__u64 run_ns, runs;
};

/* What was acquired and given back in this run, by type of the pairing. */
struct type_sums {
	__s64 acquired, released;
	/* Of these, taken back after the aggregate was told, whose counters never go backwards. */
	__u64 owed_acquires, owed_releases;
};

/* Room for events between two looks at them. */
#define COUNTING_RING_BYTES (256 * 1024)
/* Events of a call site that are looked at between two drains; the rest of a flood is only counted. */
#define MAX_SITE_EVENTS 16
/* Events whose program is not known before the next drain. */
#define MAX_LATE_EVENTS 64

struct counting {
	const struct serve_config *config;
	struct aggregate *aggregate;
	struct notices *notices;
	struct program_loaders *loaders;
	void (*pause)(void *arg);
	void *pause_arg;
	struct reference_session session;
	bool is_off;	      /* count = off */
	bool with_references; /* the plan is of functions of the pairing */
	bool with_objects;

	/* In the aggregate: functions of the pairing, and kfuncs of the registry. */
	__u32 *function_numbers, *kfunc_numbers;
	int nr_functions, nr_kfuncs;
	struct name_list let_go;	  /* modules that are released */
	struct name_list governed;	  /* units that were taken off */
	struct pattern_list plan_modules; /* those of the configuration, and vmlinux */
	struct counting_unit *units;
	struct probe_cost *costs; /* by index of the probe; KFT_MAX_PROBES */
	const char *behind;	  /* why probes are still to come or go; NULL: they are not */
	bool is_waiting;	  /* for function tracing to be on */

	struct usage before, now, change;
	struct type_sums *types; /* KFT_MAX_REFERENCE_TYPES */
	struct kft_reference_event late[MAX_LATE_EVENTS];
	int nr_late;
	__u8 site_events[KFT_MAX_REFERENCE_SITES];
	struct stale_object *stale; /* those of the last look that were told, sorted */
	size_t nr_stale;
	__u64 events_passed_over;
	bool has_newcomers;
	__s64 now_s;			       /* of the drain that is going on */
	struct aggregate_losses kernel_losses; /* of this run, as the kernel counts them */
	__u64 lost_before;
	__u64 drained_before_ns;
};

/* The aggregate's number of what a probe counts. */
__u32 counting__number_of(const struct counting *counting, __u32 subject);
/* The function of the pairing that a probe is on, -1: it has nothing to do with references. */
int counting__function_of(__u32 subject);
/* A type of the pairing in the aggregate. NULL: out of memory. */
struct aggregate_type *counting__type(const struct counting *counting, int type);
/* A caller as the aggregate knows it. */
struct known_program counting__known(const struct counting *counting, const struct caller *caller);
/* The part of a drain that brings calls. Returns 0 or a negative errno. */
int counting__drain_calls(struct counting *counting);
/* Says in the aggregate, kfunc by kfunc, what has become of it. Returns 0 or -ENOMEM. */
int counting__note_states(struct counting *counting);

/* Sets plan_modules. Returns 0 or -ENOMEM. */
int counting__choose_modules(struct counting *counting);
/* NULL: it is to be probed. Otherwise why not; "" when nobody has asked for it. */
const char *counting__why_not(const struct counting *counting, const struct kfunc *kfunc);
/*
 * Kfuncs that are only counted, their references are not; malloc'ed, to be freed in any case. Returns
 * how many, or -ENOMEM.
 */
int counting__choose_others(const struct counting *counting, struct probe_target **targets);
/*
 * Detaches probes (probe_set__detach()), a few at a time, which on an older kernel takes long. Returns
 * how many were detached, or a negative errno.
 */
int counting__detach(struct counting *counting, const int *idxs, int nr);
/*
 * Whether probes must neither come nor go now, because function tracing is off (ftrace_state.h). Says
 * so, once in a row.
 */
bool counting__must_wait(struct counting *counting);
/* Attached, and the configuration wants it no more. */
bool counting__is_unwanted(const struct counting *counting, const struct probe *probe);

/* Why the governor's units are not traced. */
#define COUNTING_GOVERNED "over max_overhead"
/* The governor has taken it off. */
bool counting__is_governed(const struct counting *counting, const struct probe *probe);

/* Of types that nobody watches any more the balance begins anew when somebody does. */
void counting__forget_unwatched(struct counting *counting);

/* Tells of an acquire that met a count of zero; an event_fn, its arg the counting. */
int counting__take_zero(const struct kft_reference_event *event, void *arg);

#endif
