// SPDX-License-Identifier: GPL-2.0-only
/* What programs are attached to by links. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "kernel_btf.h"
#include "program_holders_private.h"

/* Kinds of links and of perf events that the headers of 6.1 do not have. */
enum {
	LINK_NETFILTER = 10,
	LINK_TCX = 11,
	LINK_UPROBE_MULTI = 12,
	LINK_NETKIT = 13,
	LINK_SOCKMAP = 14,
	LINK_TRACING_MULTI = 15,
};

enum {
	PERF_UPROBE = 1,
	PERF_URETPROBE,
	PERF_KPROBE,
	PERF_KRETPROBE,
	PERF_TRACEPOINT,
	PERF_EVENT,
};

/*
 * What the kernel tells of a link. It leaves what it does not know as it is: zero; and takes a
 * longer buffer than it knows as long as the rest of it is zero.
 */
struct link_info {
	__u32 type, id, prog_id, pad;
	union {
		struct {
			__u64 name;
			__u32 name_len;
			__u32 map_id; /* iterators */
		} named;	      /* raw_tracepoint, iter */
		struct {
			__u32 attach_type, target_obj_id, target_btf_id;
		} tracing;
		struct {
			__u64 id;
			__u32 attach_type;
		} cgroup;
		struct {
			__u32 number, attach_type; /* netns, tcx, netkit, sockmap; xdp's number */
		} place;
		struct {
			__u32 family, hook;
			__s32 priority;
		} netfilter;
		struct {
			__u64 addresses;
			__u32 count, flags;
		} kprobe_multi;
		struct {
			__u64 path, offsets, counters, cookies;
			__u32 path_size, count, flags, pid;
		} uprobe_multi;
		struct {
			__u32 attach_type, count;
		} tracing_multi;
		struct {
			__u32 type, pad;
			union {
				struct {
					__u64 name;
					__u32 name_len, offset;
				} probe;
				struct {
					__u64 config;
					__u32 type;
				} event;
			};
		} perf_event;
		__u8 room[96];
	};
};
_Static_assert(sizeof(struct link_info) == 112, "as the kernel lays it out");

#define MULTI_RETURN 1 /* both kprobe_multi and uprobe_multi: at the end of the function */
#define NAME_SIZE    4096

struct link {
	struct program_holders *holders;
	struct link_info info;
	int fd;
	char name[NAME_SIZE]; /* of what it is attached to, where the kernel tells one */
};

static int add(const struct link *link, const char *how, const char *target)
{
	return holders__add_attachment(link->holders, link->info.prog_id, link->info.id, how, "%s",
				       target);
}

/* Asks a second time, with room for the name at `field`. */
static void read_name(struct link *link, __u64 *field, __u32 *len)
{
	struct link_info first = link->info;
	__u32 size = sizeof(link->info);

	*field = (__u64)(unsigned long)link->name;
	*len = sizeof(link->name);
	link->name[0] = '\0';
	if (bpf_obj_get_info_by_fd(link->fd, &link->info, &size)) {
		link->info = first;
		link->name[0] = '\0';
	}
	link->name[sizeof(link->name) - 1] = '\0';
}

/* --- functions -------------------------------------------------------------------------------- */

static const char *function_in(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf ? btf__type_by_id(btf, id) : NULL;

	return type && btf_is_func(type) ? btf__name_by_offset(btf, type->name_off) : NULL;
}

/* A function of another program: what the target is called, or its number. */
static void name_program_function(__u32 prog_id, __u32 func_id, char *buf, size_t size)
{
	struct bpf_prog_info info = { 0 };
	const char *name = NULL;
	struct btf *btf = NULL;
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(prog_id);

	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && info.btf_id)
		btf = btf__load_from_kernel_by_id(info.btf_id);
	name = function_in(btf, func_id);
	snprintf(buf, size, "%s of program %u", name ?: "a function", prog_id);
	btf__free(btf);
	if (fd >= 0)
		close(fd);
}

static void name_kernel_function(struct kernel_btf_set *btfs, struct kernel_btf *kbtf,
				 __u32 func_id, char *buf, size_t size)
{
	const char *name = function_in(kernel_btf__types(btfs, kbtf), func_id);

	if (kbtf->is_vmlinux)
		snprintf(buf, size, "%s", name ?: "?");
	else
		snprintf(buf, size, "%s [%s]", name ?: "?", kbtf->name);
}

/*
 * The id in the link is a BTF object's or a program's, and it does not say which. What the program
 * was loaded for does: nothing any more, when it was another program.
 */
static int add_tracing(struct link *link)
{
	const __u32 object = link->info.tracing.target_obj_id,
		    func = link->info.tracing.target_btf_id;
	struct kernel_btf_set *btfs = link->holders->btfs;
	struct bpf_prog_info info = { 0 };
	struct kernel_btf *kbtf = NULL;
	char type[32], target[256];
	__u32 len = sizeof(info);
	const char *how;
	int fd;

	fd = bpf_prog_get_fd_by_id(link->info.prog_id);
	if (fd >= 0) {
		if (bpf_obj_get_info_by_fd(fd, &info, &len))
			memset(&info, 0, sizeof(info));
		close(fd);
	}
	if (info.attach_btf_obj_id)
		kbtf = kernel_btf_set__by_id(btfs, info.attach_btf_obj_id);
	if (kbtf)
		name_kernel_function(btfs, kbtf, func ?: info.attach_btf_id, target,
				     sizeof(target));
	else if (object)
		name_program_function(object, func, target, sizeof(target));
	else
		target[0] = '\0';
	how = holders__attach_type(link->info.tracing.attach_type, type, sizeof(type));
	if (info.type == BPF_PROG_TYPE_EXT)
		how = "freplace";
	return add(link, how, target);
}

/* --- probes ----------------------------------------------------------------------------------- */

static int add_perf_event(struct link *link)
{
	static const char *const kinds[] = {
		[PERF_UPROBE] = "uprobe",	  [PERF_URETPROBE] = "uretprobe",
		[PERF_KPROBE] = "kprobe",	  [PERF_KRETPROBE] = "kretprobe",
		[PERF_TRACEPOINT] = "tracepoint",
	};
	const __u32 type = link->info.perf_event.type;

	if (type == PERF_EVENT)
		return holders__add_attachment(
			link->holders, link->info.prog_id, link->info.id, "perf_event",
			"type %u config %#llx", link->info.perf_event.event.type,
			(unsigned long long)link->info.perf_event.event.config);
	/* Before 6.6 it does not say; perhaps a process has the event. */
	if (!type || type > PERF_TRACEPOINT)
		return add(link, "perf_event", "");
	read_name(link, &link->info.perf_event.probe.name, &link->info.perf_event.probe.name_len);
	if (type == PERF_TRACEPOINT || !link->info.perf_event.probe.offset)
		return add(link, kinds[type], link->name);
	return holders__add_attachment(link->holders, link->info.prog_id, link->info.id,
				       kinds[type], "%s+%#x", link->name,
				       link->info.perf_event.probe.offset);
}

static int add_count(const struct link *link, const char *how, __u32 count, const char *of)
{
	return holders__add_attachment(link->holders, link->info.prog_id, link->info.id, how,
				       "%u %s", count, of);
}

static int add_kprobe_multi(const struct link *link)
{
	const bool at_end = link->info.kprobe_multi.flags & MULTI_RETURN;

	/* Before 6.6 it does not say. */
	if (!link->info.kprobe_multi.count)
		return add(link, "kprobe_multi", "");
	return add_count(link, at_end ? "kretprobe_multi" : "kprobe_multi",
			 link->info.kprobe_multi.count, "functions");
}

static int add_uprobe_multi(struct link *link)
{
	const bool at_end = link->info.uprobe_multi.flags & MULTI_RETURN;

	read_name(link, &link->info.uprobe_multi.path, &link->info.uprobe_multi.path_size);
	return holders__add_attachment(link->holders, link->info.prog_id, link->info.id,
				       at_end ? "uretprobe_multi" : "uprobe_multi", "%s, %u places",
				       link->name, link->info.uprobe_multi.count);
}

/* --- other kinds ------------------------------------------------------------------------------ */

static int add_iterator(struct link *link)
{
	__u32 map_id;

	read_name(link, &link->info.named.name, &link->info.named.name_len);
	map_id = link->info.named.map_id;
	if (map_id && strncmp(link->name, "bpf_", 4) == 0)
		return holders__add_attachment(link->holders, link->info.prog_id, link->info.id,
					       "iter", "%s of map %u", link->name, map_id);
	return add(link, "iter", link->name);
}

static int add_cgroup(const struct link *link)
{
	char type[32], path[NAME_SIZE];

	return add(link, holders__attach_type(link->info.cgroup.attach_type, type, sizeof(type)),
		   holders__cgroup_path(link->holders, link->info.cgroup.id, path, sizeof(path)));
}

static int add_interface(const struct link *link, const char *how)
{
	char name[64];

	return add(link, how, holders__interface(link->info.place.number, name, sizeof(name)));
}

static int add_numbered(const struct link *link, const char *of)
{
	char type[32];

	return holders__add_attachment(
		link->holders, link->info.prog_id, link->info.id,
		holders__attach_type(link->info.place.attach_type, type, sizeof(type)), "%s %u", of,
		link->info.place.number);
}

static int add_netfilter(const struct link *link)
{
	static const char *const families[] = { [2] = "ipv4", [7] = "bridge", [10] = "ipv6" };
	static const char *const hooks[] = { "prerouting", "input", "forward", "output",
					     "postrouting" };
	const __u32 family = link->info.netfilter.family, hook = link->info.netfilter.hook;

	return holders__add_attachment(link->holders, link->info.prog_id, link->info.id,
				       "netfilter", "%s %s priority %d",
				       family < 11 && families[family] ? families[family] : "?",
				       hook < 5 ? hooks[hook] : "?", link->info.netfilter.priority);
}

static int add_link(struct link *link)
{
	char type[32];

	switch (link->info.type) {
	case BPF_LINK_TYPE_RAW_TRACEPOINT:
		read_name(link, &link->info.named.name, &link->info.named.name_len);
		return add(link, "raw_tracepoint", link->name);
	case BPF_LINK_TYPE_TRACING:
		return add_tracing(link);
	case BPF_LINK_TYPE_CGROUP:
		return add_cgroup(link);
	case BPF_LINK_TYPE_ITER:
		return add_iterator(link);
	case BPF_LINK_TYPE_NETNS:
		return add_numbered(link, "netns");
	case BPF_LINK_TYPE_XDP:
		return add_interface(link, "xdp");
	case BPF_LINK_TYPE_PERF_EVENT:
		return add_perf_event(link);
	case BPF_LINK_TYPE_KPROBE_MULTI:
		return add_kprobe_multi(link);
	case LINK_NETFILTER:
		return add_netfilter(link);
	case LINK_TCX:
	case LINK_NETKIT:
		return add_interface(link, holders__attach_type(link->info.place.attach_type, type,
								sizeof(type)));
	case LINK_UPROBE_MULTI:
		return add_uprobe_multi(link);
	case LINK_SOCKMAP:
		return add_numbered(link, "map");
	case LINK_TRACING_MULTI:
		return add_count(link,
				 holders__attach_type(link->info.tracing_multi.attach_type, type,
						      sizeof(type)),
				 link->info.tracing_multi.count, "functions");
	default:
		return holders__add_attachment(link->holders, link->info.prog_id, link->info.id,
					       "link", "of type %u", link->info.type);
	}
}

int holders__read_links(struct program_holders *holders)
{
	static struct link link;
	__u32 id = 0, len;
	int err = 0;

	while (!err && !bpf_link_get_next_id(id, &id)) {
		link.holders = holders;
		link.fd = bpf_link_get_fd_by_id(id);
		if (link.fd < 0)
			continue;
		memset(&link.info, 0, sizeof(link.info));
		len = sizeof(link.info);
		/* Links of struct_ops have no program, but a map (holder_maps.c). */
		if (!bpf_obj_get_info_by_fd(link.fd, &link.info, &len) && link.info.prog_id)
			err = add_link(&link);
		close(link.fd);
	}
	return err;
}
