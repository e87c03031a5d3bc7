/* SPDX-License-Identifier: GPL-2.0-only */
/* The BTF of the running kernel: vmlinux and each module that has one. */
#ifndef KFUNCTRACE_KERNEL_BTF_H
#define KFUNCTRACE_KERNEL_BTF_H

#include <stdbool.h>
#include <linux/types.h>

struct btf;

/*
 * The BTF of vmlinux or of a module. A module has one of these for as long as there is the set, at
 * the same address, however often it is unloaded and loaded again; kernel_btf_set__refresh() changes
 * what it says. Numbers of types, strings and struct btf that were taken from it are those of one
 * generation and no good afterwards: what must stay is to be copied.
 */
struct kernel_btf {
	__u32 id; /* object id */
	int fd;	  /* -1: gone */
	bool is_vmlinux;
	bool is_gone;	     /* the module is not loaded now */
	bool had_one;	     /* it has stood for a BTF object */
	unsigned generation; /* how many it has stood for before */
	char name[64];	     /* "vmlinux" or the module's name */
	struct btf *btf;     /* parsed on demand by kernel_btf__types() */
};

struct kernel_btf_set;

/*
 * Opens every kernel BTF there is, by id: vmlinux always, modules as they are loaded.
 * Needs CAP_SYS_ADMIN (BPF_BTF_GET_FD_BY_ID). Returns 0 or a negative errno:
 * -EPERM no privilege, -ENOENT a kernel without BTF.
 */
int kernel_btf_set__open(struct kernel_btf_set **set);
void kernel_btf_set__free(struct kernel_btf_set *set);

/*
 * Looks again which modules there are. The types and file descriptors of those that are gone, or are
 * there anew, are freed. Returns how many have changed, or a negative errno.
 */
int kernel_btf_set__refresh(struct kernel_btf_set *set);

/* Those that are gone are among them. */
int kernel_btf_set__nr(const struct kernel_btf_set *set);
struct kernel_btf *kernel_btf_set__at(struct kernel_btf_set *set, int idx);
/* NULL: there is none, or it is gone. */
struct kernel_btf *kernel_btf_set__by_id(struct kernel_btf_set *set, __u32 id);

/* Types of vmlinux (owned by the set), or NULL with errno set when they cannot be read. */
struct btf *kernel_btf_set__vmlinux(struct kernel_btf_set *set);
/*
 * Types of one object, for a module as a split on top of vmlinux's. NULL with errno set: ENOENT when
 * it is gone.
 */
struct btf *kernel_btf__types(struct kernel_btf_set *set, struct kernel_btf *kbtf);

#endif
