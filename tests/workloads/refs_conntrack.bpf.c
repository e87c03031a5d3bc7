// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to connections of the module nf_conntrack. To insert a new one gives it up, also when
 * there is such a connection already.
 */
#include "refs.bpf.h"

struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

struct nf_conn___init {
	struct nf_conn ct;
} __attribute__((preserve_access_index));

/* The length that all kernels take. */
struct bpf_ct_opts {
	s32 netns_id;
	s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

struct nf_conn___init *bpf_skb_ct_alloc(struct __sk_buff *skb_ctx, struct bpf_sock_tuple *bpf_tuple,
					u32 tuple__sz, struct bpf_ct_opts *opts,
					u32 opts__sz) __kfunc;
void bpf_ct_set_timeout(struct nf_conn___init *nfct, u32 timeout) __kfunc;
struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *nfct_i) __kfunc;
struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb_ctx, struct bpf_sock_tuple *bpf_tuple,
				  u32 tuple__sz, struct bpf_ct_opts *opts, u32 opts__sz) __kfunc;
void bpf_ct_release(struct nf_conn *nfct) __kfunc;

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(ct_insert, bpf_skb_ct_alloc)							\
	cannot(ct_insert, bpf_ct_set_timeout)							\
	may_fail(ct_insert, bpf_ct_insert_entry)						\
	cannot(ct_insert, bpf_ct_release)							\
	may_fail(ct_duplicate, bpf_skb_ct_alloc)						\
	cannot(ct_duplicate, bpf_ct_set_timeout)						\
	may_fail(ct_duplicate, bpf_ct_insert_entry)						\
	cannot(ct_duplicate, bpf_ct_release)							\
	may_fail(ct_find, bpf_skb_ct_lookup)							\
	cannot(ct_find, bpf_ct_release)								\
	may_fail(ct_miss, bpf_skb_ct_lookup)							\
	cannot(ct_miss, bpf_ct_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) N_ROWS };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT) };

#define IPPROTO_TCP 6
#define OWN_NETNS   (-1)
#define TIMEOUT_MS  1000000

#define OPTIONS                                                                                    \
	{                                                                                          \
		.netns_id = OWN_NETNS, .l4proto = IPPROTO_TCP                                      \
	}

/* Connection number so and so. */
static __always_inline void fill(struct bpf_sock_tuple *tuple, u32 number)
{
	tuple->ipv4.saddr = 0x0100000a;
	tuple->ipv4.daddr = 0x0200000a + (number >> 16 << 24);
	tuple->ipv4.sport = number;
	tuple->ipv4.dport = 80;
}

/* Each run takes the next number. */
SEC("tc")
int ct_insert(struct __sk_buff *skb)
{
	struct bpf_ct_opts options = OPTIONS;
	struct bpf_sock_tuple tuple = {};
	struct nf_conn___init *new;
	struct nf_conn *connection;

	fill(&tuple, __sync_fetch_and_add(&step.n, 1));
	new = RESULT(ct_insert, bpf_skb_ct_alloc, skb, &tuple, sizeof(tuple.ipv4), &options,
		     sizeof(options));
	if (!new)
		return 0;
	VOID(ct_insert, bpf_ct_set_timeout, new, TIMEOUT_MS);
	connection = RESULT(ct_insert, bpf_ct_insert_entry, new);
	if (connection) {
		VOID(ct_insert, bpf_ct_release, connection);
		step_done();
	}
	return 0;
}

SEC("tc")
int ct_duplicate(struct __sk_buff *skb)
{
	struct bpf_ct_opts options = OPTIONS;
	struct bpf_sock_tuple tuple = {};
	struct nf_conn___init *new;
	struct nf_conn *connection;

	fill(&tuple, __sync_fetch_and_add(&step.n, 1));
	new = RESULT(ct_duplicate, bpf_skb_ct_alloc, skb, &tuple, sizeof(tuple.ipv4), &options,
		     sizeof(options));
	if (!new)
		return 0;
	VOID(ct_duplicate, bpf_ct_set_timeout, new, TIMEOUT_MS);
	connection = RESULT(ct_duplicate, bpf_ct_insert_entry, new);
	if (connection)
		VOID(ct_duplicate, bpf_ct_release, connection);
	else
		step_done();
	return 0;
}

SEC("tc")
int ct_find(struct __sk_buff *skb)
{
	struct bpf_ct_opts options = OPTIONS;
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *connection;

	fill(&tuple, __sync_fetch_and_add(&step.n, 1));
	connection = RESULT(ct_find, bpf_skb_ct_lookup, skb, &tuple, sizeof(tuple.ipv4), &options,
			    sizeof(options));
	if (connection) {
		VOID(ct_find, bpf_ct_release, connection);
		step_done();
	}
	return 0;
}

SEC("tc")
int ct_miss(struct __sk_buff *skb)
{
	struct bpf_ct_opts options = OPTIONS;
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *connection;

	tuple.ipv4.saddr = 0x0100007f;
	tuple.ipv4.daddr = 0x0100007f;
	connection = RESULT(ct_miss, bpf_skb_ct_lookup, skb, &tuple, sizeof(tuple.ipv4), &options,
			    sizeof(options));
	if (connection)
		VOID(ct_miss, bpf_ct_release, connection);
	else
		step_done();
	return 0;
}
