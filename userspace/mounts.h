/* SPDX-License-Identifier: GPL-2.0-only */
/* Where file systems of a type are mounted, as this process sees it. */
#ifndef KFUNCTRACE_MOUNTS_H
#define KFUNCTRACE_MOUNTS_H

/* A negative return ends it with that. */
typedef int (*mount_fn)(const char *path, void *arg);

/*
 * Calls fn with each place where a file system of `type` ("bpf", "cgroup2") is mounted. Returns 0,
 * what fn returned, or a negative errno.
 */
int mounts__each(const char *type, mount_fn fn, void *arg);

/*
 * Takes the place and the type out of a line of mountinfo, which is cut for it. Returns 0, or
 * -EINVAL when it is no such line.
 */
int mounts__parse(char *line, char **path, char **type);

#endif
