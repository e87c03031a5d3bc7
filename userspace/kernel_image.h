/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel or a module in a file: vmlinux with or without symbols, vmlinuz, foo.ko, compressed or
 * not. What its kfuncs are is in its BTF and its .BTF_ids.
 */
#ifndef KFUNCTRACE_KERNEL_IMAGE_H
#define KFUNCTRACE_KERNEL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct btf;
struct btf_id_set;
struct elf_file;
struct kernel_image;

/*
 * Reads a file, unpacks it and finds out what it is. Returns 0, or a negative errno having said what
 * is wrong with which file.
 */
int kernel_image__open(const char *path, struct kernel_image **image);
/* The same of what is in memory; `data` is from malloc(), taken over, and freed in any case. */
int kernel_image__open_memory(const char *name, void *data, size_t size,
			      struct kernel_image **image);
void kernel_image__free(struct kernel_image *image);

/*
 * Reads the types and the sets of kfuncs. A module needs its kernel's, which must have been read and
 * must outlive it; `kernel` is NULL for a kernel, and for a module that brings the types of its
 * kernel with it (.BTF.base). Returns 0 or a negative errno having said what is wrong: -ENODATA
 * when there is no BTF, -EINVAL when the kernel is missing or another one.
 */
int kernel_image__read_types(struct kernel_image *image, struct kernel_image *kernel);

bool kernel_image__is_module(const struct kernel_image *image);
/* False when it brings no kfuncs for sure. */
bool kernel_image__may_have_kfuncs(const struct kernel_image *image);

const char *kernel_image__path(const struct kernel_image *image);
/* "vmlinux", or the module's name as in lsmod. */
const char *kernel_image__module(const struct kernel_image *image);
/* As `uname -r` has it, and for a module that of the kernel it was built for. */
const char *kernel_image__release(const struct kernel_image *image);
unsigned int kernel_image__version(const struct kernel_image *image); /* KVER, 0: unknown */
/* As `uname -m` has it. */
const char *kernel_image__arch(const struct kernel_image *image);

/* Sections, symbols and relocations. */
const struct elf_file *kernel_image__elf(const struct kernel_image *image);
/* True when its functions have symbols: false in stripped files, and in the vmlinux of headers. */
bool kernel_image__has_symbols(const struct kernel_image *image);

/* --- after read_types() ----------------------------------------------------------------------- */

/* Of a module: its own types on top of its kernel's. */
const struct btf *kernel_image__btf(const struct kernel_image *image);
/* Types from this id on are its own; 1 for a kernel. */
__u32 kernel_image__first_id(const struct kernel_image *image);
/* True when the tools that built it mark kfuncs in BTF by the declaration tag `bpf_kfunc`. */
bool kernel_image__has_tags(const struct kernel_image *image);
/* True when this FUNC has the tag. */
bool kernel_image__is_tagged(const struct kernel_image *image, __u32 func_id);

/* All that were found, those of no kfuncs too (btf_ids.h). */
int kernel_image__nr_sets(const struct kernel_image *image);
const struct btf_id_set *kernel_image__set_at(const struct kernel_image *image, int index);

#endif
