/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of the aggregator; everybody else uses aggregator.h. */
#ifndef KFUNCTRACE_AGGREGATOR_PRIVATE_H
#define KFUNCTRACE_AGGREGATOR_PRIVATE_H

#include <signal.h>
#include <stdbool.h>
#include <linux/types.h>

#include "aggregate.h"
#include "aggregator.h"
#include "notices.h"
#include "overhead.h"
#include "serve_config.h"

struct counting;
struct history;
struct module_watch;
struct program_census;
struct program_loaders;
struct serve_control;
struct status_server;

struct aggregator {
	const struct aggregator_options *opts;
	struct serve_config *config;
	struct aggregate *aggregate;
	struct notices *notices;
	struct history *history;
	struct status_server *server;
	struct serve_control *control;
	struct program_loaders *loaders;
	struct counting *counting;
	struct program_census *census;
	struct module_watch *modules;
	struct overhead *overhead;
	struct {
		__u64 notices, notices_suppressed, history_errors;
	} seen; /* of these counts, what the state has */
	char host[256];
	int epoll_fd, signal_fd, timer_fd;
	sigset_t signals, old_signals;
	bool is_ending;
	bool modules_pending; /* some came or went, and could not be followed */
	int drain_err, save_err, look_err; /* what the last one failed with */
	__u64 next_look_ns, next_loaders_ns, next_tidy_ns, next_overhead_ns;
	__u64 last_good_ns; /* of a drain */
};

/* Has the loop wait for it as well; -1: nothing to wait for. 0 or a negative errno, said why. */
int aggregator__watch_fd(struct aggregator *aggregator, int fd);
/* Drains follow the configuration's interval. Returns 0 or a negative errno having said why. */
int aggregator__set_timer(struct aggregator *aggregator);
/*
 * Whether it counts, and what is the matter, as of now: one line for the status page, /readyz and
 * systemd, and a notice when that changes.
 */
void aggregator__judge(struct aggregator *aggregator);
/* Writes what has come since the last time into the history; what fails is in save_err, and told. */
void aggregator__save(struct aggregator *aggregator);
/* For systemd: that trouble, or that it counts. */
const char *aggregator__status(struct aggregator *aggregator);

/* The configuration's file, and what the command line says instead. 0 or a negative errno, said why. */
int aggregator__load_config(const struct aggregator_options *opts, struct serve_config **config);
void aggregator__free_config(struct serve_config *config);
/* What a configuration is to the parts of the aggregator. */
struct aggregate_options aggregate_options__of(const struct serve_config *config);
struct overhead_options overhead_options__of(const struct serve_config *config);
struct notices_options notices_options__of(const struct serve_config *config);

/*
 * Opens what it says for clients, beside the server that there is; nothing when it says off. 0 or a
 * negative errno.
 */
int aggregator__listen(struct aggregator *aggregator, const struct serve_config *config,
		       struct status_server **server);
/*
 * NULL when it says off. What cannot be opened is opened later, and the aggregator counts all the same.
 * Returns 0 or -ENOMEM.
 */
int aggregator__open_history(const struct serve_config *config, struct history **history);
/* Adds those of the history to those of the state. */
void aggregator__take_history_errors(struct aggregator *aggregator);
/* Reads the configuration anew. When it is wrong, or cannot be followed, all stays as it was. */
void aggregator__reload(struct aggregator *aggregator);

#endif
