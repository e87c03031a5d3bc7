// SPDX-License-Identifier: GPL-2.0-only
/* A report for people at a terminal, and for pipes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "printable.h"
#include "table.h"
#include "usage_summary.h"

#define MAIL_WIDTH 72
/* On a terminal; in a pipe there are all. */
#define MAX_HOST_NAMES 5
#define MAX_OBJECTS    20

struct text_report {
	const struct usage_report *report;
	FILE *out;
	int width; /* of the terminal, or 0 */
	bool fleet;
};

/* Of a table, those columns that matter are printed. */
#define PRINT_TABLE(text, columns, fill, arg)                                                      \
	print_table(text, columns, sizeof(columns) / sizeof((columns)[0]), fill, arg)

typedef void (*fill_table)(const struct text_report *text, struct table *table, const void *arg);

static int print_table(const struct text_report *text, const struct table_column *columns, int nr,
		       fill_table fill, const void *arg)
{
	struct table *table = table__new(columns, nr);
	int err;

	if (!table)
		return -ENOMEM;
	fill(text, table, arg);
	err = table__print(table, text->out, text->width);
	table__free(table);
	return err;
}

/* Lines of MAIL_WIDTH, or less on a narrow terminal; those behind the first are indented. */
static void print_wrapped(const struct text_report *text, const char *lead, int indent,
			  const char *words)
{
	int width = text->width && text->width < MAIL_WIDTH ? text->width : MAIL_WIDTH;
	int column = fprintf(text->out, "%s", lead);
	bool at_begin = true;
	char *copy = strdup(words);

	if (copy)
		printable__make(copy);
	for (const char *at = copy ?: ""; *at; at += strspn(at, " ")) {
		int len = strcspn(at, " ");

		if (!at_begin && column + 1 + len > width) {
			fprintf(text->out, "\n%*s", indent, "");
			column = indent;
			at_begin = true;
		}
		column += fprintf(text->out, "%s%.*s", at_begin ? "" : " ", len, at);
		at_begin = false;
		at += len;
	}
	fputc('\n', text->out);
	free(copy);
}

static void print_title(const struct text_report *text, const char *title)
{
	fputc('\n', text->out);
	print_wrapped(text, "", 0, title);
}

/* --- heading ------------------------------------------------------------------------------------------ */

static void print_time(const struct text_report *text)
{
	const struct usage_report *report = text->report;
	char span[96], words[256];
	size_t brief = usage_report__brief_hosts(report);

	print_wrapped(text, "time: ", 2, usage_report__times(report, words, sizeof(words)));
	if (!brief)
		return;
	usage_report__coverage(report, USAGE_ALL, span, sizeof(span));
	if (report->nr_hosts == 1)
		snprintf(words, sizeof(words), "%s of that time", span);
	else
		snprintf(words, sizeof(words), "%zu of %zu hosts not for all of that time: %s",
			 brief, report->nr_hosts, span);
	print_wrapped(text, "known: ", 2, words);
}

static void print_heading(const struct text_report *text)
{
	const struct usage_report *report = text->report;
	char releases[512], targets[512], number[48], words[1400];

	print_wrapped(text, "usage from ", 2, report->source ?: "-");
	usage_report__releases(report, false, releases, sizeof(releases));
	usage_report__releases(report, true, targets, sizeof(targets));
	if (report->nr_hosts == 1)
		snprintf(words, sizeof(words), "host %s, Linux %s%s%s", report->hosts[0].name,
			 releases, *targets ? ", against Linux " : "", targets);
	else
		snprintf(words, sizeof(words), "%s%s%s%s%s",
			 usage__count(report->nr_hosts, "host", number, sizeof(number)),
			 *releases ? ", Linux " : "", releases, *targets ? ", against Linux " : "",
			 targets);
	print_wrapped(text, "", 2, words);
	print_time(text);
	print_wrapped(text, "lost: ", 2, usage_report__losses(report, words, sizeof(words)));
	if (!report->nr_hosts)
		print_wrapped(text, "", 2, "Nothing is known of any host in that time.");
}

/* --- who calls what ------------------------------------------------------------------------------------ */

static void add_gauge(struct table *table, const struct usage_gauge *gauge)
{
	char number[48];

	table__cell(table, "%s", usage_gauge__format(gauge, number, sizeof(number)));
}

static void add_time(struct table *table, __s64 when)
{
	char time[48];

	table__cell(table, "%s", usage__time(when, time, sizeof(time)));
}

static void add_measured(struct table *table, const struct usage_kfunc *kfunc, unsigned int kind,
			 __u64 count)
{
	if (usage_kfunc__knows(kfunc, kind, count))
		table__number(table, count);
	else
		table__cell(table, "-");
}

static void add_use(const struct text_report *text, struct table *table,
		    const struct usage_sum *sum)
{
	const struct usage_kfunc *kfunc = &text->report->kfuncs[sum->kfunc];
	const struct known_program *program = &text->report->programs[sum->program];

	table__row(table);
	table__cell(table, "%s%s", kfunc->name, kfunc->deprecation ? "!" : "");
	table__cell(table, "%s", known_program__title(program));
	table__cell(table, "%s", *program->type ? program->type : "-");
	if (text->fleet)
		table__number(table, sum->hosts);
	table__number(table, sum->calls);
	add_measured(table, kfunc, AGGREGATE_NULLS, sum->nulls);
	add_measured(table, kfunc, AGGREGATE_ZEROS, sum->zeros);
	add_gauge(table, &sum->outstanding);
	add_time(table, sum->last_seen);
	table__cell(table, "%s", *program->loader ? program->loader : "-");
}

static void fill_uses(const struct text_report *text, struct table *table, const void *arg)
{
	const struct usage_sums *sums = arg;

	for (size_t i = 0; i < sums->nr; i++)
		add_use(text, table, &sums->sums[i]);
}

#define USE_COLUMNS_BEFORE                                                                         \
	{ .title = "KFUNC", .min = TABLE_WHOLE }, { .title = "PROGRAM", .min = 16 },               \
		{ .title = "TYPE", .drop = 3 }
#define USE_COLUMNS_AFTER                                                                          \
	{ .title = "CALLS", .right = true }, { .title = "NULL", .right = true, .drop = 2 },        \
		{ .title = "ZERO", .right = true, .drop = 4 },                                     \
		{ .title = "OUTSTANDING", .right = true, .drop = 5 },                              \
		{ .title = "LAST SEEN", .drop = 1, .min = TABLE_WHOLE },                           \
		{ .title = "LOADED BY", .drop = 6 }

static int print_uses(const struct text_report *text)
{
	static const struct table_column columns[] = { USE_COLUMNS_BEFORE, USE_COLUMNS_AFTER };
	static const struct table_column fleet_columns[] = { USE_COLUMNS_BEFORE,
							     { .title = "HOSTS", .right = true },
							     USE_COLUMNS_AFTER };
	struct usage_sums sums;
	int err = usage_sums__make(&sums, text->report, USAGE_BY_KFUNC | USAGE_BY_PROGRAM);

	print_title(text, "Usage");
	if (!err && !sums.nr)
		print_wrapped(text, "", 0, "No call was counted.");
	else if (!err && text->fleet)
		err = PRINT_TABLE(text, fleet_columns, fill_uses, &sums);
	else if (!err)
		err = PRINT_TABLE(text, columns, fill_uses, &sums);
	usage_sums__free(&sums);
	return err;
}

/* --- deprecations -------------------------------------------------------------------------------------- */

static void fill_deprecations(const struct text_report *text, struct table *table, const void *arg)
{
	const struct usage_deprecations *deprecations = arg;
	const struct usage_report *report = text->report;
	char status[128];

	for (size_t i = 0; i < deprecations->nr; i++) {
		const struct usage_deprecated *deprecated = &deprecations->kfuncs[i];
		const struct usage_kfunc *kfunc = &report->kfuncs[deprecated->kfunc];
		bool is_known = usage_report__covered(report, deprecated->kfunc) &&
				(!kfunc->untraced || deprecated->calls || deprecated->vague_calls);

		table__row(table);
		table__cell(table, "%s", kfunc->name);
		table__cell(table, "%s", usage_kfunc__status(kfunc, status, sizeof(status)));
		if (is_known) {
			table__number(table, deprecated->programs);
			if (text->fleet)
				table__number(table, deprecated->hosts);
			table__number(table, deprecated->calls + deprecated->vague_calls);
		} else {
			for (int j = 0; j < (text->fleet ? 3 : 2); j++)
				table__cell(table, "-");
		}
		add_time(table, deprecated->last_seen);
		table__cell(table, "%s", kfunc->replacement ?: "-");
	}
}

#define DEPRECATION_COLUMNS_BEFORE                                                                 \
	{ .title = "KFUNC", .min = TABLE_WHOLE }, { .title = "STATUS", .drop = 2, .min = 16 },     \
	{                                                                                          \
		.title = "PROGRAMS", .right = true                                                 \
	}
#define DEPRECATION_COLUMNS_AFTER                                                                  \
	{ .title = "CALLS", .right = true },                                                       \
		{ .title = "LAST SEEN", .drop = 3, .min = TABLE_WHOLE },                           \
		{ .title = "REPLACEMENT", .drop = 1, .min = 16 }

static int print_deprecation_table(const struct text_report *text,
				   const struct usage_deprecations *deprecations)
{
	static const struct table_column columns[] = { DEPRECATION_COLUMNS_BEFORE,
						       DEPRECATION_COLUMNS_AFTER };
	static const struct table_column fleet_columns[] = { DEPRECATION_COLUMNS_BEFORE,
							     { .title = "HOSTS", .right = true },
							     DEPRECATION_COLUMNS_AFTER };

	return text->fleet ? PRINT_TABLE(text, fleet_columns, fill_deprecations, deprecations)
			   : PRINT_TABLE(text, columns, fill_deprecations, deprecations);
}

/* ", on 12 hosts: a, b and 10 more" */
static void print_hosts(const struct text_report *text, FILE *line, const __u32 *order,
			const struct usage_sum *sum)
{
	size_t max = text->width && sum->hosts > MAX_HOST_NAMES ? MAX_HOST_NAMES : sum->hosts;
	char number[48];
	__u32 last = USAGE_ALL;
	size_t nr = 0;

	fprintf(line, ", on %s: ", usage__count(sum->hosts, "host", number, sizeof(number)));
	/* Uses of a sum are in the order of hosts. */
	for (size_t i = 0; i < sum->nr && nr < max; i++) {
		__u32 host = text->report->uses[order[sum->first + i]].host;

		if (host == last)
			continue;
		last = host;
		fprintf(line, "%s%s", nr++ ? ", " : "", text->report->hosts[host].name);
	}
	if (sum->hosts > max)
		fprintf(line, " and %zu more", sum->hosts - max);
}

/* "enqueue_shared (struct_ops), of scx.service, on 12 hosts: ...: 400 calls, last seen ..." */
static void print_caller(const struct text_report *text,
			 const struct usage_deprecations *deprecations, const struct usage_sum *sum)
{
	const struct known_program *program = &text->report->programs[sum->program];
	char number[48], when[48], *words = NULL;
	size_t size;
	FILE *line = open_memstream(&words, &size);

	if (!line)
		return;
	fputs(known_program__title(program), line);
	if (*program->type)
		fprintf(line, " (%s)", program->type);
	fprintf(line, ": %s", usage__count(sum->calls, "call", number, sizeof(number)));
	fprintf(line, ", last seen %s", usage__time(sum->last_seen, when, sizeof(when)));
	if (*program->loader)
		fprintf(line, ", loaded by %s", program->loader);
	if (text->fleet)
		print_hosts(text, line, deprecations->callers.order, sum);
	if (!fclose(line))
		print_wrapped(text, "  - ", 4, words);
	free(words);
}

static void print_details(const struct text_report *text,
			  const struct usage_deprecations *deprecations,
			  const struct usage_deprecated *deprecated)
{
	const struct usage_kfunc *kfunc = &text->report->kfuncs[deprecated->kfunc];
	char words[1024], status[128];

	fputc('\n', text->out);
	print_wrapped(text, "", 0, kfunc->name);
	snprintf(words, sizeof(words), "%s; %s%s",
		 usage_kfunc__status(kfunc, status, sizeof(status)),
		 kfunc->replacement ? "use " : "no replacement is known", kfunc->replacement ?: "");
	print_wrapped(text, "  ", 4, words);
	print_wrapped(text, "  ", 4,
		      usage_deprecated__verdict(text->report, deprecated, words, sizeof(words)));
	for (size_t i = 0; i < deprecated->nr_sums; i++)
		print_caller(text, deprecations,
			     usage_deprecated__caller(deprecations, deprecated, i));
}

static bool has_more_to_say(const struct text_report *text,
			    const struct usage_deprecated *deprecated)
{
	return deprecated->nr_sums || usage_deprecated__used(text->report, deprecated) == 1;
}

/*
 * Those without a use, from `first` on: each verdict is said once, with all the kfuncs that it is
 * true of.
 */
static void print_rest(const struct text_report *text,
		       const struct usage_deprecations *deprecations, size_t first)
{
	bool said[deprecations->nr + 1];

	memset(said, 0, sizeof(said));
	for (size_t i = first; i < deprecations->nr; i++) {
		char verdict[1024], other[1024], *words = NULL;
		size_t size;
		FILE *line;

		line = said[i] ? NULL : open_memstream(&words, &size);
		if (!line)
			continue;
		usage_deprecated__verdict(text->report, &deprecations->kfuncs[i], verdict,
					  sizeof(verdict));
		for (size_t j = i; j < deprecations->nr; j++) {
			const struct usage_deprecated *kfunc = &deprecations->kfuncs[j];

			if (said[j] || strcmp(usage_deprecated__verdict(text->report, kfunc, other,
									sizeof(other)),
					      verdict) != 0)
				continue;
			said[j] = true;
			fprintf(line, "%s%s", j > i ? ", " : "",
				text->report->kfuncs[kfunc->kfunc].name);
		}
		fprintf(line, ": %s", verdict);
		fputc('\n', text->out);
		if (!fclose(line))
			print_wrapped(text, "", 2, words);
		free(words);
	}
}

static int print_deprecations(const struct text_report *text)
{
	struct usage_deprecations deprecations;
	int err = usage_deprecations__make(&deprecations, text->report);
	size_t nr = 0;

	print_title(text, "Deprecated kfuncs");
	if (!err && !deprecations.nr)
		print_wrapped(text, "", 0,
			      "None of the kfuncs of this report is known to be deprecated on "
			      "these kernels.");
	else if (!err)
		err = print_deprecation_table(text, &deprecations);
	/* Those with a use come first. */
	for (; !err && nr < deprecations.nr && has_more_to_say(text, &deprecations.kfuncs[nr]);
	     nr++)
		print_details(text, &deprecations, &deprecations.kfuncs[nr]);
	if (!err)
		print_rest(text, &deprecations, nr);
	usage_deprecations__free(&deprecations);
	return err;
}

/* --- references ----------------------------------------------------------------------------------------- */

struct types {
	const struct usage_type *types;
	size_t nr;
};

static void add_span(struct table *table, __u64 seconds)
{
	char span[48];

	table__cell(table, "%s", seconds ? usage__span(seconds, span, sizeof(span)) : "-");
}

static void fill_types(const struct text_report *text, struct table *table, const void *arg)
{
	const struct types *types = arg;

	(void)text;
	for (size_t i = 0; i < types->nr; i++) {
		const struct usage_type *type = &types->types[i];

		table__row(table);
		table__cell(table, "%s", type->name);
		add_gauge(table, &type->acquired);
		add_gauge(table, &type->released);
		add_gauge(table, &type->outstanding);
		add_gauge(table, &type->parked);
		add_gauge(table, &type->stale);
		add_span(table, type->oldest_s);
		table__number(table, type->hosts);
	}
}

static void fill_objects(const struct text_report *text, struct table *table, const void *arg)
{
	const struct usage_report *report = text->report;
	size_t nr =
		text->width && report->nr_objects > MAX_OBJECTS ? MAX_OBJECTS : report->nr_objects;

	(void)arg;
	for (size_t i = 0; i < nr; i++) {
		const struct usage_object *object = &report->objects[i];

		table__row(table);
		table__cell(table, "%s", object->what ?: "-");
		table__cell(table, "%s", object->type);
		table__number(table, object->references);
		add_span(table, object->age_s);
		table__cell(table, "%s",
			    object->stale    ? "stale"
			    : object->parked ? "parked"
					     : "in use");
		table__cell(table, "%s",
			    object->kfunc < report->nr_kfuncs ? report->kfuncs[object->kfunc].name
							      : "-");
		table__cell(table, "%s",
			    object->program < report->nr_programs
				    ? known_program__title(&report->programs[object->program])
				    : "-");
		table__cell(table, "%s", report->hosts[object->host].name);
	}
}

static int print_objects(const struct text_report *text)
{
	static const struct table_column columns[] = {
		{ .title = "OBJECT", .min = 20 },
		{ .title = "TYPE", .drop = 2 },
		{ .title = "REFERENCES", .right = true, .drop = 3 },
		{ .title = "AGE", .min = TABLE_WHOLE },
		{ .title = "STATE" },
		{ .title = "ACQUIRED WITH", .drop = 4 },
		{ .title = "BY", .drop = 1 },
		{ .title = "HOST", .drop = 5 },
	};
	char words[128];
	int err;

	print_title(text, "Oldest objects");
	err = PRINT_TABLE(text, columns, fill_objects, NULL);
	if (!err && text->width && text->report->nr_objects > MAX_OBJECTS) {
		snprintf(words, sizeof(words), "%zu more; all of them in a pipe and with --json",
			 text->report->nr_objects - MAX_OBJECTS);
		print_wrapped(text, "", 0, words);
	}
	return err;
}

static int print_references(const struct text_report *text)
{
	static const struct table_column columns[] = {
		{ .title = "TYPE", .min = TABLE_WHOLE },
		{ .title = "ACQUIRED", .right = true, .drop = 2 },
		{ .title = "RELEASED", .right = true, .drop = 3 },
		{ .title = "OUTSTANDING", .right = true },
		{ .title = "PARKED", .right = true, .drop = 1 },
		{ .title = "STALE", .right = true },
		{ .title = "OLDEST", .min = TABLE_WHOLE },
		{ .title = "HOSTS", .right = true, .drop = 4 },
	};
	struct types types;
	int err;

	types.types = usage_report__types(text->report, &types.nr, &err);
	print_title(text, "References");
	if (!err && types.nr)
		err = PRINT_TABLE(text, columns, fill_types, &types);
	else if (!err)
		print_wrapped(text, "", 0, "No references were accounted for.");
	free((void *)types.types);
	if (!err && text->report->nr_objects)
		err = print_objects(text);
	return err;
}

/* --- the target kernel ----------------------------------------------------------------------------------- */

struct breakages {
	const struct usage_breakage *breakages;
	size_t nr;
};

static void fill_breakages(const struct text_report *text, struct table *table, const void *arg)
{
	const struct breakages *breakages = arg;

	for (size_t i = 0; i < breakages->nr; i++) {
		const struct usage_problem *problem = breakages->breakages[i].problem;
		const struct known_program *program = &text->report->programs[problem->program];

		table__row(table);
		table__cell(table, "%s", text->report->kfuncs[problem->kfunc].name);
		table__cell(table, "%s", problem->problem ?: "-");
		table__cell(table, "%s", known_program__title(program));
		table__number(table, breakages->breakages[i].hosts);
		table__cell(table, "%s", problem->replacement ?: "-");
		table__cell(table, "%s", *program->type ? program->type : "-");
		table__cell(table, "%s", problem->target);
	}
}

static int print_breakages(const struct text_report *text)
{
	static const struct table_column columns[] = {
		{ .title = "KFUNC", .min = TABLE_WHOLE },
		{ .title = "PROBLEM", .min = 16 },
		{ .title = "PROGRAM", .min = 16 },
		{ .title = "HOSTS", .right = true, .drop = 2 },
		{ .title = "REPLACEMENT", .drop = 1, .min = 16 },
		{ .title = "TYPE", .drop = 3 },
		{ .title = "ON", .drop = 4 },
	};
	struct breakages breakages;
	char targets[512], words[600];
	int err;

	usage_report__releases(text->report, true, targets, sizeof(targets));
	breakages.breakages = usage_report__breakages(text->report, &breakages.nr, &err);
	print_title(text, "What the target kernel breaks");
	snprintf(words, sizeof(words), "No loaded program was found that would break on Linux %s.",
		 targets);
	if (!err && breakages.nr)
		err = PRINT_TABLE(text, columns, fill_breakages, &breakages);
	else if (!err)
		print_wrapped(text, "", 0,
			      *targets ? words : "No target kernel was compared with.");
	free((void *)breakages.breakages);
	return err;
}

int usage_report__print_text(const struct usage_report *report, FILE *out)
{
	const struct text_report text = {
		.report = report,
		.out = out,
		.width = terminal_width(out),
		.fleet = report->nr_hosts > 1,
	};
	int err = 0;

	print_heading(&text);
	if (!report->deprecated_only)
		err = print_uses(&text);
	err = err ?: print_deprecations(&text);
	if (!report->deprecated_only) {
		err = err ?: print_references(&text);
		err = err ?: print_breakages(&text);
	}
	return err;
}
