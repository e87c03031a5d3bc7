// SPDX-License-Identifier: GPL-2.0-only
/* What network interfaces run without a link: tc filters, XDP, tcx, netkit; and the dissector. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "program_holders_private.h"

/* --- tc --------------------------------------------------------------------------------------- */

static const struct {
	__u32 parent;
	const char *how;
} filter_places[] = {
	{ TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), "tc_ingress" },
	{ TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), "tc_egress" },
	{ 0, "tc" }, /* those of the root queue */
};

/* An attribute among `len` bytes of them, or NULL. */
static const struct rtattr *find_attribute(const struct rtattr *at, int len, int type)
{
	for (; RTA_OK(at, len); at = RTA_NEXT(at, len)) {
		if ((at->rta_type & NLA_TYPE_MASK) == type)
			return at;
	}
	return NULL;
}

/* The program of a filter of the kind "bpf", or 0. */
static __u32 program_of_filter(const struct nlmsghdr *message)
{
	const struct rtattr *first =
		(void *)((char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct tcmsg)));
	int len = NLMSG_PAYLOAD(message, sizeof(struct tcmsg));
	const struct rtattr *kind, *options, *id;

	if (len <= 0)
		return 0;
	kind = find_attribute(first, len, TCA_KIND);
	options = find_attribute(first, len, TCA_OPTIONS);
	if (!kind || !options || RTA_PAYLOAD(kind) != 4 || memcmp(RTA_DATA(kind), "bpf", 4) != 0)
		return 0;
	id = find_attribute(RTA_DATA(options), RTA_PAYLOAD(options), TCA_BPF_ID);
	return id && RTA_PAYLOAD(id) == sizeof(__u32) ? *(__u32 *)RTA_DATA(id) : 0;
}

/* Takes the answers of one datagram: 1 after the last one, or -ENOMEM. */
static int take_filters(struct program_holders *holders, const struct nlmsghdr *message, int len,
			const char *how, const char *interface)
{
	for (; NLMSG_OK(message, (unsigned int)len); message = NLMSG_NEXT(message, len)) {
		__u32 id;

		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return 1;
		id = message->nlmsg_type == RTM_NEWTFILTER ? program_of_filter(message) : 0;
		if (id && holders__add_attachment(holders, id, 0, how, "%s", interface))
			return -ENOMEM;
	}
	return 0;
}

static int read_filters(struct program_holders *holders, int netlink, const struct if_nameindex *at,
			size_t place)
{
	static char answer[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct {
		struct nlmsghdr header;
		struct tcmsg tc;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETTFILTER,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.tc = { .tcm_ifindex = at->if_index, .tcm_parent = filter_places[place].parent },
	};
	int err = 0;

	if (send(netlink, &request, sizeof(request), 0) < 0)
		return 0;
	while (!err) {
		ssize_t len = recv(netlink, answer, sizeof(answer), 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			break;
		err = take_filters(holders, (void *)answer, len, filter_places[place].how,
				   at->if_name);
	}
	return err < 0 ? err : 0;
}

/* --- by interface ----------------------------------------------------------------------------- */

static int read_xdp(struct program_holders *holders, const struct if_nameindex *at)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	const __u32 *const ids[] = { &opts.drv_prog_id, &opts.skb_prog_id, &opts.hw_prog_id };
	int err = 0;

	if (bpf_xdp_query(at->if_index, 0, &opts))
		return 0;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]) && !err; i++) {
		if (*ids[i])
			err = holders__add_attachment(holders, *ids[i], 0, "xdp", "%s",
						      at->if_name);
	}
	return err;
}

/* tcx (since 6.6) and netkit (6.7); older kernels refuse the question. */
static int read_queried(struct program_holders *holders, const struct if_nameindex *at)
{
	static const __u32 types[] = { 46, 47, 54, 55 };
	char name[32];
	int err = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !err; i++) {
		__u32 ids[64], nr = sizeof(ids) / sizeof(ids[0]);

		if (bpf_prog_query(at->if_index, types[i], 0, NULL, ids, &nr))
			continue;
		for (__u32 j = 0; j < nr && j < sizeof(ids) / sizeof(ids[0]) && !err; j++)
			err = holders__add_attachment(
				holders, ids[j], 0,
				holders__attach_type(types[i], name, sizeof(name)), "%s",
				at->if_name);
	}
	return err;
}

static int read_interface(struct program_holders *holders, int netlink,
			  const struct if_nameindex *at)
{
	int err = 0;

	if (holders__have_type(holders, BPF_PROG_TYPE_XDP))
		err = read_xdp(holders, at);
	if (err || !holders__have_type(holders, BPF_PROG_TYPE_SCHED_CLS))
		return err;
	for (size_t i = 0; i < sizeof(filter_places) / sizeof(filter_places[0]) && !err; i++)
		err = read_filters(holders, netlink, at, i);
	return err ?: read_queried(holders, at);
}

static int read_dissector(struct program_holders *holders)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), err = 0;
	__u32 id = 0, nr = 1;
	struct stat ns;

	if (fd < 0)
		return 0;
	if (!bpf_prog_query(fd, BPF_FLOW_DISSECTOR, 0, NULL, &id, &nr) && nr && id &&
	    !fstat(fd, &ns))
		err = holders__add_attachment(holders, id, 0, "flow_dissector", "netns %u",
					      (unsigned int)ns.st_ino);
	close(fd);
	return err;
}

int holders__read_net(struct program_holders *holders)
{
	/* A kernel that does not answer must not keep us. */
	const struct timeval patience = { .tv_sec = 2 };
	struct if_nameindex *interfaces;
	int netlink, err = 0;

	if (holders__have_type(holders, BPF_PROG_TYPE_FLOW_DISSECTOR))
		err = read_dissector(holders);
	if (err || (!holders__have_type(holders, BPF_PROG_TYPE_XDP) &&
		    !holders__have_type(holders, BPF_PROG_TYPE_SCHED_CLS)))
		return err;
	netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	interfaces = if_nameindex();
	if (netlink >= 0) {
		setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		for (struct if_nameindex *at = interfaces; at && at->if_index && !err; at++)
			err = read_interface(holders, netlink, at);
		close(netlink);
	}
	if_freenameindex(interfaces);
	return err;
}
