// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that may not write to the packet call another function than the kfunc that they name.
 */
#include "calls.bpf.h"

enum {
	WRITER,
	READER,
	FILTER,
};

TRUTH = {
	[WRITER] = CALLS(bpf_dynptr_from_skb, packet_writer),
	[READER] = CALLS(bpf_dynptr_from_skb, packet_reader),
	[FILTER] = CALLS(bpf_dynptr_from_skb, packet_filter),
};

int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit) __kfunc;

#define LOOK(section, name, row, verdict)                                                          \
	SEC(section)                                                                               \
	int name(struct __sk_buff *skb)                                                            \
	{                                                                                          \
		struct bpf_dynptr packet;                                                          \
                                                                                                   \
		bpf_dynptr_from_skb(skb, 0, &packet);                                              \
		count_call(row);                                                                   \
		return verdict;                                                                    \
	}

LOOK("tc", packet_writer, WRITER, 0)
LOOK("cgroup_skb/ingress", packet_reader, READER, 1)
LOOK("socket", packet_filter, FILTER, 0)
