/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The balance of references: what was acquired, given back and is left, per type and per function
 * and caller. Made of the usage model, whose subjects are the functions of a pairing.
 */
#ifndef KFUNCTRACE_REFERENCE_BALANCE_H
#define KFUNCTRACE_REFERENCE_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "caller.h"

struct counters;
struct pairing;
struct probe_set;
struct reference_function;
struct references;

struct balance_counts {
	__u64 acquired; /* references that were handed out */
	__u64 failed;	/* acquires that handed out none */
	__u64 released; /* given back by programs */
	__u64 by_maps;	/* given back by the kernel, for maps and containers */
	/* Calls that were not seen, or not to their end: how far off the figures may be. */
	__u64 missed_acquires;
	__u64 missed_releases;
	/*
	 * Releases of references that were acquired before the start, or not tracked; known only
	 * when each object is accounted for.
	 */
	__u64 unmatched;
	__u64 untracked; /* acquired, and no room to account for it */
};

/* A function and who calls it. */
struct balance_row {
	int function; /* in the pairing */
	struct caller caller;
	struct balance_counts counts;
};

struct balance_type {
	int type; /* in the pairing */
	struct balance_counts counts;
	__u64 outstanding;
	/* What it would be if each call that was not seen had been an acquire, or a release. */
	__u64 at_most, at_least;
	__u64 before_start; /* given back and acquired before the start: at least so many */
};

struct reference_balance {
	struct balance_row *rows; /* sorted by type, function and count */
	size_t nr;
	struct balance_type *types; /* only those of which there are rows */
	size_t nr_types;
};

/*
 * `references` is NULL when only calls were counted. Calls that functions of the pairing make among
 * themselves are left out: they are part of the outer one. `not_followed` calls are in no row, and may
 * have been of any function that can fail. Returns 0 or -ENOMEM.
 */
int reference_balance__make(struct reference_balance *balance, const struct usage *usage,
			    const struct pairing *pairing, const struct counters *counters,
			    const struct probe_set *set, const struct references *references,
			    __u64 not_followed);
/*
 * Where a function jumps to another of its type at its end and both are followed to their returns, the
 * other finds the kernel's own code in place of its caller (module.rst). Takes these calls, which are
 * part of the outer one too, off the unknown ones.
 */
void reference_balance__drop_hidden(struct usage *usage, const struct pairing *pairing,
				    const struct counters *counters);
void reference_balance__free(struct reference_balance *balance);

/*
 * What a row of the usage model is to a type of the pairing: a conversion is a release of one and an
 * acquire of another.
 */
struct balance_counts balance_counts__of(const struct reference_function *function, int type,
					 const struct usage_key *key,
					 const struct usage_counts *usage);
/* The call is part of another function's, which is accounted for itself. */
bool balance__is_inner(const struct pairing *pairing, const struct counters *counters,
		       const struct usage_key *key);

#endif
