// SPDX-License-Identifier: GPL-2.0-only
/* The usage model adds up, whatever it is fed with. */
#include "unit.h"

#include <stdlib.h>

#include "usage.h"

static struct usage_key key(__u32 kfunc, enum caller_kind kind, __u32 prog_id, __u64 site)
{
	return (struct usage_key){
		.subject = kfunc, .kind = kind, .prog_id = prog_id, .site = site
	};
}

static void add(struct usage *usage, struct usage_key key, __u64 calls, __u64 nulls)
{
	struct usage_counts counts = { .calls = calls, .nulls = nulls };

	assert_int_equal(usage__add(usage, &key, &counts), 0);
}

static __u64 sum(const struct usage *usage)
{
	__u64 calls = 0;

	for (size_t i = 0; i < usage->nr; i++)
		calls += usage->rows[i].counts.calls;
	return calls;
}

static void equal_keys_become_one_row(void **state)
{
	struct usage usage = { 0 };

	(void)state;
	add(&usage, key(2, CALLER_PROGRAM, 7, 0x10), 3, 1);
	add(&usage, key(1, CALLER_KERNEL, 0, 0x20), 5, 0);
	add(&usage, key(2, CALLER_PROGRAM, 7, 0x10), 4, 2);
	usage__compact(&usage);
	assert_int_equal(usage.nr, 2);
	assert_int_equal(usage.rows[0].key.subject, 1);
	assert_int_equal(usage.rows[1].counts.calls, 7);
	assert_int_equal(usage.rows[1].counts.nulls, 3);
	usage__free(&usage);
}

static void every_part_of_the_key_tells_rows_apart(void **state)
{
	struct usage usage = { 0 };

	(void)state;
	add(&usage, key(1, CALLER_PROGRAM, 1, 1), 1, 0);
	add(&usage, key(2, CALLER_PROGRAM, 1, 1), 1, 0);
	add(&usage, key(1, CALLER_KERNEL, 1, 1), 1, 0);
	add(&usage, key(1, CALLER_PROGRAM, 2, 1), 1, 0);
	add(&usage, key(1, CALLER_PROGRAM, 1, 2), 1, 0);
	usage__compact(&usage);
	assert_int_equal(usage.nr, 5);
	usage__free(&usage);
}

static void an_interval_is_what_came_since(void **state)
{
	struct usage older = { 0 }, newer = { 0 }, change = { 0 };

	(void)state;
	add(&older, key(1, CALLER_PROGRAM, 1, 1), 10, 2);
	add(&older, key(3, CALLER_PROGRAM, 1, 1), 5, 0);
	add(&newer, key(1, CALLER_PROGRAM, 1, 1), 25, 3);
	add(&newer, key(2, CALLER_PROGRAM, 1, 1), 7, 0);
	add(&newer, key(3, CALLER_PROGRAM, 1, 1), 5, 0);
	usage__compact(&older);
	usage__compact(&newer);
	assert_int_equal(usage__difference(&change, &newer, &older), 0);
	/* The kfunc that was not called since is left out. */
	assert_int_equal(change.nr, 2);
	assert_int_equal(change.rows[0].counts.calls, 15);
	assert_int_equal(change.rows[0].counts.nulls, 1);
	assert_int_equal(change.rows[1].counts.calls, 7);
	usage__free(&older);
	usage__free(&newer);
	usage__free(&change);
}

static void a_count_never_goes_below_zero(void **state)
{
	struct usage older = { 0 }, newer = { 0 }, change = { 0 };

	(void)state;
	add(&older, key(1, CALLER_PROGRAM, 1, 1), 10, 2);
	add(&newer, key(1, CALLER_PROGRAM, 1, 1), 4, 1);
	assert_int_equal(usage__difference(&change, &newer, &older), 0);
	assert_int_equal(change.nr, 0);
	usage__free(&older);
	usage__free(&newer);
	usage__free(&change);
}

/* counters__forget_ended(): what is missing was told before, and what comes anew is told whole. */
static void a_row_that_has_vanished_is_no_change(void **state)
{
	struct usage older = { 0 }, newer = { 0 }, change = { 0 };

	(void)state;
	add(&older, key(1, CALLER_PROGRAM, 1, 1), 10, 2);
	add(&older, key(1, CALLER_PROGRAM, 2, 1), 20, 0);
	add(&older, key(1, CALLER_PROGRAM, 3, 1), 30, 0);
	add(&newer, key(1, CALLER_PROGRAM, 2, 1), 21, 0);
	add(&newer, key(1, CALLER_PROGRAM, 4, 1), 5, 0);
	assert_int_equal(usage__difference(&change, &newer, &older), 0);
	assert_int_equal(change.nr, 2);
	assert_int_equal(change.rows[0].key.prog_id, 2);
	assert_int_equal(change.rows[0].counts.calls, 1);
	assert_int_equal(change.rows[1].key.prog_id, 4);
	assert_int_equal(change.rows[1].counts.calls, 5);
	usage__free(&older);
	usage__free(&newer);
	usage__free(&change);
}

/* Random rows in random order: intervals one after the other add up to the whole. */
static void intervals_add_up_to_the_total(void **state)
{
	struct usage now = { 0 }, before = { 0 }, change = { 0 };
	__u64 total = 0;

	(void)state;
	srand(1);
	for (int interval = 0; interval < 50; interval++) {
		for (int i = 0; i < 200; i++)
			add(&now, key(rand() % 5, rand() % 3, rand() % 7, rand() % 11),
			    rand() % 100, 0);
		usage__compact(&now);
		assert_int_equal(usage__difference(&change, &now, &before), 0);
		total += sum(&change);
		assert_int_equal(usage__copy(&before, &now), 0);
	}
	assert_int_equal(total, sum(&now));
	assert_true(now.nr <= 5 * 3 * 7 * 11);
	usage__free(&now);
	usage__free(&before);
	usage__free(&change);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_keys_become_one_row),
		cmocka_unit_test(every_part_of_the_key_tells_rows_apart),
		cmocka_unit_test(an_interval_is_what_came_since),
		cmocka_unit_test(a_count_never_goes_below_zero),
		cmocka_unit_test(a_row_that_has_vanished_is_no_change),
		cmocka_unit_test(intervals_add_up_to_the_total),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
