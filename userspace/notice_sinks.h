/* SPDX-License-Identifier: GPL-2.0-only */
/* Where notices go. A sink takes one at once or not at all, and is opened again when it has gone. */
#ifndef KFUNCTRACE_NOTICE_SINKS_H
#define KFUNCTRACE_NOTICE_SINKS_H

#include <stdbool.h>
#include <stddef.h>

#include "notice_formats.h"

#define NOTICE_JOURNAL_SOCKET "/run/systemd/journal/socket"
#define NOTICE_SYSLOG_SOCKET  "/dev/log"

struct notice_sink;

/* Whether `word` of that length names a sink (notices_options.to). */
bool notice_sink__is(const char *word, size_t len);
/*
 * Returns 0, or a negative errno having said why. Nobody need listen on a socket yet; a file is made, if
 * it is not there.
 */
int notice_sink__open(const char *word, size_t len, struct notice_sink **sink);
void notice_sink__free(struct notice_sink *sink);
/* Returns 0 or a negative errno, silently: -EAGAIN when it would block. */
int notice_sink__tell(struct notice_sink *sink, const struct notice_record *record);

#endif
