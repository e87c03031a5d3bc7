/* SPDX-License-Identifier: GPL-2.0-only */
/* Results, as opposed to messages: where they go, and that they got there. */
#ifndef KFUNCTRACE_OUTPUT_H
#define KFUNCTRACE_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct json_t;

/* Where the results of a run go, which may be long in coming. */
struct results {
	FILE *out;
	const char *name; /* in messages */
	bool is_file;
	bool begun;
	bool diverted; /* the last results went to standard error instead */
};

/*
 * A file when `path` is not NULL; otherwise standard error with a command, which has standard output
 * for itself, and standard output without. A file is opened at once, so that one that cannot be
 * written is known before a long run, but emptied only when there is something to write: what
 * stands in it may be an earlier result. Returns 0, or a negative errno having said why.
 */
int results__open(struct results *results, const char *path, char *const *command);
/* The stream to print to. */
FILE *results__begin(struct results *results);
/* True when something could not be written: a closed pipe, a full disk. */
bool results__failed(const struct results *results);
/*
 * Calls `print`, which uses results__begin(). When that cannot be written, says so and prints once
 * more to standard error: results are not lost. Returns what `print` did.
 */
int results__print_last(struct results *results, int (*print)(void *arg), void *arg);
/* Returns 0 when everything reached its place, else a negative errno having said so. */
int results__close(struct results *results);

/*
 * Flushes `out` and closes it unless it is stdout or stderr. When something was not written (closed
 * pipe, full disk) says so with `name` and returns a negative errno.
 */
int output__finish(FILE *out, const char *name);

/* Writes `value` (jansson) and a newline, pretty or on one line, and releases it. */
int output__json(FILE *out, struct json_t *value, int pretty);

#endif
