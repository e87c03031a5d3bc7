// SPDX-License-Identifier: GPL-2.0-only
#include "event_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "references.h"

struct event_stream {
	struct ring_buffer *ring;
	event_fn fn;
	void *arg;
};

static int take(void *arg, void *data, size_t size)
{
	struct event_stream *stream = arg;

	if (size < sizeof(struct kft_reference_event))
		return -EBADMSG;
	return stream->fn(data, stream->arg);
}

int event_stream__open(struct references *references, event_fn fn, void *arg,
		       struct event_stream **result)
{
	struct event_stream *stream = calloc(1, sizeof(*stream));
	int err;

	if (!stream)
		return -ENOMEM;
	stream->fn = fn;
	stream->arg = arg;
	stream->ring = ring_buffer__new(references__events_fd(references), take, stream, NULL);
	if (!stream->ring) {
		err = -errno;
		free(stream);
		return err;
	}
	*result = stream;
	return 0;
}

void event_stream__free(struct event_stream *stream)
{
	if (!stream)
		return;
	ring_buffer__free(stream->ring);
	free(stream);
}

int event_stream__fd(const struct event_stream *stream)
{
	return ring_buffer__epoll_fd(stream->ring);
}

int event_stream__poll(struct event_stream *stream, __u64 timeout_ns)
{
	int nr;

	/* Who does not wait need not ask whether there is anything. */
	if (timeout_ns)
		nr = ring_buffer__poll(stream->ring, timeout_ns / 1000000);
	else
		nr = ring_buffer__consume(stream->ring);
	return nr < 0 && nr != -EINTR ? nr : 0;
}

int event_sample__make(struct event_sample *sample, size_t max)
{
	memset(sample, 0, sizeof(*sample));
	sample->events = calloc(max ?: 1, sizeof(*sample->events));
	sample->max = max;
	return sample->events ? 0 : -ENOMEM;
}

int event_sample__take(const struct kft_reference_event *event, void *arg)
{
	struct event_sample *sample = arg;

	sample->nr_seen++;
	if (sample->nr < sample->max)
		sample->events[sample->nr++] = *event;
	return 0;
}

void event_sample__free(struct event_sample *sample)
{
	free(sample->events);
	memset(sample, 0, sizeof(*sample));
}
