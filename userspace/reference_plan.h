/* SPDX-License-Identifier: GPL-2.0-only */
/* Which functions are probed to account for references, and what each probe does. */
#ifndef KFUNCTRACE_REFERENCE_PLAN_H
#define KFUNCTRACE_REFERENCE_PLAN_H

#include <stdbool.h>
#include <linux/types.h>

#include "pattern.h"

struct counters;
struct live_kernel;
struct name_list;
struct pairing;
struct probe_set;
struct probe_target;

/* What is to be known of references. */
enum reference_mode {
	REFERENCES_BALANCE,   /* how many are acquired and released: counting only, the cheapest */
	REFERENCES_OBJECTS,   /* each object, and how long it was held */
	REFERENCES_ZERO,      /* acquires that failed because the count was zero */
	REFERENCES_ITERATORS, /* open-coded iterators */
	REFERENCES_EVENTS,    /* each acquire and release, as it happens */
	REFERENCES_NONE,      /* nothing */
};

struct reference_plan_options {
	enum reference_mode mode;
	const struct pattern_list *types;   /* globs on the names of types */
	const struct pattern_list *kfuncs;  /* globs on the names of kfuncs; NULL: all */
	const struct pattern_list *modules; /* globs on the modules of functions */
	const struct name_list *without_types, *without_modules; /* left out; NULL: none */
	bool no_modules;
	bool stack; /* events carry the stack */
	bool zero_events; /* REFERENCES_OBJECTS: and an event of each acquire that meets a count of zero */
	bool may_be_empty; /* nothing to probe is no error, and which modules are held goes unsaid */
	bool trace_events; /* each probe makes events of the kernel module as well */
};

/* Probes to attach; the subject of each is the index of its function in the pairing. */
struct reference_plan {
	struct probe_target *targets;
	int nr;
	int nr_untraceable;
};

/*
 * Chooses, and says what is left out. Returns 0 or a negative errno, having said why: -ENOENT when
 * there is nothing to probe. To be freed in any case.
 */
int reference_plan__make(struct reference_plan *plan, const struct pairing *pairing,
			 const struct reference_plan_options *opts);
/* Modules that cannot be unloaded while BPF programs are on their functions. */
void reference_plan__say_what_is_held(const struct reference_plan *plan);
void reference_plan__free(struct reference_plan *plan);

/*
 * Tells the probes in the kernel which calls are made by functions that are accounted for
 * themselves (a release in a release). To be called before they are attached.
 */
int reference_plan__set_inner(const struct reference_plan *plan, const struct pairing *pairing,
			      const struct counters *counters);
/*
 * The same for probes that are added to a set: gives each target its index in it. And for those that
 * are there, of which functions of the plan may call some, or did before their module went; they may
 * be attached.
 */
int reference_plan__set_inner_of(const struct reference_plan *plan, const struct pairing *pairing,
				 const struct counters *counters, struct probe_set *set);

/* True when a kernel function of that name makes the calls of `function` that are inner ones. */
bool reference_plan__is_inner(const struct pairing *pairing, int function, const char *caller);

#endif
