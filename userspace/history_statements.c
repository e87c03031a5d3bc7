// SPDX-License-Identifier: GPL-2.0-only
/* The statements by which the aggregator writes its history. */
#include <errno.h>
#include <stdio.h>

#include <sqlite3.h>

#include "history_private.h"

static const char *const texts[NR_STATEMENTS] = {
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_ROLLBACK] = "ROLLBACK",
	[STATEMENT_KFUNC] =
		"INSERT INTO kfuncs (name, module, deprecation, replacement, since, untraced, "
		"measured, run_time_ns, runs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
		"ON CONFLICT (name, module) DO UPDATE SET "
		"deprecation = excluded.deprecation, replacement = excluded.replacement, "
		"since = excluded.since, untraced = excluded.untraced, "
		"measured = excluded.measured, run_time_ns = excluded.run_time_ns, "
		"runs = excluded.runs RETURNING id",
	[STATEMENT_PROGRAM] =
		"INSERT INTO programs (kind, name, type, tag, loader, prog_id, last_hour) "
		"VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name, type, kind) DO UPDATE SET "
		"tag = ifnull(excluded.tag, tag), loader = ifnull(excluded.loader, loader), "
		"prog_id = ifnull(excluded.prog_id, prog_id), "
		"last_hour = max(last_hour, excluded.last_hour) RETURNING id",
	[STATEMENT_TYPE_ID] = "INSERT INTO types (name, acquired, released, untracked) "
			      "VALUES (?, 0, 0, 0) ON CONFLICT (name) DO UPDATE SET name = name "
			      "RETURNING id",
	[STATEMENT_FORGET] = "DELETE FROM totals WHERE kfunc = ? AND program = ?",
	[STATEMENT_FORGET_ALL] = "DELETE FROM totals",
	[STATEMENT_TOTAL] =
		"INSERT OR REPLACE INTO totals (kfunc, program, calls, nulls, zeros, unclear, "
		"acquired, released, outstanding, first_seen, last_seen, held) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_HOUR] =
		"INSERT INTO hours (hour, kfunc, program, calls, nulls, zeros, unclear, acquired, "
		"released, outstanding, first_seen, last_seen) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
		"ON CONFLICT (hour, kfunc, program) DO UPDATE SET calls = calls + excluded.calls, "
		"nulls = nulls + excluded.nulls, zeros = zeros + excluded.zeros, "
		"unclear = unclear + excluded.unclear, acquired = acquired + excluded.acquired, "
		"released = released + excluded.released, outstanding = excluded.outstanding, "
		"first_seen = min(ifnull(first_seen, excluded.first_seen), "
		"ifnull(excluded.first_seen, first_seen)), "
		"last_seen = max(ifnull(last_seen, excluded.last_seen), "
		"ifnull(excluded.last_seen, last_seen))",
	[STATEMENT_TYPE] = "UPDATE types SET acquired = ?, released = ?, untracked = ?, "
			   "outstanding = ?, parked = ?, stale = ?, oldest_s = ? WHERE id = ?",
	[STATEMENT_TYPE_HOUR] =
		"INSERT INTO type_hours (hour, type, acquired, released, untracked, outstanding, "
		"parked, stale) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hour, type) "
		"DO UPDATE SET acquired = acquired + excluded.acquired, "
		"released = released + excluded.released, "
		"untracked = untracked + excluded.untracked, outstanding = excluded.outstanding, "
		"parked = excluded.parked, stale = excluded.stale",
	[STATEMENT_LOSS_HOUR] = "INSERT INTO loss_hours (hour, kind, count) VALUES (?, ?, ?) "
				"ON CONFLICT (hour, kind) DO UPDATE SET "
				"count = count + excluded.count",
	[STATEMENT_COUNTER] = "INSERT INTO counters (name, value) VALUES (?, ?) "
			      "ON CONFLICT (name) DO UPDATE SET value = excluded.value "
			      "WHERE value <> excluded.value",
	[STATEMENT_NO_OBJECTS] = "DELETE FROM objects",
	[STATEMENT_OBJECT] = "INSERT INTO objects (type, what, kfunc, program, held, age_s, "
			     "parked, stale) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_NO_PROBLEMS] = "DELETE FROM problems",
	[STATEMENT_PROBLEM] = "INSERT INTO problems (kfunc, program, target, problem, replacement, "
			      "programs) VALUES (?, ?, ?, ?, ?, ?)",
	[STATEMENT_NEW_RUN] = "INSERT INTO runs (started, last_save, host, release, target, saves) "
			      "VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
	[STATEMENT_RUN] = "UPDATE runs SET started = ?, last_save = ?, host = ?, release = ?, "
			  "target = ?, saves = ? WHERE id = ? RETURNING id",
	[STATEMENT_SAVES] = "SELECT saves FROM runs WHERE id = ? AND last_save = ?",
	[STATEMENT_OLDEST_HOUR] =
		"SELECT min(hour) FROM (SELECT min(hour) AS hour FROM hours UNION ALL "
		"SELECT min(hour) FROM type_hours UNION ALL SELECT min(hour) FROM loss_hours)",
	[STATEMENT_NEWEST_HOUR] = "SELECT max(hour) FROM hours",
	[STATEMENT_DELETE_HOURS] = "DELETE FROM hours WHERE hour = ?",
	[STATEMENT_DELETE_TYPE_HOURS] = "DELETE FROM type_hours WHERE hour = ?",
	[STATEMENT_DELETE_LOSS_HOURS] = "DELETE FROM loss_hours WHERE hour = ?",
	[STATEMENT_DELETE_PROGRAMS] =
		"DELETE FROM programs WHERE last_hour < ? "
		"AND id NOT IN (SELECT program FROM totals) "
		"AND id NOT IN (SELECT program FROM objects WHERE program IS NOT NULL) "
		"AND id NOT IN (SELECT program FROM problems WHERE program IS NOT NULL)",
	[STATEMENT_DELETE_RUNS] =
		"DELETE FROM runs WHERE last_save < ? AND id < (SELECT max(id) FROM runs)",
};

sqlite3_stmt *history__statement(struct history *history, enum history_statement which)
{
	if (!history->statements[which])
		sqlite3_prepare_v3(history->file.db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
				   &history->statements[which], NULL);
	return history->statements[which];
}

/* Binds and takes the first step; *row: it has returned one. */
static int begin(struct history *history, sqlite3_stmt *statement, const char *format, va_list args,
		 bool *row)
{
	int err, rc;

	if (!statement)
		return history_file__errno(history->file.db) ?: -EIO;
	err = history_statement__vbind(statement, format, args);
	if (err)
		return err;
	errno = 0; /* see history_file__errno() */
	rc = sqlite3_step(statement);
	*row = rc == SQLITE_ROW;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 :
						       history_file__errno(history->file.db) ?: -EIO;
}

int history__run(struct history *history, enum history_statement which, const char *format, ...)
{
	sqlite3_stmt *statement = history__statement(history, which);
	va_list args;
	bool row;
	int err;

	va_start(args, format);
	err = begin(history, statement, format, args, &row);
	va_end(args);
	sqlite3_reset(statement);
	return err;
}

int history__number(struct history *history, enum history_statement which, __s64 otherwise,
		    __s64 *number, const char *format, ...)
{
	sqlite3_stmt *statement = history__statement(history, which);
	bool row = false;
	va_list args;
	int err;

	va_start(args, format);
	err = begin(history, statement, format, args, &row);
	va_end(args);
	*number = otherwise;
	if (!err && row && sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
		*number = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return err;
}

int history__pragma(struct history *history, const char *pragma, __s64 *value)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(history->file.db, pragma, -1, &statement, NULL), err;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW && value)
		*value = sqlite3_column_int64(statement, 0);
	err = rc == SQLITE_ROW || rc == SQLITE_DONE ?
		      0 :
		      history_file__errno(history->file.db) ?: -EIO;
	/* Some do a bit of their work in each step. */
	while (rc == SQLITE_ROW)
		rc = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return err;
}
