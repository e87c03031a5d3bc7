// SPDX-License-Identifier: GPL-2.0-only
#include "counters.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../tracepoints/counter_records.h"
#include "../tracepoints/reference_records.h"
#include "bpf_iter_run.h"
#include "bpf_map_dump.h"
#include "clock.h"
#include "cpus.h"
#include "kernel_reader.h"
#include "kernel_symbols.h"
#include "probe_set.h"
#include "prog_table.h"
#include "programs.skel.h"
#include "site_table.h"
#include "usage.h"

/* How long a drain waits for a moment in which no program is being freed. */
#define MAX_DRAIN_NS (2 * 1000000000ull)

#define NR_WATCHERS  6

/* A claimed slot, as it was read. */
struct slot_copy {
	__u32 probe;
	__u64 address;
	__u64 via; /* another function that was called there, or 0 */
	struct usage_counts counts;
};

struct counters {
	struct programs_bpf *skel;
	struct bpf_link *watchers[NR_WATCHERS];
	struct kernel_symbols *symbols;
	int nr_cpus, nr_slots;
	bool want_lines;

	/* Shared with the kernel. */
	const struct kft_region *regions;
	const struct kft_sweep_state *sweeps;
	const struct kft_orphans *orphans;
	struct kft_reference_state *references; /* NULL: not wanted */

	struct prog_table programs;
	struct site_table sites;
	/* Records of programs that are gone, taken out of the kernel's map. */
	struct usage ended;

	/* Of the drain that is going on. */
	struct slot_copy *slots;
	size_t nr_slot_copies, room_slot_copies;
	struct kft_retired_key *retired_keys;
	struct kft_retired_count *retired_counts;
	size_t nr_retired;
};

static const void *map_memory(const struct bpf_map *map, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Kfuncs that give a program an object of its own, see transient_programs.h. */
static const char *const allocators[] = { "bpf_obj_new", "bpf_obj_new_impl", "bpf_percpu_obj_new",
					  "bpf_percpu_obj_new_impl" };

struct allocator_addresses {
	__u64 call_base;
	__u64 allocators[sizeof(allocators) / sizeof(allocators[0])];
};

static int take_allocator(const struct kft_symbol_record *symbol, void *arg)
{
	struct allocator_addresses *addresses = arg;

	if (strcmp(symbol->name, KERNEL_CALL_BASE) == 0)
		addresses->call_base = symbol->address;
	for (size_t i = 0; i < sizeof(allocators) / sizeof(allocators[0]); i++) {
		if (strcmp(symbol->name, allocators[i]) == 0)
			addresses->allocators[i] = symbol->address;
	}
	return 0;
}

static int find_allocators(struct programs_bpf *skel, struct kernel_reader *reader)
{
	struct allocator_addresses addresses = { 0 };
	const char *base = KERNEL_CALL_BASE;
	int err = kernel_reader__symbols(reader, allocators,
					 sizeof(allocators) / sizeof(allocators[0]), take_allocator,
					 &addresses);

	if (!err)
		err = kernel_reader__symbols(reader, &base, 1, take_allocator, &addresses);
	skel->rodata->know_calls = addresses.call_base != 0;
	for (size_t i = 0; i < sizeof(allocators) / sizeof(allocators[0]); i++) {
		if (addresses.allocators[i])
			skel->rodata->allocators[i] = addresses.allocators[i] - addresses.call_base;
	}
	return err;
}

/* Makes the maps of numbered call sites as big as they have to be. */
static int size_reference_maps(struct counters *counters)
{
	struct programs_bpf *skel = counters->skel;

	skel->rodata->want_references = true;
	return bpf_map__set_value_size(skel->maps.site_caches,
				       sizeof(struct kft_site_cache) * counters->nr_cpus)
		       ?: bpf_map__set_value_size(skel->maps.reference_state,
						  sizeof(struct kft_reference_state))
		       ?: bpf_map__set_max_entries(skel->maps.site_ids, KFT_MAX_REFERENCE_SITES)
		       ?: bpf_map__set_max_entries(skel->maps.transient_pages,
						   KFT_MAX_TRANSIENT_PAGES);
}

static int map_reference_state(struct counters *counters)
{
	void *memory = mmap(NULL, sizeof(struct kft_reference_state), PROT_READ | PROT_WRITE,
			    MAP_SHARED, bpf_map__fd(counters->skel->maps.reference_state), 0);

	if (memory == MAP_FAILED)
		return -errno;
	counters->references = memory;
	return 0;
}

static int attach_watchers(struct counters *counters)
{
	struct bpf_program *progs[NR_WATCHERS] = {
		/* Ends before beginnings: no image is recorded whose end could be missed. */
		counters->skel->progs.image_freed,
		counters->skel->progs.image_freed_again,
		counters->skel->progs.program_unloaded,
		counters->skel->progs.program_unloaded_again,
		counters->skel->progs.program_loaded,
		counters->skel->progs.program_loaded_again,
	};

	for (int i = 0; i < NR_WATCHERS; i++) {
		counters->watchers[i] = bpf_program__attach(progs[i]);
		if (!counters->watchers[i])
			return -errno;
	}
	return 0;
}

/* Runs an iterator that has all of its effects in maps. */
static int run_silent_iterator(const struct bpf_program *prog)
{
	size_t size;
	char *data;
	int err = bpf_iter_run(prog, NULL, &data, &size);

	if (!err)
		free(data);
	return err;
}

int counters__open(const struct counters_options *opts, struct kernel_reader *reader,
		   struct counters **result)
{
	struct counters *counters = calloc(1, sizeof(*counters));
	int err;

	if (!counters)
		return -ENOMEM;
	counters->nr_slots = opts->nr_slots;
	counters->want_lines = opts->want_lines;
	counters->nr_cpus = cpus__nr_ids();
	if (counters->nr_cpus < 0) {
		err = counters->nr_cpus;
		goto fail;
	}
	err = kernel_symbols__open(reader, &counters->symbols);
	if (err)
		goto fail;
	counters->skel = programs_bpf__open();
	if (!counters->skel) {
		err = -errno;
		goto fail;
	}
	counters->skel->rodata->nr_cpus = counters->nr_cpus;
	counters->skel->rodata->want_lines = opts->want_lines;
	if (opts->want_lines)
		bpf_map__set_max_entries(counters->skel->maps.sites, KFT_MAX_SITES);
	err = bpf_map__set_value_size(counters->skel->maps.regions,
				      sizeof(struct kft_region) * counters->nr_cpus);
	if (!err && opts->want_references)
		err = find_allocators(counters->skel, reader) ?: size_reference_maps(counters);
	if (!err)
		err = programs_bpf__load(counters->skel);
	if (!err && opts->want_references)
		err = map_reference_state(counters);
	if (err)
		goto fail;

	counters->regions = map_memory(counters->skel->maps.regions,
				       sizeof(struct kft_region) * counters->nr_cpus);
	counters->sweeps =
		map_memory(counters->skel->maps.sweep_state, sizeof(struct kft_sweep_state));
	counters->orphans = map_memory(counters->skel->maps.orphans,
				       sizeof(struct kft_orphans) * KFT_MAX_PROBES);
	if (!counters->regions || !counters->sweeps || !counters->orphans) {
		err = -errno;
		goto fail;
	}
	err = attach_watchers(counters);
	/* After the watchers: what is loaded or freed meanwhile is seen by both, harmlessly. */
	if (!err)
		err = run_silent_iterator(counters->skel->progs.record_present);
	if (err)
		goto fail;
	*result = counters;
	return 0;
fail:
	counters__free(counters);
	return err;
}

void counters__free(struct counters *counters)
{
	if (!counters)
		return;
	if (counters->regions)
		munmap((void *)counters->regions, sizeof(struct kft_region) * counters->nr_cpus);
	if (counters->sweeps)
		munmap((void *)counters->sweeps, sizeof(struct kft_sweep_state));
	if (counters->orphans)
		munmap((void *)counters->orphans, sizeof(struct kft_orphans) * KFT_MAX_PROBES);
	if (counters->references)
		munmap(counters->references, sizeof(struct kft_reference_state));
	for (int i = 0; i < NR_WATCHERS; i++)
		bpf_link__destroy(counters->watchers[i]);
	programs_bpf__destroy(counters->skel);
	kernel_symbols__free(counters->symbols);
	prog_table__free(&counters->programs);
	site_table__free(&counters->sites);
	usage__free(&counters->ended);
	free(counters->slots);
	free(counters);
}

int counters__regions_fd(const struct counters *counters)
{
	return bpf_map__fd(counters->skel->maps.regions);
}

int counters__nr_cpus(const struct counters *counters)
{
	return counters->nr_cpus;
}

struct counters_reference_maps counters__reference_maps(const struct counters *counters)
{
	struct counters_reference_maps maps = { -1, -1, -1, -1, -1, -1 };

	if (counters->references) {
		maps.site_caches_fd = bpf_map__fd(counters->skel->maps.site_caches);
		maps.site_ids_fd = bpf_map__fd(counters->skel->maps.site_ids);
		maps.transient_pages_fd = bpf_map__fd(counters->skel->maps.transient_pages);
		maps.state_fd = bpf_map__fd(counters->skel->maps.reference_state);
		maps.images_fd = bpf_map__fd(counters->skel->maps.images);
		maps.progs_fd = bpf_map__fd(counters->skel->maps.progs);
	}
	return maps;
}

struct kft_reference_state *counters__reference_state(const struct counters *counters)
{
	return counters->references;
}

int counters__nr_slots(const struct counters *counters)
{
	return counters->nr_slots;
}

__u64 counters__memory(const struct counters *counters)
{
	__u64 sites = counters->want_lines ? KFT_MAX_SITES : 0;

	__u64 references = 0;

	if (counters->references)
		references = sizeof(struct kft_reference_state) +
			     sizeof(struct kft_site_cache) * counters->nr_cpus +
			     KFT_MAX_REFERENCE_SITES * (sizeof(__u64) + sizeof(__u32)) +
			     KFT_MAX_TRANSIENT_PAGES * 2 * sizeof(__u64);
	return counters__memory_needed(counters->nr_cpus) + references +
	       sites * (sizeof(struct kft_site_key) + sizeof(struct kft_site));
}

__u64 counters__memory_needed(int nr_cpus)
{
	return (__u64)nr_cpus * sizeof(struct kft_region) +
	       KFT_MAX_IMAGES * (sizeof(struct kft_image) + sizeof(__u64)) +
	       KFT_MAX_PROGS * (sizeof(struct kft_prog) + sizeof(__u32)) +
	       KFT_MAX_RETIRED *
		       (sizeof(struct kft_retired_key) + sizeof(struct kft_retired_count)) +
	       KFT_MAX_PROBES * sizeof(struct kft_orphans);
}

const struct prog_table *counters__programs(const struct counters *counters)
{
	return &counters->programs;
}

const struct site_table *counters__sites(struct counters *counters)
{
	int err = run_silent_iterator(counters->skel->progs.record_present_lines);

	if (!err)
		err = site_table__take(&counters->sites, bpf_map__fd(counters->skel->maps.sites));
	if (err) {
		errno = -err;
		return NULL;
	}
	return &counters->sites;
}

const char *counters__kernel_site(const struct counters *counters, __u64 address, __u64 *offset)
{
	return kernel_symbols__resolve(counters->symbols, address, offset);
}

__u64 counters__kernel_function_end(const struct counters *counters, __u64 address)
{
	return kernel_symbols__end(counters->symbols, address);
}

static __u64 misses_of(const struct bpf_program *prog)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		return 0;
	return info.recursion_misses;
}

static __u64 least(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

void counters__losses(const struct counters *counters, struct counters_losses *losses)
{
	losses->programs = counters->sweeps->lost_programs;
	losses->images = counters->sweeps->lost_images;
	losses->retired = counters->sweeps->lost_retired;
	losses->missed_loads = least(misses_of(counters->skel->progs.program_loaded),
				     misses_of(counters->skel->progs.program_loaded_again));
	losses->missed_frees = least(misses_of(counters->skel->progs.image_freed),
				     misses_of(counters->skel->progs.image_freed_again));
}

/* --- reading ---------------------------------------------------------------------------------- */

static int copy_slot(struct counters *counters, const struct kft_region *region, __u32 at)
{
	__u64 key = __atomic_load_n(&region->slots[at].key, __ATOMIC_ACQUIRE);
	struct slot_copy *copy;

	if (key <= KFT_SLOT_RETIRED)
		return 0;
	if (counters->nr_slot_copies == counters->room_slot_copies) {
		size_t room = counters->room_slot_copies ? counters->room_slot_copies * 2 : 512;
		struct slot_copy *grown = realloc(counters->slots, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		counters->slots = grown;
		counters->room_slot_copies = room;
	}
	copy = &counters->slots[counters->nr_slot_copies++];
	memset(copy, 0, sizeof(*copy));
	copy->probe = (key >> 48) ^ 0xffff;
	copy->address = key | 0xffffull << 48;
	copy->counts.nulls = __atomic_load_n(&region->nulls[at], __ATOMIC_RELAXED);
	copy->counts.calls = __atomic_load_n(&region->slots[at].calls, __ATOMIC_ACQUIRE);
	copy->via = __atomic_load_n(&region->via[at], __ATOMIC_RELAXED);
	return 0;
}

static int copy_region(struct counters *counters, const struct kft_region *region)
{
	__u64 nr = __atomic_load_n(&region->nr_claims, __ATOMIC_ACQUIRE);
	int err = 0;

	for (__u64 i = 0; i < nr && i < KFT_MAX_SLOTS && !err; i++) {
		__u32 claim = __atomic_load_n(&region->claims[i], __ATOMIC_RELAXED);

		/* 0: its owner is about to write it; it is read the next time. */
		if (claim)
			err = copy_slot(counters, region, claim - 1);
	}
	return err;
}

static void drop_retired(struct counters *counters)
{
	free(counters->retired_keys);
	free(counters->retired_counts);
	counters->retired_keys = NULL;
	counters->retired_counts = NULL;
	counters->nr_retired = 0;
}

/*
 * Everything that a sweep moves about, as of one moment: slots, images and the records of ended
 * programs. Returns 1 when a sweep came in between.
 */
static int read_once(struct counters *counters)
{
	const struct kft_sweep_state *sweeps = counters->sweeps;
	__u64 ended = __atomic_load_n(&sweeps->ended, __ATOMIC_ACQUIRE);
	int err = 0;

	counters->nr_slot_copies = 0;
	drop_retired(counters);
	for (int cpu = 0; cpu < counters->nr_cpus && !err; cpu++)
		err = copy_region(counters, &counters->regions[cpu]);
	if (!err)
		err = prog_table__read_images(&counters->programs,
					      bpf_map__fd(counters->skel->maps.images));
	if (!err)
		err = prog_table__read_progs(&counters->programs,
					     bpf_map__fd(counters->skel->maps.progs));
	if (!err)
		err = bpf_map_dump(
			bpf_map__fd(counters->skel->maps.retired), sizeof(*counters->retired_keys),
			sizeof(*counters->retired_counts), (void **)&counters->retired_keys,
			(void **)&counters->retired_counts, &counters->nr_retired);
	if (err)
		return err;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&sweeps->begun, __ATOMIC_ACQUIRE) != ended;
}

static int read_quiet(struct counters *counters)
{
	__u64 deadline = clock_ns() + MAX_DRAIN_NS;
	int err;

	while ((err = read_once(counters)) == 1) {
		if (clock_ns() > deadline)
			return -EAGAIN;
		sched_yield();
	}
	return err;
}

/* --- making rows ------------------------------------------------------------------------------ */

/*
 * A specialised kfunc may be called by its own twin (bpf_dynptr_from_skb), or call it
 * (bpf_set_dentry_xattr): that is one call of a program, and the probe on the one that calls has
 * counted it.
 */
static bool is_call_between_twins(const struct probe_set *set, int idx, const char *kernel_caller)
{
	int twin = probe_set__twin(set, idx);

	return twin >= 0 && strcmp(probe_set__at(set, twin)->target.function, kernel_caller) == 0;
}

static bool is_trampoline(const char *symbol)
{
	return strncmp(symbol, "bpf_trampoline_", strlen("bpf_trampoline_")) == 0;
}

struct counters_caller counters__caller_at(const struct counters *counters, __u64 address,
					   __u64 via)
{
	const struct prog_image *image = prog_table__resolve(&counters->programs, address);
	struct counters_caller caller = { .kind = CALLER_UNKNOWN };
	const char *symbol = NULL;
	__u64 offset;

	if (!image)
		symbol = kernel_symbols__resolve(counters->symbols, address, &offset);
	if (symbol && !(via && is_trampoline(symbol))) {
		caller.kind = CALLER_KERNEL;
		caller.site = address;
	} else if (via) {
		/*
		 * A program called the other function, or the trampoline of probes on it, and that
		 * called this one.
		 */
		caller.kind = CALLER_KERNEL;
		caller.site = via;
	} else if (image) {
		caller.kind = CALLER_PROGRAM;
		caller.prog_id = image->image.prog_id;
		caller.subprog = image->image.subprog;
		caller.site = address - image->start;
	}
	return caller;
}

struct counters_caller counters__caller_of(const struct counters *counters,
					   const struct kft_reference_site *site)
{
	struct counters_caller caller = { .kind = CALLER_UNKNOWN };

	if (!site->key)
		return caller;
	if (site->via || !(site->flags & KFT_SITE_RETIRED))
		return counters__caller_at(counters, site->key | 0xffffull << 48, site->via);
	if (site->prog_id) {
		caller.kind = CALLER_PROGRAM;
		caller.prog_id = site->prog_id;
		caller.subprog = site->subprog;
		caller.site = site->offset;
	}
	return caller;
}

static int add_slot(struct counters *counters, const struct probe_set *set,
		    const struct slot_copy *slot, struct usage *usage)
{
	const struct probe *probe = probe_set__at(set, slot->probe);
	struct counters_caller caller = counters__caller_at(counters, slot->address, slot->via);
	struct usage_key key = {
		.subject = probe->target.subject,
		.kind = caller.kind,
		.prog_id = caller.prog_id,
		.subprog = caller.subprog,
		.site = caller.site,
	};
	struct usage_counts counts = slot->counts;
	const char *function;
	__u64 offset;

	if (caller.kind == CALLER_KERNEL && caller.site == slot->address) {
		function = kernel_symbols__resolve(counters->symbols, caller.site, &offset);
		if (function && is_call_between_twins(set, slot->probe, function))
			return 0;
	}
	if (caller.kind == CALLER_UNKNOWN)
		counts.no_caller = counts.calls;
	return usage__add(usage, &key, &counts);
}

static int add_retired(const struct counters *counters, const struct probe_set *set, size_t at,
		       struct usage *usage)
{
	const struct kft_retired_key *retired = &counters->retired_keys[at];
	struct usage_key key = {
		.subject = probe_set__at(set, retired->probe)->target.subject,
		.kind = CALLER_PROGRAM,
		.prog_id = retired->prog_id,
		.subprog = retired->subprog,
		.site = retired->offset,
	};
	struct usage_counts counts = {
		.calls = counters->retired_counts[at].calls,
		.nulls = counters->retired_counts[at].nulls,
	};

	if (!retired->prog_id) {
		key.kind = CALLER_KERNEL;
		key.subprog = 0;
		key.site = (__u64)retired->subprog << 32 | retired->offset;
	}
	return usage__add(usage, &key, &counts);
}

/* What no slot has: one row of unknown callers a kfunc. */
static int add_unattributed(const struct counters *counters, const struct probe_set *set, int probe,
			    struct usage *usage)
{
	struct usage_key key = {
		.subject = probe_set__at(set, probe)->target.subject,
		.kind = CALLER_UNKNOWN,
	};
	struct usage_counts counts = { 0 };

	for (int cpu = 0; cpu < counters->nr_cpus; cpu++) {
		const struct kft_unattributed *lost = &counters->regions[cpu].unattributed[probe];

		counts.table_full += lost->table_full;
		counts.no_caller += lost->no_caller;
		counts.nulls += lost->nulls;
	}
	counts.orphaned = counters->orphans[probe].calls;
	counts.nulls += counters->orphans[probe].nulls;
	counts.recursion_misses = probe_set__recursion_misses(set, probe);
	counts.calls =
		counts.table_full + counts.no_caller + counts.orphaned + counts.recursion_misses;
	return counts.calls ? usage__add(usage, &key, &counts) : 0;
}

/*
 * Records of programs that are gone for good are final: nothing adds to them any more. They are
 * taken out of the kernel's maps, which so have room for months of programs that come and go.
 */
static int take_ended(struct counters *counters, const struct probe_set *set)
{
	int retired_fd = bpf_map__fd(counters->skel->maps.retired);
	int progs_fd = bpf_map__fd(counters->skel->maps.progs);

	for (size_t i = 0; i < counters->nr_retired; i++) {
		const struct kft_prog *prog =
			prog_table__find(&counters->programs, counters->retired_keys[i].prog_id);
		int err;

		if (!prog || !kft_prog__is_gone(prog))
			continue;
		err = add_retired(counters, set, i, &counters->ended);
		if (err)
			return err;
		bpf_map_delete_elem(retired_fd, &counters->retired_keys[i]);
		/* Counted by now, not to be counted again below. */
		counters->retired_counts[i].calls = 0;
		counters->retired_counts[i].nulls = 0;
	}
	for (size_t i = 0; i < counters->programs.nr_progs; i++) {
		struct known_prog *known = &counters->programs.progs[i];

		if (known->dropped || !kft_prog__is_gone(&known->prog))
			continue;
		bpf_map_delete_elem(progs_fd, &known->prog.id);
		known->dropped = true;
	}
	usage__compact(&counters->ended);
	return 0;
}

int counters__drain(struct counters *counters, const struct probe_set *set, struct usage *usage)
{
	int err = read_quiet(counters);

	usage__clear(usage);
	if (!err)
		err = take_ended(counters, set);
	for (size_t i = 0; i < counters->nr_slot_copies && !err; i++)
		err = add_slot(counters, set, &counters->slots[i], usage);
	for (size_t i = 0; i < counters->nr_retired && !err; i++) {
		if (counters->retired_counts[i].calls)
			err = add_retired(counters, set, i, usage);
	}
	for (int i = 0; i < probe_set__nr(set) && !err; i++)
		err = add_unattributed(counters, set, i, usage);
	for (size_t i = 0; i < counters->ended.nr && !err; i++)
		err = usage__add(usage, &counters->ended.rows[i].key,
				 &counters->ended.rows[i].counts);
	drop_retired(counters);
	usage__compact(usage);
	return err;
}
