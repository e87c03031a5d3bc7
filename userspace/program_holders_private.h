/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of program_holders: each looks in one kind of place. */
#ifndef KFUNCTRACE_PROGRAM_HOLDERS_PRIVATE_H
#define KFUNCTRACE_PROGRAM_HOLDERS_PRIVATE_H

#include <stdbool.h>

#include "program_holders.h"

/* A cgroup, and what it is called. */
struct holders_cgroup {
	__u64 id;
	char *path; /* below the mount */
};

struct program_holders {
	struct program_process *processes;
	size_t nr_processes, room_processes;
	struct program_pin *pins;
	size_t nr_pins, room_pins;
	struct program_attachment *attachments;
	size_t nr_attachments, room_attachments;
	struct kernel_btf_set *btfs;
	/* While reading: where there are no programs of a type, nobody needs to look for them. */
	__u64 prog_types;
	struct holders_cgroup *cgroups; /* sorted by id */
	size_t nr_cgroups, room_cgroups;
};

/* Each of these returns 0 or -ENOMEM. */
int holders__add_process(struct program_holders *holders, const struct program_process *process);
int holders__add_pin(struct program_holders *holders, __u32 prog_id, __u32 link_id,
		     const char *path);
/* What is there already, by a link or not, is not added again without a link. */
int holders__add_attachment(struct program_holders *holders, __u32 prog_id, __u32 link_id,
			    const char *how, const char *target, ...)
	__attribute__((format(printf, 5, 6)));
/* Says what a perf event is, in place of a link of it that does not say (before 6.6). */
int holders__add_perf_event(struct program_holders *holders, __u32 prog_id, const char *how,
			    const char *name, __u64 offset);
int holders__grow(void **array, size_t nr, size_t *room, size_t size);

bool holders__have_type(const struct program_holders *holders, int type);

/* Name of an attach type as in "cgroup_inet_egress", "fentry". Returns buf or a constant. */
const char *holders__attach_type(__u32 type, char *buf, size_t size);
/* "eth0", or its number when it has gone. Returns buf. */
const char *holders__interface(__u32 ifindex, char *buf, size_t size);
/* "/system.slice", or its number when it has gone. Returns buf. */
const char *holders__cgroup_path(const struct program_holders *holders, __u64 id, char *buf,
				 size_t size);

enum holders_object {
	HOLDERS_OTHER,
	HOLDERS_PROGRAM,
	HOLDERS_LINK,
	HOLDERS_PERF_EVENT,
};

/* What stands behind a path such as /proc/7/fd/3. */
enum holders_object holders__object_at(const char *fd_path);

/* holder_processes.c, holder_pins.c, holder_links.c */
int holders__read_processes(struct program_holders *holders);
int holders__read_pins(struct program_holders *holders);
int holders__read_links(struct program_holders *holders);
/* holder_cgroups.c: first their names, then what is attached to them without a link. */
int holders__read_cgroup_paths(struct program_holders *holders);
int holders__read_cgroup_programs(struct program_holders *holders);
/* holder_net.c: tc, tcx, netkit, XDP. holder_maps.c: what maps hold, and struct_ops. */
int holders__read_net(struct program_holders *holders);
int holders__read_maps(struct program_holders *holders);

#endif
