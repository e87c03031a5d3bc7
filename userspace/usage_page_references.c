// SPDX-License-Identifier: GPL-2.0-only
/* References: by type, and the objects on which they are held by age. */
#include "svg_chart.h"
#include "table.h"
#include "usage_page.h"

#define MAX_OBJECTS 500

static void write_types(struct usage_page *page)
{
	static const struct page_column columns[] = {
		{ .title = "Type" },	 { "Acquired", true }, { "Released", true },
		{ "Outstanding", true }, { "Parked", true },   { "Stale", true },
		{ .title = "Oldest" },	 { "Hosts", true },
	};
	struct page_table table = {
		.page = page,
		.label = "References by type",
		.columns = columns,
		.nr_columns = page->fleet ? 8 : 7,
		.noun = "type",
		.rows = page->nr_types,
		.shown = 12,
	};
	char oldest[48];

	page_table__begin(&table);
	for (size_t i = 0; i < page->nr_types; i++) {
		const struct usage_type *type = &page->types[i];

		page_table__group(&table);
		page__row(page, "");
		page__row_head(page, type->name);
		page__gauge(page, &type->acquired);
		page__gauge(page, &type->released);
		page__gauge(page, &type->outstanding);
		page__gauge(page, &type->parked);
		page__gauge(page, &type->stale);
		page__text(page, type->oldest_s
					 ? usage__span(type->oldest_s, oldest, sizeof(oldest))
					 : NULL);
		if (page->fleet)
			page__number(page, type->hosts);
		page__end_row(page);
	}
	page_table__end(&table);
}

/* --- by age ----------------------------------------------------------------------------------------- */

static const struct age {
	__u64 below; /* seconds */
	const char *title;
} ages[] = {
	{ 60, "less than 1 min" },  { 600, "1 to 10 min" }, { 3600, "10 to 60 min" },
	{ 21600, "1 to 6 h" },	    { 86400, "6 to 24 h" }, { 604800, "1 to 7 d" },
	{ ~0ull, "more than 7 d" },
};
#define NR_AGES (sizeof(ages) / sizeof(ages[0]))

enum { STALE, PARKED, IN_USE, NR_STATES };

static int state_of(const struct usage_object *object)
{
	return object->stale ? STALE : object->parked ? PARKED : IN_USE;
}

static void sort_by_age(const struct usage_report *report, __u64 counts[NR_AGES][NR_STATES])
{
	for (size_t i = 0; i < report->nr_objects; i++) {
		const struct usage_object *object = &report->objects[i];
		size_t age = 0;

		while (age + 1 < NR_AGES && object->age_s >= ages[age].below)
			age++;
		counts[age][state_of(object)] += object->references;
	}
}

static void write_ages(struct usage_page *page)
{
	static const struct page_column columns[] = {
		{ .title = "Held for" }, { "References", true }, { .title = "" },
		{ "Stale", true },	 { "Parked", true },	 { "In use", true },
	};
	__u64 counts[NR_AGES][NR_STATES] = { 0 }, most = 0;
	struct page_table table = {
		.page = page,
		.label = "References by age",
		.columns = columns,
		.nr_columns = 6,
		.noun = "age",
		.rows = NR_AGES,
	};

	sort_by_age(page->report, counts);
	for (size_t i = 0; i < NR_AGES; i++) {
		__u64 sum = counts[i][STALE] + counts[i][PARKED] + counts[i][IN_USE];

		if (sum > most)
			most = sum;
	}
	fputs("<h3>By age</h3>\n<ul class=\"legend shown\">"
	      "<li><i class=\"key stale\"></i> stale: the object is dead</li>"
	      "<li><i class=\"key parked\"></i> parked: kept in a map</li>"
	      "<li><i class=\"key used\"></i> in use</li></ul>\n",
	      page->out);
	page_table__begin(&table);
	for (size_t i = 0; i < NR_AGES; i++) {
		const __u64 *of = counts[i];
		const struct bar_part parts[] = { { "stale", of[STALE] },
						  { "parked", of[PARKED] },
						  { "used", of[IN_USE] } };

		page_table__group(&table);
		page__row(page, "");
		page->column++;
		html__printf(page->out, "<th scope=\"row\">%s</th>", ages[i].title);
		page__number(page, of[STALE] + of[PARKED] + of[IN_USE]);
		page__cell(page, "b");
		svg_chart__bar(parts, NR_STATES, most, page->out);
		fputs("</td>", page->out);
		for (int state = 0; state < NR_STATES; state++)
			page__number(page, of[state]);
		page__end_row(page);
	}
	page_table__end(&table);
}

static void write_object(struct usage_page *page, const struct usage_object *object)
{
	static const char *const states[] = { "stale", "parked", "in use" };
	const struct usage_report *report = page->report;
	char age[48];

	page__row(page, "");
	page->column++;
	html__printf(page->out, "<th scope=\"row\">%s</th>", object->what ?: "-");
	page__code(page, object->type);
	page__number(page, object->references);
	page__text(page, usage__span(object->age_s, age, sizeof(age)));
	page__text(page, states[state_of(object)]);
	page__code(page,
		   object->kfunc < report->nr_kfuncs ? report->kfuncs[object->kfunc].name : NULL);
	page__code(page, object->program < report->nr_programs
				 ? known_program__title(&report->programs[object->program])
				 : NULL);
	if (page->fleet)
		page__code(page, report->hosts[object->host].name);
	page__end_row(page);
}

static void write_objects(struct usage_page *page)
{
	static const struct page_column columns[] = {
		{ .title = "Object" },	 { .title = "Type" },  { "References", true },
		{ .title = "Held for" }, { .title = "State" }, { .title = "Acquired with" },
		{ .title = "By" },	 { .title = "Host" },
	};
	size_t nr = page->report->nr_objects;
	struct page_table table = {
		.page = page,
		.label = "Objects on which references are held, oldest first",
		.columns = columns,
		.nr_columns = page->fleet ? 8 : 7,
		.noun = "object",
		.rows = nr < MAX_OBJECTS ? nr : MAX_OBJECTS,
		.shown = 8,
	};

	fputs("<h3>Oldest objects</h3>\n", page->out);
	page_table__begin(&table);
	for (size_t i = 0; i < table.rows; i++) {
		page_table__group(&table);
		write_object(page, &page->report->objects[i]);
	}
	page_table__end(&table);
	if (nr > table.rows)
		html__printf(page->out, "<p>%zu more objects are in what --json prints.</p>\n",
			     nr - table.rows);
}

void usage_page__references(struct usage_page *page)
{
	fputs("<section id=\"references\">\n<h2>References</h2>\n", page->out);
	if (page->nr_types)
		write_types(page);
	else
		fputs("<p>No references were accounted for.</p>\n", page->out);
	if (page->report->nr_objects) {
		write_ages(page);
		write_objects(page);
	}
	fputs("</section>\n", page->out);
}
