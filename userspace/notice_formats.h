/* SPDX-License-Identifier: GPL-2.0-only */
/* A notice as bytes, for each of those who read it. */
#ifndef KFUNCTRACE_NOTICE_FORMATS_H
#define KFUNCTRACE_NOTICE_FORMATS_H

#include <stddef.h>
#include <time.h>
#include <linux/types.h>

#include "notices.h"

struct notice_record {
	const struct notice *notice;
	__u64 suppressed; /* so many like it were not told before */
	struct timespec time;
};

/* Longer ones are cut, but for JSON: too long a line of that is left out. */
#define NOTICE_MAX_BYTES 8192

/*
 * Write to `buf` of NOTICE_MAX_BYTES, without a 0 at the end, and return the length; 0: out of memory, or
 * too long. Nothing in a notice can begin a line or a field of its own.
 */
typedef size_t (*notice_format_fn)(const struct notice_record *record, char *buf);

/* A line with its newline (Documentation/json.rst). */
size_t notice_format__json_line(const struct notice_record *record, char *buf);
/* The journal's own protocol: a datagram of fields (Documentation/notices.rst). */
size_t notice_format__journal(const struct notice_record *record, char *buf);
/* As syslog(3) writes it to /dev/log. */
size_t notice_format__syslog(const struct notice_record *record, char *buf);
/* A line for people, with its newline. */
size_t notice_format__text(const struct notice_record *record, char *buf);

#endif
