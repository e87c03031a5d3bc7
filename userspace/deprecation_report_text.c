// SPDX-License-Identifier: GPL-2.0-only
/* A report for people: on a terminal, and in a mail. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "deprecation_report.h"
#include "deprecations.h"
#include "table.h"

#define MAIL_WIDTH 72

static int line_width(FILE *out)
{
	int width = terminal_width(out);

	return width && width < MAIL_WIDTH ? width : MAIL_WIDTH;
}

/*
 * Writes `text` in lines of MAIL_WIDTH, or less on a narrow terminal: the first behind `lead`, the
 * others indented by `indent`. A word that is longer than a line has one for itself.
 */
static void print_wrapped(FILE *out, const char *lead, int indent, const char *text)
{
	int column = fprintf(out, "%s", lead), width = line_width(out);
	bool at_begin = true;

	while (*text) {
		int len = strcspn(text, " ");

		if (!at_begin && column + 1 + len > width) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
			at_begin = true;
		}
		column += fprintf(out, "%s%.*s", at_begin ? "" : " ", len, text);
		at_begin = false;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static const char *format_time(double when, const char *format, char *buf, size_t size)
{
	time_t seconds = (time_t)when;
	struct tm parts;

	if (!localtime_r(&seconds, &parts) || !strftime(buf, size, format, &parts))
		snprintf(buf, size, "-");
	return buf;
}

static void print_last_call(FILE *out, const struct reported_time *last)
{
	char after[32], before[32];

	if (last->before > 0)
		fprintf(out, ", the last between %s and %s",
			format_time(last->after, "%H:%M:%S", after, sizeof(after)),
			format_time(last->before + 1, "%H:%M:%S", before, sizeof(before)));
}

/* "scx_qmap (id 12, struct_ops): 1 site, 1,234 calls, the last between ... and ...; held by ..." */
static void print_use(FILE *out, const char *lead, int indent,
		      const struct deprecation_report *report, const struct reported_kfunc *kfunc,
		      const struct reported_use *use)
{
	const struct reported_program *program = &report->programs[use->program];
	char title[160], number[32], holders[2048], *text;
	size_t size;
	FILE *line = open_memstream(&text, &size);

	if (!line)
		return;
	fprintf(line, "%s: ", reported_program__title(program, title, sizeof(title)));
	if (use->nr_sites)
		fprintf(line, "%d site%s", use->nr_sites, use->nr_sites == 1 ? "" : "s");
	else
		fputs(use->declared ? "its object declares it" : "its code was not seen", line);
	if (!kfunc->no_counts)
		fprintf(line, ", %s call%s", format_thousands(use->calls, number, sizeof(number)),
			use->calls == 1 ? "" : "s");
	print_last_call(line, &use->last_call);
	reported_program__holders(program, holders, sizeof(holders));
	if (*holders)
		fprintf(line, "; %s", holders);
	if (!fclose(line))
		print_wrapped(out, lead, indent, text);
	free(text);
}

static void print_words(FILE *out, const char *lead, int indent, const struct reported_kfunc *kfunc)
{
	const struct deprecation *deprecation = kfunc->deprecation;
	char text[1024];

	if (!deprecation || !deprecation->words)
		return;
	snprintf(text, sizeof(text), "the kernel says \"%s\"%s%s", deprecation->words,
		 deprecation->source ? " in " : "", deprecation->source ?: "");
	print_wrapped(out, lead, indent, text);
}

static void print_status(FILE *out, const char *lead, int indent,
			 const struct reported_kfunc *kfunc)
{
	char text[2048];
	size_t len;

	reported_kfunc__status(kfunc, text, sizeof(text));
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, "; %s%s",
		 kfunc->replacement ? "use " : "no replacement is known", kfunc->replacement ?: "");
	print_wrapped(out, lead, indent, text);
}

static bool has_more_to_say(const struct reported_kfunc *kfunc)
{
	return reported_kfunc__used(kfunc) == 1;
}

static void print_observation(FILE *out, const char *lead, const struct deprecation_report *report)
{
	char begin[64], end[32], text[160];

	snprintf(text, sizeof(text), "observed: %s to %s (%.1f s)",
		 format_time(report->begin, "%Y-%m-%d %H:%M:%S %z", begin, sizeof(begin)),
		 format_time(report->end, "%H:%M:%S", end, sizeof(end)),
		 report->end - report->begin);
	print_wrapped(out, lead, 2, text);
}

static void print_basis(FILE *out, const char *lead, const struct deprecation_report *report)
{
	char basis[1024], text[1100];

	snprintf(text, sizeof(text), "rests on: %s",
		 deprecation_report__basis(report, basis, sizeof(basis)));
	print_wrapped(out, lead, 2, text);
}

/* What there is to say when there are no kfuncs to speak of. */
static void print_nothing(FILE *out, const struct deprecation_report *report)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "None of the kfuncs that were asked for is known to be deprecated on this "
		 "kernel%s%s.",
		 report->target ? ", and none breaks on " : "", report->target ?: "");
	fputc('\n', out);
	print_wrapped(out, "", 0, text);
}

/* --- terminal --------------------------------------------------------------------------------- */

static void add_row(struct table *table, const struct reported_kfunc *kfunc)
{
	struct reported_time last = reported_kfunc__last_call(kfunc);
	char text[1024];

	table__row(table);
	table__cell(table, "%s", kfunc->name);
	table__cell(table, "%s", reported_kfunc__status(kfunc, text, sizeof(text)));
	if (kfunc->no_census)
		table__cell(table, "-");
	else
		table__number(table, reported_kfunc__programs(kfunc));
	if (kfunc->no_counts)
		table__cell(table, "-");
	else
		table__number(table, reported_kfunc__calls(kfunc) + kfunc->unknown_calls);
	table__cell(table, "%s",
		    last.before > 0 ? format_time(last.before, "%H:%M:%S", text, sizeof(text))
				    : "-");
	table__cell(table, "%s", kfunc->replacement ?: "-");
}

static int print_table(const struct deprecation_report *report, FILE *out)
{
	static const struct table_column columns[] = {
		{ .title = "KFUNC", .min = TABLE_WHOLE },
		{ .title = "STATUS", .drop = 2, .min = 16 },
		{ .title = "PROGRAMS", .right = true },
		{ .title = "CALLS", .right = true },
		{ .title = "LAST CALL", .drop = 3 },
		{ .title = "REPLACEMENT", .drop = 1, .min = 16 },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	int err;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < report->nr_kfuncs; i++)
		add_row(table, &report->kfuncs[i]);
	err = table__print(table, out, terminal_width(out));
	table__free(table);
	return err;
}

static void print_details(const struct deprecation_report *report,
			  const struct reported_kfunc *kfunc, FILE *out)
{
	char text[1024];

	fprintf(out, "\n%s\n", kfunc->name);
	print_status(out, "  ", 4, kfunc);
	print_words(out, "  ", 4, kfunc);
	print_wrapped(out, "  ", 4, reported_kfunc__verdict(report, kfunc, text, sizeof(text)));
	for (size_t i = 0; i < kfunc->nr_uses; i++)
		print_use(out, "  - ", 4, report, kfunc, &kfunc->uses[i]);
}

int deprecation_report__print_text(const struct deprecation_report *report, FILE *out)
{
	char text[512];
	int err;

	snprintf(text, sizeof(text), "host %s, Linux %s%s%s", report->host, report->release,
		 report->target ? ", against Linux " : "", report->target ?: "");
	print_wrapped(out, "", 2, text);
	print_observation(out, "", report);
	print_basis(out, "", report);
	if (!report->nr_kfuncs) {
		print_nothing(out, report);
		return 0;
	}
	fputc('\n', out);
	err = print_table(report, out);
	for (size_t i = 0; i < report->nr_kfuncs && !err; i++) {
		if (has_more_to_say(&report->kfuncs[i]))
			print_details(report, &report->kfuncs[i], out);
	}
	return err;
}

/* --- Markdown --------------------------------------------------------------------------------- */

static void print_section(const struct deprecation_report *report,
			  const struct reported_kfunc *kfunc, FILE *out)
{
	char text[1024];

	fprintf(out, "\n## %s\n\n", kfunc->name);
	print_wrapped(out, "", 0, reported_kfunc__verdict(report, kfunc, text, sizeof(text)));
	fputc('\n', out);
	print_status(out, "- ", 2, kfunc);
	print_words(out, "- ", 2, kfunc);
	for (size_t i = 0; i < kfunc->nr_uses; i++)
		print_use(out, "- ", 2, report, kfunc, &kfunc->uses[i]);
}

/* The first of those without a use that has this verdict? */
static bool is_first_of_verdict(const struct deprecation_report *report, size_t idx,
				const char *verdict)
{
	char other[1024];

	for (size_t i = 0; i < idx; i++) {
		if (!has_more_to_say(&report->kfuncs[i]) &&
		    strcmp(reported_kfunc__verdict(report, &report->kfuncs[i], other,
						   sizeof(other)),
			   verdict) == 0)
			return false;
	}
	return true;
}

static void print_all_of_verdict(const struct deprecation_report *report, size_t first,
				 const char *verdict, FILE *out)
{
	char other[1024], status[1024], text[1200];

	fputc('\n', out);
	print_wrapped(out, "", 0, verdict);
	fputc('\n', out);
	for (size_t i = first; i < report->nr_kfuncs; i++) {
		const struct reported_kfunc *kfunc = &report->kfuncs[i];

		if (has_more_to_say(kfunc) ||
		    strcmp(reported_kfunc__verdict(report, kfunc, other, sizeof(other)), verdict) !=
			    0)
			continue;
		snprintf(text, sizeof(text), "%s: %s", kfunc->name,
			 reported_kfunc__status(kfunc, status, sizeof(status)));
		print_wrapped(out, "- ", 2, text);
	}
}

/* A verdict is the same for most of them: it is said once. */
static void print_rest(const struct deprecation_report *report, FILE *out)
{
	char verdict[1024];
	bool begun = false;

	for (size_t i = 0; i < report->nr_kfuncs; i++) {
		if (has_more_to_say(&report->kfuncs[i]))
			continue;
		reported_kfunc__verdict(report, &report->kfuncs[i], verdict, sizeof(verdict));
		if (!is_first_of_verdict(report, i, verdict))
			continue;
		if (!begun)
			fputs("\n## No use found\n", out);
		begun = true;
		print_all_of_verdict(report, i, verdict, out);
	}
}

int deprecation_report__print_markdown(const struct deprecation_report *report, FILE *out)
{
	fputs("# Use of deprecated kfuncs\n\n", out);
	fprintf(out, "- host: %s\n- kernel: Linux %s\n", report->host, report->release);
	if (report->target)
		fprintf(out, "- compared with: Linux %s\n", report->target);
	print_observation(out, "- ", report);
	print_basis(out, "- ", report);
	if (!report->nr_kfuncs)
		print_nothing(out, report);
	for (size_t i = 0; i < report->nr_kfuncs; i++) {
		if (has_more_to_say(&report->kfuncs[i]))
			print_section(report, &report->kfuncs[i], out);
	}
	print_rest(report, out);
	return 0;
}
