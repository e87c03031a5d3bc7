/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of a history; Documentation/history.rst says what is in them. */
#ifndef KFUNCTRACE_HISTORY_SCHEMA_H
#define KFUNCTRACE_HISTORY_SCHEMA_H

struct sqlite3;

/* In an empty database, within a transaction. Returns SQLite's code. */
int history_schema__create(struct sqlite3 *db);
/* 1: the tables are as they were made, 0: they are not; negative errno: it cannot be read. */
int history_schema__check(struct sqlite3 *db);

#endif
