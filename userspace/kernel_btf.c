// SPDX-License-Identifier: GPL-2.0-only
#include "kernel_btf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

struct kernel_btf_set {
	struct btf *vmlinux;
	/* Pointers, so that a struct kernel_btf stays where it is while the set grows. */
	struct kernel_btf **entries;
	int nr;
};

static int add_entry(struct kernel_btf_set *set, const struct kernel_btf *entry)
{
	struct kernel_btf **grown, *copy;

	grown = realloc(set->entries, (set->nr + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	set->entries = grown;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *entry;
	set->entries[set->nr++] = copy;
	return 0;
}

int kernel_btf_set__open(struct kernel_btf_set **result)
{
	struct kernel_btf_set *set = calloc(1, sizeof(*set));
	__u32 id = 0;
	int err = 0;

	if (!set)
		return -ENOMEM;

	while (!bpf_btf_get_next_id(id, &id)) {
		struct kernel_btf entry = { .id = id };
		struct bpf_btf_info info = {
			.name = (unsigned long)entry.name,
			.name_len = sizeof(entry.name),
		};
		__u32 info_len = sizeof(info);

		entry.fd = bpf_btf_get_fd_by_id(id);
		if (entry.fd < 0) {
			/* A module may be unloaded between the two calls. */
			if (errno == ENOENT)
				continue;
			err = -errno;
			goto fail;
		}
		if (bpf_obj_get_info_by_fd(entry.fd, &info, &info_len)) {
			err = -errno;
			close(entry.fd);
			goto fail;
		}
		if (!info.kernel_btf) {
			close(entry.fd);
			continue;
		}
		entry.is_vmlinux = strcmp(entry.name, "vmlinux") == 0;
		err = add_entry(set, &entry);
		if (err) {
			close(entry.fd);
			goto fail;
		}
	}
	if (errno != ENOENT) {
		err = -errno;
		goto fail;
	}
	if (!set->nr) {
		err = -ENOENT;
		goto fail;
	}
	*result = set;
	return 0;
fail:
	kernel_btf_set__free(set);
	return err;
}

void kernel_btf_set__free(struct kernel_btf_set *set)
{
	if (!set)
		return;
	for (int i = 0; i < set->nr; i++) {
		if (set->entries[i]->btf != set->vmlinux)
			btf__free(set->entries[i]->btf);
		close(set->entries[i]->fd);
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
		if (set->entries[i]->id == id)
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
	if (!kbtf->btf)
		kbtf->btf =
			kbtf->is_vmlinux ? base : btf__load_from_kernel_by_id_split(kbtf->id, base);
	return kbtf->btf;
}
