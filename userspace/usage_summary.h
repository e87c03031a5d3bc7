/* SPDX-License-Identifier: GPL-2.0-only */
/* What a usage report says when its hosts, programs or kfuncs are taken together. */
#ifndef KFUNCTRACE_USAGE_SUMMARY_H
#define KFUNCTRACE_USAGE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "usage_report.h"

/* A sum of what may be known of some only. */
struct usage_gauge {
	__u64 sum;
	size_t known, unknown; /* addends */
};
void usage_gauge__add(struct usage_gauge *gauge, __s64 value);
/* "-" when nothing is known, "1,234", ">=1,234" when some are not known. Returns buf. */
const char *usage_gauge__format(const struct usage_gauge *gauge, char *buf, size_t size);
/* What was lost on a host. */
struct usage_gauge usage_host__lost(const struct usage_host *host);

/* Uses that have something in common. */
struct usage_sum {
	__u32 host, kfunc, program; /* USAGE_ALL: whatever */
	__u64 calls, nulls, zeros;
	struct usage_gauge outstanding;
	__s64 first_seen, last_seen;
	size_t hosts, kfuncs, programs; /* different ones */
	size_t first, nr;		/* its uses: usage_sums.order[first] ... */
};

struct usage_sums {
	struct usage_sum *sums; /* most calls first */
	size_t nr;
	__u32 *order; /* indices of report->uses */
};

enum usage_key {
	USAGE_BY_HOST = 1,
	USAGE_BY_KFUNC = 2,
	USAGE_BY_PROGRAM = 4,
	USAGE_DEPRECATED = 8, /* only calls of what is deprecated where it was called */
};

/*
 * On the host's kernel: what is deprecated since 7.1 is not on 6.12. Where that is not known, it is.
 */
bool usage_report__deprecates(const struct usage_report *report, __u32 kfunc, __u32 host);
/* Is it known, or a 0 that was not measured? `kind` is AGGREGATE_NULLS or AGGREGATE_ZEROS. */
bool usage_kfunc__knows(const struct usage_kfunc *kfunc, unsigned int kind, __u64 count);
/* Does anything but a name stand in it? */
bool usage_use__happened(const struct usage_use *use);
/* Takes together the uses that happened. Returns 0 or -ENOMEM; to be freed in any case. */
int usage_sums__make(struct usage_sums *sums, const struct usage_report *report, unsigned int key);
void usage_sums__free(struct usage_sums *sums);

/* References of one type on all hosts. */
struct usage_type {
	const char *name;
	size_t hosts;
	__u64 oldest_s;
	struct usage_gauge acquired, released, outstanding, parked, stale;
};
/* Most outstanding first; NULL and -ENOMEM in *err when out of memory. To be freed. */
struct usage_type *usage_report__types(const struct usage_report *report, size_t *nr, int *err);

/* The same problem of the same program with the target kernel, on all hosts. */
struct usage_breakage {
	const struct usage_problem *problem; /* that of its first host */
	size_t hosts;
	bool breaks; /* it is not only deprecated there */
};
bool usage_problem__same(const struct usage_report *report, const struct usage_problem *a,
			 const struct usage_problem *b);
struct usage_breakage *usage_report__breakages(const struct usage_report *report, size_t *nr,
					       int *err);

/* Who calls a deprecated kfunc. */
struct usage_deprecated {
	__u32 kfunc;
	__u64 calls;			 /* by programs */
	__u64 kernel_calls, vague_calls; /* by the kernel, by callers that cannot be told */
	size_t programs, hosts;		 /* that call it; hosts on which programs do */
	__s64 last_seen;		 /* of calls by programs and by whom cannot be told */
	size_t loaded; /* programs that contain calls of it, of those that are loaded now */
	size_t first_sum, nr_sums; /* its callers, most calls first */
};
struct usage_deprecations {
	struct usage_deprecated *kfuncs; /* those in use first */
	size_t nr;
	struct usage_sums callers; /* by kfunc and program */
	__u32 *order;		   /* first_sum: index of it; it has indices of callers.sums */
	size_t in_use;		   /* how many are called by programs, or may be */
};
int usage_deprecations__make(struct usage_deprecations *deprecations,
			     const struct usage_report *report);
void usage_deprecations__free(struct usage_deprecations *deprecations);
/* The sum of its nth caller. */
const struct usage_sum *usage_deprecated__caller(const struct usage_deprecations *deprecations,
						 const struct usage_deprecated *kfunc, size_t n);
/* 1: a program calls it or contains calls. 0: none did. -1: it cannot be told. */
int usage_deprecated__used(const struct usage_report *report, const struct usage_deprecated *kfunc);
/* "nobody called it in 7 d on 200 hosts", "400 calls by 1 program on 12 of 200 hosts in 7 d". */
const char *usage_deprecated__verdict(const struct usage_report *report,
				      const struct usage_deprecated *kfunc, char *buf, size_t size);

/* --- in words (usage_words.c) ------------------------------------------------------------------ */

/* "7 d", "2 h 13 min", "12 s". */
const char *usage__span(__u64 seconds, char *buf, size_t size);
/* "2026-11-21 17:53", local; "-" for no time. */
const char *usage__time(__s64 when, char *buf, size_t size);
/*
 * "2026-11-14 21:00 to 2026-11-21 21:00 +0000 (7 d)"; "3 s; when is not known" of a source that has no
 * date.
 */
const char *usage_report__times(const struct usage_report *report, char *buf, size_t size);
/* Is anything known of the time of any host where the kfunc is deprecated? */
bool usage_report__covered(const struct usage_report *report, __u32 kfunc);
/*
 * For how long is known what happened on its hosts, or on those where the kfunc is deprecated
 * (USAGE_ALL: all): "7 d", "3 h to 7 d", "no time".
 */
const char *usage_report__coverage(const struct usage_report *report, __u32 kfunc, char *buf,
				   size_t size);
/* How many hosts there are where it is deprecated. */
size_t usage_report__deprecating_hosts(const struct usage_report *report, __u32 kfunc);
/* "1 host", "200 hosts". */
const char *usage__count(size_t nr, const char *one, char *buf, size_t size);
/* The releases of the hosts' kernels, or their targets: "6.12.107 (150), 7.3.4 (50)"; "" for none. */
const char *usage_report__releases(const struct usage_report *report, bool targets, char *buf,
				   size_t size);
/* "1,234 calls or events"; "-" without hosts. */
const char *usage_report__losses(const struct usage_report *report, char *buf, size_t size);
/* Hosts of which not all of the time is known, give or take a minute and a hundredth of it. */
size_t usage_report__brief_hosts(const struct usage_report *report);
/* "deprecated since 6.19" */
const char *usage_kfunc__status(const struct usage_kfunc *kfunc, char *buf, size_t size);

#endif
