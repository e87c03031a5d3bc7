/* SPDX-License-Identifier: GPL-2.0-only */
/* What programs have to know of the way from one kernel to another. */
#ifndef KFUNCTRACE_SNAPSHOT_DIFF_H
#define KFUNCTRACE_SNAPSHOT_DIFF_H

#include <stdbool.h>
#include <stddef.h>

struct deprecations;
struct snapshot;
struct snapshot_kfunc;

enum change_kind {
	CHANGE_ADDED,
	CHANGE_REMOVED,
	CHANGE_RENAMED,	   /* as the catalogue of deprecations knows */
	CHANGE_DEPRECATED, /* it was not, on the old kernel */
	CHANGE_MOVED,	   /* to another module */
	CHANGE_SIGNATURE,  /* of what programs call */
	CHANGE_ABI,	   /* of the real parameters only: programs do not see it */
	CHANGE_FLAG,
	CHANGE_HOOK,
	CHANGE_COVERAGE, /* how it can be traced */
	CHANGE_NR_KINDS
};

/* "added", "removed", "signature" ... */
const char *change_kind__name(enum change_kind kind);

struct change {
	enum change_kind kind;
	bool breaks;		 /* a program that works on the old kernel may not on the new one */
	const char *kfunc;	 /* as the old kernel calls it, where it had it */
	const char *module;	 /* where it is, or was */
	char *what;		 /* "parameter 2: u32 buffer__szk -> u64 buffer__szk" */
	const char *means;	 /* to a program; NULL when `what` says it all */
	const char *replacement; /* what to call instead, where the catalogue knows; or NULL */
};

struct snapshot_diff {
	struct change *changes; /* sorted by kfunc */
	size_t nr, room;
	size_t nr_breaking;
	const struct snapshot *old, *new;
	/* Kfuncs of both kernels of which one of them does not tell these: not compared. */
	size_t nr_hooks_unknown;
	size_t nr_coverage_unknown;
};

/*
 * All three must outlive the result; without `deprecations` (NULL) nothing is known of names. Returns 0
 * or -ENOMEM; to be freed in any case.
 */
int snapshot_diff__make(struct snapshot_diff *diff, const struct snapshot *old,
			const struct snapshot *new, const struct deprecations *deprecations);
/* Only what changes for one kfunc, which both have. */
int snapshot_diff__make_one(struct snapshot_diff *diff, const struct snapshot *old,
			    const struct snapshot_kfunc *old_kfunc, const struct snapshot *new,
			    const struct snapshot_kfunc *new_kfunc);
void snapshot_diff__free(struct snapshot_diff *diff);

#endif
