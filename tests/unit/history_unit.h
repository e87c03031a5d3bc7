/* SPDX-License-Identifier: GPL-2.0-only */
/* For the tests of the history: a folder, histories in it, and what sqlite3(1) would say of them. */
#ifndef KFUNCTRACE_TESTS_HISTORY_UNIT_H
#define KFUNCTRACE_TESTS_HISTORY_UNIT_H

#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "aggregate.h"
#include "history.h"

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

static inline int empty_folder(void **state)
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
static inline int files(const char *beginning)
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
static inline int moved_aside(void)
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

static inline struct aggregate *make_bounded(size_t max_callers, __u64 forget_s)
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

static inline struct aggregate *make(void)
{
	return make_bounded(100000, 0);
}

static inline struct history *open_with(const struct history_options *opts)
{
	struct history *history = NULL;

	assert_int_equal(history__open(opts, &history), 0);
	assert_non_null(history);
	return history;
}

static inline struct history *open_history(void)
{
	return open_with(&usual);
}

static inline struct known_program numbered(unsigned int number)
{
	struct known_program program = { .kind = KNOWN_PROGRAM, .type = "xdp", .id = 7 };

	snprintf(program.name, sizeof(program.name), "program_%u", number);
	return program;
}

static inline struct aggregate_row *call(struct aggregate *aggregate, const char *kfunc,
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

static inline struct aggregate_row *row_of(struct aggregate *aggregate, const char *kfunc,
					   unsigned int program)
{
	struct known_program caller = numbered(program);

	return aggregate__find(aggregate, aggregate__kfunc(aggregate, kfunc, NULL), &caller);
}

/* A number out of the file, as sqlite3(1) would get it, while it is written. */
static inline __s64 ask_file(const char *file, const char *query)
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

static inline __s64 ask(const char *query)
{
	return ask_file(path, query);
}

static inline void tell(const char *statement)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static inline double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static inline void fill(struct aggregate *aggregate, int nr, __s64 now)
{
	char kfunc[32];

	for (int i = 0; i < nr; i++) {
		snprintf(kfunc, sizeof(kfunc), "kfunc_%d", i % 50);
		call(aggregate, kfunc, i / 50, 1 + i % 3, now);
	}
}

static inline bool make_folder(void)
{
	snprintf(folder, sizeof(folder), "%s/kfunctrace-history-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(folder))
		return false;
	snprintf(path, sizeof(path), "%s/history.db", folder);
	return true;
}

static inline void remove_folder(void)
{
	empty_folder(NULL);
	rmdir(folder);
}

#endif
