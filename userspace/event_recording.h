/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings of the module's trace events by perf or trace-cmd, summed up: what each program called,
 * acquired and gave back. Read on any machine, with no privileges.
 */
#ifndef KFUNCTRACE_EVENT_RECORDING_H
#define KFUNCTRACE_EVENT_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

#define RECORDING_NAME_LEN 64

/* What one program did with one kfunc. */
struct recorded_use {
	char kfunc[RECORDING_NAME_LEN];
	char program[RECORDING_NAME_LEN]; /* "kernel" and "unknown" have the id 0 */
	__u32 prog_id;
	__u64 calls, acquired, released, zeros, stale, deprecated; /* events of each kind */
	char replacement[RECORDING_NAME_LEN];			   /* of a deprecated kfunc */
};

struct event_recording {
	struct recorded_use *uses; /* sorted: most calls first */
	size_t nr, room;
	double first_s, last_s; /* the clock of the recording */
	__u64 nr_events;
	__u64 nr_lost; /* trace-cmd says how many it has lost, perf that it has */
};

/*
 * Reads a file of `perf record` (through `perf script`, which must be installed) or of `trace-cmd
 * record`. Returns 0, or a negative errno having said what is wrong; to be freed in any case.
 */
int event_recording__read(const char *path, struct event_recording *recording);
void event_recording__free(struct event_recording *recording);

/* Return 0 or a negative errno; whether it reached its reader, results__failed() tells. */
int event_recording__print_table(const struct event_recording *recording, FILE *out);
int event_recording__print_json(const struct event_recording *recording, FILE *out);

#endif
