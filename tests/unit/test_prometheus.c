// SPDX-License-Identifier: GPL-2.0-only
/* What is put into expressions, and what comes back. The rest is tests/fleet.sh, with real servers. */
#include "unit.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "prometheus_client.h"

static void assert_prints(void (*print)(FILE *, const char *), const char *text, const char *want)
{
	char buf[256];
	FILE *out = fmemopen(buf, sizeof(buf), "w");

	assert_non_null(out);
	print(out, text);
	fputc('\0', out);
	fclose(out);
	assert_string_equal(buf, want);
}

static void strings_are_quoted(void **state)
{
	(void)state;
	assert_prints(promql__print_string, "host", "\"host\"");
	assert_prints(promql__print_string, "a\"b\\c\nd", "\"a\\\"b\\\\c\\nd\"");
}

static void literals_match_themselves_alone(void **state)
{
	(void)state;
	assert_prints(promql__print_literal, "10.0.0.1:9435", "10\\\\.0\\\\.0\\\\.1:9435");
	assert_prints(promql__print_literal, "[::1]:9435", "\\\\[::1\\\\]:9435");
	assert_prints(promql__print_literal, "a|b\"}", "a\\\\|b\\\"\\\\}");
	/* A backslash is escaped for the expression, and both for the string. */
	assert_prints(promql__print_literal, "\\", "\\\\\\\\");
}

static void globs_become_regular_expressions(void **state)
{
	(void)state;
	assert_prints(promql__print_glob, "bpf_*", "bpf_.*");
	assert_prints(promql__print_glob, "a?.c", "a.\\\\.c");
	assert_prints(promql__print_glob, "[ab]c", "[ab]c");
	assert_prints(promql__print_glob, "[!a-c]", "[^a-c]");
	assert_prints(promql__print_glob, "[]a]", "[\\\\]a]");
	assert_prints(promql__print_glob, "a[b", "a\\\\[b");
	assert_prints(promql__print_glob, "\\*x", "\\\\*x");
	/* Whoever asks compares again. */
	assert_prints(promql__print_glob, "a[[:digit:]]*", "a.*");
}

static int sample(const char *text, __s64 *time_ms, double *value)
{
	json_t *pair = json_loads(text, 0, NULL);
	int err;

	assert_non_null(pair);
	err = prometheus__sample(pair, time_ms, value);
	json_decref(pair);
	return err;
}

static void samples_are_read_to_the_millisecond(void **state)
{
	__s64 time;
	double value;

	(void)state;
	assert_int_equal(sample("[1700000000.123, \"35184372088832\"]", &time, &value), 0);
	assert_true(time == 1700000000123);
	assert_true(value == 35184372088832);
	/* The target was gone: VictoriaMetrics says so. */
	assert_int_not_equal(sample("[1700000000, \"NaN\"]", &time, &value), 0);
	assert_int_equal(sample("[1700000000, \"1e3\"]", &time, &value), 0);
	assert_true(time == 1700000000000 && value == 1000);
}

static void what_is_no_sample_is_refused(void **state)
{
	static const char *const wrong[] = {
		"[]",	     "[1]",	    "[\"1\", \"1\"]", "[1, 1]",
		"[1, \"\"]", "[1, \"1x\"]", "[1e300, \"1\"]", "[-1, \"1\"]",
		"{}"
	};
	__s64 time;
	double value;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_not_equal(sample(wrong[i], &time, &value), 0);
}

static void urls_are_checked_and_kept_without_passwords(void **state)
{
	static const char *const wrong[] = {
		"",	   "prometheus:9090",  "ftp://host",	"file:///etc",
		"http://", "http://host/?q=1", "http://host#a", "http://host:x"
	};
	struct prometheus *client;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_not_equal(prometheus__open(wrong[i], &client), 0);
		assert_null(client);
	}
	assert_int_equal(prometheus__open("https://me:secret@host:9/a/b//", &client), 0);
	assert_string_equal(prometheus__url(client), "https://host:9/a/b");
	prometheus__close(client);
}

static void a_token_that_cannot_be_read_is_said(void **state)
{
	struct prometheus *client;

	(void)state;
	setenv("KFUNCTRACE_PROMETHEUS_TOKEN_FILE", "/nonexistent", 1);
	assert_int_equal(prometheus__open("http://host", &client), -ENOENT);
	setenv("KFUNCTRACE_PROMETHEUS_TOKEN_FILE", "/dev/null", 1);
	assert_int_equal(prometheus__open("http://host", &client), -EINVAL);
	unsetenv("KFUNCTRACE_PROMETHEUS_TOKEN_FILE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_quoted),
		cmocka_unit_test(literals_match_themselves_alone),
		cmocka_unit_test(globs_become_regular_expressions),
		cmocka_unit_test(samples_are_read_to_the_millisecond),
		cmocka_unit_test(what_is_no_sample_is_refused),
		cmocka_unit_test(urls_are_checked_and_kept_without_passwords),
		cmocka_unit_test(a_token_that_cannot_be_read_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
