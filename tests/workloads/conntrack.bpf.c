// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kfuncs of a module: looks up connections that nf_conntrack does not know.
 */
#include "calls.bpf.h"

enum {
	LOOKUP,
	RELEASE,
};

TRUTH = {
	[LOOKUP] = CALLS_OR_NULL(bpf_skb_ct_lookup, ask_conntrack),
	[RELEASE] = CALLS(bpf_ct_release, ask_conntrack),
};

struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

/* The length that all kernels take. */
struct bpf_ct_opts {
	s32 netns_id;
	s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb_ctx, struct bpf_sock_tuple *bpf_tuple,
				  u32 tuple__sz, struct bpf_ct_opts *opts, u32 opts__sz) __kfunc;
void bpf_ct_release(struct nf_conn *nfct) __kfunc;

#define IPPROTO_TCP 6
#define OWN_NETNS   (-1)

SEC("tc")
int ask_conntrack(struct __sk_buff *skb)
{
	struct bpf_ct_opts opts = { .netns_id = OWN_NETNS, .l4proto = IPPROTO_TCP };
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *conn;

	tuple.ipv4.saddr = 0x0100007f;
	tuple.ipv4.daddr = 0x0100007f;
	conn = count_result(LOOKUP, bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &opts,
						      sizeof(opts)));
	if (conn) {
		bpf_ct_release(conn);
		count_call(RELEASE);
	}
	return 0;
}
