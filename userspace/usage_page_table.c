// SPDX-License-Identifier: GPL-2.0-only
/* Tables of a page. */
#include "svg_chart.h"
#include "table.h"
#include "usage_page.h"

/* So few more are not worth being folded. */
#define FOLD_AT_LEAST	 4
#define MAX_HOST_NAMES	 500
#define HOST_NAMES_SHOWN 2

static void write_head(const struct page_table *table)
{
	FILE *out = table->page->out;

	html__printf(out,
		     "<div class=\"scroll rows\" role=\"region\" aria-label=\"%s\" tabindex=\"0\">"
		     "<table>\n<thead><tr>",
		     table->label);
	for (int i = 0; i < table->nr_columns; i++)
		html__printf(out, "<th scope=\"col\" class=\"%s\">%s</th>",
			     table->columns[i].right ? "n" : "", table->columns[i].title);
	fputs("</tr></thead>\n", out);
}

void page_table__begin(struct page_table *table)
{
	if (table->shown && table->rows < table->shown + FOLD_AT_LEAST)
		table->shown = 0;
	table->page->table = table;
	write_head(table);
}

void page_table__group(struct page_table *table)
{
	FILE *out = table->page->out;
	char number[48];

	if (table->at)
		fputs("</tbody>\n", out);
	if (table->shown && table->at == table->shown) {
		html__printf(out, "</table></div>\n<details><summary>%s more</summary>\n",
			     usage__count(table->rows - table->shown, table->noun, number,
					  sizeof(number)));
		write_head(table);
		table->folded = true;
	}
	fputs("<tbody>\n", out);
	table->at++;
}

void page_table__end(struct page_table *table)
{
	fprintf(table->page->out, "%s</table></div>\n%s", table->at ? "</tbody>\n" : "",
		table->folded ? "</details>\n" : "");
}

/* --- cells ---------------------------------------------------------------------------------------- */

void page__row(struct usage_page *page, const char *class)
{
	html__printf(page->out, "<tr class=\"%s\">", class);
	page->column = 0;
}

void page__end_row(struct usage_page *page)
{
	fputs("</tr>\n", page->out);
}

void page__cell(struct usage_page *page, const char *class)
{
	const struct page_table *table = page->table;
	const char *title =
		table && page->column < table->nr_columns ? table->columns[page->column].title : "";

	page->column++;
	html__printf(page->out, "<td class=\"%s\" data-t=\"%s\">", class, title);
}

void page__number(struct usage_page *page, __u64 number)
{
	char text[32];

	page__cell(page, "n");
	html__printf(page->out, "%s</td>", format_thousands(number, text, sizeof(text)));
}

void page__gauge(struct usage_page *page, const struct usage_gauge *gauge)
{
	char text[48];

	page__cell(page, "n");
	html__printf(page->out, "%s</td>", usage_gauge__format(gauge, text, sizeof(text)));
}

void page__time(struct usage_page *page, __s64 when)
{
	char text[48];

	page__cell(page, "t");
	html__printf(page->out, "%s</td>", usage__time(when, text, sizeof(text)));
}

void page__text(struct usage_page *page, const char *text)
{
	page__cell(page, "");
	html__printf(page->out, "%s</td>", text && *text ? text : "-");
}

void page__code(struct usage_page *page, const char *text)
{
	page__cell(page, "");
	if (text && *text)
		html__printf(page->out, "<code>%s</code></td>", text);
	else
		fputs("-</td>", page->out);
}

void page__row_head(struct usage_page *page, const char *text)
{
	page->column++;
	html__printf(page->out, "<th scope=\"row\"><code>%s</code></th>", text);
}

void page__share(struct usage_page *page, __u64 part, __u64 whole)
{
	const struct bar_part bar = { "part", part };
	double percent = whole ? 100.0 * part / whole : 0;

	page__cell(page, "b");
	svg_chart__bar(&bar, 1, whole, page->out);
	if (percent > 0 && percent < 0.1)
		html__printf(page->out, "<span>%s %%</span></td>", "<0.1");
	else
		html__printf(page->out, "<span>%.1f %%</span></td>", percent);
}

void page__program_head(struct usage_page *page, __u32 program, const char *class)
{
	const struct known_program *known =
		program < page->report->nr_programs ? &page->report->programs[program] : NULL;

	page->column++;
	html__printf(page->out, "<th scope=\"row\" class=\"%s\">", class);
	if (!known)
		html__printf(page->out, "-</th>");
	else if (known->kind == KNOWN_PROGRAM)
		html__printf(page->out, "<code>%s</code></th>", known_program__title(known));
	else
		html__printf(page->out, "<i>%s</i></th>", known_program__title(known));
}

void page_names__add(struct page_names *names, __u32 host)
{
	struct usage_page *page = names->page;

	/* Of a host there may be several, one after the other. */
	if (names->at && names->last == host)
		return;
	names->last = host;
	if (names->at++ >= MAX_HOST_NAMES)
		return;
	html__printf(page->out, "%s<code>%s</code>", names->at > 1 ? ", " : "",
		     page->report->hosts[host].name);
}

void page_names__begin(struct page_names *names)
{
	char number[48];

	page__cell(names->page, "names");
	if (names->hosts > HOST_NAMES_SHOWN)
		html__printf(names->page->out, "<details><summary>%s</summary>",
			     usage__count(names->hosts, "host", number, sizeof(number)));
}

void page_names__end(struct page_names *names)
{
	if (names->at > MAX_HOST_NAMES)
		html__printf(names->page->out, " and %zu more, which --json lists",
			     names->at - MAX_HOST_NAMES);
	fprintf(names->page->out, "%s</td>", names->hosts > HOST_NAMES_SHOWN ? "</details>" : "");
}
