// SPDX-License-Identifier: GPL-2.0-only
#include "option_values.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <time.h>

#include "message.h"

/* Months are more than anybody waits for; it also keeps the nanoseconds in range. */
#define MAX_SECONDS 1e7
/* Fifty years. */
#define MAX_SPAN (50 * 365.25 * 86400)

int option__seconds(const char *text, const char *option, double *seconds)
{
	char *end;

	errno = 0;
	*seconds = strtod(text, &end);
	if (errno || end == text || *end || !(*seconds > 0) || *seconds > MAX_SECONDS) {
		msg__error("%s takes a number of seconds above 0, not '%s'", option, text);
		return -1;
	}
	return 0;
}

int option__time_ns(const char *text, const char *option, __u64 *ns)
{
	static const struct {
		const char *suffix;
		double seconds;
	} units[] = { { "", 1 },     { "s", 1 },  { "ms", 1e-3 }, { "us", 1e-6 },
		      { "min", 60 }, { "m", 60 }, { "h", 3600 },  { "d", 86400 } };
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && end != text && !errno; i++) {
		double seconds = value * units[i].seconds;

		if (strcmp(end, units[i].suffix) != 0 || !(seconds >= 0) || seconds > MAX_SECONDS)
			continue;
		*ns = seconds * 1e9;
		return 0;
	}
	msg__error("%s takes a time like 10s, 500ms or 5m, not '%s'", option, text);
	return -1;
}

/* "7d" as seconds, or -1: it is something else. */
static __s64 parse_span(const char *text)
{
	static const struct {
		const char *suffix;
		__s64 seconds;
	} units[] = { { "s", 1 },    { "m", 60 },    { "min", 60 },
		      { "h", 3600 }, { "d", 86400 }, { "w", 7 * 86400 } };
	char *end;
	double value;

	if (!isdigit((unsigned char)*text))
		return -1;
	value = strtod(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(end, units[i].suffix) && value * units[i].seconds < MAX_SPAN)
			return (__s64)(value * units[i].seconds);
	}
	return -1;
}

/* A date, with a time or without, as seconds since 1970; -1: it is something else. */
static __s64 parse_date(const char *text)
{
	static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
					       "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm parts = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[i], &parts);
		int day = parts.tm_mday;
		time_t seconds;

		if (!end || *end)
			continue;
		seconds = mktime(&parts);
		/* There is no 30th of February. */
		return parts.tm_mday == day ? seconds : -1;
	}
	return -1;
}

int option__moment(const char *text, const char *option, __s64 now, __s64 *moment)
{
	__s64 span = parse_span(text);

	*moment = span > 0 ? now - span : parse_date(text);
	if (*moment > 0)
		return 0;
	msg__error("%s takes a time before now like 7d or 12h, or one like 2026-11-20 or "
		   "2026-11-20T12:00, not '%s'",
		   option, text);
	return -1;
}

int option__number(const char *text, const char *option, __u32 min, __u32 max, __u32 *number)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max) {
		msg__error("%s takes a number from %u to %u, not '%s'", option, min, max, text);
		return -1;
	}
	*number = value;
	return 0;
}

int option__may_see_addresses(void)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (!caps || cap_get_flag(caps, CAP_SYSLOG, CAP_EFFECTIVE, &value))
		value = CAP_CLEAR;
	cap_free(caps);
	if (value == CAP_SET)
		return 0;
	msg__error("--addresses needs CAP_SYSLOG, as /proc/kallsyms does");
	return -1;
}
