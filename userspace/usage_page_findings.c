// SPDX-License-Identifier: GPL-2.0-only
/* What somebody has to do something about: deprecated kfuncs in use, and what the target breaks. */
#include "table.h"
#include "usage_page.h"

/* --- deprecations --------------------------------------------------------------------------------- */

/* Uses of a sum are in the order of hosts. */
static void write_caller_hosts(struct usage_page *page, const struct usage_sum *sum)
{
	struct page_names names = { .page = page, .hosts = sum->hosts };
	const __u32 *order = page->deprecations.callers.order;

	page_names__begin(&names);
	for (size_t i = 0; i < sum->nr; i++)
		page_names__add(&names, page->report->uses[order[sum->first + i]].host);
	page_names__end(&names);
}

static void write_caller(struct usage_page *page, const struct usage_sum *sum)
{
	const struct known_program *program = &page->report->programs[sum->program];

	page__program_head(page, sum->program, "");
	page__text(page, program->type);
	page__text(page, program->loader);
	page__number(page, sum->calls);
	page__time(page, sum->last_seen);
	if (page->fleet)
		write_caller_hosts(page, sum);
	page__end_row(page);
}

static void write_callers(struct usage_page *page, const struct usage_deprecated *kfunc)
{
	static const struct page_column columns[] = {
		{ .title = "Caller" }, { .title = "Type" },	   { .title = "Loaded by" },
		{ "Calls", true },     { .title = "Last called" }, { .title = "Hosts" },
	};
	struct page_table table = {
		.page = page,
		.label = "Callers",
		.columns = columns,
		.nr_columns = page->fleet ? 6 : 5,
		.noun = "caller",
		.rows = kfunc->nr_sums,
		.shown = 10,
	};

	page_table__begin(&table);
	for (size_t i = 0; i < kfunc->nr_sums; i++) {
		page_table__group(&table);
		page__row(page, "");
		write_caller(page, usage_deprecated__caller(&page->deprecations, kfunc, i));
	}
	page_table__end(&table);
}

static void write_in_use(struct usage_page *page, const struct usage_deprecated *deprecated)
{
	const struct usage_kfunc *kfunc = &page->report->kfuncs[deprecated->kfunc];
	char status[128], verdict[512];

	html__printf(page->out,
		     "<article>\n<h3><code>%s</code></h3>\n<p><span class=\"status\">%s</span>",
		     kfunc->name, usage_kfunc__status(kfunc, status, sizeof(status)));
	if (kfunc->replacement)
		html__printf(page->out, " · use <code>%s</code>", kfunc->replacement);
	else
		fputs(" · no replacement is known", page->out);
	html__printf(page->out, "<br/>%s.</p>\n",
		     usage_deprecated__verdict(page->report, deprecated, verdict, sizeof(verdict)));
	if (deprecated->nr_sums)
		write_callers(page, deprecated);
	fputs("</article>\n", page->out);
}

static void write_not_in_use(struct usage_page *page, size_t first)
{
	static const struct page_column columns[] = { { .title = "Kfunc" },
						      { .title = "Status" },
						      { .title = "Replacement" },
						      { .title = "Finding" } };
	struct page_table table = {
		.page = page,
		.label = "Deprecated kfuncs without a known caller",
		.columns = columns,
		.nr_columns = 4,
		.noun = "kfunc",
		.rows = page->deprecations.nr - first,
		.shown = 15,
	};
	char status[128], verdict[512];

	fputs("<h3>No use found</h3>\n", page->out);
	page_table__begin(&table);
	for (size_t i = first; i < page->deprecations.nr; i++) {
		const struct usage_deprecated *deprecated = &page->deprecations.kfuncs[i];
		const struct usage_kfunc *kfunc = &page->report->kfuncs[deprecated->kfunc];

		page_table__group(&table);
		page__row(page, "");
		page__row_head(page, kfunc->name);
		page__text(page, usage_kfunc__status(kfunc, status, sizeof(status)));
		page__code(page, kfunc->replacement);
		page__text(page, usage_deprecated__verdict(page->report, deprecated, verdict,
							   sizeof(verdict)));
		page__end_row(page);
	}
	page_table__end(&table);
}

void usage_page__deprecations(struct usage_page *page)
{
	size_t nr = 0;

	fputs("<section id=\"deprecated\">\n<h2>Deprecated kfuncs</h2>\n", page->out);
	if (!page->deprecations.nr)
		fputs("<p>None of the kfuncs of this report is known to be deprecated on these "
		      "kernels.</p>\n",
		      page->out);
	while (nr < page->deprecations.nr &&
	       (page->deprecations.kfuncs[nr].vague_calls ||
		usage_deprecated__used(page->report, &page->deprecations.kfuncs[nr]) == 1))
		write_in_use(page, &page->deprecations.kfuncs[nr++]);
	if (nr < page->deprecations.nr)
		write_not_in_use(page, nr);
	fputs("</section>\n", page->out);
}

/* --- the target kernel ----------------------------------------------------------------------------- */

static void write_hosts_of(struct usage_page *page, const struct usage_breakage *breakage)
{
	struct page_names names = { .page = page, .hosts = breakage->hosts };

	page_names__begin(&names);
	for (size_t i = 0; i < page->report->nr_problems; i++) {
		const struct usage_problem *problem = &page->report->problems[i];

		if (usage_problem__same(page->report, breakage->problem, problem))
			page_names__add(&names, problem->host);
	}
	page_names__end(&names);
}

static void write_breakage(struct usage_page *page, const struct usage_breakage *breakage)
{
	const struct usage_problem *problem = breakage->problem;
	const struct usage_report *report = page->report;

	page__row(page, "");
	page__row_head(page, report->kfuncs[problem->kfunc].name);
	page__text(page, problem->target);
	page__text(page, problem->problem);
	page__code(page, problem->replacement);
	page__code(page, known_program__title(&report->programs[problem->program]));
	page__text(page, report->programs[problem->program].type);
	if (page->fleet)
		write_hosts_of(page, breakage);
	page__end_row(page);
}

static void write_breakages(struct usage_page *page)
{
	static const struct page_column columns[] = {
		{ .title = "Kfunc" },	    { .title = "On" },	    { .title = "What happens" },
		{ .title = "Use instead" }, { .title = "Program" }, { .title = "Type" },
		{ .title = "Hosts" },
	};
	struct page_table table = {
		.page = page,
		.label = "What breaks on the target kernel",
		.columns = columns,
		.nr_columns = page->fleet ? 7 : 6,
		.noun = "finding",
		.rows = page->nr_breakages,
		.shown = 20,
	};

	page_table__begin(&table);
	for (size_t i = 0; i < page->nr_breakages; i++) {
		page_table__group(&table);
		write_breakage(page, &page->breakages[i]);
	}
	page_table__end(&table);
}

void usage_page__breakages(struct usage_page *page)
{
	char targets[512];

	usage_report__releases(page->report, true, targets, sizeof(targets));
	fputs("<section id=\"target\">\n<h2>What the target kernel breaks</h2>\n", page->out);
	if (page->nr_breakages)
		write_breakages(page);
	else if (*targets)
		html__printf(page->out,
			     "<p>No loaded program was found that would break on %s.</p>\n",
			     targets);
	else
		fputs("<p>No target kernel was compared with.</p>\n", page->out);
	fputs("</section>\n", page->out);
}
