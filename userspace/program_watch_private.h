/* SPDX-License-Identifier: GPL-2.0-only */
/* The two ways to watch programs. */
#ifndef KFUNCTRACE_PROGRAM_WATCH_PRIVATE_H
#define KFUNCTRACE_PROGRAM_WATCH_PRIVATE_H

#include "program_watch.h"

/* Takes over event->user. Fills in who loaded it. */
int program_watch__tell(struct program_watch *watch, struct program_event *event);

struct perf_watch;

/* For the functions of the same name of program_watch.h. */
int perf_watch__open(const struct call_targets *targets, struct program_watch *watch,
		     struct perf_watch **perf);
void perf_watch__free(struct perf_watch *perf);
int perf_watch__poll(struct perf_watch *perf, __u64 timeout_ns);
__u64 perf_watch__lost(const struct perf_watch *perf);

#endif
