/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of the page that usage_report__print_html() writes; for it alone. */
#ifndef KFUNCTRACE_USAGE_PAGE_H
#define KFUNCTRACE_USAGE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

#include "html_text.h"
#include "usage_report.h"
#include "usage_summary.h"

/* Names of hosts in one place; more are told by their number. */
#define MAX_HOST_NAMES 500

struct page_table;

struct usage_page {
	FILE *out;
	const struct usage_report *report;
	bool fleet; /* of more than one host */
	__u64 calls;
	struct usage_deprecations deprecations;
	struct usage_sums by_program, by_kfunc, by_pair, by_host;
	struct usage_type *types;
	size_t nr_types;
	struct usage_breakage *breakages;
	size_t nr_breakages;
	const struct page_table *table; /* that is being written */
	int column;			/* of the next cell in its row */
};

extern const char usage_page__style[];

/* The sections, in their order. Those that can run out of memory return -ENOMEM. */
void usage_page__deprecations(struct usage_page *page);
void usage_page__breakages(struct usage_page *page);
int usage_page__timelines(struct usage_page *page);
void usage_page__programs(struct usage_page *page);
void usage_page__kfuncs(struct usage_page *page);
void usage_page__references(struct usage_page *page);
int usage_page__hosts(struct usage_page *page);
void usage_page__method(struct usage_page *page);

/* --- tables (usage_page_table.c) -------------------------------------------------------------- */

struct page_column {
	const char *title;
	bool right; /* numbers */
};

/*
 * A table whose first rows are shown and whose others are folded. Rows that
 * belong together are a group, and folded as one.
 */
struct page_table {
	struct usage_page *page;
	const char *label; /* what it is, for those who do not see it */
	const struct page_column *columns;
	int nr_columns;
	const char *noun;   /* of a row: "kfunc" */
	size_t rows, shown; /* groups that there are; that are not folded, 0: all */
	size_t at;
	bool folded;
};

void page_table__begin(struct page_table *table);
/*
 * Before each row, or each group of rows that belong together; writes <tbody> and, when it is time,
 * what folds the rest.
 */
void page_table__group(struct page_table *table);
void page_table__end(struct page_table *table);

void page__row(struct usage_page *page, const char *class);
void page__end_row(struct usage_page *page);
/* Begins a cell, which says on a telephone what column it is of. The others are whole cells. */
void page__cell(struct usage_page *page, const char *class);
void page__number(struct usage_page *page, __u64 number);
void page__gauge(struct usage_page *page, const struct usage_gauge *gauge);
void page__time(struct usage_page *page, __s64 when);
void page__text(struct usage_page *page, const char *text);
void page__code(struct usage_page *page, const char *text);
/* "43 %" behind a bar. */
void page__share(struct usage_page *page, __u64 part, __u64 whole);
/* The first cell of a row, which names it. */
void page__row_head(struct usage_page *page, const char *text);
/* The same of a program, or "kernel" and so on in other type. */
void page__program_head(struct usage_page *page, __u32 program, const char *class);

/* A cell of names of hosts, folded when there are many. */
struct page_names {
	struct usage_page *page;
	size_t hosts; /* how many there will be */
	size_t at;
	__u32 last;
};
void page_names__begin(struct page_names *names);
void page_names__add(struct page_names *names, __u32 host);
void page_names__end(struct page_names *names);

#endif
