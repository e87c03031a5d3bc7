// SPDX-License-Identifier: GPL-2.0-only
/* How large the file becomes, and how old what is in it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "history_private.h"

/* The database gets so much of max_bytes, the WAL the rest. */
#define DATABASE_SHARE 3 / 4
/* When so much of that is used, the oldest hours go. */
#define FULL_SHARE 7 / 8
#define MIN_BYTES  (1ull << 20)

/*
 * So many hours are deleted at a time, so that the aggregator is not kept from its work, and a clock that
 * is wrong for a minute does not cost all of the history.
 */
#define HOURS_AT_A_TIME 4
#define PAGES_AT_A_TIME 2000
/* To give back one may write so many: where another goes, who points to it, where that stands. */
#define PAGES_WRITTEN 4

static __u64 bound(const struct history *history)
{
	return history->opts.max_bytes > MIN_BYTES ? history->opts.max_bytes : MIN_BYTES;
}

static __u64 wal_bound(const struct history *history)
{
	return bound(history) - bound(history) * DATABASE_SHARE;
}

static __s64 max_pages(const struct history *history)
{
	return bound(history) * DATABASE_SHARE / history->page_size;
}

int history__set_limits(struct history *history)
{
	/* It is emptied when it has an eighth of what it may have, but 4 MB are enough for anybody. */
	__u64 empty_at = wal_bound(history) / 8;
	char pragma[64];
	int err;

	if (empty_at > 4 << 20)
		empty_at = 4 << 20;
	err = history__pragma(history, "PRAGMA page_size", &history->page_size);
	if (!err && history->page_size < 512)
		err = -EBADMSG;
	if (err)
		return err;
	/* SQLite does not make it less than there is. */
	snprintf(pragma, sizeof(pragma), "PRAGMA max_page_count = %lld",
		 (long long)max_pages(history));
	err = history__pragma(history, pragma, NULL);
	snprintf(pragma, sizeof(pragma), "PRAGMA journal_size_limit = %llu",
		 (unsigned long long)empty_at);
	err = err ?: history__pragma(history, pragma, NULL);
	sqlite3_wal_autocheckpoint(history->file.db, (int)(empty_at / history->page_size));
	return err;
}

static __u64 wal_bytes(const struct history *history)
{
	char path[4096 + 8];
	struct stat stat_buf;

	snprintf(path, sizeof(path), "%s-wal", history->path);
	return stat(path, &stat_buf) ? 0 : stat_buf.st_size;
}

int history__check_wal(struct history *history)
{
	/* A save itself takes some. */
	__u64 full = wal_bound(history) / 2;

	if (wal_bytes(history) < full)
		return 0;
	sqlite3_wal_checkpoint_v2(history->file.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return wal_bytes(history) < full ? 0 : -ENOSPC;
}

const char *history__no_space(const struct history *history, int err)
{
	if (err == -EFBIG)
		return "max_bytes is too small for what is counted in an hour";
	if (wal_bytes(history) >= wal_bound(history) / 2)
		return "somebody reads it for long, and its WAL has what it may have of max_bytes";
	return strerror(ENOSPC);
}

static int delete_hour(struct history *history, __s64 hour)
{
	int err = history__run(history, STATEMENT_BEGIN, "");

	err = err ?: history__run(history, STATEMENT_DELETE_HOURS, "i", hour);
	err = err ?: history__run(history, STATEMENT_DELETE_TYPE_HOURS, "i", hour);
	err = err ?: history__run(history, STATEMENT_DELETE_LOSS_HOURS, "i", hour);
	err = err ?: history__run(history, STATEMENT_COMMIT, "");
	if (err && !sqlite3_get_autocommit(history->file.db))
		history__run(history, STATEMENT_ROLLBACK, "");
	return err;
}

/* The oldest of those before `before`; 1: there was one, 0: there is none. */
static int delete_oldest(struct history *history, __s64 before)
{
	__s64 oldest;
	int err = history__number(history, STATEMENT_OLDEST_HOUR, -1, &oldest, "");

	if (err || oldest < 0 || oldest >= before)
		return err;
	return delete_hour(history, oldest) ?: 1;
}

/* Pages in use, in proportion to those that there may be. */
static int fullness(struct history *history, bool *full)
{
	__s64 pages = 0, empty = 0;
	int err = history__pragma(history, "PRAGMA page_count", &pages)
			  ?: history__pragma(history, "PRAGMA freelist_count", &empty);

	*full = pages - empty > max_pages(history) * FULL_SHARE;
	return err;
}

int history__make_room(struct history *history)
{
	__s64 newest;
	int err = history__number(history, STATEMENT_NEWEST_HOUR, 0, &newest, "");

	return err ?: delete_oldest(history, newest);
}

/* Programs that no hour knows any more. */
static int delete_programs(struct history *history, __s64 now)
{
	__s64 oldest;
	int err;

	if (now < history->next_program_tidy && history->next_program_tidy - now <= HISTORY_HOUR)
		return 0;
	history->next_program_tidy = now + HISTORY_HOUR;
	err = history__number(history, STATEMENT_OLDEST_HOUR, now, &oldest, "");
	err = err ?: history__run(history, STATEMENT_DELETE_PROGRAMS, "i", oldest);
	err = err ?: history__run(history, STATEMENT_DELETE_RUNS, "i", oldest);
	/* Some of the ids that are remembered may be gone. */
	history__forget_ids(history);
	return err;
}

/* To the disk, as many as the WAL has room for. */
static int give_back_pages(struct history *history)
{
	__u64 used = wal_bytes(history), bytes = wal_bound(history);
	__s64 pages = used < bytes ? (bytes - used) / history->page_size / PAGES_WRITTEN : 0;
	char pragma[64];

	/* 0 would mean all. */
	if (!pages)
		return 0;
	if (pages > PAGES_AT_A_TIME)
		pages = PAGES_AT_A_TIME;
	snprintf(pragma, sizeof(pragma), "PRAGMA incremental_vacuum(%lld)", (long long)pages);
	return history__pragma(history, pragma, NULL);
}

/* What deletes writes, too: each step looks whether the WAL has room for it. */
static int tidy(struct history *history, __s64 now)
{
	__s64 newest, oldest_kept = now - (__s64)history->opts.retention_s;
	bool full;
	int err = 0;

	oldest_kept -= oldest_kept % HISTORY_HOUR;
	for (int i = 0; i < HOURS_AT_A_TIME; i++) {
		err = history__check_wal(history) ?: delete_oldest(history, oldest_kept);
		if (err != 1)
			break;
	}
	for (int i = 0; i < HOURS_AT_A_TIME && err >= 0; i++) {
		err = fullness(history, &full);
		if (err || !full)
			break;
		err = history__check_wal(history)
			      ?: history__number(history, STATEMENT_NEWEST_HOUR, 0, &newest, "")
			      ?: delete_oldest(history, newest);
		if (err != 1)
			break;
	}
	if (err < 0)
		return err;
	err = history__check_wal(history) ?: delete_programs(history, now);
	err = err ?: history__check_wal(history) ?: give_back_pages(history);
	/* A file that was larger than it may be can be held to less each time. */
	return err ?: history__set_limits(history);
}

int history__tidy(struct history *history, __s64 now)
{
	int err = history__reopen(history, now);

	err = err ?: tidy(history, now);
	history->tidy_trouble[0] = '\0';
	if (!err)
		return 0;
	err = history__failed(history, "deleting what is old", err);
	/* A save that succeeds is no sign that this would, too. */
	strcpy(history->tidy_trouble, history->trouble);
	return err;
}
