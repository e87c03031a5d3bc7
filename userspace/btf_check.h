/* SPDX-License-Identifier: GPL-2.0-only */
/* libbpf takes the BTF of files at its word: what it does not check itself is checked here. */
#ifndef KFUNCTRACE_BTF_CHECK_H
#define KFUNCTRACE_BTF_CHECK_H

#include <stddef.h>
#include <linux/types.h>

struct btf;

/*
 * 0 when all names and types that the types of `btf` from id `first` on refer to are there, are of
 * the kinds that they must be, and no type leads to itself without a structure between. Else -EBADMSG,
 * and `why` has the reason. With it, walks along types come to an end, and names are
 * printable and never NULL.
 */
int btf_check(const struct btf *btf, __u32 first, char *why, size_t size);

/*
 * Types out of the bytes of a .BTF section; `base` is NULL, or what they are split from and must
 * outlive them. `name` is for messages. Returns 0, or a negative errno having said what is wrong.
 */
int btf_check__parse(const char *name, const void *data, size_t size, struct btf *base,
		     struct btf **btf);

#endif
