/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Charts as SVG, to stand in a page whose style sheet knows the classes: chart, wide, narrow; grid,
 * axis, gap, all, and line with s1 to s6. No colours here: they are those of light, dark and print.
 */
#ifndef KFUNCTRACE_SVG_CHART_H
#define KFUNCTRACE_SVG_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

#define CHART_LINES 6

struct chart_line {
	const char *title;
	const __u64 *values; /* of each step */
};

struct line_chart {
	const char *id;		  /* unique in the page */
	const char *title, *desc; /* for those who do not see it */
	const char *unit;	  /* of the values: "calls per hour" */
	__s64 begin, step;
	size_t nr_steps;
	const bool *known; /* false: nothing was measured in the step, which is not 0 */
	const struct chart_line *lines;
	size_t nr_lines;  /* CHART_LINES at the most */
	const __u64 *all; /* their sum and what has no line, drawn as an area; or NULL */
};

/* Wide: with the names at the ends of lines. Narrow: for a telephone, without. */
void svg_chart__lines(const struct line_chart *chart, bool wide, FILE *out);
/* A piece of line number `idx`, for a legend; `nr_lines` and above: of the area. */
void svg_chart__swatch(size_t idx, FILE *out);
/* A bar of these parts of `whole`, each with its class. */
struct bar_part {
	const char *class;
	double value;
};
void svg_chart__bar(const struct bar_part *parts, size_t nr, double whole, FILE *out);

#endif
