// SPDX-License-Identifier: GPL-2.0-only
#include "option_values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

#include "message.h"

/* Months are more than anybody waits for; it also keeps the nanoseconds in range. */
#define MAX_SECONDS 1e7

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
