// SPDX-License-Identifier: GPL-2.0-only
/* Calls over time: what is drawn of it. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "svg_chart.h"
#include "table.h"
#include "usage_page.h"
#include "usage_timeline.h"

static const char *title_of(const struct usage_page *page, enum timeline_key key, __u32 idx)
{
	return key == TIMELINE_BY_PROGRAM ? known_program__title(&page->report->programs[idx])
					  : page->report->kfuncs[idx].name;
}

static void write_legend_entry(struct usage_page *page, size_t swatch, const char *title,
			       __u64 total)
{
	char number[32];

	fputs("<li>", page->out);
	svg_chart__swatch(swatch, page->out);
	html__printf(page->out, "<code>%s</code> <span class=\"n\">%s</span></li>\n", title,
		     format_thousands(total, number, sizeof(number)));
}

static void write_legend(struct usage_page *page, const struct timeline *timeline,
			 enum timeline_key key, bool has_all)
{
	__u64 all = 0;

	fputs("<ul class=\"legend\">\n", page->out);
	for (size_t i = 0; i < timeline->nr_lines; i++)
		write_legend_entry(page, i, title_of(page, key, timeline->lines[i].idx),
				   timeline->lines[i].total);
	for (size_t i = 0; i < timeline->nr_steps; i++)
		all += timeline->all[i];
	if (has_all)
		write_legend_entry(page, CHART_LINES, "all", all);
	fputs("</ul>\n", page->out);
}

static void write_figures(struct usage_page *page, const struct timeline *timeline,
			  enum timeline_key key)
{
	char when[48];

	page->table = NULL;
	fputs("<details class=\"screen\"><summary>Figures of this chart</summary>\n"
	      "<div class=\"scroll\" role=\"region\" aria-label=\"Figures of the chart\" "
	      "tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">From</th>",
	      page->out);
	for (size_t i = 0; i < timeline->nr_lines; i++)
		html__printf(page->out, "<th scope=\"col\" class=\"n\"><code>%s</code></th>",
			     title_of(page, key, timeline->lines[i].idx));
	fputs("<th scope=\"col\" class=\"n\">all</th></tr></thead>\n<tbody>\n", page->out);
	for (size_t i = 0; i < timeline->nr_steps; i++) {
		html__printf(page->out, "<tr><th scope=\"row\" class=\"t\">%s</th>",
			     usage__time(timeline->begin + timeline->step * (__s64)i, when,
					 sizeof(when)));
		for (size_t j = 0; j < timeline->nr_lines && timeline->known[i]; j++)
			page__number(page, timeline->lines[j].values[i]);
		if (timeline->known[i])
			page__number(page, timeline->all[i]);
		else
			html__printf(page->out, "<td class=\"n\" colspan=\"%zu\">-</td>",
				     timeline->nr_lines + 1);
		fputs("</tr>\n", page->out);
	}
	fputs("</tbody></table></div></details>\n", page->out);
}

/* A step that is not over would look like a fall. One alone is better than nothing. */
static size_t drawn_steps(const struct timeline *timeline)
{
	return timeline->nr_steps - (timeline->last_is_partial && timeline->nr_steps > 1);
}

static size_t count_gaps(const struct timeline *timeline)
{
	size_t gaps = 0;

	for (size_t i = 0; i < timeline->nr_steps; i++)
		gaps += !timeline->known[i];
	return gaps;
}

/* What one has to know to read the chart rightly. */
static void write_notes(struct usage_page *page, const struct timeline *timeline, const char *noun)
{
	size_t gaps = count_gaps(timeline);
	char span[48], step[48];

	fputs("<p class=\"soft\">", page->out);
	if (timeline->left_out)
		html__printf(page->out, "%zu more %s%s only part of “all”. ", timeline->left_out,
			     noun, timeline->left_out == 1 ? " is" : "s are");
	usage__span(timeline->step, step, sizeof(step));
	if (gaps)
		html__printf(page->out, "Hatched: nothing was measured, %zu of %zu steps of %s. ",
			     gaps, timeline->nr_steps, step);
	if (drawn_steps(timeline) < timeline->nr_steps) {
		__s64 last = timeline->begin + timeline->step * (__s64)(timeline->nr_steps - 1);

		html__printf(page->out, "The last step is not complete, %s of %s, and not drawn.",
			     usage__span(page->report->end - last, span, sizeof(span)), step);
	}
	fputs("</p>\n", page->out);
}

static const char *step_name(__s64 step, char *buf, size_t size)
{
	switch (step) {
	case 1:
		return "second";
	case 60:
		return "minute";
	case 3600:
		return "hour";
	case 86400:
		return "day";
	default:
		return usage__span(step, buf, size);
	}
}

static int write_timeline(struct usage_page *page, enum timeline_key key, const char *noun)
{
	char title[64], desc[256], unit[64], step[48], from[48], to[48];
	struct chart_line lines[TIMELINE_LINES];
	struct line_chart chart = { .id = noun, .title = title, .desc = desc, .unit = unit };
	struct timeline timeline;
	int err = timeline__make(&timeline, page->report, key);

	if (err || !timeline.nr_steps || !timeline.nr_lines)
		goto out;
	for (size_t i = 0; i < timeline.nr_lines; i++)
		lines[i] = (struct chart_line){
			.title = title_of(page, key, timeline.lines[i].idx),
			.values = timeline.lines[i].values,
		};
	chart.begin = timeline.begin;
	chart.step = timeline.step;
	chart.nr_steps = drawn_steps(&timeline);
	chart.known = timeline.known;
	chart.lines = lines;
	chart.nr_lines = timeline.nr_lines;
	/* One line is all, and is drawn once. */
	if (timeline.nr_lines > 1)
		chart.all = timeline.all;
	snprintf(unit, sizeof(unit), "calls per %s", step_name(timeline.step, step, sizeof(step)));
	snprintf(title, sizeof(title), "Calls over time by %s", noun);
	snprintf(desc, sizeof(desc), "Lines of %zu %s%s from %s to %s, the figures follow below",
		 timeline.nr_lines, noun, timeline.nr_lines == 1 ? "" : "s",
		 usage__time(timeline.begin, from, sizeof(from)),
		 usage__time(timeline.begin + timeline.step * (__s64)timeline.nr_steps, to,
			     sizeof(to)));
	html__printf(page->out, "<figure id=\"over-time-%s\">\n<figcaption>By %s</figcaption>\n",
		     noun, noun);
	svg_chart__lines(&chart, true, page->out);
	svg_chart__lines(&chart, false, page->out);
	write_legend(page, &timeline, key, chart.all);
	write_notes(page, &timeline, noun);
	write_figures(page, &timeline, key);
	fputs("</figure>\n", page->out);
out:
	timeline__free(&timeline);
	return err;
}

int usage_page__timelines(struct usage_page *page)
{
	int err;

	fputs("<section id=\"over-time\">\n<h2>Calls over time</h2>\n", page->out);
	if (!page->report->nr_points)
		fputs("<p>Nothing was recorded over time.</p>\n", page->out);
	err = write_timeline(page, TIMELINE_BY_PROGRAM, "program");
	if (!err)
		err = write_timeline(page, TIMELINE_BY_KFUNC, "kfunc");
	fputs("</section>\n", page->out);
	return err;
}
