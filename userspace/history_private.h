/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the history share. It remembers what of the aggregate the file has, so that a save
 * writes differences; what a transaction has written is remembered only when it is committed.
 */
#ifndef KFUNCTRACE_HISTORY_PRIVATE_H
#define KFUNCTRACE_HISTORY_PRIVATE_H

#include "aggregate.h"
#include "history.h"
#include "history_file.h"

/* A row as the file has it. Ids are those of the file's tables, 0: none. */
struct saved_row {
	__u64 serial; /* of the aggregate's row; 0: nothing was saved */
	__s64 kfunc, program;
	struct aggregate_counts counts;
	__s64 outstanding;
	__u64 held;
};

struct row_slot {
	struct saved_row saved, written; /* in the file; in the transaction */
	bool dirty;
};

struct kfunc_slot {
	__s64 id;
	__u64 hash; /* of everything else in its row */
};

struct caller_slot {
	struct known_program program;
	__s64 id, last_hour;
};

struct saved_type {
	__s64 id;
	struct aggregate_type type; /* its name is not used */
};

struct type_slot {
	struct saved_type saved, written;
	bool dirty;
};

/* A growing array of slots, zeroed. */
struct slots {
	void *array;
	size_t nr;
};

#define HISTORY_MAX_COUNTERS 32
/* What is read of the totals: kfuncs, totals, types, counters. */
#define HISTORY_NR_READINGS 4

enum history_statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_KFUNC,
	STATEMENT_PROGRAM,
	STATEMENT_TYPE_ID,
	STATEMENT_FORGET,
	STATEMENT_FORGET_ALL,
	STATEMENT_TOTAL,
	STATEMENT_HOUR,
	STATEMENT_TYPE,
	STATEMENT_TYPE_HOUR,
	STATEMENT_LOSS_HOUR,
	STATEMENT_COUNTER,
	STATEMENT_NO_OBJECTS,
	STATEMENT_OBJECT,
	STATEMENT_NO_PROBLEMS,
	STATEMENT_PROBLEM,
	STATEMENT_NEW_RUN,
	STATEMENT_RUN,
	STATEMENT_SAVES,
	STATEMENT_OLDEST_HOUR,
	STATEMENT_NEWEST_HOUR,
	STATEMENT_DELETE_HOURS,
	STATEMENT_DELETE_TYPE_HOURS,
	STATEMENT_DELETE_LOSS_HOURS,
	STATEMENT_DELETE_PROGRAMS,
	STATEMENT_DELETE_RUNS,
	NR_STATEMENTS,
};

struct history {
	struct history_options opts;
	char *path;
	struct history_file file; /* its db is NULL while there is none: each save tries again */
	struct sqlite3_stmt *statements[NR_STATEMENTS];
	__s64 page_size;

	struct slots rows, kfuncs, callers, types; /* by index in the aggregate */
	struct history_saved {
		__u64 counters[HISTORY_MAX_COUNTERS];
		__u64 objects_hash, problems_hash;
		__s64 run, saves, last_save;
	} saved, written;    /* in the file; in the transaction */
	bool uncertain;	     /* the last commit failed: whether it is in the file, the file tells */
	bool rewrite_totals; /* those in the file are not the aggregate's */
	/*
	 * The file may have totals that the aggregate has not: nothing is written before they are read.
	 * So many of each are, should reading end half way.
	 */
	bool unread;
	__u64 taken[HISTORY_NR_READINGS];

	__s64 next_program_tidy;
	unsigned int set_aside; /* how often */
	int open_err;		/* of the last time that it was to be opened */
	__s64 next_try, wait_s; /* until then it is not tried again; 0: it is tried at once */
	__u64 errors;
	char news[1024]; /* history__take_news() */
	/* Of what was tried last, and of the last tidying; "" when it succeeded. */
	char trouble[256], tidy_trouble[256];
};

/* --- history.c ------------------------------------------------------------------------------------ */

/* The statement, prepared; NULL: history_file__errno() tells why not. */
struct sqlite3_stmt *history__statement(struct history *history, enum history_statement which);
/* Binds (history_statement__bind()) and runs one that returns nothing. 0 or a negative errno. */
int history__run(struct history *history, enum history_statement which, const char *format, ...);
/* The same for one that returns a number; `otherwise` when it returns none, or NULL. */
int history__number(struct history *history, enum history_statement which, __s64 otherwise,
		    __s64 *number, const char *format, ...);
/* The value of a pragma. */
int history__pragma(struct history *history, const char *pragma, __s64 *value);
/*
 * Opens the file when there is none open; one that could not be opened is tried again later and later,
 * for each time it is said. 0, or a negative errno.
 */
int history__reopen(struct history *history, __s64 now);
/*
 * After something has failed: counts it, remembers it in words, and does what there is to be done: a
 * corrupt file is moved aside. Returns `err`.
 */
int history__failed(struct history *history, const char *what, int err);
/* Reads what is unread; 0 or a negative errno, and then the rest may be read later. */
int history__read(struct history *history, struct sqlite3 *db, struct aggregate *aggregate);
/* The one at `idx`, which is made when it is not there. NULL: out of memory. */
void *slots__at(struct slots *slots, size_t idx, size_t size);
/* Ids of a transaction that did not come about are forgotten. */
void history__forget_ids(struct history *history);

/* --- history_tidy.c ------------------------------------------------------------------------------- */

/* Tells SQLite how large the file may become, which depends on max_bytes. 0 or a negative errno. */
int history__set_limits(struct history *history);
/* Before a save: 0, or -ENOSPC when the WAL is too large, because somebody reads for hours. */
int history__check_wal(struct history *history);
/* Why there is no room (-ENOSPC, -EFBIG): it may be the disk, or max_bytes. */
const char *history__no_space(const struct history *history, int err);
/* After a save that max_bytes had no room for: deletes the oldest hour. 1: it did, 0: there is none. */
int history__make_room(struct history *history);

/* --- history_counters.c ---------------------------------------------------------------------------- */

/* The counters of the aggregate that are kept by name. */
struct history_counter {
	const char *name;
	size_t offset; /* in struct aggregate_state */
	bool by_hour;  /* a loss */
};
extern const struct history_counter history_counters[];
extern const size_t nr_history_counters;

#endif
