/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What programs.bpf.c keeps of BPF programs and of the slots that calls are counted in. Userspace makes
 * most of it as large as is needed before the object is loaded.
 */
#ifndef KFUNCTRACE_PROGRAM_MAPS_H
#define KFUNCTRACE_PROGRAM_MAPS_H

#include "kernel_types.h"
#include "counter_records.h"
#include "reference_records.h"

#include <bpf/bpf_helpers.h>

/* Made by userspace, one struct kft_region a CPU in a single value. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(struct kft_region));
} regions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KFT_MAX_IMAGES);
	__type(key, u64);
	__type(value, struct kft_image);
} images SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KFT_MAX_PROGS);
	__type(key, u32);
	__type(value, struct kft_prog);
} progs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KFT_MAX_RETIRED);
	__type(key, struct kft_retired_key);
	__type(value, struct kft_retired_count);
} retired SEC(".maps");

/* Call sites with their source lines. One entry only, unless userspace wants to know them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct kft_site_key);
	__type(value, struct kft_site);
} sites SEC(".maps");

/* One a probe. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KFT_MAX_PROBES);
	__type(key, u32);
	__type(value, struct kft_orphans);
} orphans SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kft_sweep_state);
} sweep_state SEC(".maps");

/*
 * Numbers of call sites, when references are accounted for; otherwise userspace leaves these three
 * as small as they are here, and nothing looks at them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, 8);
} site_caches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, 8);
} reference_state SEC(".maps");

/* Key of a slot -> number of the site. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, u32);
} site_ids SEC(".maps");

const volatile __u32 nr_cpus = 1;
/* References are accounted for: call sites have numbers, which outlive their programs. */
const volatile bool want_references = false;
/* Call sites are told apart by source line, so their lines are kept when a program goes. */
const volatile bool want_lines = false;

#endif
