// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page that needs nothing but itself: no network, no scripts. Names in it were chosen by those who
 * wrote programs; html__printf() sees to it that they stay text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table.h"
#include "usage_page.h"

/* --- head ------------------------------------------------------------------------------------------- */

static void write_subject(struct usage_page *page)
{
	char hosts[48];

	if (page->report->nr_hosts == 1)
		html__printf(page->out, "%s", page->report->hosts[0].name);
	else
		html__printf(page->out, "%s",
			     usage__count(page->report->nr_hosts, "host", hosts, sizeof(hosts)));
}

static void write_head(struct usage_page *page)
{
	/* The style sheet is the only thing that a browser may take, and it is in here. */
	fputs("<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n"
	      "<head>\n<meta charset=\"utf-8\"/>\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	      "<meta name=\"referrer\" content=\"no-referrer\"/>\n"
	      "<meta name=\"generator\" content=\"kfunctrace\"/>\n<title>",
	      page->out);
	fputs(page->report->deprecated_only ? "Deprecated kfuncs, " : "Kfunc usage, ", page->out);
	write_subject(page);
	fprintf(page->out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", usage_page__style);
}

static void write_fact(struct usage_page *page, const char *term, const char *text)
{
	html__printf(page->out, "<div><dt>%s</dt><dd>%s</dd></div>\n", term, text);
}

static void write_facts(struct usage_page *page)
{
	const struct usage_report *report = page->report;
	char text[512], number[48];
	size_t brief = usage_report__brief_hosts(report);

	fputs("<dl class=\"facts\">\n", page->out);
	write_fact(page, "Time", usage_report__times(report, text, sizeof(text)));
	usage_report__releases(report, false, text, sizeof(text));
	write_fact(page, report->nr_hosts == 1 ? "Kernel" : "Kernels", *text ? text : "-");
	usage_report__releases(report, true, text, sizeof(text));
	write_fact(page, "Target", *text ? text : "none");
	if (report->nr_hosts == 1 && brief)
		snprintf(text, sizeof(text), "%s of that time",
			 usage_report__coverage(report, USAGE_ALL, number, sizeof(number)));
	else if (brief)
		snprintf(text, sizeof(text), "%zu of %zu hosts not for all of that time: %s", brief,
			 report->nr_hosts,
			 usage_report__coverage(report, USAGE_ALL, number, sizeof(number)));
	if (brief)
		write_fact(page, "Known", text);
	write_fact(page, "Lost", usage_report__losses(report, text, sizeof(text)));
	write_fact(page, "Source", report->source ?: "-");
	fputs("</dl>\n", page->out);
}

/* --- figures ------------------------------------------------------------------------------------------ */

/* `alarming` when it is not 0. `name` is for programs that look for it. */
static void write_figure(struct usage_page *page, const char *name, const char *section,
			 const char *title, const struct usage_gauge *gauge, bool alarming)
{
	bool is_alarm = alarming && gauge->sum;
	char text[48];

	fputs(is_alarm ? "<li class=\"alarm\">" : "<li>", page->out);
	html__printf(page->out,
		     "<a href=\"#%s\"><data id=\"figure-%s\" value=\"%llu\">%s</data> "
		     "<span>%s</span></a></li>\n",
		     section, name, gauge->sum, usage_gauge__format(gauge, text, sizeof(text)),
		     title);
}

static void write_count(struct usage_page *page, const char *name, const char *section,
			const char *title, __u64 count, bool alarming)
{
	const struct usage_gauge gauge = { .sum = count, .known = 1 };

	write_figure(page, name, section, title, &gauge, alarming);
}

static size_t count_programs(const struct usage_page *page)
{
	size_t nr = 0;

	for (size_t i = 0; i < page->by_program.nr; i++)
		nr += page->report->programs[page->by_program.sums[i].program].kind ==
		      KNOWN_PROGRAM;
	return nr;
}

static bool has_target(const struct usage_report *report)
{
	for (size_t i = 0; i < report->nr_hosts; i++) {
		if (report->hosts[i].target)
			return true;
	}
	return false;
}

static void write_state_figures(struct usage_page *page)
{
	struct usage_gauge outstanding = { 0 }, stale = { 0 };

	for (size_t i = 0; i < page->report->nr_references; i++) {
		usage_gauge__add(&outstanding, page->report->references[i].outstanding);
		usage_gauge__add(&stale, page->report->references[i].stale);
	}
	write_figure(page, "outstanding", "references", "references outstanding", &outstanding,
		     false);
	write_figure(page, "stale", "references", "of these stale", &stale, true);
}

static void write_figures(struct usage_page *page)
{
	struct usage_gauge breaking = { .known = has_target(page->report) };

	for (size_t i = 0; i < page->nr_breakages; i++)
		breaking.sum += page->breakages[i].breaks;

	fputs("<ul class=\"figures\">\n", page->out);
	write_count(page, "deprecated", "deprecated",
		    page->deprecations.in_use == 1 ? "deprecated kfunc in use"
						   : "deprecated kfuncs in use",
		    page->deprecations.in_use, true);
	if (!page->report->deprecated_only) {
		write_figure(page, "breaking", "target", "uses break on the target", &breaking,
			     true);
		write_count(page, "calls", "over-time", "calls", page->calls, false);
		write_count(page, "programs", "programs", "programs", count_programs(page), false);
		write_count(page, "kfuncs", "kfuncs", "kfuncs called", page->by_kfunc.nr, false);
		write_state_figures(page);
	}
	if (page->fleet)
		write_count(page, "hosts", page->report->deprecated_only ? "method" : "hosts",
			    "hosts", page->report->nr_hosts, false);
	fputs("</ul>\n", page->out);
}

/* --- how it was measured ------------------------------------------------------------------------------ */

static void write_losses(struct usage_page *page)
{
	static const struct page_column columns[] = {
		{ .title = "Host" }, { "Lost", true }, { .title = "Known from" }, { .title = "To" }
	};
	const struct usage_report *report = page->report;
	struct page_table table = {
		.page = page,
		.label = "What was lost, by host",
		.columns = columns,
		.nr_columns = 4,
		.noun = "host",
		.shown = 10,
	};

	for (size_t i = 0; i < report->nr_hosts; i++)
		table.rows += report->hosts[i].lost > 0;
	if (!table.rows)
		return;
	fputs("<h3>Losses</h3>\n", page->out);
	page_table__begin(&table);
	for (size_t i = 0; i < report->nr_hosts; i++) {
		const struct usage_host *host = &report->hosts[i];
		const struct usage_gauge lost = usage_host__lost(host);

		if (!lost.sum)
			continue;
		page_table__group(&table);
		page__row(page, "");
		page__row_head(page, host->name);
		page__gauge(page, &lost);
		page__time(page, host->begin);
		page__time(page, host->end);
		page__end_row(page);
	}
	page_table__end(&table);
}

static void write_untraced(struct usage_page *page)
{
	const struct usage_report *report = page->report;
	bool begun = false;

	for (size_t i = 0; i < report->nr_kfuncs; i++) {
		if (!report->kfuncs[i].untraced)
			continue;
		if (!begun)
			fputs("<h3>Not counted, or not all of the time</h3>\n<ul>\n", page->out);
		begun = true;
		html__printf(page->out, "<li><code>%s</code>: %s</li>\n", report->kfuncs[i].name,
			     report->kfuncs[i].untraced);
	}
	if (begun)
		fputs("</ul>\n", page->out);
}

void usage_page__method(struct usage_page *page)
{
	fputs("<section id=\"method\">\n<h2>How this was measured</h2>\n<dl class=\"method\">\n",
	      page->out);
	write_fact(page, "Calls",
		   page->report->is_recorded
			   ? "Recorded events of them. Calls that no caller could be found for are "
			     "those of “unknown”."
			   : "Counted in the kernel at each call; they are no samples. Calls that "
			     "no caller could be found for are those of “unknown”.");
	write_fact(
		page, "Callers",
		"BPF programs by name and type, over reloads, reboots and hosts. “kernel” is the "
		"kernel's own code; “other” are those beyond the limit of callers that are told "
		"apart.");
	write_fact(page, "Deprecated",
		   "As the catalogue of deprecations says of the kernel that ran. That nobody "
		   "called a kfunc is true of the hosts and the time of this report: rare calls "
		   "may not have fallen into it.");
	if (!page->report->deprecated_only) {
		write_fact(page, "NULL, refcount zero",
			   "Calls that returned NULL; acquires that failed because the object's "
			   "count was zero already.");
		write_fact(page, "References",
			   "Outstanding, parked and stale are the state of the last look, not of "
			   "the whole time. Parked: the program that acquired it has returned. "
			   "Stale: the object is dead already.");
	}
	write_fact(page, "Lost",
		   page->report->is_recorded
			   ? "Events that there was no room for: calls and references are missing."
			   : "Calls whose caller is not known, and events that were dropped. Calls "
			     "are still counted then.");
	write_fact(page, "Not known",
		   "“-” was not measured; a 0 was. “>=” stands before sums of "
		   "which parts are not known.");
	fputs("</dl>\n", page->out);
	write_losses(page);
	write_untraced(page);
	fputs("</section>\n", page->out);
}

/* --- the whole ---------------------------------------------------------------------------------------- */

static int prepare(struct usage_page *page)
{
	const struct usage_report *report = page->report;
	int err = usage_deprecations__make(&page->deprecations, report);

	err = err ?: usage_sums__make(&page->by_program, report, USAGE_BY_PROGRAM);
	err = err ?: usage_sums__make(&page->by_kfunc, report, USAGE_BY_KFUNC);
	err = err ?: usage_sums__make(&page->by_pair, report, USAGE_BY_KFUNC | USAGE_BY_PROGRAM);
	if (!err)
		page->types = usage_report__types(report, &page->nr_types, &err);
	if (!err)
		page->breakages = usage_report__breakages(report, &page->nr_breakages, &err);
	for (size_t i = 0; i < page->by_kfunc.nr; i++)
		page->calls += page->by_kfunc.sums[i].calls;
	return err;
}

static void clean_up(struct usage_page *page)
{
	usage_deprecations__free(&page->deprecations);
	usage_sums__free(&page->by_program);
	usage_sums__free(&page->by_kfunc);
	usage_sums__free(&page->by_pair);
	free(page->types);
	free(page->breakages);
}

static int write_all(struct usage_page *page)
{
	int err;

	usage_page__breakages(page);
	err = usage_page__timelines(page);
	if (err)
		return err;
	usage_page__programs(page);
	usage_page__kfuncs(page);
	usage_page__references(page);
	return page->fleet ? usage_page__hosts(page) : 0;
}

int usage_report__print_html(const struct usage_report *report, FILE *out)
{
	struct usage_page page = { .out = out, .report = report, .fleet = report->nr_hosts > 1 };
	int err = prepare(&page);

	if (err)
		goto out;
	write_head(&page);
	html__printf(out, "<header>\n<p class=\"over\">%s</p>\n<h1>",
		     report->deprecated_only ? "Deprecated kfuncs" : "Kfunc usage");
	write_subject(&page);
	fputs("</h1>\n", out);
	if (!report->nr_hosts)
		fputs("<p>Nothing is known of any host in this time.</p>\n", out);
	write_facts(&page);
	write_figures(&page);
	fputs("</header>\n<main>\n", out);
	usage_page__deprecations(&page);
	if (!report->deprecated_only)
		err = write_all(&page);
	usage_page__method(&page);
	fputs("</main>\n</body>\n</html>\n", out);
out:
	clean_up(&page);
	return err;
}
