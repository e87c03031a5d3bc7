/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all reference probes stand on: how a template reaches its maps and values, and the call sites
 * with their numbers. Part of references.bpf.c.
 */
#ifndef KFUNCTRACE_REFERENCE_SITES_H
#define KFUNCTRACE_REFERENCE_SITES_H

#include "probe_frame.h"
#include "module_records.h"
#include "reference_records.h"

/*
 * The maps, without relocations. Where the verifier follows the pointers, they must come out of the
 * instruction that is patched and not out of the compiler's arithmetic.
 */
#define MAP(point)                                                                                 \
	({                                                                                         \
		void *__map;                                                                       \
		PATCHED_IMM64(__map, point);                                                       \
		__map;                                                                             \
	})

static __always_inline struct kft_reference_state *shared_state(void)
{
	return MAP(PATCH_STATE);
}

static __always_inline u32 own_flags(void)
{
	u64 flags;

	PATCHED_IMM(flags, PATCH_FLAGS);
	return flags;
}

static __always_inline u32 own_probe(void)
{
	u64 probe;

	PATCHED_IMM(probe, PATCH_PROBE);
	return probe & (KFT_MAX_PROBES - 1);
}

static __always_inline u64 second_argument(void *ctx)
{
	u64 value;

	asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value) : "r"(ctx), "i"(PATCH_OFF_SECOND));
	return value;
}

/*
 * The number behind a pointer: the verifier takes an argument for a pointer to a structure, and
 * forbids to add to it what it does not know. Through memory that it does not follow.
 */
static __always_inline u64 plain_number(u64 pointer)
{
	u64 stored = pointer, number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &stored);
	return number;
}

/* --- call sites ------------------------------------------------------------------------------- */

static __always_inline bool is_in(const struct kft_code_range *range, u64 address)
{
	return address - range->start < range->end - range->start;
}

/* True when the call came out of a function that is accounted for itself. */
static __always_inline bool is_inner(u64 caller, u64 via)
{
	struct kft_reference_probe *probe = &shared_state()->probes[own_probe()];

	for (u32 i = 0; i < KFT_MAX_INNER; i++) {
		/* A return address is one past the call. */
		if (is_in(&probe->inner[i], caller - 1) || is_in(&probe->inner[i], via))
			return true;
	}
	return false;
}

/* True when the call came out of a program that cannot park. */
static __always_inline bool is_transient(u64 caller)
{
	u64 page = (caller - 1) >> 12, *chunks;

	chunks = bpf_map_lookup_elem(MAP(PATCH_MAP_TRANSIENT), &page);
	return chunks && (*chunks >> ((caller - 1) >> 6 & 63) & 1);
}

/* What trace events say of a call site. */
static __always_inline struct kft_module_site *module_site(u32 site)
{
	struct kft_module_sites *sites = MAP(PATCH_MODULE_SITES);
	u64 index = site;

	if (index >= KFT_MAX_REFERENCE_SITES)
		index = 0;
	/* The bound must be seen on the register that is used. */
	asm volatile("" : "+r"(index));
	if (index >= KFT_MAX_REFERENCE_SITES)
		index = 0;
	return &sites->sites[index];
}

/* Where the function begins that an address is in; 0: none is there. */
static __always_inline u64 function_of(u64 address)
{
	register u64 arg asm("r1") = address;
	register u64 start asm("r0");

	/* A call of a kfunc, written out because an extern would need a relocation. */
	asm volatile("call %[function]\n"
		     : [start] "=r"(start), "+r"(arg)
		     : [function] "i"(PATCH_FUNCTION_KFUNC)
		     : "r2", "r3", "r4", "r5");
	return start;
}

/*
 * Says who calls, once a site. Userspace has filled in the sites of unknown callers, one a probe,
 * with what is the same for all of the probe's.
 */
static __always_inline void describe_site(u32 site, u64 caller)
{
	struct kft_module_site *to = module_site(site);
	u64 start = function_of(caller - 1);
	struct kft_image *image;
	struct kft_prog *prog;

	*to = *module_site(KFT_UNKNOWN_SITE(own_probe()));
	if (!start)
		return;
	image = bpf_map_lookup_elem(MAP(PATCH_MAP_IMAGES), &start);
	if (!image) {
		__builtin_memcpy(to->program, "kernel", sizeof("kernel"));
		return;
	}
	to->prog_id = image->prog_id;
	prog = bpf_map_lookup_elem(MAP(PATCH_MAP_PROGS), &image->prog_id);
	if (prog)
		__builtin_memcpy(to->program, prog->name, sizeof(to->program));
}

/* Other CPUs take numbers too. Each failure means that another one has got one. */
#define MAX_NUMBER_TRIES 6

/* One that was given back, those first that have been free for the longest time. Or 0. */
static __always_inline u64 used_number(struct kft_reference_state *state)
{
#pragma nounroll
	for (u32 i = 0; i < MAX_NUMBER_TRIES; i++) {
		u64 taken = *(volatile u64 *)&state->nr_taken_again, number;

		if (taken == *(volatile u64 *)&state->nr_given_back)
			break;
		/* Its place is not written over before it is taken. */
		number = *(volatile u16 *)&state->given_back[taken & (KFT_MAX_REFERENCE_SITES - 1)];
		if (__sync_val_compare_and_swap(&state->nr_taken_again, taken, taken + 1) == taken)
			return number;
	}
	return 0;
}

/* A number for a call site that has none; what is no number of a site: there is none left. */
static __always_inline u64 free_number(struct kft_reference_state *state)
{
	u64 id;

	if (state->nr_sites < KFT_MAX_REFERENCE_SITES - KFT_FIRST_REFERENCE_SITE) {
		id = __sync_fetch_and_add(&state->nr_sites, 1) + KFT_FIRST_REFERENCE_SITE;
		if (id < KFT_MAX_REFERENCE_SITES)
			return id;
	}
	return used_number(state);
}

/* Gives a call site its number, unless another CPU has been faster. */
static __always_inline u32 new_site(u64 key, u64 via)
{
	struct kft_reference_state *state = shared_state();
	u64 *known, id = free_number(state);
	struct kft_reference_site *site;
	u32 number = id;

	if (id < KFT_FIRST_REFERENCE_SITE || id >= KFT_MAX_REFERENCE_SITES)
		goto none;
	site = &state->sites[id];
	site->via = via;
	site->probe = own_probe();
	site->flags = is_inner(key | 0xffffull << 48, via) ? KFT_SITE_INNER : 0;
	if (is_transient(key | 0xffffull << 48))
		site->flags |= KFT_SITE_TRANSIENT;
	site->key = key;
	if (own_flags() & KFT_DO_TRACE)
		describe_site(number, key | 0xffffull << 48);
	if (!bpf_map_update_elem(MAP(PATCH_MAP_SITE_IDS), &key, &number, BPF_NOEXIST))
		return number;
	/* The number is nobody's: it can be given back. */
	site->key = 0;
	site->flags = KFT_SITE_RETIRED;
	known = bpf_map_lookup_elem(MAP(PATCH_MAP_SITE_IDS), &key);
	if (known)
		return *(u32 *)known;
none:
	__sync_fetch_and_add(&state->lost_sites, 1);
	return KFT_UNKNOWN_SITE(own_probe());
}

/* The number of the call site that a slot belongs to. */
static __always_inline u32 site_of_slot(struct kft_region *region, struct kft_site_cache *cache,
					u64 index)
{
	u32 *known, site = cache->sites[index];
	u64 key;

	if (likely(site))
		return site;
	key = region->slots[index].key;
	known = bpf_map_lookup_elem(MAP(PATCH_MAP_SITE_IDS), &key);
	site = known ? *known : new_site(key, region->via[index]);
	cache->sites[index] = site;
	return site;
}

/* Counts the call, and returns the number of its call site. */
static __always_inline u32 count_at_site(void *ctx, const enum frame_access access,
					 const enum call_check check)
{
	void *volatile saved_ctx = ctx;
	struct kft_site_cache *caches;
	struct kft_region *region;
	struct kft_slot *slot;
	u64 caller, bits, at, cpu;

	caller = FRAME_WORD(access == FRAME_CAST ? cast_context(ctx) : ctx, access,
			    PATCH_OFF_CALLER);
	cpu = processor_id(&caller);
	asm volatile goto("if %0 >= %1 goto %l2" : : "r"(cpu), "i"(PATCH_NR_CPUS) : : out_of_range);
	PATCHED_IMM64(region, PATCH_REGIONS);
	region += cpu;
	PATCHED_IMM64(bits, PATCH_PROBE_BITS);
	at = home_offset(caller);
	slot = (void *)region->slots + at;
	if (unlikely(slot->key != (caller ^ bits))) {
		at = find_slot(&saved_ctx, access, check);
		if (at == NO_SLOT)
			return KFT_UNKNOWN_SITE(own_probe());
		at &= sizeof(region->slots) - sizeof(*slot);
		/* Again, rather than kept while the slot was looked for. */
		cpu = processor_id(&at);
		asm volatile goto("if %0 >= %1 goto %l2"
				  :
				  : "r"(cpu), "i"(PATCH_NR_CPUS)
				  :
				  : out_of_range);
		PATCHED_IMM64(region, PATCH_REGIONS);
		region += cpu;
		slot = (void *)region->slots + at;
	}
	slot->calls++;
	at /= sizeof(*slot);
	if (has_failed(saved_ctx, check))
		region->nulls[at]++;
	PATCHED_IMM64(caches, PATCH_SITE_CACHES);
	return site_of_slot(region, &caches[cpu], at);
out_of_range:
	return KFT_UNKNOWN_SITE(own_probe());
}

/*
 * Counts the call and nothing more, as count_call() in probe.bpf.c does. Returns where its slot is in
 * the region of this CPU, or NO_SLOT.
 */
static __always_inline u64 count_in_slot(void *ctx, const enum frame_access access,
					 const enum call_check check)
{
	void *volatile saved_ctx = ctx;
	struct kft_region *region;
	struct kft_slot *slot;
	u64 caller, bits, at;

	caller = FRAME_WORD(access == FRAME_CAST ? cast_context(ctx) : ctx, access,
			    PATCH_OFF_CALLER);
	region = own_region(&caller);
	PATCHED_IMM64(bits, PATCH_PROBE_BITS);
	at = home_offset(caller);
	slot = (void *)region->slots + at;
	if (unlikely(slot->key != (caller ^ bits))) {
		at = find_slot(&saved_ctx, access, check);
		if (at == NO_SLOT)
			return NO_SLOT;
		region = own_region(&at);
		at &= sizeof(region->slots) - sizeof(*slot);
		slot = (void *)region->slots + at;
	}
	slot->calls++;
	if (unlikely(has_failed(saved_ctx, check)))
		region->nulls[at / sizeof(*slot)]++;
	return at;
}

/* The number of the call site that count_in_slot() has just counted at. */
static __always_inline u32 site_at(u64 at)
{
	struct kft_site_cache *caches;
	struct kft_region *region;
	u64 cpu;

	if (at == NO_SLOT)
		return KFT_UNKNOWN_SITE(own_probe());
	cpu = processor_id(&at);
	asm volatile goto("if %0 >= %1 goto %l2" : : "r"(cpu), "i"(PATCH_NR_CPUS) : : out_of_range);
	PATCHED_IMM64(region, PATCH_REGIONS);
	region += cpu;
	PATCHED_IMM64(caches, PATCH_SITE_CACHES);
	return site_of_slot(region, &caches[cpu],
			    (at / sizeof(struct kft_slot)) & (KFT_MAX_SLOTS - 1));
out_of_range:
	return KFT_UNKNOWN_SITE(own_probe());
}

static __always_inline struct kft_reference_site *site_record(u32 site)
{
	u64 index = site;

	if (index >= KFT_MAX_REFERENCE_SITES)
		index = 0;
	/* The bound must be seen on the register that is used. */
	asm volatile("" : "+r"(index));
	if (index >= KFT_MAX_REFERENCE_SITES)
		index = 0;
	return &shared_state()->sites[index];
}

#endif
