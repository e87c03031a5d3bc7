/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs that call kfuncs, as they are loaded and unloaded. Where the kernel lets us trace, its
 * own announcement is tapped, and every program is seen whole (tracepoints/watch.bpf.c). Elsewhere
 * perf's records of the same announcement tell which program it was; what it calls is then looked up,
 * and a program that is gone by then stays unknown (program_watch_perf.c).
 */
#ifndef KFUNCTRACE_PROGRAM_WATCH_H
#define KFUNCTRACE_PROGRAM_WATCH_H

#include <stdbool.h>
#include <linux/types.h>

#include "users.h"

struct live_kernel;
struct program_watch;

struct program_event {
	bool unloaded; /* else loaded */
	__u64 time_ns; /* CLOCK_MONOTONIC */
	/* False: it was gone too soon. Then only its id and tag are known, and perhaps its name. */
	bool is_known;
	struct user user;
	/* Who loaded it; pid 0: that was before the watch. */
	__u32 pid;
	char comm[16];
};

/* A negative return ends the polling with it. */
typedef int (*program_event_fn)(const struct program_event *event, void *arg);

/* `kernel` must outlive it. Returns 0, or a negative errno. */
int program_watch__open(struct live_kernel *kernel, program_event_fn fn, void *arg,
			struct program_watch **watch);
void program_watch__free(struct program_watch *watch);

/* Calls fn for what has happened; waits for the first at most so long. 0 or a negative errno. */
int program_watch__poll(struct program_watch *watch, __u64 timeout_ns);

/* True when no program is too short-lived. False: by perf's records, and why in *why. */
bool program_watch__is_complete(const struct program_watch *watch, const char **why);
/* Events that were lost so far, at the most. */
__u64 program_watch__lost(const struct program_watch *watch);

#endif
