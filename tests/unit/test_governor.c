// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include "clock.h"
#include "governor.h"

#define PERCENT (NS_PER_S / 100)

static size_t decide(struct governor *governor, struct governed_unit *units, size_t nr,
		     __u64 process_ns)
{
	return governor__decide(governor, units, nr, process_ns, NS_PER_S);
}

static void nothing_goes_below_the_limit(void **state)
{
	struct governor governor = { .max_share = 0.05 };
	struct governed_unit units[] = { { "a", 2 * PERCENT }, { "b", 2 * PERCENT } };

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(decide(&governor, units, 2, PERCENT), 0);
}

static void one_busy_moment_takes_nothing_off(void **state)
{
	struct governor governor = { .max_share = 0.01 };
	struct governed_unit units[] = { { "a", 9 * PERCENT } };

	(void)state;
	assert_int_equal(decide(&governor, units, 1, 0), 0);
	units[0].run_ns = 0;
	assert_int_equal(decide(&governor, units, 1, 0), 0);
	units[0].run_ns = 9 * PERCENT;
	assert_int_equal(decide(&governor, units, 1, 0), 0);
	assert_int_equal(decide(&governor, units, 1, 0), 1);
}

static void the_most_expensive_goes_first_and_no_more_than_needed(void **state)
{
	struct governor governor = { .max_share = 0.05, .nr_over = GOVERNOR_PATIENCE - 1 };
	struct governed_unit units[] = {
		{ "cheap", PERCENT },
		{ "dearest", 6 * PERCENT },
		{ "dear", 3 * PERCENT },
	};

	(void)state;
	/* 10 % in all; without the dearest 4 %, which is four fifths of the limit. */
	assert_int_equal(decide(&governor, units, 3, 0), 1);
	assert_string_equal(units[0].name, "dearest");

	governor.nr_over = GOVERNOR_PATIENCE - 1;
	assert_int_equal(decide(&governor, units, 3, PERCENT / 10), 2);
	assert_string_equal(units[1].name, "dear");
}

static void what_costs_nothing_stays(void **state)
{
	struct governor governor = { .max_share = 0.05, .nr_over = GOVERNOR_PATIENCE - 1 };
	struct governed_unit units[] = { { "idle", 0 },
					 { "busy", 9 * PERCENT },
					 { "idle too", 0 } };

	(void)state;
	assert_int_equal(decide(&governor, units, 3, PERCENT), 1);
	assert_string_equal(units[0].name, "busy");
}

/* To take them off would not bring it below the limit. */
static void cheap_units_stay_when_the_process_is_too_expensive(void **state)
{
	struct governor governor = { .max_share = 0.05 };
	struct governed_unit units[] = { { "a", PERCENT }, { "b", 3 * PERCENT } };

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(decide(&governor, units, 2, 6 * PERCENT), 0);
	assert_true(governor.is_process);
	assert_int_equal(decide(&governor, units, 2, PERCENT), 0);
	assert_false(governor.is_process);
}

/* Whatever the process takes, they must not take more than all may. */
static void expensive_units_go_when_the_process_is_too_expensive(void **state)
{
	struct governor governor = { .max_share = 0.05, .nr_over = GOVERNOR_PATIENCE - 1 };
	struct governed_unit units[] = { { "a", 2 * PERCENT }, { "b", 30 * PERCENT } };

	(void)state;
	assert_int_equal(decide(&governor, units, 2, 6 * PERCENT), 1);
	assert_string_equal(units[0].name, "b");
	assert_true(governor.is_process);
}

/* Four fifths cannot be had: the limit can. */
static void the_limit_will_do_when_the_process_is_near_it(void **state)
{
	struct governor governor = { .max_share = 0.10, .nr_over = GOVERNOR_PATIENCE - 1 };
	struct governed_unit units[] = { { "a", PERCENT / 2 }, { "b", 3 * PERCENT } };

	(void)state;
	assert_int_equal(decide(&governor, units, 2, 9 * PERCENT), 1);
	assert_string_equal(units[0].name, "b");
	assert_false(governor.is_process);
}

static void without_a_limit_nothing_goes(void **state)
{
	struct governor governor = { 0 };
	struct governed_unit units[] = { { "a", 90 * PERCENT } };

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(decide(&governor, units, 1, 0), 0);
}

static void a_share_is_of_the_time_that_went_by(void **state)
{
	struct governed_unit units[] = { { "a", PERCENT }, { "b", 2 * PERCENT } };
	double share = governor__share(units, 2, PERCENT, 2 * NS_PER_S);

	(void)state;
	assert_true(share > 0.019999 && share < 0.020001);
	assert_true(governor__share(units, 2, PERCENT, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_goes_below_the_limit),
		cmocka_unit_test(one_busy_moment_takes_nothing_off),
		cmocka_unit_test(the_most_expensive_goes_first_and_no_more_than_needed),
		cmocka_unit_test(what_costs_nothing_stays),
		cmocka_unit_test(cheap_units_stay_when_the_process_is_too_expensive),
		cmocka_unit_test(expensive_units_go_when_the_process_is_too_expensive),
		cmocka_unit_test(the_limit_will_do_when_the_process_is_near_it),
		cmocka_unit_test(without_a_limit_nothing_goes),
		cmocka_unit_test(a_share_is_of_the_time_that_went_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
