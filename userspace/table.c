// SPDX-License-Identifier: GPL-2.0-only
#include "table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "printable.h"

#define COLUMN_GAP 2
/* Text is not cut below this many characters unless all else fails: less says nothing. */
#define MIN_TEXT_WIDTH 12

struct table {
	const struct table_column *columns;
	int nr_columns;
	char **cells; /* nr_rows * nr_columns, NULL for an empty one */
	int nr_rows, room_rows;
	int next_column;
	bool lost;
};

struct table *table__new(const struct table_column *columns, int nr_columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	table->nr_columns = nr_columns;
	return table;
}

void table__free(struct table *table)
{
	if (!table)
		return;
	for (int i = 0; i < table->nr_rows * table->nr_columns; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void table__row(struct table *table)
{
	table->next_column = 0;
	if (table->nr_rows == table->room_rows) {
		int room = table->room_rows ? table->room_rows * 2 : 64;
		char **grown =
			realloc(table->cells, (size_t)room * table->nr_columns * sizeof(*grown));

		if (!grown) {
			table->lost = true;
			table->next_column = table->nr_columns;
			return;
		}
		table->cells = grown;
		table->room_rows = room;
	}
	memset(&table->cells[table->nr_rows * table->nr_columns], 0,
	       table->nr_columns * sizeof(*table->cells));
	table->nr_rows++;
}

void table__cell(struct table *table, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	if (table->next_column >= table->nr_columns)
		return;
	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		table->lost = true;
		text = NULL;
	} else {
		printable__make(text);
	}
	table->cells[(table->nr_rows - 1) * table->nr_columns + table->next_column++] = text;
}

const char *format_thousands(unsigned long long number, char *buf, size_t size)
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%llu", number);
	size_t at = 0;

	for (int i = 0; i < len && at + 2 < size; i++) {
		if (i && (len - i) % 3 == 0)
			buf[at++] = ',';
		buf[at++] = digits[i];
	}
	buf[at] = '\0';
	return buf;
}

void table__number(struct table *table, unsigned long long number)
{
	char buf[32];

	table__cell(table, "%s", format_thousands(number, buf, sizeof(buf)));
}

static const char *cell_at(const struct table *table, int row, int column)
{
	const char *text = table->cells[row * table->nr_columns + column];

	return text ?: "";
}

static int natural_width(const struct table *table, int column)
{
	size_t width = strlen(table->columns[column].title);

	for (int row = 0; row < table->nr_rows; row++) {
		size_t len = strlen(cell_at(table, row, column));

		if (len > width)
			width = len;
	}
	return width;
}

static int total_width(const struct table *table, const int *widths)
{
	int total = -COLUMN_GAP;

	for (int i = 0; i < table->nr_columns; i++) {
		if (widths[i])
			total += widths[i] + COLUMN_GAP;
	}
	return total;
}

/* How short the text of a column may be cut. */
static int least_width(const struct table *table, int column, bool last_resort)
{
	int min = table->columns[column].min;

	return last_resort || !min ? MIN_TEXT_WIDTH : min;
}

/* The widest text column that can still give way, or -1. */
static int widest_text(const struct table *table, const int *widths, bool last_resort)
{
	int widest = -1;

	for (int i = 0; i < table->nr_columns; i++) {
		if (table->columns[i].right || widths[i] <= least_width(table, i, last_resort))
			continue;
		if (widest < 0 || widths[i] > widths[widest])
			widest = i;
	}
	return widest;
}

/* How many characters of text can be cut altogether. */
static int room_to_cut(const struct table *table, const int *widths)
{
	int room = 0;

	for (int i = 0; i < table->nr_columns; i++) {
		int least = least_width(table, i, false);

		if (!table->columns[i].right && widths[i] > least)
			room += widths[i] - least;
	}
	return room;
}

static int first_to_drop(const struct table *table, const int *widths)
{
	int drop = -1;

	for (int i = 0; i < table->nr_columns; i++) {
		if (!widths[i] || !table->columns[i].drop)
			continue;
		if (drop < 0 || table->columns[i].drop > table->columns[drop].drop)
			drop = i;
	}
	return drop;
}

static void cut(const struct table *table, int *widths, int limit, bool last_resort)
{
	while (total_width(table, widths) > limit) {
		int column = widest_text(table, widths, last_resort);

		if (column < 0)
			return;
		widths[column]--;
	}
}

/* Cuts text as far as that keeps it readable, then lets columns go, then cuts what is left. */
static void fit_widths(const struct table *table, int *widths, int limit)
{
	int excess, column;

	while ((excess = total_width(table, widths) - limit) > room_to_cut(table, widths)) {
		column = first_to_drop(table, widths);
		if (column < 0)
			break;
		widths[column] = 0;
	}
	cut(table, widths, limit, false);
	cut(table, widths, limit, true);
}

static void print_row(const struct table *table, const int *widths, int row, FILE *out)
{
	int pending = 0;

	for (int i = 0; i < table->nr_columns; i++) {
		const char *text = row < 0 ? table->columns[i].title : cell_at(table, row, i);
		int len = strlen(text), width = widths[i];

		if (!width)
			continue;
		if (table->columns[i].right) {
			fprintf(out, "%*s%*s", pending, "", width, text);
			pending = COLUMN_GAP;
		} else if (len > width) {
			fprintf(out, "%*s%.*s…", pending, "", width - 1, text);
			pending = COLUMN_GAP;
		} else {
			/* Padding is owed, not printed: no line ends in blanks. */
			fprintf(out, "%*s%s", pending, "", text);
			pending = width - len + COLUMN_GAP;
		}
	}
	fputc('\n', out);
}

int table__print(const struct table *table, FILE *out, int width)
{
	int widths[table->nr_columns];

	for (int i = 0; i < table->nr_columns; i++)
		widths[i] = natural_width(table, i);
	if (width > 0)
		fit_widths(table, widths, width);

	print_row(table, widths, -1, out);
	for (int row = 0; row < table->nr_rows; row++)
		print_row(table, widths, row, out);
	return table->lost ? -ENOMEM : 0;
}

int terminal_width(FILE *out)
{
	struct winsize size;

	if (!isatty(fileno(out)) || ioctl(fileno(out), TIOCGWINSZ, &size) || !size.ws_col)
		return 0;
	return size.ws_col;
}
