/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The catalogue of kfuncs that are on their way out: what the kernel's sources say of them and what to
 * call instead. It comes with the program (deprecations.d/), and users add to it in
 * /etc/kfunctrace/deprecations.d/.
 */
#ifndef KFUNCTRACE_DEPRECATIONS_H
#define KFUNCTRACE_DEPRECATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct deprecations;
struct json_t;
struct snapshot_kfunc;

enum deprecation_kind {
	DEPRECATION_MARKED,	/* still there, and the kernel's sources say that it will go */
	DEPRECATION_SUPERSEDED, /* still there, not marked, but it has a successor */
	DEPRECATION_RENAMED,	/* the same thing under another name */
	DEPRECATION_REMOVED,
};

/* "deprecated", "superseded", "renamed", "removed": the same in files and in print. */
const char *deprecation_kind__name(enum deprecation_kind kind);

/* One kfunc of the catalogue. Everything in it is owned by the catalogue. */
struct deprecation {
	const char *kfunc; /* NULL: not of the catalogue, the kernel flags it (deprecations__of) */
	enum deprecation_kind kind;
	unsigned int since; /* KVER of the first kernel where it is so; 0: not known, or always */
	unsigned int removed_in; /* KVER of the first kernel without it; 0: not known, or not yet */
	/* These may be NULL. */
	const char *renamed_to;	 /* its name from removed_in on */
	const char *replacement; /* what to call instead, in words; renamed_to when that is all */
	const char *words;	 /* the kernel's own */
	const char *source;	 /* where they stand: "kernel/sched/ext.c (7.2)" */
	const char *file;	 /* that the entry is from */
};

/*
 * Reads the catalogue: all files *.ini of deprecations.d that come with the program, then those in
 * /etc/kfunctrace ($KFUNCTRACE_CONFIG instead, if set), where a section replaces an earlier one of the
 * same kfunc. What is wrong in a file is said with its line; the rest is used. Returns 0 or -ENOMEM; to
 * be freed in any case.
 */
int deprecations__load(struct deprecations **deprecations);
/* True when what comes with the program could not be read, and was warned of: little is known then. */
bool deprecations__is_partial(const struct deprecations *deprecations);
void deprecations__free(struct deprecations *deprecations);

/* Sorted by kfunc. */
size_t deprecations__nr(const struct deprecations *deprecations);
const struct deprecation *deprecations__at(const struct deprecations *deprecations, size_t idx);
/* What the catalogue says of a kfunc, on whatever kernel; NULL: nothing. `deprecations` may be NULL. */
const struct deprecation *deprecations__find(const struct deprecations *deprecations,
					     const char *kfunc);

/*
 * True when a kernel of that version (KVER) which has the kfunc has it as deprecated or superseded. What
 * was renamed or removed later is neither on the kernels before.
 */
bool deprecation__applies(const struct deprecation *deprecation, unsigned int version);

/*
 * The entry that applies to a kfunc on a kernel of that version, NULL when it is not deprecated there.
 * `flagged`: the kernel itself flags it (kfunc_flags__deprecated(), snapshot_kfunc__deprecated()), which
 * counts without an entry too: then the result has no kfunc, only a kind.
 */
const struct deprecation *deprecations__of(const struct deprecations *deprecations,
					   const char *kfunc, bool flagged, unsigned int version);
/* KF_DEPRECATED is a plan: no kernel has a bit for it yet. Flags of a registry, and of a snapshot. */
bool kfunc_flags__deprecated(unsigned int flags);
bool snapshot_kfunc__deprecated(const struct snapshot_kfunc *kfunc);

/* What to call instead, or NULL. */
const char *deprecation__replacement(const struct deprecation *deprecation);
/* "deprecated since 7.1, use scx_bpf_dsq_move_to_local___v2()". Returns buf. */
const char *deprecation__format(const struct deprecation *deprecation, char *buf, size_t size);
/* Adds `deprecated` (its kind) and `replacement`; both null without one. */
void deprecation__add_json(const struct deprecation *deprecation, struct json_t *object);
/* The same and deprecated_since, deprecated_words, deprecated_source. */
void deprecation__add_json_details(const struct deprecation *deprecation, struct json_t *object);

/*
 * Notes below a table, a line for each deprecated kfunc in it. A row's kfunc is written with
 * DEPRECATED_MARK behind its name, which the notes explain.
 */
#define DEPRECATED_MARK "!"

struct deprecation_notes {
	struct deprecation_note {
		const char *kfunc;
		const struct deprecation *deprecation;
	} *notes;
	size_t nr;
};

/*
 * For each row: notes a deprecated kfunc, once, and returns the mark for its name; "" when `deprecation`
 * or `notes` is NULL. `kfunc` must outlive the notes.
 */
const char *deprecation_notes__mark(struct deprecation_notes *notes, const char *kfunc,
				    const struct deprecation *deprecation);
void deprecation_notes__free(struct deprecation_notes *notes);
/* Prints and empties them. Nothing when there are none. */
void deprecation_notes__print(struct deprecation_notes *notes, FILE *out);

#endif
