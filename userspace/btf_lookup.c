// SPDX-License-Identifier: GPL-2.0-only
#include "btf_lookup.h"

#include <errno.h>
#include <string.h>

#include <bpf/btf.h>

static long offset_in(const struct btf *btf, const struct btf_type *type, const char *name)
{
	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *own = btf__name_by_offset(btf, member->name_off);
		long here = btf_member_bit_offset(type, i) / 8, inside;
		const struct btf_type *inner;

		if (strcmp(own, name) == 0)
			return here;
		inner = btf__type_by_id(btf, member->type);
		if (*own || !btf_is_composite(inner))
			continue;
		inside = offset_in(btf, inner, name);
		if (inside >= 0)
			return here + inside;
	}
	return -ENOENT;
}

long btf_lookup__member_offset(const struct btf *btf, const char *structure, const char *member)
{
	__s32 id = btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT);

	return id > 0 ? offset_in(btf, btf__type_by_id(btf, id), member) : -ENOENT;
}

int btf_lookup__enumerator(const struct btf *btf, const char *name, __u32 *value)
{
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (!btf_is_enum(type))
			continue;
		for (int i = 0; i < btf_vlen(type); i++) {
			const struct btf_enum *e = &btf_enum(type)[i];

			if (strcmp(btf__name_by_offset(btf, e->name_off), name) == 0) {
				*value = e->val;
				return 0;
			}
		}
	}
	return -ENOENT;
}

bool btf_lookup__has_tag(const struct btf *btf, const char *name)
{
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_is_decl_tag(type) &&
		    strcmp(btf__name_by_offset(btf, type->name_off), name) == 0)
			return true;
	}
	return false;
}
