// SPDX-License-Identifier: GPL-2.0-only
#include "status_page.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aggregate.h"
#include "printable.h"
#include "table.h"

/* Rows of a table; the rest is in /metrics. */
#define MOST 12

static const char style[] =
	":root{color-scheme:light dark;--text:#1c2126;--soft:#59636e;--page:#fff;--line:#d5dadf;"
	"--good:#11622a;--good-page:#def3e4;--bad:#8f1d14;--bad-page:#fce4e1}"
	"@media(prefers-color-scheme:dark){:root{--text:#e3e7eb;--soft:#9ba6b1;--page:#15181b;"
	"--line:#373e45;--good:#8fdca5;--good-page:#163522;--bad:#ffb0a8;--bad-page:#44201d}}"
	"*{box-sizing:border-box}"
	"body{margin:0 auto;max-width:60rem;padding:1rem;font:1rem/1.45 system-ui,sans-serif;"
	"color:var(--text);background:var(--page)}"
	"h1{font-size:1.35rem;margin:0 0 .6rem;overflow-wrap:anywhere}"
	"h2{font-size:1.05rem;margin:1.8rem 0 .4rem}"
	"p{margin:.4rem 0}.soft{color:var(--soft)}"
	".state{display:inline-block;padding:.15rem .7rem;border-radius:.4rem;overflow-wrap:anywhere;"
	"color:var(--bad);background:var(--bad-page)}"
	".state.good{color:var(--good);background:var(--good-page)}"
	/* Names break at underscores; one that is too long nevertheless does not move the page. */
	".table{overflow-x:auto}"
	"table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
	"th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;"
	"border-bottom:1px solid var(--line)}"
	"th{font-weight:600;color:var(--soft);font-size:.85rem}"
	".n{text-align:right;white-space:nowrap}"
	"th:last-child,td:last-child{padding-right:0}"
	".facts td{overflow-wrap:anywhere}.facts th{width:11rem;font-weight:400;font-size:1rem}"
	"a{color:inherit}"
	"@media(max-width:34rem){body{padding:.75rem;font-size:.9rem}.facts th{width:7.5rem;font-size:.9rem}"
	"th,td{padding-right:.4rem}.wide{display:none}}";

/* --- words ---------------------------------------------------------------------------------------- */

/* Text of others: nothing in it is markup. `breaks`: a line may end after an underscore. */
static void put_text(FILE *out, const char *text, bool breaks)
{
	while (text && *text) {
		int length = printable__length(text);

		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else if (*text == '_' && breaks)
			fputs("_<wbr>", out);
		else if (length)
			fwrite(text, length, 1, out);
		else
			fputc('?', out);
		text += length ?: 1;
	}
}

static void put(FILE *out, const char *text)
{
	put_text(out, text, true);
}

static const char *thousands(__u64 number)
{
	static char buf[32];

	return format_thousands(number, buf, sizeof(buf));
}

static void put_duration(FILE *out, double s)
{
	static const struct {
		double seconds;
		const char *name;
	} units[] = {
		{ 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" }, { 1e-3, "ms" },
	};
	int nr = sizeof(units) / sizeof(*units);

	for (int i = 0; i < nr; i++) {
		if (s >= units[i].seconds * (i < 3 ? 2 : 1) || i == nr - 1) {
			s /= units[i].seconds;
			fprintf(out, "%.*f %s", s < 10 ? 1 : 0, s, units[i].name);
			return;
		}
	}
}

static void put_time(FILE *out, __s64 when)
{
	char text[32];
	time_t at = when;
	struct tm tm;

	if (gmtime_r(&at, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
		fputs(text, out);
}

static void put_bytes(FILE *out, __u64 bytes)
{
	if (bytes >= 10 << 20)
		fprintf(out, "%s MiB", thousands(bytes >> 20));
	else
		fprintf(out, "%s KiB", thousands(bytes >> 10));
}

static void begin_table(FILE *out, const char *title, const char *head)
{
	fprintf(out, "<h2>%s</h2>\n<div class=table><table>\n<thead><tr>%s</tr></thead>\n<tbody>\n",
		title, head);
}

static void end_table(FILE *out, size_t nr, const char *what)
{
	fputs("</tbody></table></div>\n", out);
	if (nr > MOST)
		fprintf(out, "<p class=soft>and %s %s more</p>\n", thousands(nr - MOST), what);
}

static void begin_fact(FILE *out, const char *name)
{
	fprintf(out, "<tr><th scope=row>%s<td>", name);
}

static void number_cell(FILE *out, __u64 number)
{
	fprintf(out, "<td class=n>%s", thousands(number));
}

/* -1: not known. */
static void known_cell(FILE *out, __s64 number)
{
	if (number < 0)
		fputs("<td class=n>-", out);
	else
		number_cell(out, number);
}

/* --- the most of them ------------------------------------------------------------------------------ */

/* Calls of a kfunc or by a caller, and of how many others. */
struct sum {
	__u32 idx;
	__u64 calls, others;
};

static int by_calls(const void *a, const void *b)
{
	const struct sum *left = a, *right = b;

	if (left->calls != right->calls)
		return left->calls < right->calls ? 1 : -1;
	return left->idx < right->idx ? -1 : left->idx > right->idx;
}

/* The sums that are not 0, most calls first, their number in *nr; NULL: out of memory. */
static struct sum *sum_up(const struct aggregate *aggregate, bool callers, size_t *nr)
{
	size_t all = callers ? aggregate__nr_callers(aggregate) : aggregate__nr_kfuncs(aggregate);
	struct sum *sums = calloc(all + 1, sizeof(*sums));

	*nr = 0;
	if (!sums)
		return NULL;
	for (size_t i = 0; i < all; i++)
		sums[i].idx = i;
	for (size_t i = 0; i < aggregate__nr_rows(aggregate); i++) {
		const struct aggregate_row *row = aggregate__row_at(aggregate, i);
		struct sum *sum = &sums[callers ? row->caller : row->kfunc];

		sum->calls += row->counts.calls;
		sum->others += !!row->counts.calls;
	}
	qsort(sums, all, sizeof(*sums), by_calls);
	while (*nr < all && sums[*nr].calls)
		++*nr;
	return sums;
}

static int write_kfuncs(FILE *out, const struct aggregate *aggregate)
{
	size_t nr;
	struct sum *sums = sum_up(aggregate, false, &nr);

	if (!sums)
		return -ENOMEM;
	begin_table(out, "Most called kfuncs",
		    "<th>kfunc<th class=wide>module<th class=n>callers<th class=n>calls");
	for (size_t i = 0; i < nr && i < MOST; i++) {
		const struct aggregate_kfunc *kfunc = aggregate__kfunc_at(aggregate, sums[i].idx);

		fputs("<tr><td>", out);
		put(out, kfunc->name);
		if (kfunc->deprecation) {
			fputs(" <span class=soft>(", out);
			put(out, kfunc->deprecation);
			fputs(")</span>", out);
		}
		fputs("<td class=wide>", out);
		put(out, kfunc->module);
		number_cell(out, sums[i].others);
		number_cell(out, sums[i].calls);
		fputc('\n', out);
	}
	end_table(out, nr, "kfuncs");
	free(sums);
	return 0;
}

static int write_callers(FILE *out, const struct aggregate *aggregate)
{
	size_t nr;
	struct sum *sums = sum_up(aggregate, true, &nr);

	if (!sums)
		return -ENOMEM;
	begin_table(
		out, "Callers",
		"<th>program<th>type<th class=wide>loaded by<th class=n>kfuncs<th class=n>calls");
	for (size_t i = 0; i < nr && i < MOST; i++) {
		const struct known_program *caller = aggregate__caller_at(aggregate, sums[i].idx);

		fputs(caller->kind == KNOWN_PROGRAM ? "<tr><td>" : "<tr><td class=soft>", out);
		put(out, known_program__title(caller));
		fputs("<td>", out);
		put(out, caller->type);
		fputs("<td class=wide>", out);
		put(out, caller->loader);
		number_cell(out, sums[i].others);
		number_cell(out, sums[i].calls);
		fputc('\n', out);
	}
	end_table(out, nr, "callers");
	free(sums);
	return 0;
}

/* --- what is deprecated ------------------------------------------------------------------------------ */

static int by_row_calls(const void *a, const void *b)
{
	const struct aggregate_row *left = *(const struct aggregate_row *const *)a;
	const struct aggregate_row *right = *(const struct aggregate_row *const *)b;

	if (left->counts.calls != right->counts.calls)
		return left->counts.calls < right->counts.calls ? 1 : -1;
	return left < right ? -1 : left > right;
}

static int write_deprecated(FILE *out, const struct aggregate *aggregate)
{
	size_t nr = 0, all = aggregate__nr_rows(aggregate);
	const struct aggregate_row **rows = calloc(all + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < all; i++) {
		const struct aggregate_row *row = aggregate__row_at(aggregate, i);

		if (row->counts.calls && aggregate__kfunc_at(aggregate, row->kfunc)->deprecation)
			rows[nr++] = row;
	}
	qsort(rows, nr, sizeof(*rows), by_row_calls);
	if (nr)
		begin_table(out, "Calls of deprecated kfuncs",
			    "<th>kfunc<th>program<th>call instead<th class=n>calls");
	else
		fputs("<h2>Calls of deprecated kfuncs</h2>\n<p>None.</p>\n", out);
	for (size_t i = 0; i < nr && i < MOST; i++) {
		const struct aggregate_kfunc *kfunc =
			aggregate__kfunc_at(aggregate, rows[i]->kfunc);

		fputs("<tr><td>", out);
		put(out, kfunc->name);
		fputs("<td>", out);
		put(out, known_program__title(aggregate__caller_at(aggregate, rows[i]->caller)));
		fputs("<td>", out);
		put(out, kfunc->replacement ?: "-");
		number_cell(out, rows[i]->counts.calls);
		fputc('\n', out);
	}
	if (nr)
		end_table(out, nr, "pairs of kfunc and program");
	free(rows);
	return 0;
}

static void write_problems(FILE *out, const struct aggregate *aggregate)
{
	const char *target = aggregate__read_state(aggregate)->target;
	size_t nr;
	const struct aggregate_problem *problems = aggregate__problems(aggregate, &nr);

	if (!nr) {
		fputs("<h2>Loaded programs with a problem to come</h2>\n<p>None", out);
		fputs(*target ? ", checked against " : "; no target kernel is configured", out);
		put(out, target);
		fputs(".</p>\n", out);
		return;
	}
	begin_table(out, "Loaded programs with a problem to come",
		    "<th>program<th>kfunc<th>problem<th class=wide>on<th>call instead");
	for (size_t i = 0; i < nr && i < MOST; i++) {
		const struct aggregate_problem *problem = &problems[i];

		fputs("<tr><td>", out);
		put(out, known_program__title(aggregate__caller_at(aggregate, problem->caller)));
		fputs("<td>", out);
		put(out, aggregate__kfunc_at(aggregate, problem->kfunc)->name);
		fputs("<td>", out);
		put(out, problem->problem);
		fputs("<td class=wide>", out);
		put(out, problem->target ?: "this kernel");
		fputs("<td>", out);
		put(out, problem->replacement ?: "-");
		fputc('\n', out);
	}
	end_table(out, nr, "problems");
}

/* --- references --------------------------------------------------------------------------------------- */

static void write_references(FILE *out, const struct aggregate *aggregate)
{
	size_t nr = aggregate__nr_types(aggregate);

	if (!nr) {
		fputs("<h2>References</h2>\n<p>None were seen.</p>\n", out);
		return;
	}
	begin_table(out, "References",
		    "<th>type<th class='n wide'>acquired<th class='n wide'>released<th class=n>held"
		    "<th class=n>parked<th class=n>stale<th class=n>oldest");
	for (size_t i = 0; i < nr && i < MOST; i++) {
		const struct aggregate_type *type = aggregate__type_at(aggregate, i);

		fputs("<tr><td>", out);
		put(out, type->name);
		fprintf(out, "<td class='n wide'>%s", thousands(type->acquired));
		fprintf(out, "<td class='n wide'>%s", thousands(type->released));
		known_cell(out, type->outstanding);
		known_cell(out, type->parked);
		known_cell(out, type->stale);
		fputs("<td class=n>", out);
		if (type->oldest_ns)
			put_duration(out, type->oldest_ns / 1e9);
		else
			fputc('-', out);
		fputc('\n', out);
	}
	end_table(out, nr, "types");
}

/* --- what is missing ------------------------------------------------------------------------------------ */

static void write_losses(FILE *out, const struct aggregate_losses *losses)
{
	const struct {
		const char *what;
		__u64 number;
	} all[] = {
		{ "calls with an unknown caller, made while a probe ran",
		  losses->recursion_misses },
		{ "calls with an unknown caller, for want of room", losses->table_full },
		{ "calls whose caller could not be read", losses->no_caller },
		{ "calls whose program was gone before it was known", losses->orphaned },
		{ "calls of callers beyond max_callers", losses->other_rows },
		{ "events dropped, as the ring buffer was full", losses->events_dropped },
		{ "events beyond the most in a second", losses->events_left_out },
		{ "references for which there was no room", losses->untracked },
		{ "releases that were not seen", losses->lost_releases },
		{ "call sites for which there was no room", losses->lost_sites },
		{ "holding times for which there was no room", losses->lost_holds },
		{ "programs that could not be recorded", losses->programs },
		{ "collections of counters that failed", losses->drains_failed },
	};
	bool any = false;

	fputs("<h2>What is missing</h2>\n<table><tbody>\n", out);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (!all[i].number)
			continue;
		any = true;
		fprintf(out, "<tr><td>%s<td class=n>%s\n", all[i].what, thousands(all[i].number));
	}
	fputs("</tbody></table>\n", out);
	if (!any)
		fputs("<p>Nothing: no losses.</p>\n", out);
}

/* The reasons why kfuncs are not traced, each once; there are few. */
static void write_untraced(FILE *out, const struct aggregate *aggregate)
{
	size_t nr = aggregate__nr_kfuncs(aggregate), traced = 0;
	const char *separator = "; not traced: ";

	for (size_t i = 0; i < nr; i++)
		traced += aggregate__kfunc_at(aggregate, i)->traced;
	begin_fact(out, "Kfuncs");
	fprintf(out, "%s traced", thousands(traced));
	for (size_t i = 0; i < nr; i++) {
		const struct aggregate_kfunc *kfunc = aggregate__kfunc_at(aggregate, i);
		size_t alike = 0;

		if (kfunc->traced || !kfunc->untraced)
			continue;
		for (size_t j = 0; j < nr; j++) {
			const struct aggregate_kfunc *other = aggregate__kfunc_at(aggregate, j);

			if (other->traced || !other->untraced ||
			    strcmp(other->untraced, kfunc->untraced))
				continue;
			if (j < i) {
				alike = 0;
				break;
			}
			alike++;
		}
		if (!alike)
			continue;
		fprintf(out, "%s%s (", separator, thousands(alike));
		put(out, kfunc->untraced);
		fputc(')', out);
		separator = ", ";
	}
	fputc('\n', out);
}

/* --- how it is -------------------------------------------------------------------------------------------- */

static void write_cost(FILE *out, const struct aggregate_state *state)
{
	const struct aggregate_cost *cost = &state->cost;

	begin_fact(out, "Cost");
	if (cost->drains && isfinite(cost->share) && cost->share >= 0)
		fprintf(out, "%.2g%% of one CPU", cost->share * 100);
	else
		fputs("not measured yet", out);
	if (cost->detached_kfuncs)
		fprintf(out, "; kfuncs detached because of it: %s",
			thousands(cost->detached_kfuncs));
	if (cost->rss_bytes) {
		begin_fact(out, "Memory");
		put_bytes(out, cost->rss_bytes);
		if (cost->kernel_bytes) {
			fputs(", and in the kernel ", out);
			put_bytes(out, cost->kernel_bytes);
		}
	}
	begin_fact(out, "History");
	if (state->history_on)
		put_bytes(out, state->history_bytes);
	else
		fputs("off", out);
	if (state->history_errors)
		fprintf(out, ", %s errors", thousands(state->history_errors));
	begin_fact(out, "Notices");
	fputs(thousands(state->notices), out);
	if (state->notices_suppressed)
		fprintf(out, ", and %s suppressed", thousands(state->notices_suppressed));
	fputc('\n', out);
}

static void write_state(FILE *out, const struct aggregate *aggregate, const char *version)
{
	const struct aggregate_state *state = aggregate__read_state(aggregate);
	__s64 now = time(NULL);

	fprintf(out, "<p class='state%s' id=state>%s", state->ready ? " good" : "",
		!state->ready	    ? "not counting"
		: state->only_looks ? "looking at programs, count = off"
				    : "counting");
	if (*state->trouble) {
		fputs(": ", out);
		put(out, state->trouble);
	}
	fputs("</p>\n<table class=facts><tbody>\n", out);
	begin_fact(out, "Kernel");
	put(out, *state->release ? state->release : "-");
	if (*state->target) {
		fputs(", checked against ", out);
		put(out, state->target);
	}
	begin_fact(out, "kfunctrace");
	put(out, version);
	begin_fact(out, "Counting since");
	if (state->counting_since)
		put_time(out, state->counting_since);
	else
		fputc('-', out);
	begin_fact(out, "Last collected");
	if (state->last_drain) {
		put_time(out, state->last_drain);
		/* The clock may have been set back. */
		if (now >= state->last_drain) {
			fputs(" (", out);
			put_duration(out, now - state->last_drain);
			fputs(" ago)", out);
		}
	} else {
		fputc('-', out);
	}
	write_untraced(out, aggregate);
	begin_fact(out, "Kfunc and caller");
	fprintf(out, "%s pairs", thousands(aggregate__nr_rows(aggregate)));
	write_cost(out, state);
	fputs("</tbody></table>\n", out);
}

static int write_page(FILE *out, const struct aggregate *aggregate, const char *version,
		      const char *host)
{
	int err;

	fputs("<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
	      "<meta name=viewport content='width=device-width,initial-scale=1'>\n"
	      /* Else browsers ask for a favicon. */
	      "<link rel=icon href='data:,'>\n<title>kfunctrace on ",
	      out);
	put_text(out, host, false);
	fprintf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<h1>kfunctrace on ", style);
	put(out, host);
	fputs("</h1>\n", out);
	write_state(out, aggregate, version);
	err = write_kfuncs(out, aggregate) ?: write_callers(out, aggregate);
	write_references(out, aggregate);
	err = err ?: write_deprecated(out, aggregate);
	write_problems(out, aggregate);
	write_losses(out, &aggregate__read_state(aggregate)->losses);
	fputs("<p class=soft><a href=/metrics>metrics</a> · <a href=/readyz>readiness</a> · "
	      "<a href=/healthz>health</a></p>\n</body>\n</html>\n",
	      out);
	return err;
}

int status_page__write(const struct aggregate *aggregate, const char *version, const char *host,
		       char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);
	int err;

	if (!out)
		return -ENOMEM;
	err = write_page(out, aggregate, version, host);
	if (ferror(out))
		err = -ENOMEM;
	if (fclose(out))
		err = -ENOMEM;
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}
