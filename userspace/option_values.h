/* SPDX-License-Identifier: GPL-2.0-only */
/* Values of command line options. Each parser says what is wrong and returns -1, else 0. */
#ifndef KFUNCTRACE_OPTION_VALUES_H
#define KFUNCTRACE_OPTION_VALUES_H

#include <linux/types.h>

/* Seconds above 0, at most 1e7. */
int option__seconds(const char *text, const char *option, double *seconds);
/* A time: "10s", "500ms", "5m", "2h"; a number alone are seconds. */
int option__time_ns(const char *text, const char *option, __u64 *ns);
/*
 * A moment, seconds since 1970: so long before `now` ("7d", "12h", "30m", "2w"), or in local time
 * ("2026-11-20", "2026-11-20T12:00").
 */
int option__moment(const char *text, const char *option, __s64 now, __s64 *moment);
/* A whole number from `min` to `max`. */
int option__number(const char *text, const char *option, __u32 min, __u32 max, __u32 *number);
/* Who may not read kernel addresses elsewhere (CAP_SYSLOG) does not get them from us. */
int option__may_see_addresses(void);

#endif
