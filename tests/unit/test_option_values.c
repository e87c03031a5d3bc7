// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_has_a_unit_or_is_in_seconds),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(a_number_lies_within_its_bounds),
		cmocka_unit_test(seconds_are_above_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
