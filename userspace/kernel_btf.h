/* SPDX-License-Identifier: GPL-2.0-only */
/* The BTF of the running kernel: vmlinux and each module that has one. */
#ifndef KFUNCTRACE_KERNEL_BTF_H
#define KFUNCTRACE_KERNEL_BTF_H

#include <stdbool.h>
#include <linux/types.h>

struct btf;

/* One BTF object of the kernel. The fd stays open as long as the set it belongs to. */
struct kernel_btf {
	__u32 id; /* object id */
	int fd;
	bool is_vmlinux;
	char name[64];	 /* "vmlinux" or the module's name */
	struct btf *btf; /* parsed on demand by kernel_btf__types() */
};

struct kernel_btf_set;

/*
 * Opens every kernel BTF there is, by id: vmlinux always, modules as they are loaded.
 * Needs CAP_SYS_ADMIN (BPF_BTF_GET_FD_BY_ID). Returns 0 or a negative errno:
 * -EPERM no privilege, -ENOENT a kernel without BTF.
 */
int kernel_btf_set__open(struct kernel_btf_set **set);
void kernel_btf_set__free(struct kernel_btf_set *set);

int kernel_btf_set__nr(const struct kernel_btf_set *set);
struct kernel_btf *kernel_btf_set__at(struct kernel_btf_set *set, int idx);
struct kernel_btf *kernel_btf_set__by_id(struct kernel_btf_set *set, __u32 id);

/* Types of vmlinux (owned by the set), or NULL with errno set when they cannot be read. */
struct btf *kernel_btf_set__vmlinux(struct kernel_btf_set *set);
/* Types of one object, for a module as a split on top of vmlinux's. NULL with errno set. */
struct btf *kernel_btf__types(struct kernel_btf_set *set, struct kernel_btf *kbtf);

#endif
