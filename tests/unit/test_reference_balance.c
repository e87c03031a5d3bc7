// SPDX-License-Identifier: GPL-2.0-only
/* What calls are to the balance of references, when some of them or their returns were not seen. */
#include "unit.h"

#include "pairing.h"
#include "reference_balance.h"
#include "usage.h"

enum { FROM, TO, NONE = -1 };

static const struct usage_key by_program = { .kind = CALLER_PROGRAM, .prog_id = 7 };
static const struct usage_key by_kernel = { .kind = CALLER_KERNEL };

static void what_was_not_seen_to_return_may_have_acquired(void **state)
{
	const struct reference_function acquire = { .role = REFERENCE_ACQUIRE,
						    .acquires = TO,
						    .releases = NONE };
	const struct usage_counts usage = { .calls = 10, .returns = 7, .nulls = 2 };
	struct balance_counts counts = balance_counts__of(&acquire, TO, &by_program, &usage);

	(void)state;
	assert_int_equal(counts.acquired, 5);
	assert_int_equal(counts.failed, 2);
	assert_int_equal(counts.missed_acquires, 3);
	assert_int_equal(counts.missed_releases, 0);
}

static void what_began_before_has_acquired_when_it_returns(void **state)
{
	const struct reference_function acquire = { .role = REFERENCE_ACQUIRE,
						    .acquires = TO,
						    .releases = NONE };
	const struct usage_counts usage = { .calls = 3, .returns = 4, .nulls = 1 };
	struct balance_counts counts = balance_counts__of(&acquire, TO, &by_program, &usage);

	(void)state;
	assert_int_equal(counts.acquired, 3);
	assert_int_equal(counts.failed, 1);
	assert_int_equal(counts.missed_acquires, 0);
}

static void recursion_misses_are_of_neither(void **state)
{
	const struct reference_function acquire = { .role = REFERENCE_ACQUIRE,
						    .acquires = TO,
						    .releases = NONE };
	const struct usage_counts usage = {
		.calls = 9, .returns = 9, .nulls = 1, .recursion_misses = 4
	};
	struct balance_counts counts = balance_counts__of(&acquire, TO, &by_program, &usage);

	(void)state;
	assert_int_equal(counts.acquired, 4);
	assert_int_equal(counts.failed, 1);
	assert_int_equal(counts.missed_acquires, 4);
}

static void a_release_of_nothing_releases_nothing(void **state)
{
	const struct reference_function release = { .role = REFERENCE_RELEASE,
						    .acquires = NONE,
						    .releases = FROM };
	const struct usage_counts usage = { .calls = 5, .returns = 5, .nulls = 2 };
	struct balance_counts counts = balance_counts__of(&release, FROM, &by_kernel, &usage);

	(void)state;
	assert_int_equal(counts.by_maps, 3);
	assert_int_equal(counts.released, 0);
	assert_int_equal(counts.missed_releases, 0);
}

static void a_conversion_releases_whatever_it_returns(void **state)
{
	const struct reference_function convert = { .role = REFERENCE_CONVERT,
						    .acquires = TO,
						    .releases = FROM };
	const struct usage_counts usage = { .calls = 6, .returns = 5, .nulls = 3 };
	struct balance_counts released = balance_counts__of(&convert, FROM, &by_program, &usage);
	struct balance_counts acquired = balance_counts__of(&convert, TO, &by_program, &usage);

	(void)state;
	assert_int_equal(released.released, 6);
	assert_int_equal(released.missed_releases, 0);
	assert_int_equal(acquired.acquired, 2);
	assert_int_equal(acquired.missed_acquires, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_not_seen_to_return_may_have_acquired),
		cmocka_unit_test(what_began_before_has_acquired_when_it_returns),
		cmocka_unit_test(recursion_misses_are_of_neither),
		cmocka_unit_test(a_release_of_nothing_releases_nothing),
		cmocka_unit_test(a_conversion_releases_whatever_it_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
