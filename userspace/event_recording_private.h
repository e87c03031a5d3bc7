/* SPDX-License-Identifier: GPL-2.0-only */
/* For the readers of the two formats. */
#ifndef KFUNCTRACE_EVENT_RECORDING_PRIVATE_H
#define KFUNCTRACE_EVENT_RECORDING_PRIVATE_H

#include "event_recording.h"

/* An event as it was read. */
struct recorded_event {
	const char *name; /* "kfunc_acquire" */
	const char *kfunc, *program;
	const char *replacement; /* or NULL */
	__u32 prog_id;
	double time_s;
};

/* Returns 0 or -ENOMEM. */
int event_recording__add(struct event_recording *recording, const struct recorded_event *event);

int event_recording__read_perf(const char *path, struct event_recording *recording);
int event_recording__read_trace_dat(const char *path, struct event_recording *recording);

#endif
