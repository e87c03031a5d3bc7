// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <stdlib.h>
#include <time.h>

#include "option_values.h"

static void a_time_has_a_unit_or_is_in_seconds(void **state)
{
	__u64 ns;

	(void)state;
	assert_int_equal(option__time_ns("10s", "--min-age", &ns), 0);
	assert_int_equal(ns, 10000000000ull);
	assert_int_equal(option__time_ns("500ms", "--min-age", &ns), 0);
	assert_int_equal(ns, 500000000);
	assert_int_equal(option__time_ns("1.5", "--min-age", &ns), 0);
	assert_int_equal(ns, 1500000000);
	assert_int_equal(option__time_ns("5m", "--min-age", &ns), 0);
	assert_int_equal(ns, 300000000000ull);
	assert_int_equal(option__time_ns("0", "--min-age", &ns), 0);
	assert_int_equal(ns, 0);
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const wrong[] = { "", "s", "10x", "-1s", "nan", "inf", "1e300", "10 s" };
	__u64 ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(option__time_ns(wrong[i], "--min-age", &ns), -1);
}

static void a_number_lies_within_its_bounds(void **state)
{
	__u32 number;

	(void)state;
	assert_int_equal(option__number("64", "--max-objects", 1, 100, &number), 0);
	assert_int_equal(number, 64);
	assert_int_equal(option__number("0", "--max-objects", 1, 100, &number), -1);
	assert_int_equal(option__number("101", "--max-objects", 1, 100, &number), -1);
	assert_int_equal(option__number("-5", "--max-objects", 1, 100, &number), -1);
	assert_int_equal(option__number("99999999999999999999", "--max-objects", 1, 100, &number),
			 -1);
	assert_int_equal(option__number("6 4", "--max-objects", 1, 100, &number), -1);
}

static void seconds_are_above_zero(void **state)
{
	double seconds;

	(void)state;
	assert_int_equal(option__seconds("0.5", "--duration", &seconds), 0);
	assert_true(seconds == 0.5);
	assert_int_equal(option__seconds("0", "--duration", &seconds), -1);
	assert_int_equal(option__seconds("1e9", "--duration", &seconds), -1);
	assert_int_equal(option__seconds("abc", "--duration", &seconds), -1);
}

static void a_moment_is_so_long_ago_or_a_date(void **state)
{
	static const struct {
		const char *text;
		__s64 ago;
	} spans[] = { { "7d", 7 * 86400 }, { "12h", 12 * 3600 }, { "30m", 1800 },  { "90s", 90 },
		      { "1.5h", 5400 },	   { "2w", 14 * 86400 }, { "20min", 1200 } };
	static const struct {
		const char *text;
		__s64 seconds;
	} dates[] = { { "2026-11-20", 1795132800 },
		      { "2026-11-20T12:00", 1795176000 },
		      { "2026-11-20 12:00", 1795176000 },
		      { "2026-11-20T12:00:01", 1795176001 } };
	const __s64 now = 1800000000;
	__s64 moment;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		assert_int_equal(option__moment(spans[i].text, "--since", now, &moment), 0);
		assert_int_equal(moment, now - spans[i].ago);
	}
	for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
		assert_int_equal(option__moment(dates[i].text, "--since", now, &moment), 0);
		assert_int_equal(moment, dates[i].seconds);
	}
	/* In the time zone of whoever asks. */
	setenv("TZ", "XYZ-3", 1);
	tzset();
	assert_int_equal(option__moment("2026-11-20", "--since", now, &moment), 0);
	assert_int_equal(moment, 1795132800 - 3 * 3600);
}

static void what_is_no_moment_is_refused(void **state)
{
	static const char *const wrong[] = { "",
					     "7",
					     "d",
					     "-7d",
					     "0d",
					     "7 d",
					     "7dd",
					     "100000w",
					     "nan",
					     "0x7d",
					     "2026-02-30",
					     "2026-13-01",
					     "2026-11-20T25:00",
					     "2026-11-20x",
					     "yesterday" };
	__s64 moment;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(option__moment(wrong[i], "--since", 1800000000, &moment), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_has_a_unit_or_is_in_seconds),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(a_number_lies_within_its_bounds),
		cmocka_unit_test(seconds_are_above_zero),
		cmocka_unit_test(a_moment_is_so_long_ago_or_a_date),
		cmocka_unit_test(what_is_no_moment_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
