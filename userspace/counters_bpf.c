// SPDX-License-Identifier: GPL-2.0-only
/* The counters of the BPF programs, in maps (programs.bpf.c, probe_frame.h). */
#include "counters_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../tracepoints/counter_records.h"
#include "../tracepoints/reference_records.h"
#include "bpf_iter_run.h"
#include "bpf_map_dump.h"
#include "kernel_reader.h"
#include "probe_set.h"
#include "programs.skel.h"

#define NR_WATCHERS   6
#define ORPHANS_BYTES (KFT_MAX_PROBES * sizeof(struct kft_orphans))

struct bpf_counters {
	struct programs_bpf *skel;
	struct bpf_link *watchers[NR_WATCHERS];
	bool want_lines;

	/* Shared with the kernel. */
	const struct kft_region *regions;
	const struct kft_sweep_state *sweeps;
	const struct kft_orphans *orphans;
	struct kft_orphans *orphans_copy;	/* as of the same moment as the slots */
	struct kft_reference_state *references; /* NULL: not wanted */
};

static struct bpf_counters *own(const struct counters *counters)
{
	return counters->own;
}

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
	struct programs_bpf *skel = own(counters)->skel;

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
			    MAP_SHARED, bpf_map__fd(own(counters)->skel->maps.reference_state), 0);

	if (memory == MAP_FAILED)
		return -errno;
	own(counters)->references = memory;
	return 0;
}

static int attach_watchers(struct bpf_counters *counters)
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

/* --- reading ---------------------------------------------------------------------------------- */

static int copy_retired(struct counters *counters)
{
	struct kft_retired_count *counts;
	struct kft_retired_key *keys;
	size_t nr;
	int err = bpf_map_dump(bpf_map__fd(own(counters)->skel->maps.retired), sizeof(*keys),
			       sizeof(*counts), (void **)&keys, (void **)&counts, &nr);

	if (err)
		return err;
	for (size_t i = 0; i < nr && !err; i++) {
		struct retired_copy *copy = counters__add_retired(counters);

		if (!copy) {
			err = -ENOMEM;
			break;
		}
		copy->key = keys[i];
		copy->counts.calls = copy->counts.returns = counts[i].calls;
		copy->counts.nulls = counts[i].nulls;
	}
	free(keys);
	free(counts);
	return err;
}

/*
 * Everything that a sweep moves about, as of one moment: slots, images and the records of ended
 * programs. Returns 1 when a sweep came in between.
 */
static int read_once(struct counters *counters)
{
	const struct kft_sweep_state *sweeps = own(counters)->sweeps;
	__u64 ended = __atomic_load_n(&sweeps->ended, __ATOMIC_ACQUIRE);
	int err = 0;

	for (int cpu = 0; cpu < counters->nr_cpus && !err; cpu++)
		err = counters__copy_region(counters, &own(counters)->regions[cpu]);
	if (!err)
		err = prog_table__read_images(&counters->programs,
					      bpf_map__fd(own(counters)->skel->maps.images));
	if (!err)
		err = prog_table__read_progs(&counters->programs,
					     bpf_map__fd(own(counters)->skel->maps.progs));
	if (!err)
		err = copy_retired(counters);
	if (err)
		return err;
	memcpy(own(counters)->orphans_copy, own(counters)->orphans, ORPHANS_BYTES);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&sweeps->begun, __ATOMIC_ACQUIRE) != ended;
}

static struct usage_counts unattributed(const struct counters *counters, int probe)
{
	const struct kft_orphans *orphans = &own(counters)->orphans_copy[probe];
	struct usage_counts counts = { .orphaned = orphans->calls, .nulls = orphans->nulls };

	for (int cpu = 0; cpu < counters->nr_cpus; cpu++)
		counters__add_unattributed(&own(counters)->regions[cpu], probe, &counts);
	counts.returns = counts.table_full + counts.no_caller + counts.orphaned;
	return counts;
}

/*
 * Programs that are gone are taken out of the kernel's maps, which so have room for months of
 * programs that come and go.
 */
static void forget(struct counters *counters, __u32 prog_id)
{
	int retired_fd = bpf_map__fd(own(counters)->skel->maps.retired);

	for (size_t i = 0; i < counters->nr_retired; i++) {
		if (counters->retired[i].key.prog_id == prog_id)
			bpf_map_delete_elem(retired_fd, &counters->retired[i].key);
	}
	bpf_map_delete_elem(bpf_map__fd(own(counters)->skel->maps.progs), &prog_id);
}

static int read_sites(struct counters *counters, struct site_table *sites)
{
	int err = run_silent_iterator(own(counters)->skel->progs.record_present_lines);

	return err ?: site_table__take(sites, bpf_map__fd(own(counters)->skel->maps.sites));
}

static int take_sites(struct counters *counters, struct site_table *sites)
{
	if (!own(counters)->want_lines)
		return 0;
	return site_table__take(sites, bpf_map__fd(own(counters)->skel->maps.sites));
}

static bool has_image(const struct counters *counters, const struct prog_image *image)
{
	struct kft_image now;

	return !bpf_map_lookup_elem(bpf_map__fd(own(counters)->skel->maps.images), &image->start,
				    &now) &&
	       now.prog_id == image->image.prog_id;
}

static struct kft_reference_state *references(const struct counters *counters)
{
	return own(counters)->references;
}

static struct counters_reference_maps reference_maps(const struct counters *counters)
{
	const struct programs_bpf *skel = own(counters)->skel;

	return (struct counters_reference_maps){
		.site_caches_fd = bpf_map__fd(skel->maps.site_caches),
		.site_ids_fd = bpf_map__fd(skel->maps.site_ids),
		.transient_pages_fd = bpf_map__fd(skel->maps.transient_pages),
		.state_fd = bpf_map__fd(skel->maps.reference_state),
		.images_fd = bpf_map__fd(skel->maps.images),
		.progs_fd = bpf_map__fd(skel->maps.progs),
	};
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

static void find_losses(const struct counters *counters, struct counters_losses *losses)
{
	losses->programs = own(counters)->sweeps->lost_programs;
	losses->images = own(counters)->sweeps->lost_images;
	losses->retired = own(counters)->sweeps->lost_retired;
	losses->missed_loads = least(misses_of(own(counters)->skel->progs.program_loaded),
				     misses_of(own(counters)->skel->progs.program_loaded_again));
	losses->missed_frees = least(misses_of(own(counters)->skel->progs.image_freed),
				     misses_of(own(counters)->skel->progs.image_freed_again));
}

__u64 counters__memory_needed(int nr_cpus)
{
	return (__u64)nr_cpus * sizeof(struct kft_region) +
	       KFT_MAX_IMAGES * (sizeof(struct kft_image) + sizeof(__u64)) +
	       KFT_MAX_PROGS * (sizeof(struct kft_prog) + sizeof(__u32)) +
	       KFT_MAX_RETIRED *
		       (sizeof(struct kft_retired_key) + sizeof(struct kft_retired_count)) +
	       ORPHANS_BYTES;
}

static __u64 memory(const struct counters *counters)
{
	__u64 sites = own(counters)->want_lines ? KFT_MAX_SITES : 0;
	__u64 references = 0;

	if (own(counters)->references)
		references = sizeof(struct kft_reference_state) +
			     sizeof(struct kft_site_cache) * counters->nr_cpus +
			     KFT_MAX_REFERENCE_SITES * (sizeof(__u64) + sizeof(__u32)) +
			     KFT_MAX_TRANSIENT_PAGES * 2 * sizeof(__u64);
	return counters__memory_needed(counters->nr_cpus) + references +
	       sites * (sizeof(struct kft_site_key) + sizeof(struct kft_site));
}

static void free_bpf(struct counters *counters)
{
	struct bpf_counters *bpf = own(counters);

	if (bpf->regions)
		munmap((void *)bpf->regions, sizeof(struct kft_region) * counters->nr_cpus);
	if (bpf->sweeps)
		munmap((void *)bpf->sweeps, sizeof(struct kft_sweep_state));
	if (bpf->orphans)
		munmap((void *)bpf->orphans, ORPHANS_BYTES);
	free(bpf->orphans_copy);
	if (bpf->references)
		munmap(bpf->references, sizeof(struct kft_reference_state));
	for (int i = 0; i < NR_WATCHERS; i++)
		bpf_link__destroy(bpf->watchers[i]);
	programs_bpf__destroy(bpf->skel);
	free(bpf);
}

static const struct counters_source source = {
	.read = read_once,
	.unattributed = unattributed,
	.forget = forget,
	.read_sites = read_sites,
	.take_sites = take_sites,
	.has_image = has_image,
	.references = references,
	.reference_maps = reference_maps,
	.losses = find_losses,
	.memory = memory,
	.free = free_bpf,
};

static int load(struct counters *counters, const struct counters_options *opts,
		struct kernel_reader *reader)
{
	struct bpf_counters *bpf = own(counters);
	int err = 0;

	bpf->skel = programs_bpf__open();
	if (!bpf->skel)
		return -errno;
	bpf->skel->rodata->nr_cpus = counters->nr_cpus;
	bpf->skel->rodata->want_lines = opts->want_lines;
	if (opts->want_lines)
		bpf_map__set_max_entries(bpf->skel->maps.sites, KFT_MAX_SITES);
	err = bpf_map__set_value_size(bpf->skel->maps.regions,
				      sizeof(struct kft_region) * counters->nr_cpus);
	if (!err && opts->want_references)
		err = find_allocators(bpf->skel, reader) ?: size_reference_maps(counters);
	if (!err)
		err = programs_bpf__load(bpf->skel);
	if (!err && opts->want_references)
		err = map_reference_state(counters);
	if (err)
		return err;
	bpf->regions =
		map_memory(bpf->skel->maps.regions, sizeof(struct kft_region) * counters->nr_cpus);
	bpf->sweeps = map_memory(bpf->skel->maps.sweep_state, sizeof(struct kft_sweep_state));
	bpf->orphans = map_memory(bpf->skel->maps.orphans, ORPHANS_BYTES);
	bpf->orphans_copy = calloc(1, ORPHANS_BYTES);
	return bpf->regions && bpf->sweeps && bpf->orphans && bpf->orphans_copy ? 0 : -errno;
}

int counters__open(const struct counters_options *opts, struct kernel_reader *reader,
		   struct counters **result)
{
	struct counters *counters;
	struct bpf_counters *bpf;
	int err = counters__new(reader, opts->nr_slots, &counters);

	if (err)
		return err;
	bpf = calloc(1, sizeof(*bpf));
	if (!bpf) {
		counters__free(counters);
		return -ENOMEM;
	}
	bpf->want_lines = opts->want_lines;
	counters->own = bpf;
	counters->source = &source;
	err = load(counters, opts, reader);
	if (!err)
		err = attach_watchers(bpf);
	/* After the watchers: what is loaded or freed meanwhile is seen by both, harmlessly. */
	if (!err)
		err = run_silent_iterator(bpf->skel->progs.record_present);
	if (err) {
		counters__free(counters);
		return err;
	}
	*result = counters;
	return 0;
}

int counters__regions_fd(const struct counters *counters)
{
	return bpf_map__fd(own(counters)->skel->maps.regions);
}
