// SPDX-License-Identifier: GPL-2.0-only
/* What the numbers of call sites have to ask of the kernel. */
#include "site_numbers_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "prog_table.h"

/* Objects that are read at once; more when they share a bucket of the map. */
#define FIRST_BATCH 1024

struct live_numbers {
	struct counters *counters;
	struct counters_reference_maps shared;
	int objects_fd;
	const struct kft_site_cache *caches; /* one a CPU */
	size_t caches_size;
	const __u64 *consumed, *produced; /* of the ring of events; NULL: there is none */
	/* An array of maps, and what stands in it. */
	int outer_fd, inner_fd;
};

static __u64 nr_drains(void *arg)
{
	const struct live_numbers *live = arg;

	return counters__nr_drains(live->counters);
}

/* One that is not known any more was forgotten, for it was gone. */
static bool is_gone(void *arg, __u32 prog_id)
{
	const struct live_numbers *live = arg;
	const struct kft_prog *prog = prog_table__find(counters__programs(live->counters), prog_id);

	return !prog || kft_prog__is_gone(prog);
}

static bool find_caller(void *arg, const struct kft_reference_site *site,
			struct counters_caller *caller)
{
	const struct live_numbers *live = arg;

	return counters__find_caller(live->counters, site, caller);
}

/* --- who has a number ------------------------------------------------------------------------- */

static void look_into_caches(const struct live_numbers *live, struct number_set *found)
{
	int nr_cpus = counters__nr_cpus(live->counters);
	int nr_slots = counters__nr_slots(live->counters);

	for (int cpu = 0; cpu < nr_cpus; cpu++) {
		for (int i = 0; i < nr_slots; i++) {
			__u32 number =
				__atomic_load_n(&live->caches[cpu].sites[i], __ATOMIC_RELAXED);

			if (number < KFT_MAX_REFERENCE_SITES)
				found->has[number] = true;
		}
	}
}

static int find_reachable(void *arg, const struct number_set *asked, struct number_set *found)
{
	const struct live_numbers *live = arg;
	const struct kft_reference_state *state = counters__reference_state(live->counters);

	/* The map first: a probe takes a number from there into its cache. */
	for (__u32 i = KFT_FIRST_REFERENCE_SITE; i < KFT_MAX_REFERENCE_SITES; i++) {
		__u64 key = state->sites[i].key;
		__u32 number;

		if (!asked->has[i])
			continue;
		if (!bpf_map_lookup_elem(live->shared.site_ids_fd, &key, &number))
			found->has[i] |= number == i;
		else if (errno != ENOENT)
			return -errno;
	}
	look_into_caches(live, found);
	return 0;
}

static void note_holders(const struct kft_reference_object *object, struct number_set *found)
{
	__u64 episode = object->state & KFT_STATE_EPISODE;

	if (!(object->state & KFT_STATE_REFS))
		return;
	for (int i = 0; i < KFT_MAX_HOLDERS; i++) {
		__u32 number = object->holders[i] & KFT_HOLDER_SITE;

		if ((object->holders[i] & KFT_STATE_EPISODE) == episode &&
		    number < KFT_MAX_REFERENCE_SITES)
			found->has[number] = true;
	}
}

struct object_batch {
	__u64 *keys;
	struct kft_reference_object *objects;
	__u32 room;
};

static int make_batch(struct object_batch *batch, __u32 room)
{
	free(batch->keys);
	free(batch->objects);
	batch->keys = calloc(room, sizeof(*batch->keys));
	batch->objects = calloc(room, sizeof(*batch->objects));
	batch->room = room;
	return batch->keys && batch->objects ? 0 : -ENOMEM;
}

/*
 * In batches, for of these the kernel reads each bucket of the map under its lock. An iterator may
 * leave out objects while others come and go.
 */
static int find_holders(void *arg, struct number_set *found)
{
	const struct live_numbers *live = arg;
	__u32 in_batch, out_batch, *in = NULL, nr;
	struct object_batch batch = { 0 };
	int err, done = 0;

	if (live->objects_fd < 0)
		return 0;
	err = make_batch(&batch, FIRST_BATCH);
	while (!err && !done) {
		nr = batch.room;
		done = bpf_map_lookup_batch(live->objects_fd, in, &out_batch, batch.keys,
					    batch.objects, &nr, NULL);
		if (done && errno == ENOSPC) {
			err = make_batch(&batch, batch.room * 2);
			done = 0;
			continue;
		}
		if (done && errno != ENOENT)
			err = -errno;
		for (__u32 i = 0; i < nr && !err; i++)
			note_holders(&batch.objects[i], found);
		in_batch = out_batch;
		in = &in_batch;
	}
	free(batch.keys);
	free(batch.objects);
	return err;
}

/* --- time ------------------------------------------------------------------------------------- */

/*
 * When a map in a map was replaced, the kernel waits for all programs that do not sleep and may work
 * on the former one. Probes never sleep, whoever calls them. A membarrier would do, too, but not
 * on kernels with CPUs that take no part in it (nohz_full).
 */
static int wait_for_probes(void *arg)
{
	const struct live_numbers *live = arg;
	__u32 zero = 0;

	return bpf_map_update_elem(live->outer_fd, &zero, &live->inner_fd, BPF_ANY) ? -errno : 0;
}

static __u64 events_written(void *arg)
{
	const struct live_numbers *live = arg;

	return live->produced ? __atomic_load_n(live->produced, __ATOMIC_ACQUIRE) : 0;
}

static __u64 events_read(void *arg)
{
	const struct live_numbers *live = arg;

	return live->consumed ? __atomic_load_n(live->consumed, __ATOMIC_ACQUIRE) : 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

static void unmap(const void *memory, size_t size)
{
	if (memory)
		munmap((void *)memory, size);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void free_live(void *arg)
{
	struct live_numbers *live = arg;

	unmap(live->caches, live->caches_size);
	unmap(live->consumed, getpagesize());
	unmap(live->produced, getpagesize());
	close_if_open(live->outer_fd);
	close_if_open(live->inner_fd);
	free(live);
}

static const struct site_numbers_source source = {
	.nr_drains = nr_drains,
	.is_gone = is_gone,
	.find_caller = find_caller,
	.find_reachable = find_reachable,
	.find_holders = find_holders,
	.wait_for_probes = wait_for_probes,
	.events_written = events_written,
	.events_read = events_read,
	.free = free_live,
};

static int map_memory(int fd, size_t size, off_t offset, const void **memory)
{
	void *mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, offset);

	if (mapped == MAP_FAILED)
		return -errno;
	*memory = mapped;
	return 0;
}

/* The ring's first page says how far it was read, the second how far it was written. */
static int map_events(struct live_numbers *live, int fd)
{
	int page = getpagesize();

	if (fd < 0)
		return 0;
	return map_memory(fd, page, 0, (const void **)&live->consumed)
		       ?: map_memory(fd, page, page, (const void **)&live->produced);
}

static int make_map_in_map(struct live_numbers *live)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	live->inner_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "kft_inner", sizeof(__u32), 4, 1, NULL);
	if (live->inner_fd < 0)
		return -errno;
	opts.inner_map_fd = live->inner_fd;
	live->outer_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "kft_outer", sizeof(__u32),
					sizeof(__u32), 1, &opts);
	return live->outer_fd < 0 ? -errno : 0;
}

int site_numbers__open(struct counters *counters, const struct site_numbers_maps *maps,
		       struct site_numbers **numbers)
{
	struct live_numbers *live = calloc(1, sizeof(*live));
	int err;

	if (!live)
		return -ENOMEM;
	live->counters = counters;
	live->shared = counters__reference_maps(counters);
	live->objects_fd = maps->objects_fd;
	live->outer_fd = live->inner_fd = -1;
	live->caches_size = sizeof(*live->caches) * counters__nr_cpus(counters);
	err = map_memory(live->shared.site_caches_fd, live->caches_size, 0,
			 (const void **)&live->caches);
	if (!err)
		err = map_events(live, maps->events_fd);
	if (!err)
		err = make_map_in_map(live);
	if (err) {
		free_live(live);
		return err;
	}
	return site_numbers__new(&source, live, counters__reference_state(counters), maps->holds,
				 numbers);
}
