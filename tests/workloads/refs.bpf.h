/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the BPF programs that acquire, park and release references.
 */
#ifndef WORKLOADS_REFS_BPF_H
#define WORKLOADS_REFS_BPF_H

/* Newer headers define these types; older ones, with which this is built as well, do not. */
#define bpf_iter_num  newer_iter_num
#define bpf_list_head newer_list_head
#define bpf_list_node newer_list_node
#define bpf_refcount  newer_refcount
#include "rows.bpf.h"
#undef bpf_iter_num
#undef bpf_list_head
#undef bpf_list_node
#undef bpf_refcount

#include "step.h"

/* A field of a map's value that owns a reference. The libbpf of Debian 12 means another tag. */
#define owned __attribute__((btf_type_tag("kptr")))
/* The same for 6.1. */
#define owned_6_1 __attribute__((btf_type_tag("kptr_ref")))

#define SLOTS(name, slot_type, slots)                                                              \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, slots);                                                        \
		__type(key, u32);                                                                  \
		__type(value, slot_type);                                                          \
	} name SEC(".maps")

struct step step SEC(STEP_SECTION) = {};

#define step_done() ((void)__sync_fetch_and_add(&step.done, 1))

/* Puts what the caller owns into the slot of the step; what was there, or could not be put, is its. */
#define park(map, field, object)                                                                   \
	({                                                                                         \
		u32 key__ = step.key;                                                              \
		typeof(object) rest__ = (object);                                                  \
		void *slot__ = bpf_map_lookup_elem(&map, &key__);                                  \
                                                                                                   \
		if (slot__)                                                                        \
			rest__ = bpf_kptr_xchg(slot__ + (field), rest__);                          \
		rest__;                                                                            \
	})

#endif
