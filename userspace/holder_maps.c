// SPDX-License-Identifier: GPL-2.0-only
/* Programs that maps hold: struct_ops, tail calls, redirection, sockets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "kernel_btf.h"
#include "program_holders_private.h"

struct map {
	struct program_holders *holders;
	struct bpf_map_info info;
	int fd;
};

static int add(const struct map *map, __u32 prog_id, const char *how, const char *member)
{
	return holders__add_attachment(map->holders, prog_id, 0, how, "%s%s", map->info.name,
				       member);
}

/* --- struct_ops ------------------------------------------------------------------------------- */

/* BTF object that the type of a struct_ops is in, where kernels before 6.9 have padding. */
static __u32 struct_ops_btf(const struct bpf_map_info *info)
{
	__u32 id;

	memcpy(&id, (const char *)info + offsetof(struct bpf_map_info, map_extra) - sizeof(id),
	       sizeof(id));
	return id;
}

/* The operations are the last member of what the map holds, and are programs' ids when read. */
static int add_operations(const struct map *map, const struct btf *btf, const char *value)
{
	const struct btf_type *type = btf__type_by_id(btf, map->info.btf_vmlinux_value_type_id);
	const struct btf_member *data, *member;
	__u32 at, begin;
	int err = 0;

	if (!type || !btf_is_struct(type) || !btf_vlen(type))
		return 0;
	data = btf_members(type) + btf_vlen(type) - 1;
	begin = data->offset / 8;
	type = btf__type_by_id(btf, data->type);
	if (!type || !btf_is_struct(type))
		return 0;
	member = btf_members(type);
	for (int i = 0; i < btf_vlen(type) && !err; i++, member++) {
		const struct btf_type *pointer = btf__type_by_id(btf, member->type), *to;
		char name[128];
		__u64 id;

		to = pointer && btf_is_ptr(pointer) ? btf__type_by_id(btf, pointer->type) : NULL;
		at = begin + member->offset / 8;
		if (!to || !btf_is_func_proto(to) || at + sizeof(id) > map->info.value_size)
			continue;
		memcpy(&id, value + at, sizeof(id));
		if (!id || id > 0xffffffff)
			continue;
		snprintf(name, sizeof(name), ".%s (%s)",
			 btf__name_by_offset(btf, member->name_off) ?: "?",
			 btf__name_by_offset(btf, type->name_off) ?: "?");
		err = add(map, id, "struct_ops", name);
	}
	return err;
}

static int read_struct_ops(const struct map *map)
{
	const __u32 id = struct_ops_btf(&map->info);
	struct kernel_btf_set *btfs = map->holders->btfs;
	struct kernel_btf *kbtf = id ? kernel_btf_set__by_id(btfs, id) : NULL;
	const struct btf *btf =
		kbtf ? kernel_btf__types(btfs, kbtf) : kernel_btf_set__vmlinux(btfs);
	char *value = calloc(1, map->info.value_size ?: 1);
	const __u32 zero = 0;
	int err = 0;

	if (!value)
		return -ENOMEM;
	if (btf && !bpf_map_lookup_elem(map->fd, &zero, value))
		err = add_operations(map, btf, value);
	free(value);
	return err;
}

/* --- entries with programs -------------------------------------------------------------------- */

/* The program's id is the word `word` of an entry. */
static int read_entries(const struct map *map, int word, const char *how)
{
	__u32 key, next, value[2], seen = 0;
	char name[32];
	void *last = NULL;
	int err = 0;

	if (map->info.key_size != sizeof(key) || map->info.value_size > sizeof(value) ||
	    map->info.value_size < (word + 1) * sizeof(value[0]))
		return 0;
	/* A hash that changes meanwhile can begin anew: it ends some time. */
	while (!err && seen++ <= map->info.max_entries &&
	       !bpf_map_get_next_key(map->fd, last, &next)) {
		key = next;
		last = &key;
		memset(value, 0, sizeof(value));
		if (bpf_map_lookup_elem(map->fd, &key, value) || !value[word])
			continue;
		snprintf(name, sizeof(name), "[%u]", key);
		err = add(map, value[word], how, name);
	}
	return err;
}

static int read_sockets(const struct map *map)
{
	static const enum bpf_attach_type types[] = {
		BPF_SK_SKB_STREAM_PARSER,
		BPF_SK_SKB_STREAM_VERDICT,
		BPF_SK_MSG_VERDICT,
		BPF_SK_SKB_VERDICT,
	};
	char name[32];
	int err = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !err; i++) {
		__u32 id = 0, nr = 1;

		if (!bpf_prog_query(map->fd, types[i], 0, NULL, &id, &nr) && nr && id)
			err = add(map, id, holders__attach_type(types[i], name, sizeof(name)), "");
	}
	return err;
}

static int read_map(const struct map *map)
{
	switch (map->info.type) {
	case BPF_MAP_TYPE_STRUCT_OPS:
		return read_struct_ops(map);
	case BPF_MAP_TYPE_PROG_ARRAY:
		return read_entries(map, 0, "prog_array");
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
		return read_entries(map, 1, "devmap");
	case BPF_MAP_TYPE_CPUMAP:
		return read_entries(map, 1, "cpumap");
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
		return read_sockets(map);
	default:
		return 0;
	}
}

int holders__read_maps(struct program_holders *holders)
{
	struct map map = { .holders = holders };
	__u32 id = 0, len;
	int err = 0;

	while (!err && !bpf_map_get_next_id(id, &id)) {
		map.fd = bpf_map_get_fd_by_id(id);
		if (map.fd < 0)
			continue;
		memset(&map.info, 0, sizeof(map.info));
		len = sizeof(map.info);
		if (!bpf_obj_get_info_by_fd(map.fd, &map.info, &len))
			err = read_map(&map);
		close(map.fd);
	}
	return err;
}
