// SPDX-License-Identifier: GPL-2.0-only
/* What is text stays text. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "html_text.h"

static void expect_text(const char *text, const char *wanted)
{
	char *have;
	size_t size;
	FILE *out = open_memstream(&have, &size);

	html__text(out, text);
	fclose(out);
	assert_string_equal(have, wanted);
	free(have);
}

static void markup_is_escaped(void **state)
{
	(void)state;
	expect_text("plain_name", "plain_name");
	expect_text("<script>", "&lt;script&gt;");
	expect_text("a & b", "a &amp; b");
	expect_text("&lt;", "&amp;lt;");
	expect_text("\" onload='x'", "&quot; onload=&#39;x&#39;");
	expect_text(NULL, "");
}

static void what_is_not_printable_is_not_written(void **state)
{
	(void)state;
	expect_text("a\x1b[31m\n\x7f", "a?[31m??");
	expect_text("\xff<\xc0\xaf", "?&lt;??");
	expect_text("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	/* No characters of XML: U+FFFE, U+FFFF; U+FFFD is one. */
	expect_text("\xef\xbf\xbe.\xef\xbf\xbf.\xef\xbf\xbd", "?.?.\xef\xbf\xbd");
	/* An incomplete character at the end. */
	expect_text("a\xef\xbf", "a??");
}

static void only_the_format_is_markup(void **state)
{
	char *have;
	size_t size;
	FILE *out = open_memstream(&have, &size);

	(void)state;
	html__printf(out, "<b class=\"%s\">%d %5.1f %llu %zu %c%% %-3u|</b>", "\"><i>", -3, 2.25,
		     ~0ull, (size_t)7, '<', 5u);
	fclose(out);
	assert_string_equal(have, "<b class=\"&quot;&gt;&lt;i&gt;\">-3   2.2 18446744073709551615 "
				  "7 &lt;% 5  |</b>");
	free(have);
}

static void long_text_is_cut_between_characters(void **state)
{
	char *have;
	size_t size;
	FILE *out = open_memstream(&have, &size);

	(void)state;
	html__short_text(out, "<<<<", 4);
	fputc(' ', out);
	html__short_text(out, "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 3);
	fclose(out);
	assert_string_equal(have, "&lt;&lt;&lt;&lt; \xc3\xbc\xc3\xbc\xe2\x80\xa6");
	free(have);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markup_is_escaped),
		cmocka_unit_test(what_is_not_printable_is_not_written),
		cmocka_unit_test(only_the_format_is_markup),
		cmocka_unit_test(long_text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
