// SPDX-License-Identifier: GPL-2.0-only
#include "svg_chart.h"

#include <string.h>

#include "chart_scale.h"
#include "html_text.h"

#define MAX_TIMES   12
#define LABEL_GAP   17
#define LABEL_CHARS 26

/* Where things are, in units of the viewBox: pixels when it is shown in its full size. */
struct layout {
	const struct line_chart *chart;
	FILE *out;
	bool wide;
	double width, height;
	double left, right, top, bottom; /* of the plot */
	__u64 max;			 /* at the top */
	__u64 mark;			 /* between two lines of the grid */
};

static double x_of(const struct layout *layout, double step)
{
	return layout->left +
	       (layout->right - layout->left) * step / (double)layout->chart->nr_steps;
}

/* A step's value is drawn in its middle. */
static double x_of_middle(const struct layout *layout, size_t step)
{
	return x_of(layout, step + 0.5);
}

static double y_of(const struct layout *layout, __u64 value)
{
	return layout->bottom - (layout->bottom - layout->top) * ((double)value / layout->max);
}

static __u64 greatest(const struct line_chart *chart)
{
	__u64 max = 0;

	for (size_t i = 0; i < chart->nr_steps; i++) {
		if (!chart->known[i])
			continue;
		if (chart->all && chart->all[i] > max)
			max = chart->all[i];
		for (size_t j = 0; j < chart->nr_lines; j++) {
			if (chart->lines[j].values[i] > max)
				max = chart->lines[j].values[i];
		}
	}
	return max;
}

/* For the names behind the lines: about as wide as they are. */
static double label_room(const struct line_chart *chart)
{
	size_t most = strlen("all");

	for (size_t i = 0; i < chart->nr_lines; i++) {
		size_t len = strlen(chart->lines[i].title);

		if (len > most)
			most = len < LABEL_CHARS ? len : LABEL_CHARS;
	}
	return 40 + most * 7.6;
}

static struct layout lay_out(const struct line_chart *chart, bool wide, FILE *out)
{
	struct layout layout = {
		.chart = chart,
		.out = out,
		.wide = wide,
		.width = wide ? 1000 : 340,
		.height = wide ? 300 : 230,
		.left = wide ? 52 : 40,
		.top = 30,
	};
	__u64 max = greatest(chart);

	layout.right = layout.width - (wide ? label_room(chart) : 8);
	layout.bottom = layout.height - 28;
	layout.mark = chart_scale__step(max ?: 1, wide ? 5 : 4);
	layout.max = (max / layout.mark + (max % layout.mark != 0)) * layout.mark ?: layout.mark;
	return layout;
}

static void draw_grid(const struct layout *layout)
{
	fputs("<g class=\"grid\">", layout->out);
	for (__u64 value = 0;; value += layout->mark) {
		double y = y_of(layout, value);
		char text[32];

		html__printf(layout->out,
			     "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
			     "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			     layout->left, layout->right, y, y, layout->left - 8, y + 4,
			     chart_scale__mark(value, layout->mark, text, sizeof(text)));
		/* Not value <= max, which is true of all when max is the greatest there is. */
		if (layout->max - value < layout->mark)
			break;
	}
	html__printf(layout->out, "<text x=\"%.1f\" y=\"14\">%s</text></g>\n",
		     layout->wide ? layout->left : 2.0, layout->chart->unit);
}

/* Text at the ends stays within the picture. */
static const char *anchor_of(const struct layout *layout, double x)
{
	if (x < layout->left + 18)
		return "start";
	return !layout->wide && x > layout->right - 18 ? "end" : "middle";
}

static void draw_times(const struct layout *layout)
{
	const struct line_chart *chart = layout->chart;
	struct time_mark marks[MAX_TIMES];
	__s64 end = chart->begin + chart->step * (__s64)chart->nr_steps;
	size_t nr = chart_scale__times(chart->begin, end, marks, layout->wide ? MAX_TIMES : 5);

	fputs("<g class=\"axis\">", layout->out);
	for (size_t i = 0; i < nr; i++) {
		double x = x_of(layout, (double)(marks[i].time - chart->begin) / chart->step);

		html__printf(layout->out,
			     "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
			     "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
			     x, x, layout->bottom, layout->bottom + 5, x, layout->bottom + 20,
			     anchor_of(layout, x), marks[i].text);
	}
	fputs("</g>\n", layout->out);
}

/* What was not measured is hatched. */
static void draw_gaps(const struct layout *layout)
{
	const struct line_chart *chart = layout->chart;
	size_t len;

	for (size_t i = 0; i < chart->nr_steps; i += len) {
		for (len = 1; i + len < chart->nr_steps && chart->known[i + len] == chart->known[i];
		     len++)
			;
		if (chart->known[i])
			continue;
		html__printf(layout->out,
			     "<rect class=\"gap\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			     "height=\"%.1f\" fill=\"url(#%s-%c-hatch)\">"
			     "<title>not measured</title></rect>\n",
			     x_of(layout, i), layout->top, x_of(layout, i + len) - x_of(layout, i),
			     layout->bottom - layout->top, chart->id, layout->wide ? 'w' : 'n');
	}
}

static void draw_area(const struct layout *layout)
{
	const struct line_chart *chart = layout->chart;
	size_t len;

	for (size_t i = 0; i < chart->nr_steps; i += len) {
		for (len = 0; i + len < chart->nr_steps && chart->known[i + len]; len++)
			;
		if (!len) {
			len = 1;
			continue;
		}
		/* As wide as its steps, so that one alone is seen. */
		html__printf(layout->out, "<path class=\"all\" d=\"M%.1f %.1f", x_of(layout, i),
			     layout->bottom);
		html__printf(layout->out, "V%.1f", y_of(layout, chart->all[i]));
		for (size_t j = i; j < i + len; j++)
			html__printf(layout->out, "L%.1f %.1f", x_of_middle(layout, j),
				     y_of(layout, chart->all[j]));
		html__printf(layout->out, "H%.1fV%.1fZ\"/>\n", x_of(layout, i + len),
			     layout->bottom);
	}
}

static bool is_known(const struct line_chart *chart, size_t step)
{
	return step < chart->nr_steps && chart->known[step];
}

static void draw_line(const struct layout *layout, size_t idx)
{
	const struct line_chart *chart = layout->chart;
	const struct chart_line *line = &chart->lines[idx];

	html__printf(layout->out, "<g class=\"line s%zu\"><title>%s</title><path d=\"", idx + 1,
		     line->title);
	for (size_t i = 0; i < chart->nr_steps; i++) {
		if (chart->known[i])
			html__printf(layout->out, "%c%.1f %.1f",
				     i && chart->known[i - 1] ? 'L' : 'M', x_of_middle(layout, i),
				     y_of(layout, line->values[i]));
	}
	fputs("\"/>", layout->out);
	for (size_t i = 0; i < chart->nr_steps; i++) {
		if (!chart->known[i] || is_known(chart, i + 1) || (i && chart->known[i - 1]))
			continue;
		html__printf(layout->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>",
			     x_of_middle(layout, i), y_of(layout, line->values[i]));
	}
	fputs("</g>\n", layout->out);
}

/* --- the names at the ends of lines --------------------------------------------------------------- */

struct label {
	size_t idx; /* nr_lines: the area */
	double from, y;
};

/* Each at least LABEL_GAP below the one before, and all within the picture. */
static void spread(struct label *labels, size_t nr, double top, double bottom)
{
	for (size_t i = 1; i < nr; i++) {
		struct label label = labels[i];
		size_t j = i;

		for (; j && labels[j - 1].y > label.y; j--)
			labels[j] = labels[j - 1];
		labels[j] = label;
	}
	for (size_t i = 0; i < nr; i++) {
		double least = i ? labels[i - 1].y + LABEL_GAP : top;

		if (labels[i].y < least)
			labels[i].y = least;
	}
	for (size_t i = nr; i-- > 0; bottom = labels[i].y - LABEL_GAP) {
		if (labels[i].y > bottom)
			labels[i].y = bottom;
	}
}

static void draw_label(const struct layout *layout, const struct label *label, size_t last)
{
	const struct line_chart *chart = layout->chart;
	double x = x_of_middle(layout, last), to = layout->right + 26;

	if (label->idx == chart->nr_lines)
		html__printf(layout->out, "<g class=\"end end-all\">");
	else
		html__printf(layout->out, "<g class=\"end s%zu\">", label->idx + 1);
	html__printf(layout->out, "<path d=\"M%.1f %.1fH%.1fL%.1f %.1f\"/>", x, label->from,
		     layout->right + 8 > x + 4 ? layout->right + 8 : x + 4, to, label->y);
	html__printf(layout->out, "<text x=\"%.1f\" y=\"%.1f\">", to + 5, label->y + 4);
	html__short_text(layout->out,
			 label->idx == chart->nr_lines ? "all" : chart->lines[label->idx].title,
			 LABEL_CHARS);
	fputs("</text></g>\n", layout->out);
}

static void draw_labels(const struct layout *layout)
{
	const struct line_chart *chart = layout->chart;
	struct label labels[CHART_LINES + 1];
	size_t nr = 0, last = chart->nr_steps;

	while (last && !chart->known[last - 1])
		last--;
	if (!last--)
		return;
	for (; nr < chart->nr_lines; nr++)
		labels[nr] = (struct label){
			.idx = nr,
			.from = y_of(layout, chart->lines[nr].values[last]),
		};
	if (chart->all) {
		labels[nr] = (struct label){ .idx = nr, .from = y_of(layout, chart->all[last]) };
		nr++;
	}
	for (size_t i = 0; i < nr; i++)
		labels[i].y = labels[i].from;
	spread(labels, nr, layout->top, layout->bottom);
	for (size_t i = 0; i < nr; i++)
		draw_label(layout, &labels[i], last);
}

static void draw_hatch(const struct layout *layout)
{
	html__printf(
		layout->out,
		"<defs><pattern id=\"%s-%c-hatch\" width=\"6\" height=\"6\" "
		"patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
		"<line class=\"hatch\" x1=\"0\" x2=\"0\" y1=\"0\" y2=\"6\"/></pattern></defs>\n",
		layout->chart->id, layout->wide ? 'w' : 'n');
}

void svg_chart__lines(const struct line_chart *chart, bool wide, FILE *out)
{
	struct layout layout = lay_out(chart, wide, out);
	char size = wide ? 'w' : 'n';

	html__printf(out,
		     "<svg class=\"chart %s\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
		     "xmlns=\"http://www.w3.org/2000/svg\" "
		     "aria-labelledby=\"%s-%c-title %s-%c-desc\">\n"
		     "<title id=\"%s-%c-title\">%s</title>\n<desc id=\"%s-%c-desc\">%s</desc>\n",
		     wide ? "wide" : "narrow", layout.width, layout.height, chart->id, size,
		     chart->id, size, chart->id, size, chart->title, chart->id, size, chart->desc);
	draw_hatch(&layout);
	draw_gaps(&layout);
	if (chart->all)
		draw_area(&layout);
	draw_grid(&layout);
	draw_times(&layout);
	/* The greatest on top of the others. */
	for (size_t i = chart->nr_lines; i-- > 0;)
		draw_line(&layout, i);
	if (wide)
		draw_labels(&layout);
	fputs("</svg>\n", out);
}

void svg_chart__swatch(size_t idx, FILE *out)
{
	fputs("<svg class=\"swatch\" viewBox=\"0 0 28 10\" aria-hidden=\"true\">", out);
	if (idx < CHART_LINES)
		html__printf(out, "<g class=\"line s%zu\"><path d=\"M0 5H28\"/></g></svg>",
			     idx + 1);
	else
		fputs("<rect class=\"all\" width=\"28\" height=\"10\"/></svg>", out);
}

void svg_chart__bar(const struct bar_part *parts, size_t nr, double whole, FILE *out)
{
	double at = 0;

	fputs("<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" "
	      "aria-hidden=\"true\">",
	      out);
	for (size_t i = 0; i < nr && whole > 0; i++) {
		double width = 100 * parts[i].value / whole;

		/* What is there is seen. */
		if (width > 0 && width < 0.7)
			width = 0.7;
		if (width > 0)
			html__printf(out,
				     "<rect class=\"%s\" x=\"%.2f\" width=\"%.2f\" "
				     "height=\"10\"/>",
				     parts[i].class, at, width);
		at += width;
	}
	fputs("</svg>", out);
}
