// SPDX-License-Identifier: GPL-2.0-only
/* Words that the forms of a usage report have in common. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table.h"
#include "usage_summary.h"

#define MINUTE 60ull
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

const char *usage__span(__u64 seconds, char *buf, size_t size)
{
	static const struct {
		__u64 unit, next;
		const char *name, *next_name;
	} units[] = {
		{ DAY, HOUR, "d", "h" },
		{ HOUR, MINUTE, "h", "min" },
		{ MINUTE, 1, "min", "s" },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		__u64 whole = seconds / units[i].unit;
		__u64 rest = seconds % units[i].unit / units[i].next;

		if (!whole)
			continue;
		if (rest)
			snprintf(buf, size, "%llu %s %llu %s", whole, units[i].name, rest,
				 units[i].next_name);
		else
			snprintf(buf, size, "%llu %s", whole, units[i].name);
		return buf;
	}
	snprintf(buf, size, "%llu s", seconds);
	return buf;
}

const char *usage__time(__s64 when, char *buf, size_t size)
{
	time_t seconds = when;
	struct tm parts;

	if (when <= 0 || !localtime_r(&seconds, &parts) ||
	    !strftime(buf, size, "%Y-%m-%d %H:%M", &parts))
		snprintf(buf, size, "-");
	return buf;
}

const char *usage__count(size_t nr, const char *one, char *buf, size_t size)
{
	char number[32];

	snprintf(buf, size, "%s %s%s", format_thousands(nr, number, sizeof(number)), one,
		 nr == 1 ? "" : "s");
	return buf;
}

static bool counts_for(const struct usage_report *report, __u32 kfunc, __u32 host)
{
	return kfunc == USAGE_ALL || usage_report__deprecates(report, kfunc, host);
}

bool usage_report__covered(const struct usage_report *report, __u32 kfunc)
{
	for (size_t i = 0; i < report->nr_hosts; i++) {
		if (counts_for(report, kfunc, i) && report->hosts[i].known_s)
			return true;
	}
	return false;
}

size_t usage_report__deprecating_hosts(const struct usage_report *report, __u32 kfunc)
{
	size_t nr = 0;

	for (size_t i = 0; i < report->nr_hosts; i++)
		nr += usage_report__deprecates(report, kfunc, i);
	return nr;
}

const char *usage_report__coverage(const struct usage_report *report, __u32 kfunc, char *buf,
				   size_t size)
{
	__u64 least = ~0ull, most = 0;
	char from[32], to[32];

	for (size_t i = 0; i < report->nr_hosts; i++) {
		__u64 seconds = report->hosts[i].known_s;

		if (!counts_for(report, kfunc, i))
			continue;
		if (seconds < least)
			least = seconds;
		if (seconds > most)
			most = seconds;
	}
	if (!most) {
		snprintf(buf, size, "no time");
		return buf;
	}
	usage__span(least, from, sizeof(from));
	usage__span(most, to, sizeof(to));
	/* A few seconds less on one host are not worth a word. */
	if (most - least <= most / 100)
		snprintf(buf, size, "%s", to);
	else
		snprintf(buf, size, "%s to %s", from, to);
	return buf;
}

const char *usage_report__times(const struct usage_report *report, char *buf, size_t size)
{
	char begin[48], end[48], span[96], zone[16] = "";
	time_t seconds = report->end;
	struct tm parts;

	if (!report->begin && !report->end) {
		snprintf(buf, size, "%s; when is not known",
			 usage_report__coverage(report, USAGE_ALL, span, sizeof(span)));
		return buf;
	}
	if (localtime_r(&seconds, &parts))
		strftime(zone, sizeof(zone), " %z", &parts);
	usage__span(report->end > report->begin ? report->end - report->begin : 0, span,
		    sizeof(span));
	snprintf(buf, size, "%s to %s%s (%s)", usage__time(report->begin, begin, sizeof(begin)),
		 usage__time(report->end, end, sizeof(end)), zone, span);
	return buf;
}

size_t usage_report__brief_hosts(const struct usage_report *report)
{
	__u64 wanted = report->end > report->begin ? report->end - report->begin : 0;
	__u64 tolerance = wanted / 100 + MINUTE;
	size_t brief = 0;

	for (size_t i = 0; i < report->nr_hosts; i++) {
		if (report->hosts[i].known_s + tolerance < wanted)
			brief++;
	}
	return brief;
}

const char *usage_report__losses(const struct usage_report *report, char *buf, size_t size)
{
	char number[32];
	bool more = false;
	__u64 lost = 0;

	for (size_t i = 0; i < report->nr_hosts; i++) {
		lost += report->hosts[i].lost;
		more |= report->hosts[i].lost_more;
	}
	if (report->nr_hosts)
		snprintf(buf, size, "%s%s calls or events", more ? "at least " : "",
			 format_thousands(lost, number, sizeof(number)));
	else
		snprintf(buf, size, "-");
	return buf;
}

static int compare_texts(const void *a, const void *b)
{
	return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_releases(const char *const *releases, size_t nr, size_t nr_hosts, FILE *out)
{
	for (size_t i = 0, same; i < nr; i += same) {
		for (same = 1; i + same < nr && !strcmp(releases[i], releases[i + same]); same++)
			;
		fprintf(out, "%s%s", i ? ", " : "", releases[i]);
		if (nr_hosts > 1)
			fprintf(out, " (%zu)", same);
	}
}

const char *usage_report__releases(const struct usage_report *report, bool targets, char *buf,
				   size_t size)
{
	const char **releases = calloc(report->nr_hosts + 1, sizeof(*releases));
	FILE *out = releases ? fmemopen(buf, size, "w") : NULL;
	size_t nr = 0;

	buf[0] = '\0';
	for (size_t i = 0; out && i < report->nr_hosts; i++) {
		const struct usage_host *host = &report->hosts[i];
		const char *release = targets ? host->target : host->release;

		if (release || !targets)
			releases[nr++] = release ?: "not known";
	}
	if (out) {
		qsort(releases, nr, sizeof(*releases), compare_texts);
		print_releases(releases, nr, report->nr_hosts, out);
		fclose(out);
		buf[size - 1] = '\0';
	}
	free(releases);
	return buf;
}

const char *usage_kfunc__status(const struct usage_kfunc *kfunc, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", kfunc->deprecation ?: "-", kfunc->since ? " since " : "",
		 kfunc->since ?: "");
	return buf;
}
