/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The usage model: how often whom called what. Every source of counts fills it (live counters,
 * later recordings and the fleet), every printer reads it. Rows add up: the rows of a kfunc are all
 * of its calls.
 */
#ifndef KFUNCTRACE_USAGE_H
#define KFUNCTRACE_USAGE_H

#include <stddef.h>
#include <linux/types.h>

/* In the order in which they are printed when counts are equal. */
enum caller_kind {
	CALLER_PROGRAM,
	CALLER_KERNEL,
	CALLER_UNKNOWN,
};

struct usage_key {
	__u32 subject; /* what is called: the kfunc's index in the registry (stat) */
	__u32 kind;    /* enum caller_kind */
	__u32 prog_id; /* CALLER_PROGRAM */
	__u32 subprog;
	__u64 site; /* PROGRAM: offset in the subprogram's image; KERNEL: address */
};

/* What a row is made of, and of a CALLER_UNKNOWN row why. */
struct usage_counts {
	__u64 calls;
	__u64 nulls;
	__u64 returns;		/* calls that were seen to return: only of those is it known */
	__u64 recursion_misses; /* the probe was already running on that CPU */
	__u64 table_full;	/* no slot left for the call site */
	__u64 no_caller;	/* the return address had been replaced or was nobody's */
	__u64 orphaned;		/* the program was gone before it could be recorded */
};

struct usage_row {
	struct usage_key key;
	struct usage_counts counts;
};

struct usage {
	struct usage_row *rows;
	size_t nr, room;
};

/* Appends; equal keys become one row in usage__compact(). Returns 0 or -ENOMEM. */
int usage__add(struct usage *usage, const struct usage_key *key, const struct usage_counts *counts);
/* Sorts by key and merges equal keys. */
void usage__compact(struct usage *usage);
/*
 * into = newer - older, row by row; both must be compact, rows that did not change are left out.
 * Returns 0 or -ENOMEM.
 *
 * Calls may move from one caller to another: of code that was nobody's before a module was known, or that
 * is nobody's any more; of a program for whose record there was no room. What they are taken from shrinks
 * or vanishes. A change has no row that shrinks, so that such calls stay with whom they were counted for
 * first, and do not count again: the changes of a subject add up to what it has in all.
 */
int usage__difference(struct usage *into, const struct usage *newer, const struct usage *older);
/* Both must be compact. Rows of which nothing is left vanish. */
void usage__take_out(struct usage *usage, const struct usage *gone);
/* Returns 0 or -ENOMEM. */
int usage__copy(struct usage *into, const struct usage *from);
void usage__clear(struct usage *usage);
void usage__free(struct usage *usage);

/* Calls of which it is not known whether they returned NULL. */
__u64 usage_counts__missed_returns(const struct usage_counts *counts);
/* a - b, nowhere below 0. */
struct usage_counts usage_counts__subtract(const struct usage_counts *a,
					   const struct usage_counts *b);
void usage_counts__add(struct usage_counts *sum, const struct usage_counts *counts);

#endif
