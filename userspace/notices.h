/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the aggregator has to tell somebody: an acquire of an object whose count was zero, a deprecated
 * call by a program that had made none, a reference on what is dead, losses. To the journal with
 * fields, to syslog, or as JSON lines to a file or a datagram socket. Rate limited for each (kind,
 * kfunc, caller), with how many were suppressed.
 */
#ifndef KFUNCTRACE_NOTICES_H
#define KFUNCTRACE_NOTICES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct notices;

enum notice_kind {
	NOTICE_REFCOUNT_ZERO,
	NOTICE_DEPRECATED_CALL,
	NOTICE_STALE_REFERENCE,
	NOTICE_LOSSES,
	NOTICE_DETACHED, /* the governor, an operator or a module that leaves took probes off */
	NOTICE_ATTACHED, /* ...and they are back, or new ones came */
	NOTICE_TROUBLE,	 /* history, configuration, tracing: needs somebody */
	NOTICE_NR_KINDS,
};

/* "refcount-zero", "deprecated-call", "stale-reference", "losses", "detached", ... */
const char *notice_kind__name(enum notice_kind kind);

struct notice {
	enum notice_kind kind;
	const char *kfunc; /* or NULL, as all of these */
	const char *module;
	const char *caller; /* known_program__title() */
	const char *program_type;
	__u32 program_id;	 /* 0: not known */
	const char *object_type; /* "task_struct" */
	const char *object;	 /* "pid 812 (sleep)" */
	const char *replacement;
	__u64 number;	     /* how many: calls, losses; 0: it does not apply */
	const char *message; /* one line for people, says all of it */
};

struct notices_options {
	/*
	 * "journal", "syslog", "file:PATH" (JSON lines, appended; reopened when it has been moved),
	 * "unix:PATH" (JSON lines, a datagram each), "stderr", "auto" (the journal where it runs, else
	 * stderr), several of these separated by blanks; "off" or NULL.
	 */
	const char *to;
	unsigned int burst; /* so many at once of the same (kind, kfunc, caller)... */
	__u64 interval_ns;  /* ...and then as many in each interval; 0: no limit */
};

/* The first word of `to` that is none of these; NULL: all is well. */
const char *notices__wrong_word(const char *to, size_t *len);

/* Returns 0 or a negative errno, having said what is wrong. */
int notices__open(const struct notices_options *opts, struct notices **notices);
void notices__free(struct notices *notices);
/* On failure all stays as it was. Counts go on. */
int notices__set_options(struct notices *notices, const struct notices_options *opts);

/*
 * Tells it, or counts it as suppressed. `now_ns` is of CLOCK_MONOTONIC. Never blocks; what a sink does
 * not take is counted.
 */
void notices__tell(struct notices *notices, const struct notice *notice, __u64 now_ns);
/* To be called about once a drain: tells how many were suppressed of those whose interval is over. */
void notices__tend(struct notices *notices, __u64 now_ns);

__u64 notices__told(const struct notices *notices);
__u64 notices__suppressed(const struct notices *notices);
/* That a sink did not take: a full disk, nobody reads the socket. */
__u64 notices__failed(const struct notices *notices);

#endif
