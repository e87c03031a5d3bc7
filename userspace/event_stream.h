/* SPDX-License-Identifier: GPL-2.0-only */
/* Events of references as they happen: acquires, releases, refcount-zero. */
#ifndef KFUNCTRACE_EVENT_STREAM_H
#define KFUNCTRACE_EVENT_STREAM_H

#include <stddef.h>
#include <linux/types.h>

#include "../tracepoints/reference_records.h"

struct event_stream;
struct references;

/* A negative return ends the polling with it. */
typedef int (*event_fn)(const struct kft_reference_event *event, void *arg);

/* `references` must outlive it. Returns 0 or a negative errno. */
int event_stream__open(struct references *references, event_fn fn, void *arg,
		       struct event_stream **stream);
void event_stream__free(struct event_stream *stream);

/* For epoll: readable when there are events. */
int event_stream__fd(const struct event_stream *stream);
/* Calls fn for each event that is there; waits for the first at most so long. 0 or a negative errno.
 */
int event_stream__poll(struct event_stream *stream, __u64 timeout_ns);

/* The first events of a run, and how many there were. */
struct event_sample {
	struct kft_reference_event *events;
	size_t nr, max;
	__u64 nr_seen;
};

/* Returns 0 or -ENOMEM. */
int event_sample__make(struct event_sample *sample, size_t max);
/* An event_fn, its arg a sample. */
int event_sample__take(const struct kft_reference_event *event, void *sample);
void event_sample__free(struct event_sample *sample);

#endif
