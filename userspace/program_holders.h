/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What keeps loaded BPF programs loaded: processes with a descriptor of them, files in bpffs, and
 * what they are attached to. A link counts as its program.
 *
 * Found at one moment without stopping anything: what comes or goes meanwhile may be missing. Not
 * seen: sockets (SO_ATTACH_BPF), tc actions, routes (lwt), infrared devices, perf events that sample
 * and have no link, descriptors that are in flight or of threads with their own table, other network
 * namespaces, other mounts of bpffs than this process sees.
 */
#ifndef KFUNCTRACE_PROGRAM_HOLDERS_H
#define KFUNCTRACE_PROGRAM_HOLDERS_H

#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>

struct kernel_btf_set;
struct program_holders;

/* A process that has descriptors of it; more than one descriptor is one entry. */
struct program_process {
	__u32 prog_id;
	__u32 link_id; /* a descriptor of this link; 0: of the program, or of a perf event */
	pid_t pid;
	char comm[16]; /* printable */
	char *unit;    /* "cron.service" out of its cgroup, or NULL */
};

/* A file in bpffs. */
struct program_pin {
	__u32 prog_id;
	__u32 link_id; /* it is the link that is pinned; 0: the program */
	char *path;
};

struct program_attachment {
	__u32 prog_id;
	__u32 link_id; /* 0: attached without a link */
	char *how;     /* "fentry", "kprobe", "tc_ingress", "cgroup_inet_egress", "struct_ops" */
	char *target;  /* "tcp_connect", "eth0", "/system.slice", "dctcp.cong_avoid"; may be "" */
};

/*
 * Looks for all of it. `btfs` names functions of the kernel. Returns 0 or -ENOMEM: what may not be
 * read or is gone again is left out.
 */
int program_holders__read(struct kernel_btf_set *btfs, struct program_holders **holders);
void program_holders__free(struct program_holders *holders);

/* Those of one program: how many there are, the first in *first. NULL holders have none. */
size_t program_holders__processes(const struct program_holders *holders, __u32 prog_id,
				  const struct program_process **first);
size_t program_holders__pins(const struct program_holders *holders, __u32 prog_id,
			     const struct program_pin **first);
size_t program_holders__attachments(const struct program_holders *holders, __u32 prog_id,
				    const struct program_attachment **first);

#endif
