// SPDX-License-Identifier: GPL-2.0-only
#include "chart_scale.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

__u64 chart_scale__step(__u64 max, unsigned int marks)
{
	static const unsigned int factors[] = { 1, 2, 5 };

	if (!marks)
		marks = 1;
	for (__u64 power = 1; power <= ~0ull / 10; power *= 10) {
		for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
			/* Rounded up: the last mark is at `max` or above. */
			if (max / marks < power * factors[i] ||
			    (max / marks == power * factors[i] && !(max % marks)))
				return power * factors[i];
		}
	}
	return ~0ull / marks + 1;
}

const char *chart_scale__mark(__u64 value, __u64 step, char *buf, size_t size)
{
	static const struct {
		__u64 unit;
		char suffix;
	} units[] = {
		{ 1000000000000000000ull, 'E' },
		{ 1000000000000000ull, 'P' },
		{ 1000000000000ull, 'T' },
		{ 1000000000ull, 'G' },
		{ 1000000ull, 'M' },
		{ 1000ull, 'k' },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		__u64 unit = units[i].unit;

		if (value < unit)
			continue;
		if (step % unit == 0 || value % unit == 0)
			snprintf(buf, size, "%llu%c", value / unit, units[i].suffix);
		else
			snprintf(buf, size, "%.*f%c", step % (unit / 10) ? 2 : 1,
				 (double)value / unit, units[i].suffix);
		return buf;
	}
	snprintf(buf, size, "%llu", value);
	return buf;
}

enum { SECOND = 1, MINUTE = 60, HOUR = 3600, DAY = 86400 };

static const struct time_step {
	int seconds;
	const char *format;
} time_steps[] = {
	{ 10 * SECOND, "%H:%M:%S" }, { 30 * SECOND, "%H:%M:%S" }, { MINUTE, "%H:%M" },
	{ 5 * MINUTE, "%H:%M" },     { 15 * MINUTE, "%H:%M" },	  { 30 * MINUTE, "%H:%M" },
	{ HOUR, "%H:%M" },	     { 2 * HOUR, "%H:%M" },	  { 3 * HOUR, "%H:%M" },
	{ 6 * HOUR, "%H:%M" },	     { 12 * HOUR, "%H:%M" },	  { DAY, "%d %b" },
	{ 2 * DAY, "%d %b" },	     { 7 * DAY, "%d %b" },	  { 14 * DAY, "%d %b" },
	{ 30 * DAY, "%d %b" },	     { 90 * DAY, "%d %b" },	  { 365 * DAY, "%b %Y" },
	{ 1460 * DAY, "%b %Y" },
};

/* The last local time before `begin` that is a multiple of the step within its day. */
static struct tm floor_time(__s64 begin, int step)
{
	time_t seconds = begin;
	struct tm parts;
	int in_day;

	if (!localtime_r(&seconds, &parts))
		memset(&parts, 0, sizeof(parts));
	in_day = parts.tm_hour * HOUR + parts.tm_min * MINUTE + parts.tm_sec;
	in_day -= step < DAY ? in_day % step : in_day;
	parts.tm_hour = in_day / HOUR;
	parts.tm_min = in_day % HOUR / MINUTE;
	parts.tm_sec = in_day % MINUTE;
	return parts;
}

/* Days are not all of 24 hours: the calendar counts. */
static time_t next_time(struct tm *parts, int step)
{
	if (step >= DAY)
		parts->tm_mday += step / DAY;
	else
		parts->tm_sec += step;
	parts->tm_isdst = -1;
	return mktime(parts);
}

/* Midnight between hours is better told by its date. */
static void write_mark(struct time_mark *mark, const struct time_step *step)
{
	time_t seconds = mark->time;
	struct tm parts;
	bool is_midnight;

	if (!localtime_r(&seconds, &parts)) {
		mark->text[0] = '\0';
		return;
	}
	is_midnight = !parts.tm_hour && !parts.tm_min && !parts.tm_sec;
	if (!strftime(mark->text, sizeof(mark->text),
		      is_midnight && step->seconds < DAY ? "%d %b" : step->format, &parts))
		mark->text[0] = '\0';
}

static size_t make_times(__s64 begin, __s64 end, const struct time_step *step,
			 struct time_mark *marks, size_t max)
{
	struct tm parts = floor_time(begin, step->seconds);
	time_t when = mktime(&parts);
	size_t nr = 0;

	for (; when <= end; when = next_time(&parts, step->seconds)) {
		if (when < begin)
			continue;
		if (nr == max)
			return max + 1;
		marks[nr].time = when;
		write_mark(&marks[nr++], step);
	}
	return nr;
}

size_t chart_scale__times(__s64 begin, __s64 end, struct time_mark *marks, size_t max)
{
	if (begin >= end || !max)
		return 0;
	for (size_t i = 0; i < sizeof(time_steps) / sizeof(time_steps[0]); i++) {
		size_t nr;

		if ((end - begin) / time_steps[i].seconds > (__s64)max)
			continue;
		nr = make_times(begin, end, &time_steps[i], marks, max);
		if (nr <= max)
			return nr;
	}
	return 0;
}
