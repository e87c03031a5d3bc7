/* SPDX-License-Identifier: GPL-2.0-only */
/* Where things are in kernel structures, as the running kernel's BTF has it. */
#ifndef KFUNCTRACE_BTF_LOOKUP_H
#define KFUNCTRACE_BTF_LOOKUP_H

#include <stdbool.h>
#include <linux/types.h>

struct btf;

/*
 * Offset in bytes of a member, also of one in an anonymous structure or union; -ENOENT when there is
 * no such structure or member.
 */
long btf_lookup__member_offset(const struct btf *btf, const char *structure, const char *member);

/* Value of an enumerator, whatever the name of its enum; -ENOENT when there is none. */
int btf_lookup__enumerator(const struct btf *btf, const char *name, __u32 *value);

/* True when something in this BTF has a declaration tag of that name. */
bool btf_lookup__has_tag(const struct btf *btf, const char *name);

#endif
