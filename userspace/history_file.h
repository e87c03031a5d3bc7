/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of the history: how it is opened, what is in it (Documentation/history.rst), and what
 * SQLite's errors mean.
 */
#ifndef KFUNCTRACE_HISTORY_FILE_H
#define KFUNCTRACE_HISTORY_FILE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct sqlite3;
struct sqlite3_stmt;

#define HISTORY_VERSION 1
/* Counts are by hours, and begin at full ones (UTC). */
#define HISTORY_HOUR 3600

/* A file that is written, by one process at a time. */
struct history_file {
	struct sqlite3 *db;
	int lock_fd; /* kept open longer than the database is: closing it would end SQLite's locks */
};

/*
 * Opens it for writing, or makes one (0600). Returns 0, -EBADMSG when it is corrupt, of which nothing
 * was said, or another negative errno, having said why: -EPROTONOSUPPORT when it is of a later
 * version, -EINVAL when it is no history, -EBUSY when another process writes it. On failure the file is
 * as it was.
 */
int history_file__open(struct history_file *file, const char *path);
/* With a checkpoint, after which there is no WAL, if `checkpoint`. */
void history_file__close(struct history_file *file, bool checkpoint);
/* True when it is no longer what `path` leads to. */
bool history_file__has_gone(const struct history_file *file);

/*
 * Moves a closed file and its WAL to PATH.corrupt-TIME, and says so, in `said` too. The last three stay,
 * those before are deleted. Returns 0 or a negative errno, having said why.
 */
int history_file__set_aside(const char *path, char *said, size_t size);

/*
 * Opens it for reading, also while it is written; writes nothing, where that is possible. Returns 0 or a
 * negative errno having said why.
 */
int history_file__open_reading(const char *path, struct sqlite3 **db);

/*
 * What the database's last error is as a negative errno: -EBADMSG for a corrupt file, -ENOSPC for a full
 * disk, -EFBIG when it would be larger than max_page_count. To be asked for at once, and errno must have
 * been 0 before the call that failed.
 */
int history_file__errno(struct sqlite3 *db);

/*
 * Binds by format: i: __s64; t: text, or NULL; u: __s64, NULL when it is -1; z: __s64, NULL when it is
 * 0. All is passed as __s64 or const char *.
 */
int history_statement__bind(struct sqlite3_stmt *statement, const char *format, ...);
int history_statement__vbind(struct sqlite3_stmt *statement, const char *format, va_list args);
/* A column, where NULL and what no one has written is `otherwise`: at least 0. */
__s64 history_column(struct sqlite3_stmt *statement, int column, __s64 otherwise);
/* "" for NULL. */
const char *history_column_text(struct sqlite3_stmt *statement, int column);
/* Copies a text that may be longer, and makes it printable. */
void history_column_copy(struct sqlite3_stmt *statement, int column, char *buf, size_t size);

#endif
