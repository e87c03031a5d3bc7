// SPDX-License-Identifier: GPL-2.0-only
#include "kernel_btf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#define SYSFS_BTF "/sys/kernel/btf"

struct kernel_btf_set {
	struct btf *vmlinux;
	/* Pointers, so that a struct kernel_btf stays where it is while the set grows. */
	struct kernel_btf **entries;
	int nr;
};

static void release(struct kernel_btf_set *set, struct kernel_btf *entry)
{
	if (entry->btf != set->vmlinux)
		btf__free(entry->btf);
	entry->btf = NULL;
	if (entry->fd >= 0)
		close(entry->fd);
	entry->fd = -1;
	entry->id = 0;
	entry->is_gone = true;
}

/* The entry of that name, gone or not; a new one when there is none. NULL: no memory. */
static struct kernel_btf *entry_of(struct kernel_btf_set *set, const char *name)
{
	struct kernel_btf **grown, *entry;

	for (int i = 0; i < set->nr; i++) {
		if (strcmp(set->entries[i]->name, name) == 0)
			return set->entries[i];
	}
	grown = realloc(set->entries, (set->nr + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	set->entries = grown;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	entry->is_vmlinux = strcmp(name, "vmlinux") == 0;
	entry->is_gone = true;
	entry->fd = -1;
	set->entries[set->nr++] = entry;
	return entry;
}

/*
 * A BTF object stays, with its id, as long as somebody has it open: we ourselves, for one. That its
 * module has gone shows in sysfs only.
 */
static bool is_loaded(const struct kernel_btf *entry)
{
	char path[sizeof(SYSFS_BTF) + sizeof(entry->name)];

	if (entry->is_vmlinux || access(SYSFS_BTF, F_OK))
		return true;
	snprintf(path, sizeof(path), SYSFS_BTF "/%s", entry->name);
	return access(path, F_OK) == 0;
}

/* Of several of one name, all but the last are of modules that have gone. Owns the fd. */
static int take(struct kernel_btf_set *set, const char *name, __u32 id, int fd)
{
	struct kernel_btf *entry = entry_of(set, name);

	if (!entry || (!entry->is_gone && entry->id > id) || !is_loaded(entry)) {
		close(fd);
		return entry ? 0 : -ENOMEM;
	}
	if (!entry->is_gone)
		release(set, entry);
	entry->generation += entry->had_one;
	entry->had_one = true;
	entry->is_gone = false;
	entry->id = id;
	entry->fd = fd;
	return 1;
}

/* Returns 1 when it is new to the set. */
static int look_at(struct kernel_btf_set *set, __u32 id)
{
	char name[sizeof(((struct kernel_btf *)NULL)->name)] = "";
	struct bpf_btf_info info = { .name = (unsigned long)name, .name_len = sizeof(name) };
	__u32 info_len = sizeof(info);
	int fd = bpf_btf_get_fd_by_id(id), err;

	if (fd < 0)
		/* A module may be unloaded between the two calls. */
		return errno == ENOENT ? 0 : -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &info_len)) {
		err = -errno;
		close(fd);
		return err;
	}
	if (!info.kernel_btf) {
		close(fd);
		return 0;
	}
	return take(set, name, id, fd);
}

int kernel_btf_set__refresh(struct kernel_btf_set *set)
{
	int nr_changed = 0, err;
	__u32 id = 0;

	for (int i = 0; i < set->nr; i++) {
		if (set->entries[i]->is_gone || is_loaded(set->entries[i]))
			continue;
		release(set, set->entries[i]);
		nr_changed++;
	}
	while (!bpf_btf_get_next_id(id, &id)) {
		if (kernel_btf_set__by_id(set, id))
			continue;
		err = look_at(set, id);
		if (err < 0)
			return err;
		nr_changed += err;
	}
	return errno == ENOENT ? nr_changed : -errno;
}

int kernel_btf_set__open(struct kernel_btf_set **result)
{
	struct kernel_btf_set *set = calloc(1, sizeof(*set));
	int err;

	if (!set)
		return -ENOMEM;
	err = kernel_btf_set__refresh(set);
	if (err > 0) {
		*result = set;
		return 0;
	}
	kernel_btf_set__free(set);
	return err ?: -ENOENT;
}

void kernel_btf_set__free(struct kernel_btf_set *set)
{
	if (!set)
		return;
	for (int i = 0; i < set->nr; i++) {
		release(set, set->entries[i]);
		free(set->entries[i]);
	}
	btf__free(set->vmlinux);
	free(set->entries);
	free(set);
}

int kernel_btf_set__nr(const struct kernel_btf_set *set)
{
	return set->nr;
}

struct kernel_btf *kernel_btf_set__at(struct kernel_btf_set *set, int idx)
{
	return set->entries[idx];
}

struct kernel_btf *kernel_btf_set__by_id(struct kernel_btf_set *set, __u32 id)
{
	for (int i = 0; i < set->nr; i++) {
		if (!set->entries[i]->is_gone && set->entries[i]->id == id)
			return set->entries[i];
	}
	return NULL;
}

struct btf *kernel_btf_set__vmlinux(struct kernel_btf_set *set)
{
	if (!set->vmlinux)
		set->vmlinux = btf__parse("/sys/kernel/btf/vmlinux", NULL);
	return set->vmlinux;
}

struct btf *kernel_btf__types(struct kernel_btf_set *set, struct kernel_btf *kbtf)
{
	struct btf *base = kernel_btf_set__vmlinux(set);

	if (!base)
		return NULL;
	if (kbtf->is_gone) {
		errno = ENOENT;
		return NULL;
	}
	if (!kbtf->btf)
		kbtf->btf =
			kbtf->is_vmlinux ? base : btf__load_from_kernel_by_id_split(kbtf->id, base);
	return kbtf->btf;
}
