// SPDX-License-Identifier: GPL-2.0-only
/* What may be shown of names in other people's files. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "printable.h"
#include "table.h"
#include "text_pool.h"

static void text_stays_as_it_is(void **state)
{
	static const char *const texts[] = {
		"", "bpf_task_from_pid", "caf\xc3\xa9", "\xe2\x80\xa6", "\xf0\x9f\x90\xa7", "a b~"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char copy[32];

		strcpy(copy, texts[i]);
		assert_true(printable__is(copy));
		printable__make(copy);
		assert_string_equal(copy, texts[i]);
	}
}

static void the_rest_is_written_over(void **state)
{
	static const struct {
		const char *text, *made;
	} cases[] = {
		{ "a\x1b[31mb", "a?[31mb" },
		{ "a\nb\tc\x7f", "a?b?c?" },
		{ "\xff\xfe", "??" },
		{ "cut \xe2\x80", "cut ??" },
		{ "\xc0\xaf", "??" },
		{ "\xed\xa0\x80", "???" },
		{ "\xc2\x9b", "??" },
		{ "\xf4\x90\x80\x80", "????" },
		{ "\xc3\xa9\xff", "\xc3\xa9?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char copy[32];

		strcpy(copy, cases[i].text);
		assert_false(printable__is(copy));
		printable__make(copy);
		assert_string_equal(copy, cases[i].made);
		assert_true(printable__is(copy));
	}
}

/* jansson refuses what is no UTF-8; it is the judge. */
static void two_bytes_are_utf8_when_jansson_says_so(void **state)
{
	(void)state;
	for (int first = 0x20; first < 0x100; first++) {
		for (int second = 0x20; second < 0x100; second++) {
			char text[] = { first, second, '\0' };
			json_t *json = json_string(text);
			bool control =
				first == 0x7f || second == 0x7f || (first == 0xc2 && second < 0xa0);

			assert_int_equal(printable__is(text), json && !control);
			json_decref(json);
		}
	}
}

static void tables_and_pools_show_no_other(void **state)
{
	static const struct table_column column = { .title = "A" };
	struct table *table = table__new(&column, 1);
	struct text_pool *pool = text_pool__new();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	table__row(table);
	table__cell(table, "%s", "x\x1b[2Jy");
	table__print(table, out, 0);
	fclose(out);
	assert_non_null(strstr(text, "x?[2Jy"));
	free(text);
	table__free(table);
	assert_string_equal(text_pool__keep(pool, "x\xffy"), "x?y");
	assert_ptr_equal(text_pool__keep(pool, "x\xffy"), text_pool__keep(pool, "x?y"));
	text_pool__free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_stays_as_it_is),
		cmocka_unit_test(the_rest_is_written_over),
		cmocka_unit_test(two_bytes_are_utf8_when_jansson_says_so),
		cmocka_unit_test(tables_and_pools_show_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
