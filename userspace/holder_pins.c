// SPDX-License-Identifier: GPL-2.0-only
/* Programs and links that are pinned in a bpffs. */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "mounts.h"
#include "program_holders_private.h"

static __u32 program_of(int fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

static __u32 program_of_link(int fd, __u32 *link_id)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	*link_id = info.id;
	return info.prog_id;
}

static int read_pin(struct program_holders *holders, const char *path)
{
	__u32 prog_id = 0, link_id = 0;
	char fd_path[64];
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return 0;
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
	switch (holders__object_at(fd_path)) {
	case HOLDERS_PROGRAM:
		prog_id = program_of(fd);
		break;
	case HOLDERS_LINK:
		prog_id = program_of_link(fd, &link_id);
		break;
	default:
		break;
	}
	close(fd);
	/* A bpffs that is mounted in two places has all of its files twice: both are true. */
	return prog_id ? holders__add_pin(holders, prog_id, link_id, path) : 0;
}

static int read_mount(const char *path, void *arg)
{
	char *const paths[] = { (char *)path, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int err = 0;

	if (!walk)
		return errno == ENOMEM ? -ENOMEM : 0;
	while (!err && (entry = fts_read(walk))) {
		if (entry->fts_info == FTS_F)
			err = read_pin(arg, entry->fts_path);
	}
	fts_close(walk);
	return err;
}

int holders__read_pins(struct program_holders *holders)
{
	int err = mounts__each("bpf", read_mount, holders);

	return err == -ENOMEM ? err : 0;
}
