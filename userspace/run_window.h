/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From when to when something is watched: while a command runs, for a time, or until Ctrl-C, as perf
 * stat does it. In between, the kernel's counters are drained at least once a second, and
 * intervals may be printed.
 */
#ifndef KFUNCTRACE_RUN_WINDOW_H
#define KFUNCTRACE_RUN_WINDOW_H

#include <signal.h>
#include <stdbool.h>
#include <linux/types.h>

#include "child.h"

struct run_window_options {
	double duration; /* seconds, 0: until the command ends or Ctrl-C */
	double interval; /* seconds, 0: none */
	char **command;	 /* or NULL */
};

struct run_window {
	struct run_window_options opts;
	struct child child;
	sigset_t signals, old_signals;
	__u64 begin_ns; /* when run_window__wait() began */
};

/* What is done meanwhile; `arg` is run_window__wait()'s. */
struct run_window_calls {
	/* At least once a second. 0, or a negative errno: -EAGAIN is passed over, others end it. */
	int (*drain)(void *arg);
	/* After a drain, at the end of each interval. A negative errno ends it; 1: nobody reads. */
	int (*interval)(void *arg);
	/* When not NULL: called all the time, instead of sleeping, for at most so long. */
	int (*poll)(void *arg, __u64 timeout_ns);
};

/*
 * Blocks SIGINT, SIGTERM and SIGCHLD and forks the command, which waits to begin. Returns 0 or a
 * negative errno. To be closed in any case.
 */
int run_window__open(struct run_window *window, const struct run_window_options *opts);
/*
 * Lets the command begin and waits for the end. Returns 0 when it came as planned, else a negative
 * errno, having said why unless a call failed. The command does not outlive it.
 */
int run_window__wait(struct run_window *window, const struct run_window_calls *calls, void *arg);
/* Unblocks the signals. */
void run_window__close(struct run_window *window);

/* The command's own exit status, as perf stat and time return it; 0 without one. */
int run_window__exit_status(const struct run_window *window);

/* True when Ctrl-C or SIGTERM has come while they are blocked. */
bool run_window__interrupted(void);

#endif
