// SPDX-License-Identifier: GPL-2.0-only
/* Who calls what, how often: by program, by kfunc, by host. */
#include <errno.h>
#include <stdlib.h>

#include "table.h"
#include "usage_page.h"

static void nothing(struct usage_page *page)
{
	fputs("<p>No call was counted.</p>\n", page->out);
}

void usage_page__programs(struct usage_page *page)
{
	static const struct page_column columns[] = {
		{ .title = "Caller" },	       { .title = "Type" },
		{ .title = "Loaded by" },      { "Calls", true },
		{ .title = "Share of calls" }, { "Kfuncs", true },
		{ .title = "Last seen" },      { "Hosts", true },
	};
	struct page_table table = {
		.page = page,
		.label = "Calls by program",
		.columns = columns,
		.nr_columns = page->fleet ? 8 : 7,
		.noun = "caller",
		.rows = page->by_program.nr,
		.shown = 12,
	};

	fputs("<section id=\"programs\">\n<h2>Programs</h2>\n", page->out);
	if (!page->by_program.nr)
		nothing(page);
	else
		page_table__begin(&table);
	for (size_t i = 0; i < page->by_program.nr; i++) {
		const struct usage_sum *sum = &page->by_program.sums[i];
		const struct known_program *program = &page->report->programs[sum->program];

		page_table__group(&table);
		page__row(page, "");
		page__program_head(page, sum->program, "");
		page__text(page, program->type);
		page__text(page, program->loader);
		page__number(page, sum->calls);
		page__share(page, sum->calls, page->calls);
		page__number(page, sum->kfuncs);
		page__time(page, sum->last_seen);
		if (page->fleet)
			page__number(page, sum->hosts);
		page__end_row(page);
	}
	if (page->by_program.nr)
		page_table__end(&table);
	fputs("</section>\n", page->out);
}

/* --- kfuncs and their callers ---------------------------------------------------------------------- */

static void write_measured(struct usage_page *page, __u32 kfunc, unsigned int kind, __u64 count)
{
	if (usage_kfunc__knows(&page->report->kfuncs[kfunc], kind, count)) {
		page__number(page, count);
		return;
	}
	page__cell(page, "n");
	fputs("-</td>", page->out);
}

/* What a kfunc and a caller of it have in common. */
static void write_figures(struct usage_page *page, const struct usage_sum *sum)
{
	page__number(page, sum->calls);
	page__share(page, sum->calls, page->calls);
	write_measured(page, sum->kfunc, AGGREGATE_NULLS, sum->nulls);
	write_measured(page, sum->kfunc, AGGREGATE_ZEROS, sum->zeros);
	page__gauge(page, &sum->outstanding);
	page__time(page, sum->last_seen);
	if (page->fleet)
		page__number(page, sum->hosts);
	page__end_row(page);
}

static void write_kfunc(struct usage_page *page, const struct usage_sum *kfunc)
{
	const struct usage_kfunc *known = &page->report->kfuncs[kfunc->kfunc];

	page__row(page, "group");
	html__printf(page->out, "<th scope=\"rowgroup\"><code>%s</code>", known->name);
	if (known->deprecation)
		html__printf(page->out, " <span class=\"status\">%s</span>", known->deprecation);
	fputs("</th>", page->out);
	page->column++;
	page__text(page, known->module);
	write_figures(page, kfunc);
	for (size_t i = 0; i < page->by_pair.nr; i++) {
		const struct usage_sum *pair = &page->by_pair.sums[i];

		if (pair->kfunc != kfunc->kfunc)
			continue;
		page__row(page, "");
		page__program_head(page, pair->program, "in");
		page__text(page, page->report->programs[pair->program].type);
		write_figures(page, pair);
	}
}

void usage_page__kfuncs(struct usage_page *page)
{
	static const struct page_column columns[] = {
		{ .title = "Kfunc and its callers" },
		{ .title = "Module, type" },
		{ "Calls", true },
		{ .title = "Share of calls" },
		{ "NULL", true },
		{ "Refcount zero", true },
		{ "Outstanding", true },
		{ .title = "Last seen" },
		{ "Hosts", true },
	};
	struct page_table table = {
		.page = page,
		.label = "Calls by kfunc and caller",
		.columns = columns,
		.nr_columns = page->fleet ? 9 : 8,
		.noun = "kfunc",
		.rows = page->by_kfunc.nr,
		.shown = 8,
	};

	fputs("<section id=\"kfuncs\">\n<h2>Kfuncs and their callers</h2>\n", page->out);
	if (!page->by_kfunc.nr)
		nothing(page);
	else
		page_table__begin(&table);
	for (size_t i = 0; i < page->by_kfunc.nr; i++) {
		page_table__group(&table);
		write_kfunc(page, &page->by_kfunc.sums[i]);
	}
	if (page->by_kfunc.nr)
		page_table__end(&table);
	fputs("</section>\n", page->out);
}

/* --- hosts ------------------------------------------------------------------------------------------ */

#define MAX_HOSTS 2000

struct host_figures {
	__u32 host;
	__u64 calls, deprecated_calls;
	struct usage_gauge outstanding, stale;
	size_t problems;
};

static int compare_hosts(const void *a, const void *b)
{
	const struct host_figures *x = a, *y = b;

	if (x->problems != y->problems)
		return x->problems > y->problems ? -1 : 1;
	if (x->deprecated_calls != y->deprecated_calls)
		return x->deprecated_calls > y->deprecated_calls ? -1 : 1;
	if (x->calls != y->calls)
		return x->calls > y->calls ? -1 : 1;
	return (x->host > y->host) - (x->host < y->host);
}

static void fill_figures(const struct usage_report *report, struct host_figures *hosts)
{
	for (size_t i = 0; i < report->nr_hosts; i++)
		hosts[i].host = i;
	for (size_t i = 0; i < report->nr_uses; i++) {
		const struct usage_use *use = &report->uses[i];

		hosts[use->host].calls += use->calls;
		if (usage_report__deprecates(report, use->kfunc, use->host) &&
		    report->programs[use->program].kind != KNOWN_KERNEL)
			hosts[use->host].deprecated_calls += use->calls;
	}
	for (size_t i = 0; i < report->nr_references; i++) {
		const struct usage_references *references = &report->references[i];

		usage_gauge__add(&hosts[references->host].outstanding, references->outstanding);
		usage_gauge__add(&hosts[references->host].stale, references->stale);
	}
	for (size_t i = 0; i < report->nr_problems; i++)
		hosts[report->problems[i].host].problems++;
}

static void write_host(struct usage_page *page, const struct host_figures *figures)
{
	const struct usage_host *host = &page->report->hosts[figures->host];
	const struct usage_gauge lost = usage_host__lost(host);
	char known[48];

	page__row(page, "");
	page__row_head(page, host->name);
	page__text(page, host->release);
	page__number(page, figures->calls);
	page__share(page, figures->calls, page->calls);
	page__number(page, figures->deprecated_calls);
	page__number(page, figures->problems);
	page__gauge(page, &figures->outstanding);
	page__gauge(page, &figures->stale);
	page__gauge(page, &lost);
	page__text(page, host->begin > 0 && host->end > host->begin
				 ? usage__span(host->end - host->begin, known, sizeof(known))
				 : NULL);
	page__end_row(page);
}

int usage_page__hosts(struct usage_page *page)
{
	static const struct page_column columns[] = {
		{ .title = "Host" },
		{ .title = "Kernel" },
		{ "Calls", true },
		{ .title = "Share of calls" },
		{ "Deprecated calls", true },
		{ "Breaks on target", true },
		{ "Outstanding", true },
		{ "Stale", true },
		{ "Lost", true },
		{ .title = "Time known" },
	};
	size_t nr = page->report->nr_hosts;
	struct page_table table = {
		.page = page,
		.label = "Hosts",
		.columns = columns,
		.nr_columns = 10,
		.noun = "host",
		.rows = nr < MAX_HOSTS ? nr : MAX_HOSTS,
		.shown = 10,
	};
	struct host_figures *hosts = calloc(nr + 1, sizeof(*hosts));

	if (!hosts)
		return -ENOMEM;
	fill_figures(page->report, hosts);
	qsort(hosts, nr, sizeof(*hosts), compare_hosts);
	fputs("<section id=\"hosts\">\n<h2>Hosts</h2>\n"
	      "<p class=\"soft\">Those first where a program would break on the target kernel, "
	      "then those with most calls of deprecated kfuncs.</p>\n",
	      page->out);
	page_table__begin(&table);
	for (size_t i = 0; i < table.rows; i++) {
		page_table__group(&table);
		write_host(page, &hosts[i]);
	}
	page_table__end(&table);
	if (nr > table.rows)
		html__printf(page->out, "<p>%zu more hosts are in what --json prints.</p>\n",
			     nr - table.rows);
	fputs("</section>\n", page->out);
	free(hosts);
	return 0;
}
