// SPDX-License-Identifier: GPL-2.0-only
/* Columns: nothing is lost in a pipe, and on a terminal every line fits. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

static const struct table_column columns[] = {
	{ .title = "KFUNC" },
	{ .title = "TYPE", .drop = 1 },
	{ .title = "CALLS", .right = true },
};

static char *print(int width)
{
	struct table *table = table__new(columns, ARRAY_SIZE(columns));
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	table__row(table);
	table__cell(table, "bpf_task_from_pid_with_a_long_name");
	table__cell(table, "sched_cls");
	table__number(table, 1234567);
	table__row(table);
	table__cell(table, "short");
	table__cell(table, "xdp");
	table__number(table, 1);
	assert_int_equal(table__print(table, out, width), 0);
	fclose(out);
	table__free(table);
	return text;
}

static int longest_line(const char *text)
{
	int longest = 0, columns_used = 0;

	for (; *text; text++) {
		if (*text == '\n')
			columns_used = 0;
		else if ((*text & 0xc0) != 0x80) /* UTF-8: count characters */
			columns_used++;
		if (columns_used > longest)
			longest = columns_used;
	}
	return longest;
}

static void a_pipe_gets_everything(void **state)
{
	char *text = print(0);

	(void)state;
	assert_string_equal(text, "KFUNC                               TYPE           CALLS\n"
				  "bpf_task_from_pid_with_a_long_name  sched_cls  1,234,567\n"
				  "short                               xdp                1\n");
	free(text);
}

static void a_narrow_terminal_is_kept_to(void **state)
{
	(void)state;
	for (int width = 24; width <= 80; width++) {
		char *text = print(width);

		assert_true(longest_line(text) <= width);
		/* Numbers are never cut. */
		assert_non_null(strstr(text, "1,234,567"));
		free(text);
	}
}

static void text_is_cut_before_a_column_goes(void **state)
{
	char *text = print(50);

	(void)state;
	assert_non_null(strstr(text, "…"));
	assert_non_null(strstr(text, "TYPE"));
	free(text);
	text = print(30);
	assert_null(strstr(text, "TYPE"));
	assert_non_null(strstr(text, "CALLS"));
	free(text);
}

static void thousands_are_apart(void **state)
{
	static const struct {
		unsigned long long number;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 123456, "123,456" },
		{ ~0ull, "18,446,744,073,709,551,615" },
	};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(format_thousands(cases[i].number, buf, sizeof(buf)),
				    cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_gets_everything),
		cmocka_unit_test(a_narrow_terminal_is_kept_to),
		cmocka_unit_test(text_is_cut_before_a_column_goes),
		cmocka_unit_test(thousands_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
