// SPDX-License-Identifier: GPL-2.0-only
#include "program_holders_private.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int holders__grow(void **array, size_t nr, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : 16;
	void *grown;

	if (nr < *room)
		return 0;
	grown = realloc(*array, wanted * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = wanted;
	return 0;
}

int holders__add_process(struct program_holders *holders, const struct program_process *process)
{
	struct program_process *added;

	for (size_t i = holders->nr_processes; i-- > 0;) {
		const struct program_process *old = &holders->processes[i];

		/* Processes are read one after the other. */
		if (old->pid != process->pid)
			break;
		if (old->prog_id == process->prog_id && old->link_id == process->link_id)
			return 0;
	}
	if (holders__grow((void **)&holders->processes, holders->nr_processes,
			  &holders->room_processes, sizeof(*holders->processes)))
		return -ENOMEM;
	added = &holders->processes[holders->nr_processes];
	*added = *process;
	added->unit = process->unit ? strdup(process->unit) : NULL;
	if (process->unit && !added->unit)
		return -ENOMEM;
	holders->nr_processes++;
	return 0;
}

int holders__add_pin(struct program_holders *holders, __u32 prog_id, __u32 link_id,
		     const char *path)
{
	char *copy;

	if (holders__grow((void **)&holders->pins, holders->nr_pins, &holders->room_pins,
			  sizeof(*holders->pins)))
		return -ENOMEM;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	holders->pins[holders->nr_pins++] =
		(struct program_pin){ .prog_id = prog_id, .link_id = link_id, .path = copy };
	return 0;
}

static bool is_known(const struct program_holders *holders, const struct program_attachment *added)
{
	for (size_t i = 0; i < holders->nr_attachments; i++) {
		const struct program_attachment *old = &holders->attachments[i];

		if (old->prog_id == added->prog_id && strcmp(old->how, added->how) == 0 &&
		    strcmp(old->target, added->target) == 0)
			return true;
	}
	return false;
}

int holders__add_attachment(struct program_holders *holders, __u32 prog_id, __u32 link_id,
			    const char *how, const char *target, ...)
{
	struct program_attachment added = { .prog_id = prog_id, .link_id = link_id };
	va_list args;

	if (holders__grow((void **)&holders->attachments, holders->nr_attachments,
			  &holders->room_attachments, sizeof(*holders->attachments)))
		return -ENOMEM;
	va_start(args, target);
	if (vasprintf(&added.target, target, args) < 0)
		added.target = NULL;
	va_end(args);
	added.how = strdup(how);
	if (!added.how || !added.target) {
		free(added.how);
		free(added.target);
		return -ENOMEM;
	}
	if (!link_id && is_known(holders, &added)) {
		free(added.how);
		free(added.target);
		return 0;
	}
	holders->attachments[holders->nr_attachments++] = added;
	return 0;
}

/* The first attachment of that program that says no more than that it is a perf event. */
static struct program_attachment *unnamed_perf_event(struct program_holders *holders, __u32 prog_id)
{
	for (size_t i = 0; i < holders->nr_attachments; i++) {
		struct program_attachment *old = &holders->attachments[i];

		if (old->prog_id == prog_id && !old->target[0] &&
		    strcmp(old->how, "perf_event") == 0)
			return old;
	}
	return NULL;
}

int holders__add_perf_event(struct program_holders *holders, __u32 prog_id, const char *how,
			    const char *name, __u64 offset)
{
	struct program_attachment *unnamed = unnamed_perf_event(holders, prog_id);
	__u32 link_id = unnamed ? unnamed->link_id : 0;
	char place[32] = "";

	if (unnamed) {
		free(unnamed->how);
		free(unnamed->target);
		*unnamed = holders->attachments[--holders->nr_attachments];
	}
	if (offset)
		snprintf(place, sizeof(place), "+%#llx", (unsigned long long)offset);
	return holders__add_attachment(holders, prog_id, link_id, how, "%s%s", name, place);
}

bool holders__have_type(const struct program_holders *holders, int type)
{
	return holders->prog_types >> type & 1;
}

const char *holders__attach_type(__u32 type, char *buf, size_t size)
{
	/* Those that libbpf 1.1 has no names for. */
	static const char *const newer[] = {
		[44] = "struct_ops",
		[45] = "netfilter",
		[46] = "tcx_ingress",
		[47] = "tcx_egress",
		[48] = "uprobe_multi",
		[49] = "cgroup_unix_connect",
		[50] = "cgroup_unix_sendmsg",
		[51] = "cgroup_unix_recvmsg",
		[52] = "cgroup_unix_getpeername",
		[53] = "cgroup_unix_getsockname",
		[54] = "netkit_primary",
		[55] = "netkit_peer",
	};
	const char *name = libbpf_bpf_attach_type_str(type);

	if (!name && type < sizeof(newer) / sizeof(newer[0]))
		name = newer[type];
	if (!name) {
		snprintf(buf, size, "attach type %u", type);
		return buf;
	}
	return strncmp(name, "trace_", 6) == 0 ? name + 6 : name;
}

const char *holders__interface(__u32 ifindex, char *buf, size_t size)
{
	char name[IF_NAMESIZE];

	if (!ifindex)
		snprintf(buf, size, "(interface gone)");
	else if (if_indextoname(ifindex, name))
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "interface %u", ifindex);
	return buf;
}

enum holders_object holders__object_at(const char *fd_path)
{
	static const struct {
		const char *name;
		enum holders_object object;
	} names[] = {
		{ "anon_inode:bpf-prog", HOLDERS_PROGRAM },
		{ "anon_inode:bpf-link", HOLDERS_LINK },
		{ "anon_inode:bpf_link", HOLDERS_LINK },
		{ "anon_inode:[perf_event]", HOLDERS_PERF_EVENT },
	};
	char name[64];
	ssize_t len = readlink(fd_path, name, sizeof(name) - 1);

	if (len < 0)
		return HOLDERS_OTHER;
	name[len] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, name) == 0)
			return names[i].object;
	}
	return HOLDERS_OTHER;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void read_types(struct program_holders *holders)
{
	struct bpf_prog_info info;
	__u32 id = 0, len;
	int fd;

	while (!bpf_prog_get_next_id(id, &id)) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.type < 64)
			holders->prog_types |= 1ull << info.type;
		close(fd);
	}
}

/* All three begin with prog_id and link_id. */
static int compare_ids(const void *a, const void *b)
{
	const __u32 *left = a, *right = b;

	if (left[0] != right[0])
		return left[0] < right[0] ? -1 : 1;
	return left[1] < right[1] ? -1 : left[1] > right[1];
}

static void sort(void *array, size_t nr, size_t size)
{
	if (nr)
		qsort(array, nr, size, compare_ids);
}

int program_holders__read(struct kernel_btf_set *btfs, struct program_holders **result)
{
	/* Links before what is attached without them, names of cgroups before links. */
	static int (*const parts[])(struct program_holders *) = {
		holders__read_cgroup_paths, holders__read_links, holders__read_cgroup_programs,
		holders__read_net,	    holders__read_maps,	 holders__read_pins,
		holders__read_processes,
	};
	struct program_holders *holders = calloc(1, sizeof(*holders));
	int err = 0;

	if (!holders)
		return -ENOMEM;
	holders->btfs = btfs;
	read_types(holders);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !err; i++)
		err = parts[i](holders);
	if (err) {
		program_holders__free(holders);
		return err;
	}
	sort(holders->processes, holders->nr_processes, sizeof(*holders->processes));
	sort(holders->pins, holders->nr_pins, sizeof(*holders->pins));
	sort(holders->attachments, holders->nr_attachments, sizeof(*holders->attachments));
	*result = holders;
	return 0;
}

void program_holders__free(struct program_holders *holders)
{
	if (!holders)
		return;
	for (size_t i = 0; i < holders->nr_processes; i++)
		free(holders->processes[i].unit);
	for (size_t i = 0; i < holders->nr_pins; i++)
		free(holders->pins[i].path);
	for (size_t i = 0; i < holders->nr_attachments; i++) {
		free(holders->attachments[i].how);
		free(holders->attachments[i].target);
	}
	for (size_t i = 0; i < holders->nr_cgroups; i++)
		free(holders->cgroups[i].path);
	free(holders->processes);
	free(holders->pins);
	free(holders->attachments);
	free(holders->cgroups);
	free(holders);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Those of `prog_id` in an array that is sorted by it, its first member. */
static size_t find(const void *array, size_t nr, size_t size, __u32 prog_id, const void **first)
{
	size_t low = 0, high = nr;
	const char *at = array;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (*(const __u32 *)(at + middle * size) < prog_id)
			low = middle + 1;
		else
			high = middle;
	}
	*first = nr ? at + low * size : NULL;
	for (high = low; high < nr && *(const __u32 *)(at + high * size) == prog_id; high++)
		;
	return high - low;
}

size_t program_holders__processes(const struct program_holders *holders, __u32 prog_id,
				  const struct program_process **first)
{
	*first = NULL;
	return holders ? find(holders->processes, holders->nr_processes,
			      sizeof(*holders->processes), prog_id, (const void **)first)
		       : 0;
}

size_t program_holders__pins(const struct program_holders *holders, __u32 prog_id,
			     const struct program_pin **first)
{
	*first = NULL;
	return holders ? find(holders->pins, holders->nr_pins, sizeof(*holders->pins), prog_id,
			      (const void **)first)
		       : 0;
}

size_t program_holders__attachments(const struct program_holders *holders, __u32 prog_id,
				    const struct program_attachment **first)
{
	*first = NULL;
	return holders ? find(holders->attachments, holders->nr_attachments,
			      sizeof(*holders->attachments), prog_id, (const void **)first)
		       : 0;
}
