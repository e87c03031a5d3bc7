// SPDX-License-Identifier: GPL-2.0-only
/* The history when its file is somebody else's, damaged, locked, late, or has no room. */
#include "history_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* --- what must not be touched -------------------------------------------------------------------------- */

static char *contents(size_t *size)
{
	int fd = open(path, O_RDONLY);
	struct stat stat_buf;
	char *bytes;

	fstat(fd, &stat_buf);
	*size = stat_buf.st_size;
	bytes = malloc(*size + 1);
	assert_int_equal(read(fd, bytes, *size), *size);
	close(fd);
	return bytes;
}

static void assert_refused_and_untouched(int expected)
{
	size_t size, size_after;
	char *before = contents(&size), *after;
	struct aggregate *aggregate = make();
	struct history *history;

	call(aggregate, "a", 1, 10, NOW);
	assert_int_equal(history__open(&usual, &history), expected);
	assert_int_equal(history__restore(history, aggregate), 0);
	assert_int_equal(history__save(history, aggregate, NOW), expected);
	assert_int_equal(history__tidy(history, NOW), expected);
	history__close(history);
	aggregate__free(aggregate);
	after = contents(&size_after);
	assert_int_equal(size, size_after);
	assert_memory_equal(before, after, size);
	assert_int_equal(files("history.db.corrupt"), 0);
	free(before);
	free(after);
}

static void a_file_of_a_later_version_is_left_alone(void **state)
{
	(void)state;
	history__close(open_history());
	tell("PRAGMA user_version = 2");
	assert_refused_and_untouched(-EPROTONOSUPPORT);
}

/* What makes it one stands in the WAL only. */
static void a_later_version_in_the_wal_is_left_alone(void **state)
{
	sqlite3 *db;

	(void)state;
	history__close(open_history());
	if (!fork()) {
		sqlite3_open(path, &db);
		sqlite3_exec(db, "PRAGMA user_version = 2", NULL, NULL, NULL);
		_exit(0);
	}
	wait(NULL);
	assert_int_equal(files("history.db-wal"), 1);
	assert_refused_and_untouched(-EPROTONOSUPPORT);
	assert_int_equal(ask("PRAGMA user_version"), 2);
}

static void what_is_somebody_elses_is_left_alone(void **state)
{
	FILE *file;

	(void)state;
	tell("CREATE TABLE other (x)");
	assert_refused_and_untouched(-EINVAL);
	tell("PRAGMA application_id = 7");
	assert_refused_and_untouched(-EINVAL);
	/* A text that has another name than a database. */
	empty_folder(NULL);
	snprintf(path, sizeof(path), "%s/passwd", folder);
	file = fopen(path, "w");
	fputs("root:x:0:0:root:/root:/bin/bash\n", file);
	fclose(file);
	chmod(path, 0644);
	assert_refused_and_untouched(-EINVAL);
	assert_int_equal(files("passwd"), 1);
	snprintf(path, sizeof(path), "%s/history.db", folder);
}

static void two_do_not_write_the_same_file(void **state)
{
	struct history *history = open_history(), *second;

	(void)state;
	assert_int_equal(history__open(&usual, &second), -EBUSY);
	history__close(second);
	history__close(history);
	history__close(open_history());
}

/* --- faults ----------------------------------------------------------------------------------------------- */

static void overwrite(const char *file, off_t from, size_t size)
{
	int fd = open(file, O_WRONLY);
	char *bytes = malloc(size);

	assert_true(fd >= 0);
	memset(bytes, 0xa5, size);
	assert_int_equal(pwrite(fd, bytes, size, from), size);
	free(bytes);
	close(fd);
}

/* Whenever it was found: as an error, in words, and the words once. */
static void assert_corruption_is_told(struct history *history)
{
	char news[1024];

	assert_int_equal(history__errors(history), 1);
	assert_true(history__take_news(history, news, sizeof(news)));
	assert_non_null(strstr(news, "is corrupt: moved to "));
	assert_non_null(strstr(news, "history.db.corrupt-"));
	assert_false(history__take_news(history, news, sizeof(news)));
}

static void a_corrupt_file_is_moved_aside(void **state)
{
	/* The header; pages of tables; all but the header. */
	static const struct {
		off_t from;
		size_t size;
	} damages[] = { { 0, 100 }, { 4096, 200000 }, { 100, 4096 }, { 0, 300000 }, { 17, 1 } };
	struct aggregate *aggregate = make(), *again;

	(void)state;
	fill(aggregate, 5000, NOW);
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct history *history = open_history();

		assert_int_equal(history__save(history, aggregate, NOW), 0);
		history__close(history);
		overwrite(path, damages[i].from, damages[i].size);
		history = open_history();
		/* The last three are kept. */
		assert_int_equal(moved_aside(), i < 3 ? i + 1 : 3);
		assert_corruption_is_told(history);
		again = make();
		assert_int_equal(history__restore(history, again), 0);
		assert_int_equal(aggregate__nr_rows(again), 0);
		assert_int_equal(history__save(history, aggregate, NOW), 0);
		assert_int_equal(ask("SELECT count(*) FROM totals"), 5000);
		aggregate__free(again);
		history__close(history);
		unlink(path);
	}
	aggregate__free(aggregate);
}

static void touch(const char *name)
{
	char file[320];

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	close(open(file, O_WRONLY | O_CREAT, 0600));
}

/* Of all runs together; what has another name is somebody's own. */
static void the_last_corrupt_files_are_kept(void **state)
{
	(void)state;
	touch("history.db.corrupt-20250101T000000Z");
	touch("history.db.corrupt-20250101T000000Z-wal");
	touch("history.db.corrupt-20250101T000000Z-shm");
	touch("history.db.corrupt-20250102T000000Z");
	touch("history.db.corrupt-20250102T000000Z-2");
	touch("history.db.corrupt-20250102T000000Z-2-wal");
	/* The clock was wrong. */
	touch("history.db.corrupt-20990102T000000Z");
	touch("history.db.corrupt-20250101T000000Z-mine");
	touch("history.db.corrupt-mine");
	touch("another.db.corrupt-20250101T000000Z");
	history__close(open_history());
	overwrite(path, 0, 100);
	history__close(open_history());
	assert_int_equal(files("history.db.corrupt-20250101T000000Z"), 1);
	assert_int_equal(files("history.db.corrupt-20250101T000000Z-mine"), 1);
	assert_int_equal(files("history.db.corrupt-mine"), 1);
	assert_int_equal(files("another.db.corrupt-"), 1);
	/* Of the other five this, with its WAL... */
	assert_int_equal(files("history.db.corrupt-20250102T000000Z"), 2);
	assert_int_equal(files("history.db.corrupt-20250102T000000Z-2"), 2);
	/* ...this, and the new one. */
	assert_int_equal(files("history.db.corrupt-2099"), 1);
	assert_int_equal(files("history.db.corrupt-20"), 5);
}

static void a_file_that_becomes_corrupt_is_moved_aside_while_saving(void **state)
{
	struct aggregate *aggregate = make(), *again = make();
	struct history *history = open_history();
	struct stat stat_buf;

	(void)state;
	fill(aggregate, 60000, NOW);
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	/* Out of the WAL, and too much for the page cache: what is damaged has to be read. */
	history__close(history);
	history = open_history();
	assert_int_equal(history__restore(history, again), 0);
	stat(path, &stat_buf);
	overwrite(path, 4096, stat_buf.st_size - 4096);
	fill(again, 60000, NOW + 10);
	assert_int_equal(history__save(history, again, NOW + 10), 0);
	assert_corruption_is_told(history);
	assert_string_equal(history__trouble(history), "");
	assert_int_equal(moved_aside(), 1);
	/* All totals, and of the hour what is new. */
	assert_int_equal(ask("SELECT count(*) FROM totals"), 60000);
	assert_int_equal(ask("SELECT sum(calls) FROM totals"),
			 2 * ask("SELECT sum(calls) FROM hours"));
	assert_int_equal(history__save(history, again, NOW + 20), 0);
	history__close(history);
	aggregate__free(aggregate);
	aggregate__free(again);
}

static void a_file_that_is_taken_away_is_begun_anew(void **state)
{
	struct aggregate *aggregate = make();
	struct history *history = open_history();

	(void)state;
	fill(aggregate, 100, NOW);
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	unlink(path);
	fill(aggregate, 100, NOW);
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	assert_int_equal(ask("SELECT count(*) FROM totals"), 100);
	assert_int_equal(ask("SELECT sum(calls) FROM totals"),
			 2 * ask("SELECT sum(calls) FROM hours"));
	history__close(history);
	aggregate__free(aggregate);
}

/* Saves until there is no room, and then with room: everything is there, and once. */
static void a_full_disk_loses_nothing(void **state)
{
	struct rlimit old, small = { .rlim_cur = 300000 };
	struct aggregate *aggregate = make();
	struct history *history = open_history();
	int err = 0, i;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (i = 0; i < 100 && !err; i++) {
		fill(aggregate, i * 100, NOW + i);
		err = history__save(history, aggregate, NOW + i);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(err, -ENOSPC);
	assert_true(i > 2);
	assert_int_equal(history__errors(history), 1);
	assert_non_null(strstr(history__trouble(history), "No space"));
	/* What a save returned 0 for is there. */
	assert_int_equal(ask("SELECT sum(calls) FROM totals"), ask("SELECT sum(calls) FROM hours"));
	assert_int_equal(history__save(history, aggregate, NOW + 200), 0);
	assert_string_equal(history__trouble(history), "");
	{
		__u64 calls = 0;

		for (size_t j = 0; j < aggregate__nr_rows(aggregate); j++)
			calls += aggregate__row_at(aggregate, j)->counts.calls;
		assert_int_equal(ask("SELECT sum(calls) FROM totals"), calls);
		assert_int_equal(ask("SELECT sum(calls) FROM hours"), calls);
	}
	history__close(history);
	aggregate__free(aggregate);
}

/* Somebody else's transaction keeps it from saving. */
static void a_locked_file_is_saved_to_later(void **state)
{
	struct aggregate *aggregate = make();
	struct history *history = open_history();
	sqlite3 *db;

	(void)state;
	call(aggregate, "a", 1, 5, NOW);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(history__save(history, aggregate, NOW), -EBUSY);
	sqlite3_close(db);
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	assert_int_equal(ask("SELECT sum(calls) FROM hours"), 5);
	history__close(history);
	aggregate__free(aggregate);
}

/* --- totals that cannot be read at the beginning --------------------------------------------------------- */

/* 1 + 2 + 3 calls for each three pairs. */
static void save_past(const char *file, int pairs)
{
	struct history_options opts = usual;
	struct aggregate *aggregate = make();
	struct history *history;

	opts.path = file;
	history = open_with(&opts);
	fill(aggregate, pairs, NOW - HOUR);
	aggregate__state(aggregate)->losses.no_caller = 5;
	aggregate__type_for(aggregate, aggregate__type(aggregate, "task_struct"))->acquired = 3;
	aggregate__kfunc_for(aggregate, 0)->runs = 7;
	assert_int_equal(history__save(history, aggregate, NOW - HOUR), 0);
	history__close(history);
	aggregate__free(aggregate);
}

/* In the meantime it has counted: of a pair of before, and of another. */
static void count_meanwhile(struct aggregate *aggregate)
{
	call(aggregate, "kfunc_1", 0, 100, NOW);
	call(aggregate, "new", 1, 10, NOW);
	aggregate__state(aggregate)->losses.no_caller += 2;
	aggregate__type_for(aggregate, aggregate__type(aggregate, "task_struct"))->acquired += 4;
	aggregate__kfunc_for(aggregate, aggregate__kfunc(aggregate, "kfunc_0", NULL))->runs += 8;
}

/* All of both, each once. */
static void assert_past_and_present(struct aggregate *aggregate, int pairs)
{
	__s64 past = pairs / 3 * 6;

	assert_int_equal(ask("SELECT sum(calls) FROM totals"), past + 110);
	assert_int_equal(ask("SELECT count(*) FROM totals"), pairs + 1);
	assert_int_equal(ask("SELECT sum(calls) FROM hours"), past + 110);
	assert_int_equal(ask("SELECT calls FROM hours WHERE hour = 1699999200 AND calls > 50"),
			 100);
	assert_int_equal(ask("SELECT sum(count) FROM loss_hours"), 7);
	assert_int_equal(ask("SELECT value FROM counters WHERE name = 'no_caller'"), 7);
	assert_int_equal(ask("SELECT sum(acquired) FROM type_hours"), 7);
	assert_int_equal(ask("SELECT acquired FROM types"), 7);
	assert_int_equal(ask("SELECT runs FROM kfuncs WHERE name = 'kfunc_0'"), 15);
	assert_int_equal(row_of(aggregate, "kfunc_1", 0)->counts.calls, 102);
	assert_int_equal(row_of(aggregate, "kfunc_1", 0)->first_seen, NOW - HOUR);
	assert_int_equal(row_of(aggregate, "kfunc_1", 0)->last_seen, NOW);
	assert_int_equal(aggregate__read_state(aggregate)->losses.no_caller, 7);
}

/* That it was locked when the aggregator began must not cost what it has. */
static void totals_that_cannot_be_read_yet_are_added_later(void **state)
{
	struct aggregate *aggregate = make();
	struct history *before, *history;

	(void)state;
	save_past(path, 300);
	before = open_history();
	assert_int_equal(history__open(&usual, &history), -EBUSY);
	assert_int_equal(history__restore(history, aggregate), 0);
	assert_int_equal(aggregate__nr_rows(aggregate), 0);
	count_meanwhile(aggregate);
	assert_int_equal(history__save(history, aggregate, NOW), -EBUSY);
	assert_int_equal(ask("SELECT count(*) FROM totals"), 300);
	history__close(before);
	assert_int_equal(history__save(history, aggregate, NOW + 10), 0);
	assert_string_equal(history__trouble(history), "");
	assert_past_and_present(aggregate, 300);
	/* And not again. */
	history__close(history);
	history = open_history();
	assert_int_equal(history__save(history, aggregate, NOW + 20), 0);
	assert_int_equal(ask("SELECT sum(calls) FROM totals"), 710);
	history__close(history);
	aggregate__free(aggregate);
}

/* Memory may end anywhere: with the kfuncs read, or some of the totals. */
static void totals_that_were_read_half_way_are_read_to_the_end(void **state)
{
	int failed = 0, half_way = 0;

	(void)state;
	for (int i = 0; i < 60; i++) {
		struct aggregate *aggregate = make();
		struct history *history;
		int err;

		empty_folder(NULL);
		save_past(path, 1500);
		history = open_history();
		sqlite3_hard_heap_limit64(sqlite3_memory_used() + 8192 * i);
		err = history__restore(history, aggregate);
		sqlite3_hard_heap_limit64(0);
		failed += err != 0;
		half_way += err && aggregate__nr_kfuncs(aggregate);
		if (err)
			assert_int_equal(err, -ENOMEM);
		count_meanwhile(aggregate);
		assert_int_equal(history__save(history, aggregate, NOW), 0);
		assert_past_and_present(aggregate, 1500);
		history__close(history);
		aggregate__free(aggregate);
	}
	assert_true(failed > 0);
	assert_true(half_way > 0);
	print_message("%d of 60 without memory, %d of these half way\n", failed, half_way);
}

/* Its folder comes when the aggregator has long been counting. */
static void a_file_that_comes_late_is_taken(void **state)
{
	struct aggregate *aggregate = make();
	struct history *history;
	char late[96], elsewhere[96];

	(void)state;
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere.db", folder);
	save_past(elsewhere, 300);
	snprintf(late, sizeof(late), "%s/late", folder);
	snprintf(path, sizeof(path), "%s/late/history.db", folder);
	assert_int_equal(history__open(&usual, &history), -ENOENT);
	assert_int_equal(history__restore(history, aggregate), 0);
	count_meanwhile(aggregate);
	for (int i = 0; i < 100; i++)
		assert_int_equal(history__save(history, aggregate, NOW + i), -ENOENT);
	assert_int_equal(mkdir(late, 0700), 0);
	assert_int_equal(rename(elsewhere, path), 0);
	/* It is not looked for every second, unless somebody says so. */
	assert_int_equal(history__save(history, aggregate, NOW + 100), -ENOENT);
	history__set_options(history, &usual);
	assert_int_equal(history__save(history, aggregate, NOW + 100), 0);
	assert_past_and_present(aggregate, 300);
	history__close(history);
	aggregate__free(aggregate);
	unlink(path);
	rmdir(late);
	snprintf(path, sizeof(path), "%s/history.db", folder);
}

/*
 * Keeps SQLite's locks of one that recovers the WAL, until it is killed: the one of everybody who has the
 * -shm open, that to write and that to recover (wal.c, os_unix.c).
 */
static pid_t recover_for_ever(void)
{
	static const struct flock locks[] = {
		{ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 128, .l_len = 1 },
		{ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 120, .l_len = 1 },
		{ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 122, .l_len = 1 },
	};
	char shm[160];
	int said[2], fd;
	char byte;
	pid_t pid;

	snprintf(shm, sizeof(shm), "%s-shm", path);
	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(shm, O_RDWR | O_CREAT, 0600);
		if (ftruncate(fd, 0) || ftruncate(fd, 32768))
			_exit(1);
		for (size_t i = 0; i < ARRAY_SIZE(locks); i++) {
			if (fcntl(fd, F_SETLK, &locks[i]))
				_exit(1);
		}
		if (write(said[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(said[1]);
	assert_int_equal(read(said[0], &byte, 1), 1);
	close(said[0]);
	return pid;
}

/* The first to open it after a kill reads its WAL anew, and everybody else waits for that a little. */
static void somebody_elses_recovery_is_waited_for(void **state)
{
	struct aggregate *aggregate = make();
	struct history *history;
	double start;
	pid_t pid;

	(void)state;
	save_past(path, 300);
	pid = fork();
	if (!pid) {
		history__open(&usual, &history);
		call(aggregate, "a", 1, 10, NOW);
		history__adopt(history, aggregate);
		history__save(history, aggregate, NOW);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	assert_int_equal(files("history.db-wal"), 1);
	pid = recover_for_ever();
	start = seconds();
	assert_int_equal(history__open(&usual, &history), -EBUSY);
	/* At least so long: on a busy machine it may be any time. */
	assert_true(seconds() - start > 0.1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(history__restore(history, aggregate), 0);
	assert_int_equal(history__save(history, aggregate, NOW), 0);
	assert_int_equal(row_of(aggregate, "a", 1)->counts.calls, 10);
	history__close(history);
	aggregate__free(aggregate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_file_of_a_later_version_is_left_alone, empty_folder),
		cmocka_unit_test_setup(a_later_version_in_the_wal_is_left_alone, empty_folder),
		cmocka_unit_test_setup(what_is_somebody_elses_is_left_alone, empty_folder),
		cmocka_unit_test_setup(two_do_not_write_the_same_file, empty_folder),
		cmocka_unit_test_setup(a_corrupt_file_is_moved_aside, empty_folder),
		cmocka_unit_test_setup(the_last_corrupt_files_are_kept, empty_folder),
		cmocka_unit_test_setup(a_file_that_becomes_corrupt_is_moved_aside_while_saving,
				       empty_folder),
		cmocka_unit_test_setup(a_file_that_is_taken_away_is_begun_anew, empty_folder),
		cmocka_unit_test_setup(a_full_disk_loses_nothing, empty_folder),
		cmocka_unit_test_setup(a_locked_file_is_saved_to_later, empty_folder),
		cmocka_unit_test_setup(totals_that_cannot_be_read_yet_are_added_later,
				       empty_folder),
		cmocka_unit_test_setup(totals_that_were_read_half_way_are_read_to_the_end,
				       empty_folder),
		cmocka_unit_test_setup(a_file_that_comes_late_is_taken, empty_folder),
		cmocka_unit_test_setup(somebody_elses_recovery_is_waited_for, empty_folder),
	};
	int failed;

	if (!make_folder())
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	remove_folder();
	return failed;
}
