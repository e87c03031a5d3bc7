/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the aggregator serves over HTTP: /metrics (openmetrics.h), / (a status page for people),
 * /healthz (the process goes on) and /readyz (it counts). GET and HEAD only. Runs in the caller's
 * thread and never blocks it. A text is used again until the next drain (cost.drains), at most for a
 * second.
 */
#ifndef KFUNCTRACE_STATUS_SERVER_H
#define KFUNCTRACE_STATUS_SERVER_H

#include <linux/types.h>

struct aggregate;
struct status_server;

struct status_server_options {
	/* "127.0.0.1:9435", "[::1]:9435", "unix:/run/kfunctrace/metrics.sock" (made 0660) */
	const char *listen;
	const char *version; /* of kfunctrace */
	const char *host;
	/*
	 * Called before a text is made of the aggregate, when not NULL: who writes down there what the
	 * text will say can be killed at any time, and no counter that was served goes backwards.
	 */
	void (*before_text)(void *arg);
	void *before_text_arg;
	/* One that goes on, and whose port it may be on another address; NULL: there is none. */
	const struct status_server *beside;
};

/*
 * Begins to listen. `aggregate` must outlive it. Returns 0 or a negative errno, having said what
 * failed and what to do (address in use, a socket file that somebody listens on, no permission).
 */
int status_server__open(const struct status_server_options *opts, const struct aggregate *aggregate,
			struct status_server **server);
void status_server__free(struct status_server *server);

/* To be polled for input (epoll); then status_server__run(). */
int status_server__fd(const struct status_server *server);
/* Does what is to be done now: accepts, reads, answers, drops who is too slow. */
void status_server__run(struct status_server *server);
/* Milliseconds after which it wants to run in any case; -1: there is nothing to wait for. */
int status_server__timeout_ms(const struct status_server *server);

#endif
