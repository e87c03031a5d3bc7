/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Columns on a terminal. A table is filled row by row and printed once: on a terminal it fits the
 * width (less important columns go first, then long text is cut with an ellipsis), in a pipe or a
 * file nothing is ever cut.
 */
#ifndef KFUNCTRACE_TABLE_H
#define KFUNCTRACE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table;

struct table_column {
	const char *title;
	bool right; /* numbers: aligned right, never cut */
	/*
	 * When the terminal is too narrow, columns of the highest `drop` leave first; 0 is never
	 * left out.
	 */
	int drop;
	/*
	 * Text is not cut shorter than this while other columns can still leave; 0: 12 characters,
	 * TABLE_WHOLE: not at all.
	 */
	int min;
};

#define TABLE_WHOLE 10000

/* `columns` must outlive the table. NULL when out of memory. */
struct table *table__new(const struct table_column *columns, int nr_columns);
void table__free(struct table *table);

/*
 * Begins a row; its cells are then added from left to right. Missing cells are empty. What is not
 * printable in a cell becomes a '?'.
 */
void table__row(struct table *table);
void table__cell(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A number with its thousands apart: 1,234,567. */
void table__number(struct table *table, unsigned long long number);

/* Prints to `out` within `width` columns; 0: no limit. Returns 0, or -ENOMEM when a cell was lost.
 */
int table__print(const struct table *table, FILE *out, int width);

/* Width of the terminal behind `out`, 0 when it is none. */
int terminal_width(FILE *out);
/* Writes 1,234,567 into buf and returns it. */
const char *format_thousands(unsigned long long number, char *buf, size_t size);

#endif
