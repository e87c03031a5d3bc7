/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks through the slots of an image of a program: to retire them when its memory is to be freed, or to
 * record the source lines of its call sites.
 */
#ifndef KFUNCTRACE_PROGRAM_SWEEP_H
#define KFUNCTRACE_PROGRAM_SWEEP_H

#include "program_maps.h"
#include "program_names.h"

#include <bpf/bpf_core_read.h>

static struct kft_sweep_state *own_state(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&sweep_state, &zero);
}

struct sweep {
	u64 start, end; /* return addresses in (start, end] */
	u32 prog_id;	/* 0: not known */
	u32 subprog;
	u32 cpu;
	u32 begun; /* something is being moved */
	/* Whose source lines the slots are looked up in, to record them. */
	struct bpf_prog_aux *lines_of;
};

/* Drains that read from here on until the end of the sweep are no good, and are told so. */
static void begin_sweep(struct sweep *sweep)
{
	struct kft_sweep_state *state;

	if (sweep->begun)
		return;
	state = own_state();
	if (!state)
		return;
	__sync_fetch_and_add(&state->begun, 1);
	sweep->begun = true;
}

/* What has the number of this site is of the program that is going, whoever comes to its address. */
static void retire_site(const struct sweep *sweep, u64 key, u32 at)
{
	struct kft_reference_state *state;
	struct kft_reference_site *site;
	struct kft_site_cache *caches;
	u64 cpu = sweep->cpu;
	u32 zero = 0, number, *id;

	caches = bpf_map_lookup_elem(&site_caches, &zero);
	state = bpf_map_lookup_elem(&reference_state, &zero);
	/* The verifier of 6.1 must see the bound in the register that is used. */
	asm volatile("" : "+r"(cpu));
	if (!caches || !state || cpu >= nr_cpus || at >= KFT_MAX_SLOTS)
		return;
	caches[cpu].sites[at] = KFT_NO_SITE;
	id = bpf_map_lookup_elem(&site_ids, &key);
	/* None: another CPU's slot of the same site came first. */
	number = id ? *id : KFT_MAX_REFERENCE_SITES;
	if (number >= KFT_MAX_REFERENCE_SITES)
		return;
	site = &state->sites[number];
	site->prog_id = sweep->prog_id;
	site->subprog = sweep->subprog;
	site->offset = (key | 0xffffull << 48) - sweep->start;
	site->flags |= KFT_SITE_RETIRED;
	bpf_map_delete_elem(&site_ids, &key);
}

static void retire(struct kft_region *region, u32 at, u64 caller, struct sweep *sweep)
{
	struct kft_retired_key key = { .prog_id = sweep->prog_id, .subprog = sweep->subprog };
	struct kft_slot *slot = &region->slots[at];
	u64 *nulls = &region->nulls[at];
	struct kft_retired_count *count, first = {};
	struct kft_orphans *orphan;

	key.probe = (slot->key >> 48) ^ 0xffff;
	key.offset = caller - sweep->start;
	if (region->via[at]) {
		key.prog_id = 0;
		key.subprog = region->via[at] >> 32;
		key.offset = region->via[at];
	}
	begin_sweep(sweep);
	if (want_references)
		retire_site(sweep, slot->key, at);
	if (sweep->prog_id || region->via[at]) {
		count = bpf_map_lookup_elem(&retired, &key);
		if (!count) {
			bpf_map_update_elem(&retired, &key, &first, BPF_NOEXIST);
			count = bpf_map_lookup_elem(&retired, &key);
		}
		if (count) {
			__sync_fetch_and_add(&count->calls, slot->calls);
			__sync_fetch_and_add(&count->nulls, *nulls);
			goto clear;
		}
	}
	orphan = bpf_map_lookup_elem(&orphans, &key.probe);
	if (orphan) {
		__sync_fetch_and_add(&orphan->calls, slot->calls);
		__sync_fetch_and_add(&orphan->nulls, *nulls);
	}
	if (sweep->prog_id) {
		struct kft_sweep_state *state = own_state();

		if (state)
			__sync_fetch_and_add(&state->lost_retired, 1);
	}
clear:
	/* The program cannot run any more, so nobody writes here. Empty first, then free. */
	slot->calls = 0;
	*nulls = 0;
	region->via[at] = 0;
	__sync_lock_test_and_set(&slot->key, KFT_SLOT_RETIRED);
}

struct line_search {
	void **addresses; /* jited_linfo: where the code of each line begins */
	u64 start, end;
	u64 best;
	u32 best_idx;
};

/* The last line that begins before the return address, in the same image. */
static long look_at_line(u32 idx, struct line_search *search)
{
	u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &search->addresses[idx]);
	if (address >= search->start && address < search->end && address >= search->best) {
		search->best = address;
		search->best_idx = idx;
	}
	return 0;
}

/* Begins of a path are cut in such steps until the rest, which has the file's name, fits. */
#define FILE_STEP  32
#define FILE_STEPS 128 /* PATH_MAX */

struct file_search {
	const char *name;
	struct kft_site site;
};

static long read_end_of_name(u32 idx, struct file_search *search)
{
	char *file = search->site.file;
	long len = bpf_probe_read_kernel_str(file, sizeof(search->site.file), search->name);

	search->name += FILE_STEP;
	return len < (long)sizeof(search->site.file);
}

static __noinline int record_site(const struct sweep *sweep, u64 caller)
{
	struct kft_site_key key = {
		.prog_id = sweep->prog_id,
		.subprog = sweep->subprog,
		.offset = caller - sweep->start,
	};
	struct line_search search = { .start = sweep->start, .end = caller };
	struct bpf_prog_aux *aux = sweep->lines_of;
	struct bpf_line_info *infos, info = {};
	struct file_search found = {};
	struct btf *btf;

	if (bpf_map_lookup_elem(&sites, &key))
		return 0;
	read_function_name(aux, sweep->subprog, found.site.function, sizeof(found.site.function));
	btf = BPF_CORE_READ(aux, btf);
	infos = BPF_CORE_READ(aux, linfo);
	search.addresses = BPF_CORE_READ(aux, jited_linfo);
	if (btf && infos && search.addresses)
		bpf_loop(BPF_CORE_READ(aux, nr_linfo), look_at_line, &search, 0);
	if (search.best) {
		bpf_probe_read_kernel(&info, sizeof(info), &infos[search.best_idx]);
		found.site.line = BPF_LINE_INFO_LINE_NUM(info.line_col);
		found.name = BPF_CORE_READ(btf, strings) + info.file_name_off;
		bpf_loop(FILE_STEPS, read_end_of_name, &found, 0);
	}
	bpf_map_update_elem(&sites, &key, &found.site, BPF_ANY);
	return 0;
}

static __always_inline struct kft_region *region_of(u32 cpu)
{
	struct kft_region *region;
	u32 zero = 0;

	region = bpf_map_lookup_elem(&regions, &zero);
	return region && cpu < nr_cpus ? region + cpu : NULL;
}

/* The slot of a claim, when its caller is in the range; otherwise KFT_MAX_SLOTS. */
static __always_inline u32 claimed(const struct kft_region *region, u32 idx,
				   const struct sweep *sweep, u64 *caller)
{
	u32 at = region->claims[idx] - 1;
	u64 key;

	if (at >= KFT_MAX_SLOTS)
		return KFT_MAX_SLOTS;
	key = region->slots[at].key;
	*caller = key | 0xffffull << 48;
	if (key <= KFT_SLOT_RETIRED || *caller <= sweep->start || *caller > sweep->end)
		return KFT_MAX_SLOTS;
	return at;
}

static long retire_claim(u32 idx, struct sweep *sweep)
{
	struct kft_region *region = region_of(sweep->cpu);
	u64 caller = 0;
	u32 at;

	if (!region || idx >= KFT_MAX_SLOTS)
		return 1;
	at = claimed(region, idx, sweep, &caller);
	if (at < KFT_MAX_SLOTS)
		retire(region, at, caller, sweep);
	return 0;
}

static long record_claim(u32 idx, struct sweep *sweep)
{
	struct kft_region *region = region_of(sweep->cpu);
	u64 caller = 0;

	if (!region || idx >= KFT_MAX_SLOTS)
		return 1;
	if (claimed(region, idx, sweep, &caller) < KFT_MAX_SLOTS)
		record_site(sweep, caller);
	return 0;
}

static __always_inline long sweep_cpu(u32 cpu, struct sweep *sweep,
				      long (*each)(u32 idx, struct sweep *sweep))
{
	struct kft_region *region = region_of(cpu);
	u64 nr;

	if (!region)
		return 1;
	nr = region->nr_claims;
	if (nr > KFT_MAX_SLOTS)
		nr = KFT_MAX_SLOTS;
	sweep->cpu = cpu;
	bpf_loop(nr, each, sweep, 0);
	return 0;
}

static long retire_cpu(u32 cpu, struct sweep *sweep)
{
	return sweep_cpu(cpu, sweep, retire_claim);
}

/* Apart, because the verifiers up to 6.12 take no more than eight functions that call each other. */
static long record_cpu(u32 cpu, struct sweep *sweep)
{
	return sweep_cpu(cpu, sweep, record_claim);
}

/*
 * Retires every slot of [start, start + len) into the record of the program that was there. Most
 * images that are freed on a host (socket filters, seccomp) have neither slots nor a record: a
 * drain does not have to begin again for them.
 *
 * Global, as find_overlap() is: verified once, and not again for each way that leads here, which takes
 * 7.x several times as long as all the rest.
 */
__noinline int sweep_range(u64 start, u32 len)
{
	struct sweep sweep = { .start = start, .end = start + len };
	struct kft_image *image = bpf_map_lookup_elem(&images, &start);
	struct kft_sweep_state *state = own_state();
	struct kft_prog *prog;

	if (!state)
		return 0;
	if (image) {
		sweep.prog_id = image->prog_id;
		sweep.subprog = image->subprog;
	}
	if (image)
		begin_sweep(&sweep);
	bpf_loop(nr_cpus, retire_cpu, &sweep, 0);
	if (image) {
		prog = bpf_map_lookup_elem(&progs, &sweep.prog_id);
		bpf_map_delete_elem(&images, &start);
		if (prog)
			__sync_fetch_and_add(&prog->nr_freed, 1);
	}
	if (sweep.begun)
		__sync_fetch_and_add(&state->ended, 1);
	return 0;
}

#endif
