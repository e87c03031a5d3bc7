// SPDX-License-Identifier: GPL-2.0-only
/* Cgroups (version 2): their paths by id, and what is attached to them without a link. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "mounts.h"
#include "program_holders_private.h"

/* Of one kind, on one cgroup. The kernel's own limit. */
#define MAX_PROGRAMS 64

static bool is_needed(const struct program_holders *holders)
{
	static const int types[] = {
		BPF_PROG_TYPE_CGROUP_SKB,	BPF_PROG_TYPE_CGROUP_SOCK,
		BPF_PROG_TYPE_SOCK_OPS,		BPF_PROG_TYPE_CGROUP_DEVICE,
		BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_PROG_TYPE_CGROUP_SYSCTL,
		BPF_PROG_TYPE_CGROUP_SOCKOPT,	BPF_PROG_TYPE_LSM,
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (holders__have_type(holders, types[i]))
			return true;
	}
	return false;
}

typedef int (*cgroup_fn)(struct program_holders *holders, const FTSENT *entry, const char *path);

struct cgroup_walk {
	struct program_holders *holders;
	cgroup_fn fn;
	bool done;
};

static int walk_mount(const char *path, void *arg)
{
	char *const paths[] = { (char *)path, NULL };
	struct cgroup_walk *walk = arg;
	size_t len = strlen(path);
	FTSENT *entry;
	int err = 0;
	FTS *fts;

	/* There is one hierarchy, however often it is mounted. */
	if (walk->done)
		return 0;
	fts = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	if (!fts)
		return errno == ENOMEM ? -ENOMEM : 0;
	walk->done = true;
	while (!err && (entry = fts_read(fts))) {
		const char *below = entry->fts_path + len;

		if (entry->fts_info == FTS_D)
			err = walk->fn(walk->holders, entry, *below ? below : "/");
	}
	fts_close(fts);
	return err;
}

static int walk_cgroups(struct program_holders *holders, cgroup_fn fn)
{
	struct cgroup_walk walk = { .holders = holders, .fn = fn };
	int err = mounts__each("cgroup2", walk_mount, &walk);

	return err == -ENOMEM ? err : 0;
}

/* --- paths ------------------------------------------------------------------------------------ */

static int compare_cgroups(const void *a, const void *b)
{
	const struct holders_cgroup *left = a, *right = b;

	return left->id < right->id ? -1 : left->id > right->id;
}

static int take_path(struct program_holders *holders, const FTSENT *entry, const char *path)
{
	struct holders_cgroup cgroup = { .id = entry->fts_statp->st_ino };

	if (holders__grow((void **)&holders->cgroups, holders->nr_cgroups, &holders->room_cgroups,
			  sizeof(*holders->cgroups)))
		return -ENOMEM;
	cgroup.path = strdup(path);
	if (!cgroup.path)
		return -ENOMEM;
	holders->cgroups[holders->nr_cgroups++] = cgroup;
	return 0;
}

int holders__read_cgroup_paths(struct program_holders *holders)
{
	int err;

	if (!is_needed(holders))
		return 0;
	err = walk_cgroups(holders, take_path);
	if (holders->nr_cgroups)
		qsort(holders->cgroups, holders->nr_cgroups, sizeof(*holders->cgroups),
		      compare_cgroups);
	return err;
}

const char *holders__cgroup_path(const struct program_holders *holders, __u64 id, char *buf,
				 size_t size)
{
	const struct holders_cgroup key = { .id = id }, *found = NULL;

	if (holders->nr_cgroups)
		found = bsearch(&key, holders->cgroups, holders->nr_cgroups, sizeof(key),
				compare_cgroups);
	if (found)
		snprintf(buf, size, "%s", found->path);
	else if (id)
		snprintf(buf, size, "cgroup %llu", (unsigned long long)id);
	else
		snprintf(buf, size, "(cgroup gone)");
	return buf;
}

/* --- programs --------------------------------------------------------------------------------- */

static bool is_cgroup_attach_type(__u32 type)
{
	char buf[32];
	const char *name = holders__attach_type(type, buf, sizeof(buf));

	return strncmp(name, "cgroup_", 7) == 0 || strcmp(name, "lsm_cgroup") == 0;
}

static int query(struct program_holders *holders, int fd, __u32 type, const char *path)
{
	__u32 ids[MAX_PROGRAMS], flags = 0, nr = MAX_PROGRAMS;
	char name[32];
	int err = 0;

	if (bpf_prog_query(fd, type, 0, &flags, ids, &nr))
		return 0;
	for (__u32 i = 0; i < nr && i < MAX_PROGRAMS && !err; i++)
		err = holders__add_attachment(holders, ids[i], 0,
					      holders__attach_type(type, name, sizeof(name)), "%s",
					      path);
	return err;
}

static int take_programs(struct program_holders *holders, const FTSENT *entry, const char *path)
{
	int fd = open(entry->fts_accpath, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return 0;
	for (__u32 type = 0; type < 64 && !err; type++) {
		if (is_cgroup_attach_type(type))
			err = query(holders, fd, type, path);
	}
	close(fd);
	return err;
}

int holders__read_cgroup_programs(struct program_holders *holders)
{
	return is_needed(holders) ? walk_cgroups(holders, take_programs) : 0;
}
