// SPDX-License-Identifier: GPL-2.0-only
/* Fills a ring buffer with events, as fast as it can. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "reference_records.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} events SEC(".maps");

__u64 nr_dropped = 0;

struct filling {
	__u32 nr;
};

static long fill_one(__u32 i, void *arg)
{
	struct kft_reference_event *event;

	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		nr_dropped++;
		return 0;
	}
	event->time_ns = i;
	event->object = i;
	event->kind = KFT_EVENT_ZERO;
	event->probe = 0;
	event->site = KFT_FIRST_REFERENCE_SITE + (i & 7);
	event->tid = event->tgid = 1;
	event->stack_len = 0;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("syscall")
int fill(struct filling *filling)
{
	bpf_loop(filling->nr, fill_one, NULL, 0);
	return 0;
}
