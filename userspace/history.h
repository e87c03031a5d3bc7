/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The aggregator's memory on disk: totals, so that counters go on after a restart, and usage by hour
 * over weeks. SQLite, in WAL mode, so that reports read while the aggregator writes. Whatever
 * happens to the file, the aggregator goes on counting: errors are kept, said and tried again.
 */
#ifndef KFUNCTRACE_HISTORY_H
#define KFUNCTRACE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct aggregate;
struct history;

struct history_options {
	const char *path;
	__u64 retention_s; /* hours older than that are deleted */
	__u64 max_bytes;   /* the file and its WAL stay below; the oldest hours go first */
};

/*
 * Opens the file, or makes one (0600, in a folder that is there). A corrupt one is moved aside to
 * PATH.corrupt-TIME, which is warned of, and a new one begun. Returns 0 or a negative errno, having
 * said why: -EPROTONOSUPPORT when it is of a later version, which is left as it is. There is a history
 * then all the same, which tries again later and later, whatever the reason was; NULL: out of memory.
 */
int history__open(const struct history_options *opts, struct history **history);
/* Closes it, with a checkpoint, so that the WAL is gone. */
void history__close(struct history *history);
/* But for the path. A file that is not open is tried again at the next save. */
void history__set_options(struct history *history, const struct history_options *opts);

/*
 * Adds the totals of the last run to the aggregate. Those that cannot be read now the first save adds that
 * can read them, and none writes before. Returns 0 or a negative errno.
 */
int history__restore(struct history *history, struct aggregate *aggregate);
/*
 * Instead of that for a history that is opened while the aggregate counts: hours get what is new from
 * now on, totals are written as they are. Without either, all that is in the aggregate is new. Returns 0
 * or -ENOMEM.
 */
int history__adopt(struct history *history, const struct aggregate *aggregate);
/*
 * Writes everything that has changed since the last time, in one transaction, after it has added
 * to the aggregate what history__restore() could not: when it returns 0, it survives whatever happens to the process. `now` in seconds since 1970; a clock that jumps is
 * survived: an hour may be written twice, sums stay right. On failure nothing is lost: the next save
 * has it. A database that turns out to be corrupt is moved aside here too, and all is written to a new
 * one. Negative errno: -ENOSPC, -EIO ...
 */
int history__save(struct history *history, struct aggregate *aggregate, __s64 now);
/*
 * Deletes what is too old or too much, a bounded part of it; to be called about once a minute. Negative
 * errno, -ENOSPC too: deleting takes room in the WAL, which somebody may keep from being emptied.
 */
int history__tidy(struct history *history, __s64 now);

/* Bytes of the file and its WAL. */
__u64 history__bytes(const struct history *history);
/* Errors so far, and the last in words; "" when the last save and the last tidying succeeded. */
__u64 history__errors(const struct history *history);
const char *history__trouble(const struct history *history);

/* What has happened and is over, that somebody should know: a corrupt file was moved aside. Once. */
bool history__take_news(struct history *history, char *text, size_t size);

#endif
