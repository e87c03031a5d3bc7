/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A report out of a recording of the module's trace events, by perf or trace-cmd: what the readers of
 * the two formats have in common. Read on any machine, with no privileges.
 */
#ifndef KFUNCTRACE_USAGE_RECORDING_H
#define KFUNCTRACE_USAGE_RECORDING_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

#include "usage_report.h"

struct recording;

/* An event as it was read. */
struct recorded_event {
	const char *name; /* "kfunc_acquire" */
	const char *kfunc, *program;
	const char *type;	 /* of the object, or NULL */
	const char *replacement; /* of a deprecated kfunc, or NULL */
	__u32 prog_id;
	__u64 object;		  /* its address, or what stands for it */
	__s64 count, duration_ns; /* -1: not known */
	double time_s;		  /* the clock of the recording */
};

/* All return 0 or -ENOMEM. */
int recording__event(struct recording *recording, const struct recorded_event *event);
/* The host that was recorded, and its kernel; where the file does not say, they are not known. */
int recording__host(struct recording *recording, const char *name);
int recording__release(struct recording *recording, const char *release);
/* So many events were lost; `more`: and others, nobody knows how many. */
void recording__lost(struct recording *recording, __u64 nr, bool more);

/* Read the file. Return 0, or a negative errno having said what is wrong. */
int recording__read_perf(struct recording *recording, const char *path);
int recording__read_trace_dat(struct recording *recording, const char *path);
/* What `perf script` prints of a file. Returns 0 or -ENOMEM. */
int recording__read_perf_text(struct recording *recording, FILE *text);

/*
 * A report with all that `read` finds in `path`; usage_from_recording() for one format. For tests too:
 * returns what `read` returns, or -ENOMEM.
 */
int recording__report(struct usage_report *report, const struct usage_query *query,
		      const char *path, int (*read)(struct recording *recording, const char *path));

#endif
