/* SPDX-License-Identifier: GPL-2.0-only */
/* Results, as opposed to messages: where they go, and that they got there. */
#ifndef KFUNCTRACE_OUTPUT_H
#define KFUNCTRACE_OUTPUT_H

#include <stdio.h>

struct json_t;

/*
 * Flushes `out` and closes it unless it is stdout or stderr. When something was not written (closed
 * pipe, full disk) says so with `name` and returns a negative errno.
 */
int output__finish(FILE *out, const char *name);

/* Writes `value` (jansson) and a newline, pretty or on one line, and releases it. */
int output__json(FILE *out, struct json_t *value, int pretty);

#endif
