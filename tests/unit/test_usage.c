// SPDX-License-Identifier: GPL-2.0-only
/* The usage model adds up, whatever it is fed with. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

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

/* counters__forget_ended(): what is forgotten was told before, and what comes anew is told whole. */
static void what_is_forgotten_is_no_change(void **state)
{
	struct usage older = { 0 }, newer = { 0 }, gone = { 0 }, change = { 0 };

	(void)state;
	add(&older, key(1, CALLER_PROGRAM, 1, 1), 10, 2);
	add(&older, key(1, CALLER_PROGRAM, 2, 1), 20, 0);
	add(&older, key(1, CALLER_PROGRAM, 3, 1), 30, 0);
	add(&gone, key(1, CALLER_PROGRAM, 1, 1), 10, 2);
	add(&gone, key(1, CALLER_PROGRAM, 3, 1), 30, 0);
	add(&newer, key(1, CALLER_PROGRAM, 2, 1), 21, 0);
	add(&newer, key(1, CALLER_PROGRAM, 4, 1), 5, 0);
	usage__take_out(&older, &gone);
	assert_int_equal(older.nr, 1);
	assert_int_equal(usage__difference(&change, &newer, &older), 0);
	assert_int_equal(change.nr, 2);
	assert_int_equal(change.rows[0].key.prog_id, 2);
	assert_int_equal(change.rows[0].counts.calls, 1);
	assert_int_equal(change.rows[1].key.prog_id, 4);
	assert_int_equal(change.rows[1].counts.calls, 5);
	usage__free(&older);
	usage__free(&newer);
	usage__free(&gone);
	usage__free(&change);
}

static const struct usage_row *row_of(const struct usage *usage, struct usage_key key)
{
	for (size_t i = 0; i < usage->nr; i++) {
		if (memcmp(&usage->rows[i].key, &key, sizeof(key)) == 0)
			return &usage->rows[i];
	}
	return NULL;
}

/* Calls of a module's code: the module is unloaded, and its code is nobody's. */
static void calls_of_code_that_goes_are_counted_once(void **state)
{
	const struct usage_counts lost = { .calls = 107, .nulls = 12, .no_caller = 107 };
	const struct usage_key unknown = key(1, CALLER_UNKNOWN, 0, 0);
	struct usage older = { 0 }, newer = { 0 }, change = { 0 };

	(void)state;
	add(&older, key(1, CALLER_PROGRAM, 1, 1), 10, 0);
	add(&older, key(1, CALLER_KERNEL, 0, 0xa0), 60, 10);
	add(&older, key(1, CALLER_KERNEL, 0, 0xb0), 40, 0);
	add(&older, key(2, CALLER_KERNEL, 0, 0xb0), 1000, 0);
	add(&newer, key(1, CALLER_PROGRAM, 1, 1), 13, 0);
	assert_int_equal(usage__add(&newer, &unknown, &lost), 0);
	add(&newer, key(2, CALLER_KERNEL, 0, 0xb0), 1001, 0);
	assert_int_equal(usage__difference(&change, &newer, &older), 0);
	assert_int_equal(change.nr, 3);
	assert_int_equal(row_of(&change, unknown)->counts.calls, 7);
	assert_int_equal(row_of(&change, unknown)->counts.no_caller, 7);
	assert_int_equal(row_of(&change, unknown)->counts.nulls, 2);
	assert_int_equal(row_of(&change, key(1, CALLER_PROGRAM, 1, 1))->counts.calls, 3);
	assert_int_equal(row_of(&change, key(2, CALLER_KERNEL, 0, 0xb0))->counts.calls, 1);
	usage__free(&older);
	usage__free(&newer);
	usage__free(&change);
}

/* They were nobody's before the symbols of their module were read. */
static void calls_of_code_that_becomes_known_are_counted_once(void **state)
{
	const struct usage_counts early = { .calls = 50, .nulls = 5, .no_caller = 50 };
	const struct usage_key unknown = key(1, CALLER_UNKNOWN, 0, 0);
	struct usage older = { 0 }, newer = { 0 }, change = { 0 };

	(void)state;
	assert_int_equal(usage__add(&older, &unknown, &early), 0);
	add(&newer, key(1, CALLER_PROGRAM, 1, 1), 9, 0);
	add(&newer, key(1, CALLER_KERNEL, 0, 0xa0), 53, 5);
	assert_int_equal(usage__difference(&change, &newer, &older), 0);
	assert_int_equal(change.nr, 2);
	assert_int_equal(row_of(&change, key(1, CALLER_KERNEL, 0, 0xa0))->counts.calls, 3);
	assert_int_equal(row_of(&change, key(1, CALLER_KERNEL, 0, 0xa0))->counts.nulls, 0);
	assert_int_equal(row_of(&change, key(1, CALLER_PROGRAM, 1, 1))->counts.calls, 9);
	usage__free(&older);
	usage__free(&newer);
	usage__free(&change);
}

/* A program has ended, and there was no room for its record. */
static void calls_that_lose_their_program_are_counted_once(void **state)
{
	const struct usage_counts orphans = { .calls = 25, .orphaned = 25 };
	struct usage older = { 0 }, newer = { 0 }, change = { 0 };
	struct usage_key unknown = key(1, CALLER_UNKNOWN, 0, 0);

	(void)state;
	add(&older, key(1, CALLER_PROGRAM, 1, 1), 20, 0);
	assert_int_equal(usage__add(&newer, &unknown, &orphans), 0);
	assert_int_equal(usage__difference(&change, &newer, &older), 0);
	assert_int_equal(change.nr, 1);
	assert_int_equal(change.rows[0].counts.calls, 5);
	assert_int_equal(change.rows[0].counts.orphaned, 5);
	usage__free(&older);
	usage__free(&newer);
	usage__free(&change);
}

/* The kernel counts a call, and then that it has returned NULL: a drain may come in between. */
static void a_null_that_comes_after_its_call_is_not_lost(void **state)
{
	struct usage older = { 0 }, newer = { 0 }, change = { 0 };

	(void)state;
	add(&older, key(1, CALLER_PROGRAM, 1, 1), 10, 2);
	add(&newer, key(1, CALLER_PROGRAM, 1, 1), 10, 3);
	assert_int_equal(usage__difference(&change, &newer, &older), 0);
	assert_int_equal(change.nr, 1);
	assert_int_equal(change.rows[0].counts.calls, 0);
	assert_int_equal(change.rows[0].counts.nulls, 1);
	usage__free(&older);
	usage__free(&newer);
	usage__free(&change);
}

/* Calls come and move about between callers: each counts once, and for the kfunc that was called. */
static void calls_that_move_about_add_up(void **state)
{
	enum { NR_SUBJECTS = 3, NR_ROWS = 6 };
	__u64 calls[NR_SUBJECTS][NR_ROWS] = { 0 }, made[NR_SUBJECTS] = { 0 },
	      told[NR_SUBJECTS] = { 0 };
	struct usage now = { 0 }, before = { 0 }, change = { 0 };

	(void)state;
	srand(2);
	for (int round = 0; round < 500; round++) {
		usage__clear(&now);
		for (int subject = 0; subject < NR_SUBJECTS; subject++) {
			__u64 *row = calls[subject], *from = &row[rand() % NR_ROWS];
			__u64 moved = rand() % 2 ? *from : 0, came = rand() % 10;

			*from -= moved;
			row[rand() % NR_ROWS] += moved;
			row[rand() % NR_ROWS] += came;
			made[subject] += came;
			for (int i = 0; i < NR_ROWS; i++) {
				if (row[i])
					add(&now, key(subject, i % 3, 0, i), row[i], 0);
			}
		}
		usage__compact(&now);
		assert_int_equal(usage__difference(&change, &now, &before), 0);
		for (size_t i = 0; i < change.nr; i++)
			told[change.rows[i].key.subject] += change.rows[i].counts.calls;
		for (int subject = 0; subject < NR_SUBJECTS; subject++)
			assert_int_equal(told[subject], made[subject]);
		assert_int_equal(usage__copy(&before, &now), 0);
	}
	usage__free(&now);
	usage__free(&before);
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
		cmocka_unit_test(what_is_forgotten_is_no_change),
		cmocka_unit_test(calls_of_code_that_goes_are_counted_once),
		cmocka_unit_test(calls_of_code_that_becomes_known_are_counted_once),
		cmocka_unit_test(calls_that_lose_their_program_are_counted_once),
		cmocka_unit_test(a_null_that_comes_after_its_call_is_not_lost),
		cmocka_unit_test(calls_that_move_about_add_up),
		cmocka_unit_test(intervals_add_up_to_the_total),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
