/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which programs cannot park a reference: they give back what they acquire before they end, so that
 * their references never make it ambiguous who holds others. Part of programs.bpf.c.
 */
#ifndef KFUNCTRACE_TRANSIENT_PROGRAMS_H
#define KFUNCTRACE_TRANSIENT_PROGRAMS_H

#include "kernel_types.h"
#include "reference_records.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* See KFT_MAX_TRANSIENT_PAGES; made as big by userspace when references are accounted for. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, u64);
} transient_pages SEC(".maps");

struct chunks {
	u64 start, end;
	bool transient;
};

static long mark_page(u32 idx, struct chunks *chunks)
{
	u64 page = (chunks->start >> 12) + idx, mask = ~0ull, *known;

	if (idx == 0)
		mask <<= chunks->start >> 6 & 63;
	if (page == (chunks->end - 1) >> 12)
		mask &= ~0ull >> (63 - ((chunks->end - 1) >> 6 & 63));
	known = bpf_map_lookup_elem(&transient_pages, &page);
	if (!known && chunks->transient) {
		u64 none = 0;

		bpf_map_update_elem(&transient_pages, &page, &none, BPF_NOEXIST);
		known = bpf_map_lookup_elem(&transient_pages, &page);
	}
	/* No room: then it counts as one that can park, which is the safe side. */
	if (!known)
		return 0;
	if (chunks->transient)
		__sync_fetch_and_or(known, mask);
	else
		__sync_fetch_and_and(known, ~mask);
	return 0;
}

/* Notes of an image whether its program can park, when it comes and when it goes. */
static void mark_image(u64 start, u32 len, bool transient)
{
	struct chunks chunks = { .start = start, .end = start + len, .transient = transient };

	if (len)
		bpf_loop(((chunks.end - 1) >> 12) - (start >> 12) + 1, mark_page, &chunks, 0);
}

struct map_check {
	struct bpf_map **maps;
	bool can_park;
};

/* Fields of a map that references can be kept in. Their numbers are the running kernel's. */
static u32 keeping_fields(void)
{
	u32 fields = 0;

	if (bpf_core_enum_value_exists(enum btf_field_type, BPF_KPTR_REF))
		fields |= bpf_core_enum_value(enum btf_field_type, BPF_KPTR_REF);
	if (bpf_core_enum_value_exists(enum btf_field_type, BPF_KPTR_PERCPU))
		fields |= bpf_core_enum_value(enum btf_field_type, BPF_KPTR_PERCPU);
	if (bpf_core_enum_value_exists(enum btf_field_type, BPF_LIST_HEAD))
		fields |= bpf_core_enum_value(enum btf_field_type, BPF_LIST_HEAD);
	if (bpf_core_enum_value_exists(enum btf_field_type, BPF_RB_ROOT))
		fields |= bpf_core_enum_value(enum btf_field_type, BPF_RB_ROOT);
	return fields;
}

static long check_map(u32 idx, struct map_check *check)
{
	struct bpf_map *map = NULL;
	u32 type;

	bpf_probe_read_kernel(&map, sizeof(map), &check->maps[idx]);
	type = BPF_CORE_READ(map, map_type);
	/* What the inner ones hold is not known here. */
	if (type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS)
		check->can_park = true;
	if (bpf_core_field_exists(map->record) &&
	    (BPF_CORE_READ(map, record, field_mask) & keeping_fields()))
		check->can_park = true;
	if (bpf_core_field_exists(map->kptr_off_tab) && BPF_CORE_READ(map, kptr_off_tab))
		check->can_park = true;
	return 0;
}

/* BTF ids of the kfuncs that allocate objects, in which references can be kept; 0: there is none. */
#define NR_ALLOCATORS 4
const volatile __u32 allocators[NR_ALLOCATORS] = {};

struct call_check {
	struct bpf_kfunc_desc_tab *calls;
	bool can_park;
};

static long check_call(u32 idx, struct call_check *check)
{
	struct bpf_kfunc_desc_tab *calls = check->calls;
	struct bpf_kfunc_desc *call = (void *)calls + bpf_core_field_offset(calls->descs) +
				      idx * bpf_core_type_size(struct bpf_kfunc_desc);
	u32 id = BPF_CORE_READ(call, func_id);

	if (BPF_CORE_READ(call, offset))
		return 0;
	for (u32 i = 0; i < NR_ALLOCATORS; i++) {
		if (id && id == allocators[i])
			check->can_park = true;
	}
	return 0;
}

/*
 * A program can keep a reference only in a map that has fields for it, in an object that it
 * allocates, or as its return value. The verifier makes one that has none of these give back what
 * it acquires before it ends; nor can it give back what another one has acquired.
 */
static bool can_park(struct bpf_prog *prog)
{
	struct bpf_prog_aux *aux = BPF_CORE_READ(prog, aux);
	struct map_check maps = { .maps = BPF_CORE_READ(aux, used_maps) };
	struct bpf_kfunc_desc_tab *called = BPF_CORE_READ(aux, kfunc_tab);
	struct call_check calls = { .calls = called };
	u32 type = BPF_CORE_READ(prog, type);

	if (type == BPF_PROG_TYPE_STRUCT_OPS || type == BPF_PROG_TYPE_EXT)
		return true;
	bpf_loop(BPF_CORE_READ(aux, used_map_cnt), check_map, &maps, 0);
	if (called)
		bpf_loop(BPF_CORE_READ(called, nr_descs), check_call, &calls, 0);
	return maps.can_park || calls.can_park;
}

#endif
