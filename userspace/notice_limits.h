/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many notices of the same (kind, kfunc, caller) are told. Bounded: who has not been heard of
 * for longest gives its place to a new one, and all notices of a kind have a limit too, so that many
 * names are no way around it.
 */
#ifndef KFUNCTRACE_NOTICE_LIMITS_H
#define KFUNCTRACE_NOTICE_LIMITS_H

#include <stdbool.h>
#include <linux/types.h>

#include "notices.h"

/* All of a kind may be told so many times as often as one of its keys. */
#define NOTICE_LIMITS_OVERALL 100
#define NOTICE_LIMITS_KEYS    1024

struct notice_limits;

/* NULL: out of memory. Options may be changed; what was counted stays. */
struct notice_limits *notice_limits__new(void);
void notice_limits__free(struct notice_limits *limits);
/* interval_ns 0: no limit. */
void notice_limits__set(struct notice_limits *limits, unsigned int burst, __u64 interval_ns);

/* True when it may be told. Otherwise it is counted as suppressed. */
bool notice_limits__admit(struct notice_limits *limits, const struct notice *notice, __u64 now_ns);

/* Some of the same were suppressed; kfunc and caller are NULL for all the others of a kind. */
struct notice_suppressed {
	enum notice_kind kind;
	const char *kfunc, *caller;
	__u64 number;
	__u64 since_ns; /* of the first of them */
};

/* Calls fn for those whose interval is over, and forgets them. */
void notice_limits__settle(struct notice_limits *limits, __u64 now_ns,
			   void (*fn)(const struct notice_suppressed *suppressed, void *arg),
			   void *arg);

#endif
