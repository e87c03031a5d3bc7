// SPDX-License-Identifier: GPL-2.0-only
#include "prog_section.h"

#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *pattern; /* of the kind; with a slash: of the whole name */
	const char *type;
} types[] = {
	{ "cgroup/skb", "cgroup_skb" },
	{ "cgroup/[gs]etsockopt", "cgroup_sockopt" },
	{ "cgroup/sock", "cgroup_sock" },
	{ "cgroup/sock_*", "cgroup_sock" },
	{ "cgroup/post_bind[46]", "cgroup_sock" },
	{ "cgroup/sysctl", "cgroup_sysctl" },
	{ "cgroup/dev", "cgroup_device" },
	{ "cgroup/*", "cgroup_sock_addr" },
	{ "socket", "socket_filter" },
	{ "sk_reuseport", "sk_reuseport" },
	{ "[ku]probe", "kprobe" },
	{ "[ku]probe.multi", "kprobe" },
	{ "[ku]probe.session", "kprobe" },
	{ "[ku]retprobe", "kprobe" },
	{ "[ku]retprobe.multi", "kprobe" },
	{ "ksyscall", "kprobe" },
	{ "kretsyscall", "kprobe" },
	{ "usdt", "kprobe" },
	{ "tc", "sched_cls" },
	{ "tcx", "sched_cls" },
	{ "netkit", "sched_cls" },
	{ "classifier", "sched_cls" },
	{ "action", "sched_act" },
	{ "tracepoint", "tracepoint" },
	{ "tp", "tracepoint" },
	{ "raw_tracepoint", "raw_tracepoint" },
	{ "raw_tp", "raw_tracepoint" },
	{ "raw_tracepoint.w", "raw_tracepoint_writable" },
	{ "raw_tp.w", "raw_tracepoint_writable" },
	{ "tp_btf", "tracing" },
	{ "fentry", "tracing" },
	{ "fentry.multi", "tracing" },
	{ "fexit", "tracing" },
	{ "fexit.multi", "tracing" },
	{ "fmod_ret", "tracing" },
	{ "fsession", "tracing" },
	{ "fsession.multi", "tracing" },
	{ "iter", "tracing" },
	{ "freplace", "ext" },
	{ "lsm", "lsm" },
	{ "lsm_cgroup", "lsm" },
	{ "syscall", "syscall" },
	{ "xdp", "xdp" },
	{ "xdp.frags", "xdp" },
	{ "perf_event", "perf_event" },
	{ "lwt_in", "lwt_in" },
	{ "lwt_out", "lwt_out" },
	{ "lwt_xmit", "lwt_xmit" },
	{ "lwt_seg6local", "lwt_seg6local" },
	{ "sockops", "sock_ops" },
	{ "sk_skb", "sk_skb" },
	{ "sk_msg", "sk_msg" },
	{ "sk_lookup", "sk_lookup" },
	{ "lirc_mode2", "lirc_mode2" },
	{ "flow_dissector", "flow_dissector" },
	{ "cgroup_skb", "cgroup_skb" },
	{ "struct_ops", "struct_ops" },
	{ "netfilter", "netfilter" },
};

void prog_section__parse(const char *name, struct prog_section *section)
{
	size_t len;

	memset(section, 0, sizeof(*section));
	section->autoload = *name != '?';
	name += *name == '?';
	len = strcspn(name, "/");
	if (len > 2 && strncmp(name + len - 2, ".s", 2) == 0) {
		section->sleepable = true;
		len -= 2;
	}
	if (len >= sizeof(section->kind))
		return;
	snprintf(section->kind, sizeof(section->kind), "%.*s", (int)len, name);
	for (size_t i = 0; i < ARRAY_SIZE(types) && !section->type; i++) {
		bool whole = strchr(types[i].pattern, '/');

		if (fnmatch(types[i].pattern, whole ? name : section->kind, 0) == 0)
			section->type = types[i].type;
	}
	/* These may always sleep, and say so to libbpf by their name alone. */
	if (strcmp(section->kind, "syscall") == 0)
		section->sleepable = true;
}
