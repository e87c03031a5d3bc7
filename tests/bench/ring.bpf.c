// SPDX-License-Identifier: GPL-2.0-only
/* Fills the ring buffer of the aggregator with events, as fast as it can. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "reference_records.h"

char LICENSE[] SEC("license") = "GPL";

/* The aggregator's own takes its place. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

__u64 nr_dropped = 0;

struct filling {
	__u32 nr;
	__u32 nr_sites; /* call sites that take turns */
};

static long fill_one(__u32 i, struct filling *filling)
{
	struct kft_reference_event *event;

	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		nr_dropped++;
		return 0;
	}
	event->time_ns = i;
	event->object = i;
	event->object_pid = event->object_tgid = 1;
	event->kind = KFT_EVENT_ZERO;
	event->probe = 0;
	event->site = KFT_FIRST_REFERENCE_SITE + i % (filling->nr_sites ?: 1);
	event->tid = event->tgid = 1;
	event->stack_len = 0;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("syscall")
int fill(struct filling *filling)
{
	struct filling copy = *filling;

	bpf_loop(copy.nr, fill_one, &copy, 0);
	return 0;
}
