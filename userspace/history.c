// SPDX-License-Identifier: GPL-2.0-only
#include "history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "history_private.h"
#include "message.h"

/* A disk that makes one file after the other corrupt need not be filled with them. */
#define MAX_SET_ASIDE 5

/* --- what the file has ------------------------------------------------------------------------------ */

void *slots__at(struct slots *slots, size_t idx, size_t size)
{
	if (idx >= slots->nr) {
		size_t nr = idx + idx / 2 + 64;
		char *grown = realloc(slots->array, nr * size);

		if (!grown)
			return NULL;
		memset(grown + slots->nr * size, 0, (nr - slots->nr) * size);
		slots->array = grown;
		slots->nr = nr;
	}
	return (char *)slots->array + idx * size;
}

static void slots__free(struct slots *slots)
{
	free(slots->array);
	memset(slots, 0, sizeof(*slots));
}

void history__forget_ids(struct history *history)
{
	struct type_slot *types = history->types.array;

	slots__free(&history->kfuncs);
	slots__free(&history->callers);
	/* What was counted in a type stays known. */
	for (size_t i = 0; i < history->types.nr; i++)
		types[i].saved.id = 0;
}

/* A file that is another one has none of the totals, and needs to know all of it. */
static void forget_file(struct history *history)
{
	struct row_slot *rows = history->rows.array;

	history__forget_ids(history);
	/* What was counted stays known: an hour gets only what is new. */
	for (size_t i = 0; i < history->rows.nr; i++)
		rows[i].saved.kfunc = rows[i].saved.program = 0;
	history->saved.run = 0;
	history->saved.objects_hash = history->saved.problems_hash = 0;
	history->rewrite_totals = true;
}

/* --- opening and closing ------------------------------------------------------------------------------ */

static void close_file(struct history *history, bool checkpoint)
{
	for (int i = 0; i < NR_STATEMENTS; i++) {
		sqlite3_finalize(history->statements[i]);
		history->statements[i] = NULL;
	}
	history_file__close(&history->file, checkpoint);
}

/* Between two attempts to open it. */
#define FIRST_WAIT_S 1
#define LAST_WAIT_S  600

/* It is closed. Whoever asks for news is told. 0 or a negative errno, having said why. */
static int move_aside(struct history *history)
{
	int err;

	if (history->set_aside >= MAX_SET_ASIDE) {
		msg__error("the history %s is corrupt again and again: look after the disk, then "
			   "restart",
			   history->path);
		return -EBADMSG;
	}
	err = history_file__set_aside(history->path, history->news, sizeof(history->news));
	history->set_aside += !err;
	return err;
}

static int open_file(struct history *history)
{
	int err = history_file__open(&history->file, history->path);

	if (err == -EBADMSG) {
		err = move_aside(history);
		/* The same as when it is found later: history__failed() counts it then. */
		if (!err) {
			history->errors++;
			err = history_file__open(&history->file, history->path);
		}
	}
	return err ?: history__set_limits(history);
}

/* A clock that was set is not waited for. */
static bool is_too_early(const struct history *history, __s64 now)
{
	return history->wait_s && now < history->next_try &&
	       history->next_try - now <= history->wait_s;
}

static int try_to_open(struct history *history)
{
	history->open_err = open_file(history);
	if (history->open_err)
		close_file(history, false);
	return history->open_err;
}

int history__reopen(struct history *history, __s64 now)
{
	if (history->file.db && !history_file__has_gone(&history->file))
		return 0;
	if (is_too_early(history, now))
		return history->open_err;
	if (history->file.db)
		msg__warn("the history %s has been moved or deleted: a new one is begun",
			  history->path);
	close_file(history, true);
	forget_file(history);
	if (!try_to_open(history)) {
		history->wait_s = 0;
		return 0;
	}
	history->wait_s = history->wait_s ? history->wait_s * 2 : FIRST_WAIT_S;
	if (history->wait_s > LAST_WAIT_S)
		history->wait_s = LAST_WAIT_S;
	history->next_try = now + history->wait_s;
	return history->open_err;
}

int history__open(const struct history_options *opts, struct history **result)
{
	struct history *history = calloc(1, sizeof(*history));
	int err;

	*result = NULL;
	if (!history)
		return -ENOMEM;
	history->opts = *opts;
	history->file.lock_fd = -1;
	history->path = strdup(opts->path);
	if (!history->path) {
		free(history);
		return -ENOMEM;
	}
	*result = history;
	err = try_to_open(history);
	return err ? history__failed(history, "opening it", err) : 0;
}

void history__close(struct history *history)
{
	if (!history)
		return;
	close_file(history, true);
	slots__free(&history->rows);
	slots__free(&history->kfuncs);
	slots__free(&history->callers);
	slots__free(&history->types);
	free(history->path);
	free(history);
}

void history__set_options(struct history *history, const struct history_options *opts)
{
	/* It goes on with its file. */
	history->opts.retention_s = opts->retention_s;
	history->opts.max_bytes = opts->max_bytes;
	if (history->file.db)
		history__set_limits(history);
	else
		history->wait_s = 0;
}

static const char *why_not(const struct history *history, int err)
{
	switch (err) {
	case -ENOSPC:
	case -EFBIG:
		return history__no_space(history, err);
	case -EBADMSG:
		return "the file is corrupt";
	case -EPROTONOSUPPORT:
		return "a later kfunctrace has written it";
	case -EINVAL:
		return "it is no history of kfunctrace";
	case -EBUSY:
		return "another process keeps it locked";
	default:
		return strerror(-err);
	}
}

int history__failed(struct history *history, const char *what, int err)
{
	const char *why = why_not(history, err);

	history->errors++;
	if (err == -EBADMSG && history->file.db) {
		close_file(history, false);
		forget_file(history);
		move_aside(history);
	} else if (!history->file.db || err == -EIO || err == -EROFS) {
		/* A disk that was replaced, or mounted again, is found when it is opened again. */
		close_file(history, false);
		forget_file(history);
	}
	snprintf(history->trouble, sizeof(history->trouble), "%s: %s: %s", history->path, what,
		 why);
	return err == -EFBIG ? -ENOSPC : err;
}

/* --- what is to be known of it ------------------------------------------------------------------------ */

__u64 history__bytes(const struct history *history)
{
	static const char *const suffixes[] = { "", "-wal" };
	__u64 bytes = 0;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char path[4096 + 8];
		struct stat stat_buf;

		snprintf(path, sizeof(path), "%s%s", history->path, suffixes[i]);
		if (!stat(path, &stat_buf))
			bytes += stat_buf.st_size;
	}
	return bytes;
}

__u64 history__errors(const struct history *history)
{
	return history->errors;
}

bool history__take_news(struct history *history, char *text, size_t size)
{
	snprintf(text, size, "%s", history->news);
	history->news[0] = '\0';
	return *text;
}

const char *history__trouble(const struct history *history)
{
	return *history->trouble ? history->trouble : history->tidy_trouble;
}
