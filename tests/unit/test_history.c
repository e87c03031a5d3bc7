// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "aggregate.h"
#include "history.h"
#include "message.h"

#define HOUR	 3600
#define NOW	 (1700000000ll / HOUR * HOUR)
#define MEGABYTE (1ull << 20)

/* Where writing to the disk keeps nobody waiting, if there is such a folder. */
static char folder[64];
static char path[128];

static const struct history_options usual = {
	.path = path,
	.retention_s = 14 * 24 * HOUR,
	.max_bytes = 256 * MEGABYTE,
};

/* --- what the tests do again and again -------------------------------------------------------------- */

static int empty_folder(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	(void)state;
	while ((entry = readdir(dir))) {
		if (*entry->d_name != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	return 0;
}

/* Files whose names begin so. */
static int files(const char *beginning)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int nr = 0;

	while ((entry = readdir(dir)))
		nr += !strncmp(entry->d_name, beginning, strlen(beginning));
	closedir(dir);
	return nr;
}

/* How often it was moved aside: databases without their WALs. */
static int moved_aside(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int nr = 0;

	while ((entry = readdir(dir)))
		nr += strstr(entry->d_name, ".corrupt-") && !strstr(entry->d_name, "-wal") &&
		      !strstr(entry->d_name, "-shm");
	closedir(dir);
	return nr;
}

static struct aggregate *make_bounded(size_t max_callers, __u64 forget_s)
{
	const struct aggregate_options opts = {
		.max_callers = max_callers,
		.max_objects = 1000,
		.forget_s = forget_s,
	};
	struct aggregate *aggregate = aggregate__new(&opts);

	assert_non_null(aggregate);
	snprintf(aggregate__state(aggregate)->release, sizeof(aggregate__state(aggregate)->release),
		 "6.12.0-test");
	aggregate__state(aggregate)->started = NOW;
	return aggregate;
}

static struct aggregate *make(void)
{
	return make_bounded(100000, 0);
}

static struct history *open_with(const struct history_options *opts)
{
	struct history *history = NULL;

	assert_int_equal(history__open(opts, &history), 0);
	assert_non_null(history);
	return history;
}

static struct history *open_history(void)
{
	return open_with(&usual);
}

static struct known_program numbered(unsigned int number)
{
	struct known_program program = { .kind = KNOWN_PROGRAM, .type = "xdp", .id = 7 };

	snprintf(program.name, sizeof(program.name), "program_%u", number);
	return program;
}

static struct aggregate_row *call(struct aggregate *aggregate, const char *kfunc,
				  unsigned int program, __u64 calls, __s64 now)
{
	const struct aggregate_counts counts = {
		.calls = calls,
		.nulls = calls / 2,
		.acquired = calls - calls / 2,
	};
	struct known_program caller = numbered(program);
	struct aggregate_row *row = aggregate__add(
		aggregate, aggregate__kfunc(aggregate, kfunc, NULL), &caller, &counts, now);

	assert_non_null(row);
	return row;
}

static struct aggregate_row *row_of(struct aggregate *aggregate, const char *kfunc,
				    unsigned int program)
{
	struct known_program caller = numbered(program);

	return aggregate__find(aggregate, aggregate__kfunc(aggregate, kfunc, NULL), &caller);
}

/* A number out of the file, as sqlite3(1) would get it, while it is written. */
static __s64 ask_file(const char *file, const char *query)
{
	sqlite3_stmt *statement;
	sqlite3 *db;
	__s64 value;

	assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return value;
}

static __s64 ask(const char *query)
{
	return ask_file(path, query);
}

static void tell(const char *statement)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

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

static void fill(struct aggregate *aggregate, int nr, __s64 now)
{
	char kfunc[32];

	for (int i = 0; i < nr; i++) {
		snprintf(kfunc, sizeof(kfunc), "kfunc_%d", i % 50);
		call(aggregate, kfunc, i / 50, 1 + i % 3, now);
	}
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
		cmocka_unit_test_setup(hours_that_are_too_old_go, empty_folder),
		cmocka_unit_test_setup(programs_of_the_past_go, empty_folder),
		cmocka_unit_test_setup(the_file_does_not_outgrow_its_limit, empty_folder),
		cmocka_unit_test_setup(a_limit_that_is_too_small_is_said, empty_folder),
		cmocka_unit_test_setup(a_reader_cannot_make_the_wal_outgrow_it, empty_folder),
		cmocka_unit_test_setup(a_reader_cannot_make_deletions_outgrow_it, empty_folder),
		cmocka_unit_test_setup(ten_thousand_rows_are_saved_quickly, empty_folder),
	};
	int failed;

	snprintf(folder, sizeof(folder), "%s/kfunctrace-history-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/history.db", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	empty_folder(NULL);
	rmdir(folder);
	return failed;
}
