// SPDX-License-Identifier: GPL-2.0-only
#include "history_unit.h"

#include <errno.h>
#include <sys/stat.h>

/* --- saving and restoring --------------------------------------------------------------------------- */

static void a_new_file_is_for_its_owner_alone(void **state)
{
	struct history *history = open_history();
	struct stat stat_buf;
	char wal[160];

	(void)state;
	assert_int_equal(stat(path, &stat_buf), 0);
	assert_int_equal(stat_buf.st_mode & 07777, 0600);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	assert_int_equal(stat(wal, &stat_buf), 0);
	assert_int_equal(stat_buf.st_mode & 07777, 0600);
	assert_int_equal(ask("PRAGMA auto_vacuum"), 2);
	assert_int_equal(ask("PRAGMA user_version"), 1);
	assert_true(history__bytes(history) > 4096);
	history__close(history);
	/* With a checkpoint: the WAL is gone. */
	assert_int_equal(files("history.db"), 1);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
	const struct history_options opts = { .path = "/tmp/no/such/folder/history.db" };
	struct history *history;

	(void)state;
	assert_int_equal(history__open(&opts, &history), -ENOENT);
	assert_int_equal(history__errors(history), 1);
	assert_non_null(strstr(history__trouble(history), "No such file"));
	history__close(history);
}

static void totals_come_back(void **state)
{
	struct aggregate *aggregate = make(), *again = make();
	struct history *history = open_history();
	struct kft_hold hold = { .count = 3, .sum = 70, .max = 60, .buckets = { 1, 0, 0, 1 } };
	struct aggregate_row *row;
	const struct aggregate_type *type;

	(void)state;
	row = call(aggregate, "acquire", 1, 10, NOW + 5);
	aggregate_row__add_held(row, &hold);
	row->outstanding = 4;
	call(aggregate, "acquire", 2, 7, NOW + 6);
	aggregate__kfunc_for(aggregate, 0)->runs = 17;
	aggregate__kfunc_for(aggregate, 0)->run_time_ns = 1700;
	*aggregate__type_for(aggregate, aggregate__type(aggregate, "task_struct")) =
		(struct aggregate_type){
			.name = aggregate__type_for(aggregate, 0)->name,
			.acquired = 12,
			.released = 10,
			.outstanding = 2,
		};
	aggregate__state(aggregate)->losses.table_full = 3;
	aggregate__state(aggregate)->cost.probe_ns = 99;
	aggregate__state(aggregate)->cost.process_ns = 98;
	aggregate__state(aggregate)->notices = 11;
	aggregate__state(aggregate)->history_errors = 2;
	aggregate__state(aggregate)->counting_since = NOW - 100;
	assert_int_equal(history__save(history, aggregate, NOW + 10), 0);
	history__close(history);

	history = open_history();
	assert_int_equal(history__restore(history, again), 0);
	row = row_of(again, "acquire", 1);
	assert_non_null(row);
	assert_int_equal(row->counts.calls, 10);
	assert_int_equal(row->counts.nulls, 5);
	assert_int_equal(row->counts.acquired, 5);
	assert_int_equal(row->first_seen, NOW + 5);
	assert_int_equal(row->last_seen, NOW + 5);
	/* Those of before are not accounted for now. */
	assert_int_equal(row->outstanding, -1);
	assert_non_null(row->held);
	assert_int_equal(row->held->count, 3);
	assert_int_equal(row->held->unknown, 1);
	assert_int_equal(row->held->sum, 70);
	assert_int_equal(row->held->max, 60);
	assert_int_equal(row->held->buckets[3], 1);
	assert_int_equal(row_of(again, "acquire", 2)->counts.calls, 7);
	assert_int_equal(aggregate__kfunc_at(again, 0)->runs, 17);
	type = aggregate__type_at(again, aggregate__type(again, "task_struct"));
	assert_int_equal(type->acquired, 12);
	assert_int_equal(type->released, 10);
	assert_int_equal(aggregate__read_state(again)->losses.table_full, 3);
	assert_int_equal(aggregate__read_state(again)->cost.probe_ns, 99);
	/* That of another process. */
	assert_int_equal(aggregate__read_state(again)->cost.process_ns, 0);
	assert_int_equal(aggregate__read_state(again)->notices, 11);
	assert_int_equal(aggregate__read_state(again)->history_errors, 2);
	assert_int_equal(aggregate__read_state(again)->counting_since, NOW - 100);

	/* And go on from there, in the file as well. */
	call(again, "acquire", 1, 5, NOW + 20);
	assert_int_equal(history__save(history, again, NOW + 20), 0);
	assert_int_equal(ask("SELECT sum(calls) FROM hours"), 22);
	assert_int_equal(ask("SELECT sum(calls) FROM totals"), 22);
	assert_int_equal(ask("SELECT count(*) FROM runs"), 2);
	assert_int_equal(ask("SELECT acquired FROM type_hours"), 12);
	history__close(history);
	aggregate__free(aggregate);
	aggregate__free(again);
}

static void an_hour_has_what_is_new_in_it(void **state)
{
	struct aggregate *aggregate = make();
	struct history *history = open_history();

	(void)state;
	call(aggregate, "a", 1, 10, NOW + 10);
	assert_int_equal(history__save(history, aggregate, NOW + 10), 0);
	call(aggregate, "a", 1, 20, NOW + 1000);
	assert_int_equal(history__save(history, aggregate, NOW + 1000), 0);
	/* Counted at the end of the hour, saved after it. */
	call(aggregate, "a", 1, 40, NOW + HOUR - 1);
	assert_int_equal(history__save(history, aggregate, NOW + HOUR + 9), 0);
	call(aggregate, "a", 1, 80, NOW + HOUR + 20);
	assert_int_equal(history__save(history, aggregate, NOW + HOUR + 20), 0);
	assert_int_equal(history__save(history, aggregate, NOW + 2 * HOUR), 0);
	assert_int_equal(ask("SELECT count(*) FROM hours"), 2);
	assert_int_equal(ask("SELECT calls FROM hours ORDER BY hour LIMIT 1"), 70);
	assert_int_equal(ask("SELECT first_seen FROM hours ORDER BY hour LIMIT 1"), NOW + 10);
	assert_int_equal(ask("SELECT last_seen FROM hours ORDER BY hour LIMIT 1"), NOW + HOUR - 1);
	assert_int_equal(ask("SELECT max(hour) FROM hours"), NOW + HOUR);
	assert_int_equal(ask("SELECT calls FROM hours ORDER BY hour DESC LIMIT 1"), 80);
	history__close(history);
	aggregate__free(aggregate);
}

/* It has counted for months when it is told of another file. */
static void a_history_begun_later_has_what_is_new(void **state)
{
	struct aggregate *aggregate = make();
	struct history *history = open_history();

	(void)state;
	call(aggregate, "a", 1, 1000, NOW - 1000 * HOUR);
	aggregate__state(aggregate)->losses.no_caller = 10;
	assert_int_equal(history__adopt(history, aggregate), 0);
	call(aggregate, "a", 1, 7, NOW);
	aggregate__state(aggregate)->losses.no_caller++;
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	assert_int_equal(ask("SELECT sum(calls) FROM totals"), 1007);
	assert_int_equal(ask("SELECT sum(calls) FROM hours"), 7);
	assert_int_equal(ask("SELECT sum(count) FROM loss_hours"), 1);
	history__close(history);
	aggregate__free(aggregate);
}

static void losses_are_kept_by_the_hour(void **state)
{
	struct aggregate *aggregate = make();
	struct history *history = open_history();

	(void)state;
	for (int i = 1; i <= 3; i++) {
		aggregate__state(aggregate)->losses.events_dropped += i;
		assert_int_equal(history__save(history, aggregate, NOW + i * HOUR), 0);
	}
	assert_int_equal(ask("SELECT count(*) FROM loss_hours"), 3);
	assert_int_equal(ask("SELECT sum(count) FROM loss_hours WHERE kind = 'events_dropped'"), 6);
	assert_int_equal(ask("SELECT value FROM counters WHERE name = 'events_dropped'"), 6);
	history__close(history);
	aggregate__free(aggregate);
}

static void objects_and_problems_are_those_of_the_last_save(void **state)
{
	struct aggregate *aggregate = make();
	struct history *history = open_history();
	struct aggregate_object objects[2] = { { .what = "pid 1", .references = 2 },
					       { .what = "pid 2", .caller = AGGREGATE_NONE } };
	struct aggregate_problem problem = { .problem = (char *)"removed",
					     .target = (char *)"7.3" };
	struct known_program holder = numbered(3);

	(void)state;
	objects[0].kfunc = objects[1].kfunc = problem.kfunc =
		aggregate__kfunc(aggregate, "a", NULL);
	objects[0].type = objects[1].type = aggregate__type(aggregate, "task_struct");
	problem.caller = objects[0].caller = aggregate__caller(aggregate, &holder);
	aggregate__set_objects(aggregate, objects, 2);
	aggregate__set_problems(aggregate, &problem, 1);
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	assert_int_equal(ask("SELECT count(*) FROM objects o JOIN kfuncs k ON k.id = o.kfunc "
			     "LEFT JOIN programs p ON p.id = o.program "
			     "WHERE (what = 'pid 1') = (p.name IS 'program_3')"),
			 2);
	assert_int_equal(ask("SELECT count(*) FROM problems WHERE target = '7.3'"), 1);
	objects[0].references = 3;
	aggregate__set_objects(aggregate, objects, 1);
	aggregate__set_problems(aggregate, NULL, 0);
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	assert_int_equal(ask("SELECT sum(held) FROM objects"), 3);
	assert_int_equal(ask("SELECT count(*) FROM problems"), 0);
	history__close(history);
	aggregate__free(aggregate);
}

/* The total of a pair whose place was given away must not come back over that of a later one. */
static void a_forgotten_pair_is_not_restored(void **state)
{
	struct aggregate *aggregate = make_bounded(2, 100), *again = make_bounded(2, 100);
	struct history *history = open_history();

	(void)state;
	call(aggregate, "a", 1, 10, NOW);
	call(aggregate, "a", 2, 10, NOW);
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	call(aggregate, "a", 2, 1, NOW + 100);
	call(aggregate, "a", 3, 10, NOW + 100);
	assert_null(row_of(aggregate, "a", 1));
	assert_int_equal(history__save(history, aggregate, NOW + 100), 0);
	/* It comes back in another place, and begins again: the hour has all of its calls. */
	call(aggregate, "a", 3, 1, NOW + 199);
	call(aggregate, "a", 1, 4, NOW + 200);
	assert_null(row_of(aggregate, "a", 2));
	assert_int_equal(history__save(history, aggregate, NOW + 200), 0);
	assert_int_equal(ask("SELECT count(*) FROM totals"), 2);
	assert_int_equal(ask("SELECT sum(calls) FROM hours"), 36);
	assert_int_equal(history__restore(history, again), 0);
	assert_int_equal(row_of(again, "a", 1)->counts.calls, 4);
	assert_int_equal(row_of(again, "a", 3)->counts.calls, 11);
	assert_null(row_of(again, "a", 2));
	history__close(history);
	aggregate__free(aggregate);
	aggregate__free(again);
}

/* With a smaller max_callers than before, twice: what goes to `other` goes there once. */
static void totals_without_a_place_go_to_other_once(void **state)
{
	struct aggregate *aggregate = make();
	struct history *history = open_history();
	const struct known_program other = { .kind = KNOWN_OTHER };

	(void)state;
	for (int i = 0; i < 10; i++)
		call(aggregate, "a", i, 1 + i, NOW + i);
	assert_int_equal(history__save(history, aggregate, NOW + 10), 0);
	for (int i = 0; i < 3; i++) {
		struct aggregate *small = make_bounded(4, 0);

		assert_int_equal(history__restore(history, small), 0);
		assert_int_equal(row_of(small, "a", 9)->counts.calls, 10);
		assert_int_equal(aggregate__find(small, 0, &other)->counts.calls, 21);
		assert_int_equal(aggregate__read_state(small)->losses.other_rows, 0);
		assert_int_equal(history__save(history, small, NOW + 20), 0);
		assert_int_equal(ask("SELECT sum(calls) FROM totals"), 55);
		assert_int_equal(ask("SELECT sum(calls) FROM hours"), 55);
		history__close(history);
		history = open_history();
		aggregate__free(small);
	}
	history__close(history);
	aggregate__free(aggregate);
}

static void a_clock_that_jumps_changes_no_sum(void **state)
{
	static const __s64 jumps[] = { 0,	   60, -5 * HOUR, -5 * HOUR + 10, 3 * HOUR,
				       400 * HOUR, 61, HOUR,	  -NOW + 5,	  2 * HOUR };
	struct aggregate *aggregate = make();
	struct history *history = open_history();
	__u64 sum = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
		call(aggregate, "a", 1, 1 + i, NOW + jumps[i]);
		sum += 1 + i;
		assert_int_equal(history__save(history, aggregate, NOW + jumps[i]), 0);
		assert_int_equal(ask("SELECT sum(calls) FROM hours"), sum);
		assert_int_equal(ask("SELECT sum(calls) FROM totals"), sum);
	}
	history__close(history);
	aggregate__free(aggregate);
}

/* --- age and size ---------------------------------------------------------------------------------------- */

static void hours_that_are_too_old_go(void **state)
{
	struct history_options opts = usual;
	struct aggregate *aggregate = make();
	struct history *history;

	(void)state;
	opts.retention_s = 24 * HOUR;
	history = open_with(&opts);
	for (int i = 0; i < 100; i++) {
		call(aggregate, "a", i, 1, NOW + i * HOUR);
		aggregate__state(aggregate)->losses.no_caller++;
		assert_int_equal(history__save(history, aggregate, NOW + i * HOUR), 0);
		assert_int_equal(history__tidy(history, NOW + i * HOUR), 0);
	}
	assert_int_equal(ask("SELECT min(hour) FROM hours"), NOW + 75 * HOUR);
	assert_int_equal(ask("SELECT min(hour) FROM loss_hours"), NOW + 75 * HOUR);
	assert_int_equal(ask("SELECT count(*) FROM totals"), 100);
	history__close(history);
	aggregate__free(aggregate);
}

/* 30 000 programs of other names: those that nobody knows any more leave no trace. */
static void programs_of_the_past_go(void **state)
{
	struct history_options opts = usual;
	struct aggregate *aggregate = make_bounded(50, 60);
	struct history *history;

	(void)state;
	opts.retention_s = 24 * HOUR;
	history = open_with(&opts);
	for (int i = 0; i < 300; i++) {
		for (int j = 0; j < 100; j++)
			call(aggregate, "a", i * 100 + j, 1, NOW + i * HOUR + j);
		assert_int_equal(history__save(history, aggregate, NOW + i * HOUR + 100), 0);
		assert_int_equal(history__tidy(history, NOW + i * HOUR + 100), 0);
	}
	/* 50 an hour get a row, and are known for 24 hours. */
	assert_in_range(ask("SELECT count(*) FROM programs"), 24 * 50, 27 * 50);
	assert_int_equal(ask("SELECT count(*) FROM totals"), 51);
	assert_int_equal(ask("SELECT count(*) FROM hours WHERE program NOT IN "
			     "(SELECT id FROM programs)"),
			 0);
	/* 4 MB of them are the WAL. */
	assert_true(history__bytes(history) < 6 * MEGABYTE);
	history__close(history);
	aggregate__free(aggregate);
}

static void the_file_does_not_outgrow_its_limit(void **state)
{
	struct history_options opts = usual;
	struct aggregate *aggregate = make();
	struct history *history;
	__u64 largest = 0;

	(void)state;
	opts.max_bytes = 8 * MEGABYTE;
	opts.retention_s = 10000 * HOUR;
	history = open_with(&opts);
	for (int i = 0; i < 300; i++) {
		fill(aggregate, 3000, NOW + i * HOUR);
		assert_int_equal(history__save(history, aggregate, NOW + i * HOUR), 0);
		if (history__bytes(history) > largest)
			largest = history__bytes(history);
		/* Not always in time: a save has to make room itself. */
		if (i % 50 < 10)
			assert_int_equal(history__tidy(history, NOW + i * HOUR), 0);
	}
	print_message("limit 8 MB: at most %.2f MB, %lld hours\n", largest / 1048576.0,
		      (long long)ask("SELECT count(DISTINCT hour) FROM hours"));
	assert_true(largest <= opts.max_bytes);
	assert_true(largest > opts.max_bytes / 2);
	assert_int_equal(ask("SELECT max(hour) FROM hours"), NOW + 299 * HOUR);
	assert_true(ask("SELECT count(DISTINCT hour) FROM hours") > 5);
	assert_int_equal(ask("SELECT count(*) FROM totals"), 3000);
	/* It may become smaller. */
	opts.max_bytes = 4 * MEGABYTE;
	history__set_options(history, &opts);
	for (int i = 0; i < 20; i++) {
		fill(aggregate, 3000, NOW + 300 * HOUR);
		assert_int_equal(history__tidy(history, NOW + 300 * HOUR), 0);
		assert_int_equal(history__save(history, aggregate, NOW + 300 * HOUR), 0);
	}
	assert_true(history__bytes(history) <= opts.max_bytes);
	history__close(history);
	aggregate__free(aggregate);
}

static void a_limit_that_is_too_small_is_said(void **state)
{
	struct history_options opts = usual;
	struct aggregate *aggregate = make();
	struct history *history;

	(void)state;
	opts.max_bytes = 4 * MEGABYTE;
	history = open_with(&opts);
	fill(aggregate, 60000, NOW);
	assert_int_equal(history__save(history, aggregate, NOW), -ENOSPC);
	assert_non_null(strstr(history__trouble(history), "max_bytes is too small"));
	/* All of it comes when there may be more. */
	opts.max_bytes = 64 * MEGABYTE;
	history__set_options(history, &opts);
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	assert_int_equal(ask("SELECT count(*) FROM totals"), 60000);
	assert_int_equal(ask("SELECT sum(calls) FROM hours"), ask("SELECT sum(calls) FROM totals"));
	history__close(history);
	aggregate__free(aggregate);
}

/* Whoever reads for hours keeps the WAL from being emptied: then nothing is saved, until he ends. */
static void a_reader_cannot_make_the_wal_outgrow_it(void **state)
{
	struct history_options opts = usual;
	struct aggregate *aggregate = make();
	struct history *history;
	sqlite3 *db;
	int err = 0;

	(void)state;
	opts.max_bytes = 8 * MEGABYTE;
	history = open_with(&opts);
	fill(aggregate, 1000, NOW);
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM hours", NULL, NULL, NULL),
			 SQLITE_OK);
	for (int i = 0; i < 300 && !err; i++) {
		fill(aggregate, 1000, NOW + i);
		err = history__save(history, aggregate, NOW + i);
		assert_true(history__bytes(history) <= opts.max_bytes);
	}
	assert_int_equal(err, -ENOSPC);
	assert_non_null(strstr(history__trouble(history), "somebody reads it"));
	sqlite3_close(db);
	assert_int_equal(history__save(history, aggregate, NOW + 301), 0);
	assert_int_equal(ask("SELECT sum(calls) FROM hours"), ask("SELECT sum(calls) FROM totals"));
	history__close(history);
	aggregate__free(aggregate);
}

/* Nor do deletions, which write there as well, and are taken up again when he has ended. */
static void a_reader_cannot_make_deletions_outgrow_it(void **state)
{
	struct history_options opts = usual;
	struct aggregate *aggregate = make();
	struct history *history;
	int err = 0, tidied = 0;
	sqlite3 *db;

	(void)state;
	opts.max_bytes = 8 * MEGABYTE;
	history = open_with(&opts);
	for (int i = 0; i < 60; i++) {
		fill(aggregate, 2000, NOW + i * HOUR);
		assert_int_equal(history__save(history, aggregate, NOW + i * HOUR), 0);
	}
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM hours", NULL, NULL, NULL),
			 SQLITE_OK);
	/* All that was saved is too old by now. */
	opts.retention_s = HOUR;
	history__set_options(history, &opts);
	while (!err && tidied < 100) {
		err = history__tidy(history, NOW + 100 * HOUR);
		tidied++;
		assert_true(history__bytes(history) <= opts.max_bytes);
	}
	assert_int_equal(err, -ENOSPC);
	assert_non_null(strstr(history__trouble(history), "deleting what is old: somebody reads"));
	assert_true(ask("SELECT count(DISTINCT hour) FROM hours") < 60);
	sqlite3_close(db);
	/* A save that succeeds does not hide that there is something to be deleted. */
	assert_int_equal(history__save(history, aggregate, NOW + 100 * HOUR), 0);
	assert_non_null(strstr(history__trouble(history), "deleting what is old"));
	for (int i = 0; i < 20; i++)
		assert_int_equal(history__tidy(history, NOW + 100 * HOUR), 0);
	assert_string_equal(history__trouble(history), "");
	assert_int_equal(ask("SELECT count(*) FROM hours"), 0);
	assert_int_equal(ask("SELECT count(*) FROM totals"), 2000);
	history__close(history);
	aggregate__free(aggregate);
}

static void ten_thousand_rows_are_saved_quickly(void **state)
{
	struct aggregate *aggregate = make(), *again = make();
	struct history *history = open_history();
	double first, changed, nothing, restored, start;

	(void)state;
	fill(aggregate, 10000, NOW);
	start = seconds();
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	first = seconds() - start;
	fill(aggregate, 10000, NOW + 10);
	start = seconds();
	assert_int_equal(history__save(history, aggregate, NOW + 10), 0);
	changed = seconds() - start;
	start = seconds();
	assert_int_equal(history__save(history, aggregate, NOW + 20), 0);
	nothing = seconds() - start;
	history__close(history);
	history = open_history();
	start = seconds();
	assert_int_equal(history__restore(history, again), 0);
	restored = seconds() - start;
	assert_int_equal(aggregate__nr_rows(again), 10000);
	print_message("10 000 rows: %.0f ms new, %.0f ms changed, %.2f ms unchanged, %.0f ms to "
		      "restore; %.2f MB\n",
		      first * 1e3, changed * 1e3, nothing * 1e3, restored * 1e3,
		      history__bytes(history) / 1048576.0);
	/* A tenth of that is usual. */
	assert_true(changed < 3);
	history__close(history);
	aggregate__free(aggregate);
	aggregate__free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_new_file_is_for_its_owner_alone, empty_folder),
		cmocka_unit_test_setup(a_folder_that_is_not_there_is_an_error, empty_folder),
		cmocka_unit_test_setup(totals_come_back, empty_folder),
		cmocka_unit_test_setup(an_hour_has_what_is_new_in_it, empty_folder),
		cmocka_unit_test_setup(a_history_begun_later_has_what_is_new, empty_folder),
		cmocka_unit_test_setup(losses_are_kept_by_the_hour, empty_folder),
		cmocka_unit_test_setup(objects_and_problems_are_those_of_the_last_save,
				       empty_folder),
		cmocka_unit_test_setup(a_forgotten_pair_is_not_restored, empty_folder),
		cmocka_unit_test_setup(totals_without_a_place_go_to_other_once, empty_folder),
		cmocka_unit_test_setup(a_clock_that_jumps_changes_no_sum, empty_folder),
		cmocka_unit_test_setup(hours_that_are_too_old_go, empty_folder),
		cmocka_unit_test_setup(programs_of_the_past_go, empty_folder),
		cmocka_unit_test_setup(the_file_does_not_outgrow_its_limit, empty_folder),
		cmocka_unit_test_setup(a_limit_that_is_too_small_is_said, empty_folder),
		cmocka_unit_test_setup(a_reader_cannot_make_the_wal_outgrow_it, empty_folder),
		cmocka_unit_test_setup(a_reader_cannot_make_deletions_outgrow_it, empty_folder),
		cmocka_unit_test_setup(ten_thousand_rows_are_saved_quickly, empty_folder),
	};
	int failed;

	if (!make_folder())
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	remove_folder();
	return failed;
}
