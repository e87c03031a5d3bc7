/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a running aggregator is told something: a Unix socket, 0600, whose peer must be root or the
 * aggregator's own user. A request is one line, the answer a status line and text. Who holds the socket's
 * lock file is the one that runs.
 */
#ifndef KFUNCTRACE_SERVE_CONTROL_H
#define KFUNCTRACE_SERVE_CONTROL_H

#include <stddef.h>

#define SERVE_CONTROL_PATH "/run/kfunctrace/control"

struct serve_control;

/*
 * Handles a request ("release nf_conntrack"), which is printable text; writes what is to be said into
 * `answer`, which is empty before. Returns 0 or a negative errno, which who asked gets too.
 */
typedef int (*serve_control_fn)(const char *request, char *answer, size_t size, void *arg);

/*
 * Makes folder and socket. Returns 0 or a negative errno, having said why; -EEXIST: another one runs,
 * its pid is said.
 */
int serve_control__open(const char *path, serve_control_fn fn, void *arg,
			struct serve_control **control);
void serve_control__free(struct serve_control *control);
/* To be polled for input (epoll); then serve_control__run(), which never blocks. */
int serve_control__fd(const struct serve_control *control);
void serve_control__run(struct serve_control *control);

/*
 * The client's side: sends the request and waits for the answer, at most `timeout_s`. Returns what the
 * handler did, with its malloc'ed answer. Without an answer that is NULL, and the return tells why:
 * -ECONNREFUSED or -ENOENT when nobody runs, -EACCES, -ETIMEDOUT, -EPROTO when it broke off.
 */
int serve_control__ask(const char *path, const char *request, int timeout_s, char **answer);

#endif
