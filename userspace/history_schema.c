// SPDX-License-Identifier: GPL-2.0-only
#include "history_schema.h"

#include <stdio.h>

#include <sqlite3.h>

#include "history_file.h"

#define COUNTS                                                                                     \
	"calls INTEGER NOT NULL, nulls INTEGER NOT NULL, zeros INTEGER NOT NULL, "                 \
	"unclear INTEGER NOT NULL, acquired INTEGER NOT NULL, released INTEGER NOT NULL, "         \
	"outstanding INTEGER, first_seen INTEGER, last_seen INTEGER, "

/* A file whose tables have not exactly these definitions is damaged, or somebody has changed it. */
static const struct {
	const char *name;
	const char *sql;
} tables[] = {
	{ "runs", "CREATE TABLE runs (id INTEGER PRIMARY KEY, started INTEGER NOT NULL, "
		  "last_save INTEGER NOT NULL, host TEXT NOT NULL, release TEXT NOT NULL, "
		  "target TEXT, saves INTEGER NOT NULL)" },
	{ "kfuncs", "CREATE TABLE kfuncs (id INTEGER PRIMARY KEY, name TEXT NOT NULL, "
		    "module TEXT NOT NULL, deprecation TEXT, replacement TEXT, since TEXT, "
		    "untraced TEXT, measured INTEGER NOT NULL, "
		    "run_time_ns INTEGER NOT NULL, runs INTEGER NOT NULL, UNIQUE (name, module))" },
	{ "programs", "CREATE TABLE programs (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, "
		      "name TEXT NOT NULL, type TEXT NOT NULL, tag TEXT, loader TEXT, "
		      "prog_id INTEGER, last_hour INTEGER NOT NULL, UNIQUE (name, type, kind))" },
	{ "totals", "CREATE TABLE totals (kfunc INTEGER NOT NULL, program INTEGER NOT NULL, " COUNTS
		    "held TEXT, PRIMARY KEY (kfunc, program)) WITHOUT ROWID" },
	{ "hours",
	  "CREATE TABLE hours (hour INTEGER NOT NULL, kfunc INTEGER NOT NULL, "
	  "program INTEGER NOT NULL, " COUNTS "PRIMARY KEY (hour, kfunc, program)) WITHOUT ROWID" },
	{ "types", "CREATE TABLE types (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
		   "acquired INTEGER NOT NULL, released INTEGER NOT NULL, "
		   "untracked INTEGER NOT NULL, outstanding INTEGER, parked INTEGER, "
		   "stale INTEGER, oldest_s INTEGER)" },
	{ "type_hours", "CREATE TABLE type_hours (hour INTEGER NOT NULL, type INTEGER NOT NULL, "
			"acquired INTEGER NOT NULL, released INTEGER NOT NULL, "
			"untracked INTEGER NOT NULL, outstanding INTEGER, parked INTEGER, "
			"stale INTEGER, PRIMARY KEY (hour, type)) WITHOUT ROWID" },
	{ "loss_hours", "CREATE TABLE loss_hours (hour INTEGER NOT NULL, kind TEXT NOT NULL, "
			"count INTEGER NOT NULL, PRIMARY KEY (hour, kind)) WITHOUT ROWID" },
	{ "counters", "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) "
		      "WITHOUT ROWID" },
	{ "objects", "CREATE TABLE objects (type TEXT NOT NULL, what TEXT NOT NULL, "
		     "kfunc INTEGER, program INTEGER, held INTEGER NOT NULL, "
		     "age_s INTEGER NOT NULL, parked INTEGER NOT NULL, stale INTEGER NOT NULL)" },
	{ "problems", "CREATE TABLE problems (kfunc INTEGER, program INTEGER, target TEXT, "
		      "problem TEXT NOT NULL, replacement TEXT, programs INTEGER NOT NULL)" },
};
#define NR_TABLES (sizeof(tables) / sizeof(tables[0]))

int history_schema__create(sqlite3 *db)
{
	char version[64];
	int rc = SQLITE_OK;

	for (size_t i = 0; i < NR_TABLES && rc == SQLITE_OK; i++)
		rc = sqlite3_exec(db, tables[i].sql, NULL, NULL, NULL);
	snprintf(version, sizeof(version), "PRAGMA user_version = %d", HISTORY_VERSION);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, version, NULL, NULL, NULL);
	return rc;
}

int history_schema__check(sqlite3 *db)
{
	sqlite3_stmt *statement = NULL;
	size_t found = 0;
	int rc;

	rc = sqlite3_prepare_v2(db,
				"SELECT count(*) FROM sqlite_schema "
				"WHERE type = 'table' AND name = ? AND sql = ?",
				-1, &statement, NULL);
	for (size_t i = 0; i < NR_TABLES && rc == SQLITE_OK; i++) {
		rc = history_statement__bind(statement, "tt", tables[i].name, tables[i].sql);
		if (!rc)
			rc = sqlite3_step(statement);
		if (rc != SQLITE_ROW)
			break;
		found += sqlite3_column_int(statement, 0) == 1;
		rc = sqlite3_reset(statement);
	}
	if (rc != SQLITE_OK)
		rc = history_file__errno(db);
	else
		rc = found == NR_TABLES;
	sqlite3_finalize(statement);
	return rc;
}
