// SPDX-License-Identifier: GPL-2.0-only
#include "history_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "history_schema.h"
#include "message.h"
#include "printable.h"

#define APPLICATION_ID 0x6b667472 /* "kftr" */

/* The aggregator has other things to do than to wait for somebody's lock; a report can wait. */
#define WRITER_PATIENCE_MS 200
#define READER_PATIENCE_MS 5000

/* --- errors and values ---------------------------------------------------------------------------- */

/* A quota and a limit on the size of files are a full disk to us. */
static bool means_full(int err)
{
	return err == ENOSPC || err == EDQUOT || err == EFBIG;
}

/* Of a write SQLite keeps no errno, but then `left` is what the call left. */
static int io_errno(sqlite3 *db, int left)
{
	int err = sqlite3_system_errno(db);

	if (means_full(err) || (err == 0 && means_full(left)))
		return -ENOSPC;
	return err > 0 ? -err : -EIO;
}

int history_file__errno(sqlite3 *db)
{
	int left = errno;

	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_FULL:
		return means_full(left) ? -ENOSPC : -EFBIG;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return io_errno(db, left);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		/* What our own statements never do in a file that is whole. */
		return -EBADMSG;
	}
}

int history_statement__vbind(sqlite3_stmt *statement, const char *format, va_list args)
{
	int rc = SQLITE_OK;

	for (int i = 1; *format && rc == SQLITE_OK; i++, format++) {
		const char *text = *format == 't' ? va_arg(args, const char *) : NULL;
		__s64 number = *format == 't' ? 0 : va_arg(args, __s64);

		if (*format == 't')
			rc = sqlite3_bind_text(statement, i, text, -1, SQLITE_STATIC);
		else if ((*format == 'u' && number < 0) || (*format == 'z' && !number))
			rc = sqlite3_bind_null(statement, i);
		else
			rc = sqlite3_bind_int64(statement, i, number);
	}
	return rc == SQLITE_OK ? 0 : rc == SQLITE_NOMEM ? -ENOMEM : -EINVAL;
}

int history_statement__bind(sqlite3_stmt *statement, const char *format, ...)
{
	va_list args;
	int err;

	va_start(args, format);
	err = history_statement__vbind(statement, format, args);
	va_end(args);
	return err;
}

__s64 history_column(sqlite3_stmt *statement, int column, __s64 otherwise)
{
	__s64 value;

	if (sqlite3_column_type(statement, column) != SQLITE_INTEGER)
		return otherwise;
	value = sqlite3_column_int64(statement, column);
	return value < 0 ? otherwise : value;
}

const char *history_column_text(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column) ?: "";
}

void history_column_copy(sqlite3_stmt *statement, int column, char *buf, size_t size)
{
	snprintf(buf, size, "%s", history_column_text(statement, column));
	printable__make(buf);
}

static int number_of(sqlite3 *db, const char *pragma, __s64 *value)
{
	sqlite3_stmt *statement = NULL;
	int err = 0;

	if (sqlite3_prepare_v2(db, pragma, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		*value = sqlite3_column_int64(statement, 0);
	else
		err = history_file__errno(db) ?: -EBADMSG;
	sqlite3_finalize(statement);
	return err;
}

/* --- whose file it is ------------------------------------------------------------------------------ */

static int refuse_version(const char *path, __s64 version)
{
	msg__error(
		"the history %s is of version %lld, which a later kfunctrace has written; this one "
		"knows version %d: use that kfunctrace, or another file (--history)",
		path, (long long)version, HISTORY_VERSION);
	return -EPROTONOSUPPORT;
}

static int refuse_stranger(const char *path)
{
	msg__error("%s is not a history of kfunctrace, and is left as it is: choose another file "
		   "(--history)",
		   path);
	return -EINVAL;
}

/* Zeros are what a file begins with that was only just made. */
static int check_identity(const char *path, __s64 application, __s64 version)
{
	if (application != APPLICATION_ID && (application || version))
		return refuse_stranger(path);
	if (version > HISTORY_VERSION)
		return refuse_version(path, version);
	return 0;
}

static __u32 read_u32(const unsigned char *bytes)
{
	return (__u32)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

/*
 * Before SQLite opens it for writing, which may write to it: what its first bytes say. A file that is
 * no database can be a history that was overwritten, or something else that somebody named by
 * mistake: only what looks like ours may be moved.
 */
static int check_header(const char *path, int fd)
{
	unsigned char header[100] = { 0 };
	ssize_t size = pread(fd, header, sizeof(header), 0);
	size_t length = strlen(path);
	struct stat stat;

	if (size < 0 || fstat(fd, &stat))
		return -errno;
	if (!size)
		return 0;
	if (size == sizeof(header) && !memcmp(header, "SQLite format 3", 16))
		return check_identity(path, read_u32(header + 68), read_u32(header + 60));
	if ((stat.st_mode & 077) && (length < 3 || strcmp(path + length - 3, ".db") != 0))
		return refuse_stranger(path);
	return -EBADMSG;
}

static int check_database(const char *path, sqlite3 *db)
{
	__s64 application = 0, version = 0;
	int err = number_of(db, "PRAGMA application_id", &application);

	err = err ?: number_of(db, "PRAGMA user_version", &version);
	return err ?: check_identity(path, application, version);
}

static bool has_wal(const char *path)
{
	char wal[PATH_MAX];
	struct stat stat_buf;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	return !stat(wal, &stat_buf);
}

/* What is newest stands in the WAL: that is looked at without writing. */
static int check_wal(const char *path)
{
	sqlite3 *db = NULL;
	int err;

	if (!has_wal(path))
		return 0;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		err = history_file__errno(db) ?: -EIO;
	} else {
		/* After a kill, a report may just now be putting the WAL in order. */
		sqlite3_busy_timeout(db, WRITER_PATIENCE_MS);
		err = check_database(path, db);
	}
	sqlite3_close(db);
	return err;
}

/* --- writing ---------------------------------------------------------------------------------------- */

static int run_all(sqlite3 *db, const char *const *statements)
{
	for (; *statements; statements++) {
		if (sqlite3_exec(db, *statements, NULL, NULL, NULL) != SQLITE_OK)
			return history_file__errno(db);
	}
	return 0;
}

static int make_tables(sqlite3 *db)
{
	char application[64];
	int err;

	snprintf(application, sizeof(application), "PRAGMA application_id = %d", APPLICATION_ID);
	err = run_all(db, (const char *const[]){ "BEGIN IMMEDIATE", application, NULL });
	if (!err && history_schema__create(db) != SQLITE_OK)
		err = history_file__errno(db);
	if (!err)
		err = run_all(db, (const char *const[]){ "COMMIT", NULL });
	return err;
}

/* 0 or -EBADMSG, or another negative errno. */
static int check_pages(sqlite3 *db)
{
	sqlite3_stmt *statement = NULL;
	int err;

	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		err = history_file__errno(db) ?: -EBADMSG;
	else
		err = strcmp(history_column_text(statement, 0), "ok") ? -EBADMSG : 0;
	sqlite3_finalize(statement);
	return err;
}

static int prepare_database(const char *path, sqlite3 *db)
{
	static const char *const settings[] = {
		/* Counts for a new file only. */
		"PRAGMA auto_vacuum = INCREMENTAL", "PRAGMA trusted_schema = OFF",
		"PRAGMA journal_mode = WAL",
		/* What a save wrote survives the process; a crash of the machine may undo the last
		   saves, and leaves the file whole. */
		"PRAGMA synchronous = NORMAL",
		/* No files elsewhere, where the aggregator may not write. */
		"PRAGMA temp_store = MEMORY", NULL
	};
	__s64 version = 0, tables = 0;
	int err;

	sqlite3_busy_timeout(db, WRITER_PATIENCE_MS);
	err = check_database(path, db) ?: number_of(db, "PRAGMA user_version", &version) ?:
	      number_of(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (!err && !version && tables)
		return refuse_stranger(path);
	err = err ?: run_all(db, settings);
	if (err)
		return err;
	if (!version)
		return make_tables(db);
	err = check_pages(db) ?: history_schema__check(db);
	return err == 1 ? 0 : err ?: -EBADMSG;
}

static int say_cannot_open(const char *path, int err)
{
	const char *what = err == -ENOENT || err == -ENOTDIR
				   ? "; the folder must be there: make it, or choose another file"
				   : "";

	msg__error("cannot open the history %s: %s%s", path, strerror(-err), what);
	return err;
}

/* Opens or makes the file itself, and takes it for this process. */
static int take_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	struct stat stat;

	if (fd < 0)
		return say_cannot_open(path, -errno);
	if (fstat(fd, &stat) || !S_ISREG(stat.st_mode)) {
		close(fd);
		return refuse_stranger(path);
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		msg__error("the history %s is being written by another kfunctrace", path);
		return -EBUSY;
	}
	return fd;
}

int history_file__open(struct history_file *file, const char *path)
{
	int err;

	file->db = NULL;
	file->lock_fd = take_file(path);
	if (file->lock_fd < 0)
		return file->lock_fd;
	err = check_header(path, file->lock_fd) ?: check_wal(path);
	if (!err && sqlite3_open_v2(path, &file->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		err = history_file__errno(file->db) ?: -EIO;
	err = err ?: prepare_database(path, file->db);
	if (!err)
		return 0;
	if (err != -EBADMSG && err != -EPROTONOSUPPORT && err != -EINVAL)
		say_cannot_open(path, err);
	history_file__close(file, false);
	return err;
}

void history_file__close(struct history_file *file, bool checkpoint)
{
	if (file->db && !checkpoint)
		sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(file->db);
	if (file->lock_fd >= 0)
		close(file->lock_fd);
	file->db = NULL;
	file->lock_fd = -1;
}

bool history_file__has_gone(const struct history_file *file)
{
	int moved = 0;

	return sqlite3_file_control(file->db, NULL, SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
	       moved;
}

/* --- reading ---------------------------------------------------------------------------------------- */

/* "file:/var/lib/x%3fy?immutable=1"; NULL: out of memory. */
static char *uri_of(const char *path, const char *parameters)
{
	size_t size = strlen(path) * 3 + strlen(parameters) + sizeof("file:");
	char *uri = malloc(size), *at = uri;

	if (!uri)
		return NULL;
	at += sprintf(at, "file:");
	for (; *path; path++) {
		if (strchr("?#%", *path))
			at += sprintf(at, "%%%02x", (unsigned char)*path);
		else
			*at++ = *path;
	}
	strcpy(at, parameters);
	return uri;
}

/*
 * Reading a database in WAL mode takes a file beside it, through which readers and writer agree. When
 * it has no WAL nobody writes it, and then it can do without: in a folder where nothing can be
 * written, on a file of another machine.
 */
static int open_reading(const char *path, sqlite3 **db)
{
	char *real = realpath(path, NULL), *uri = NULL;
	int err = 0;

	if (!real)
		return -errno;
	uri = uri_of(real, has_wal(real) ? "?mode=ro" : "?immutable=1");
	if (!uri)
		err = -ENOMEM;
	else if (sqlite3_open_v2(uri, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) !=
		 SQLITE_OK)
		err = history_file__errno(*db) ?: -EIO;
	free(real);
	free(uri);
	return err;
}

static int check_reading(const char *path, sqlite3 *db)
{
	__s64 version = 0;
	int err;

	sqlite3_busy_timeout(db, READER_PATIENCE_MS);
	/* What a file claims is so long need not be believed. */
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1000000);
	err = run_all(db, (const char *const[]){ "PRAGMA trusted_schema = OFF", NULL });
	err = err ?: check_database(path, db) ?: number_of(db, "PRAGMA user_version", &version);
	if (err)
		return err;
	if (!version)
		return refuse_stranger(path);
	err = history_schema__check(db);
	return err == 1 ? 0 : err ?: -EBADMSG;
}

static void say_cannot_read(const char *path, int err)
{
	if (err == -ENOENT)
		msg__error("there is no history %s: `kfunctrace serve` writes one; --history names "
			   "another file",
			   path);
	else if (err == -EBADMSG)
		msg__error(
			"the history %s is damaged: `kfunctrace serve` moves it aside and begins a "
			"new one",
			path);
	else if (has_wal(path) && !access(path, R_OK) &&
		 (err == -EROFS || err == -EACCES || err == -EIO))
		msg__error(
			"cannot read the history %s: it has a WAL (%s-wal), to read which one must "
			"be able to write to its folder: copy both files elsewhere",
			path, path);
	else
		msg__error("cannot read the history %s: %s", path, strerror(-err));
}

int history_file__open_reading(const char *path, sqlite3 **db)
{
	int err;

	*db = NULL;
	err = open_reading(path, db);
	err = err ?: check_reading(path, *db);
	if (!err)
		return 0;
	if (err != -EPROTONOSUPPORT && err != -EINVAL)
		say_cannot_read(path, err);
	sqlite3_close(*db);
	*db = NULL;
	return err;
}
