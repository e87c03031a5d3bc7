// SPDX-License-Identifier: GPL-2.0-only
#include "references.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf_iter_run.h"
#include "bpf_map_dump.h"
#include "btf_lookup.h"
#include "counters.h"
#include "kernel_btf.h"
#include "objects.skel.h"
#include "pairing.h"
#include "probe_template.h"
#include "site_numbers.h"

struct references {
	struct objects_bpf *skel;
	struct counters *counters;
	struct kft_reference_state *state;
	struct references_options opts;
	/* With opts.recycle. */
	struct kft_holds *holds; /* shared with the kernel; NULL: none are kept */
	struct site_numbers *numbers;
};

/*
 * Records of free objects may take a quarter of the room, which is made for them on top: a host
 * whose programs hold the same few objects again and again never inserts or deletes one.
 */
#define KEEP_FREE(max) ((max) / 4)

/* --- opening ---------------------------------------------------------------------------------- */

static __u64 offset_or_none(const struct btf *btf, const char *structure, const char *member)
{
	long offset = btf_lookup__member_offset(btf, structure, member);

	/* Added to an address, it makes one that cannot be read. */
	return offset < 0 ? 1ull << 62 : (__u64)offset;
}

static void find_members(const struct btf *vmlinux, struct kft_member_offsets *offsets)
{
	__u32 memory = 0;

	btf_lookup__enumerator(vmlinux, "memory_cgrp_id", &memory);
	*offsets = (struct kft_member_offsets){
		.task_pid = offset_or_none(vmlinux, "task_struct", "pid"),
		.task_tgid = offset_or_none(vmlinux, "task_struct", "tgid"),
		.task_comm = offset_or_none(vmlinux, "task_struct", "comm"),
		.cgroup_kn = offset_or_none(vmlinux, "cgroup", "kn"),
		.kernfs_id = offset_or_none(vmlinux, "kernfs_node", "id"),
		.cgroup_level = offset_or_none(vmlinux, "cgroup", "level"),
		.cgroup_subsys = offset_or_none(vmlinux, "cgroup", "subsys"),
		.css_cgroup = offset_or_none(vmlinux, "cgroup_subsys_state", "cgroup"),
		.memory_subsys = memory,
	};
}

/* The maps have their sizes before they are loaded. */
static int size_maps(struct references *references)
{
	const struct references_options *opts = &references->opts;
	struct objects_bpf *skel = references->skel;
	int err = 0;

	if (opts->max_objects)
		err = bpf_map__set_max_entries(skel->maps.objects,
					       opts->max_objects + KEEP_FREE(opts->max_objects))
			      ?: bpf_map__set_value_size(skel->maps.holds,
							 sizeof(struct kft_holds));
	if (!err && opts->ring_bytes)
		err = bpf_map__set_max_entries(skel->maps.events, opts->ring_bytes);
	return err;
}

static int load(struct references *references, const struct btf *vmlinux,
		const struct pairing *pairing)
{
	struct objects_bpf *skel = references->skel;
	__u32 online = 0;
	int err = size_maps(references);

	if (err)
		return err;
	if (pairing__nr_types(pairing) > KFT_MAX_REFERENCE_TYPES)
		return -E2BIG;
	if (!references->opts.max_objects) {
		bpf_program__set_autoload(skel->progs.show_objects, false);
		bpf_program__set_autoload(skel->progs.collect_objects, false);
		bpf_program__set_autoload(skel->progs.search_elements, false);
	}
	btf_lookup__enumerator(vmlinux, "CSS_ONLINE", &online);
	skel->rodata->css_online = online;
	err = objects_bpf__load(skel);
	if (!err)
		references__know_types(references, pairing);
	return err;
}

void references__know_types(struct references *references, const struct pairing *pairing)
{
	for (int i = 0; i < pairing__nr_types(pairing); i++)
		references->skel->bss->object_of_type[i] = pairing__type(pairing, i)->object;
}

/* Whatever has a number must be known to the numbers. */
static int open_numbers(struct references *references)
{
	const struct references_options *opts = &references->opts;
	const struct objects_bpf *skel = references->skel;
	struct site_numbers_maps maps = { .objects_fd = -1, .events_fd = -1 };
	void *holds;

	if (opts->max_objects) {
		holds = mmap(NULL, sizeof(*references->holds), PROT_READ | PROT_WRITE, MAP_SHARED,
			     bpf_map__fd(skel->maps.holds), 0);
		if (holds == MAP_FAILED)
			return -errno;
		references->holds = maps.holds = holds;
		maps.objects_fd = bpf_map__fd(skel->maps.objects);
	}
	if (opts->ring_bytes)
		maps.events_fd = bpf_map__fd(skel->maps.events);
	return site_numbers__open(references->counters, &maps, &references->numbers);
}

int references__open(const struct references_options *opts, struct counters *counters,
		     struct kernel_btf_set *btfs, const struct pairing *pairing,
		     struct references **result)
{
	struct references *references = calloc(1, sizeof(*references));
	int err;

	if (!references)
		return -ENOMEM;
	references->opts = *opts;
	references->counters = counters;
	references->state = counters__reference_state(counters);
	references->skel = objects_bpf__open();
	if (!references->skel) {
		err = -errno;
		goto fail;
	}
	err = load(references, kernel_btf_set__vmlinux(btfs), pairing);
	if (!err && opts->recycle)
		err = open_numbers(references);
	if (err)
		goto fail;
	find_members(kernel_btf_set__vmlinux(btfs), &references->state->offsets);
	references->state->keep_records = KEEP_FREE(opts->max_objects);
	references->state->events_a_second = opts->events_a_second ?: INT64_MAX;
	*result = references;
	return 0;
fail:
	references__free(references);
	return err;
}

void references__free(struct references *references)
{
	if (!references)
		return;
	site_numbers__free(references->numbers);
	if (references->holds)
		munmap(references->holds, sizeof(*references->holds));
	objects_bpf__destroy(references->skel);
	free(references);
}

void references__tell_template(const struct references *references, struct probe_template *tmpl)
{
	const struct counters_reference_maps shared =
		counters__reference_maps(references->counters);
	const struct probe_template_maps maps = {
		.objects_fd = bpf_map__fd(references->skel->maps.objects),
		.holds_fd = bpf_map__fd(references->skel->maps.holds),
		.events_fd = bpf_map__fd(references->skel->maps.events),
		.site_ids_fd = shared.site_ids_fd,
		.transient_pages_fd = shared.transient_pages_fd,
		.site_caches_fd = shared.site_caches_fd,
		.state_fd = shared.state_fd,
	};

	probe_template__set_maps(tmpl, &maps);
}

__u64 references__memory(const struct references *references)
{
	__u64 objects = references->opts.max_objects, bytes = references->opts.ring_bytes;

	if (objects)
		bytes += (objects + KEEP_FREE(objects)) *
				 (sizeof(__u64) + sizeof(struct kft_reference_object)) +
			 sizeof(struct kft_holds);
	return bytes;
}

__u32 references__max_objects(const struct references *references)
{
	return references->opts.max_objects;
}

int references__events_fd(const struct references *references)
{
	return bpf_map__fd(references->skel->maps.events);
}

const struct kft_reference_state *references__state(const struct references *references)
{
	return references->state;
}

const struct kft_reference_site *references__site(const struct references *references, __u32 site)
{
	if (site == KFT_NO_SITE || site >= KFT_MAX_REFERENCE_SITES)
		return NULL;
	return &references->state->sites[site];
}

int references__take_changes(struct references *references, struct site_changes *changes)
{
	return site_numbers__take_changes(references->numbers, changes);
}

const struct site_numbers *references__numbers(const struct references *references)
{
	return references->numbers;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* An iterator over the elements of the map of objects. */
static int iterate_objects(struct references *references, const struct bpf_program *prog,
			   char **data, size_t *size)
{
	union bpf_iter_link_info info = {
		.map = { .map_fd = bpf_map__fd(references->skel->maps.objects) },
	};

	*data = NULL;
	*size = 0;
	if (!references->opts.max_objects)
		return 0;
	return bpf_iter_run(prog, &info, data, size);
}

int references__tend(struct references *references)
{
	__u64 *collected = &references->skel->bss->nr_collected, before = *collected, nr;
	size_t size;
	char *data;
	int err;

	nr = __atomic_load_n(&references->state->nr_objects, __ATOMIC_RELAXED);
	if (!references->opts.max_objects || nr <= references->state->keep_records)
		return 0;
	err = iterate_objects(references, references->skel->progs.collect_objects, &data, &size);
	if (err)
		return err;
	free(data);
	__atomic_fetch_sub(&references->state->nr_objects, *collected - before, __ATOMIC_RELAXED);
	return 0;
}

/* Returns how many bytes the next object takes, or a negative errno. */
static int take_object(struct held_object *object, const char *data, size_t size)
{
	size_t len = sizeof(object->report), rest;

	if (size < len)
		return -EBADMSG;
	memcpy(&object->report, data, len);
	object->components = NULL;
	rest = object->report.nr_components * sizeof(*object->components);
	if (!rest)
		return len;
	if (size < len + rest)
		return -EBADMSG;
	object->components = malloc(rest);
	if (!object->components)
		return -ENOMEM;
	memcpy(object->components, data + len, rest);
	return len + rest;
}

int references__read_objects(struct references *references, struct held_object **objects,
			     size_t *nr)
{
	size_t size, at = 0, room = 0;
	int taken, err;
	char *data;

	*objects = NULL;
	*nr = 0;
	err = iterate_objects(references, references->skel->progs.show_objects, &data, &size);
	if (err)
		return err;
	while (at < size && !err) {
		if (*nr == room) {
			struct held_object *grown;

			room = room ? room * 2 : 64;
			grown = realloc(*objects, room * sizeof(*grown));
			if (!grown) {
				err = -ENOMEM;
				break;
			}
			*objects = grown;
		}
		taken = take_object(&(*objects)[*nr], data + at, size - at);
		if (taken < 0) {
			err = taken;
			break;
		}
		at += taken;
		(*nr)++;
	}
	free(data);
	if (err) {
		held_objects__free(*objects, *nr);
		*objects = NULL;
		*nr = 0;
	}
	return err;
}

void held_objects__free(struct held_object *objects, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(objects[i].components);
	free(objects);
}

static bool is_per_cpu(__u32 map_type)
{
	return map_type == BPF_MAP_TYPE_PERCPU_HASH || map_type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       map_type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* The map is held only as long as it is looked through: it may be going meanwhile. */
static int search_map(struct references *references, const struct kft_kptr_map *map,
		      struct searched_map *result)
{
	struct objects_bpf *skel = references->skel;
	union bpf_iter_link_info info = { 0 };
	struct bpf_map_info map_info = { 0 };
	__u32 len = sizeof(map_info);
	int fd = bpf_map_get_fd_by_id(map->map_id), err;
	size_t size;
	char *data;

	if (fd < 0)
		return -errno;
	if (!bpf_obj_get_info_by_fd(fd, &map_info, &len))
		memcpy(result->name, map_info.name, sizeof(result->name) - 1);
	result->id = map->map_id;
	skel->bss->searched = *map;
	info.map.map_fd = fd;
	/* The kernel shows iterators a copy of the values of each CPU, without the kptrs in them. */
	err = is_per_cpu(map->map_type)
		      ? -EOPNOTSUPP
		      : bpf_iter_run(skel->progs.search_elements, &info, &data, &size);
	if (!err) {
		free(data);
		result->is_searched = true;
	}
	close(fd);
	return 0;
}

static int compare_maps(const void *a, const void *b)
{
	const struct searched_map *left = a, *right = b;

	return left->id < right->id ? -1 : left->id > right->id;
}

int references__search_maps(struct references *references, struct searched_map **maps, size_t *nr,
			    __u32 *number)
{
	const struct kft_kptr_map *found;
	size_t size, nr_found;
	char *data;
	int err;

	*maps = NULL;
	*nr = 0;
	*number = ++references->skel->bss->search_number;
	if (!references->opts.max_objects)
		return 0;
	err = bpf_iter_run(references->skel->progs.show_kptr_maps, NULL, &data, &size);
	if (err)
		return err;
	found = (void *)data;
	nr_found = size / sizeof(*found);
	*maps = calloc(nr_found ?: 1, sizeof(**maps));
	if (!*maps)
		err = -ENOMEM;
	for (size_t i = 0; i < nr_found && !err; i++) {
		/* One that has gone meanwhile is not looked through. */
		if (!search_map(references, &found[i], &(*maps)[*nr]))
			(*nr)++;
	}
	free(data);
	if (*nr)
		qsort(*maps, *nr, sizeof(**maps), compare_maps);
	return err;
}

static int compare_tids(const void *a, const void *b)
{
	const __u32 *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

int references__read_sleepers(struct references *references, __u32 **tids, size_t *nr)
{
	size_t size;
	char *data;
	int err = bpf_iter_run(references->skel->progs.show_sleepers, NULL, &data, &size);

	*tids = NULL;
	*nr = 0;
	if (err)
		return err;
	*tids = (__u32 *)data;
	*nr = size / sizeof(**tids);
	if (*nr)
		qsort(*tids, *nr, sizeof(**tids), compare_tids);
	return 0;
}

bool references__is_sleeper(const __u32 *tids, size_t nr, __u32 tid)
{
	return nr && bsearch(&tid, tids, nr, sizeof(tid), compare_tids);
}

int references__read_holds(const struct references *references, struct kft_hold_key **keys,
			   struct kft_hold **holds, size_t *nr)
{
	struct kft_holds *table = malloc(sizeof(*table));
	__u32 zero = 0;
	int err = 0;

	*nr = 0;
	*keys = calloc(KFT_MAX_HOLDS, sizeof(**keys));
	*holds = calloc(KFT_MAX_HOLDS, sizeof(**holds));
	if (!table || !*keys || !*holds)
		err = -ENOMEM;
	else if (bpf_map_lookup_elem(bpf_map__fd(references->skel->maps.holds), &zero, table))
		err = -errno;
	for (int i = 0; !err && i < KFT_MAX_HOLDS; i++) {
		if (!table->holds[i].count)
			continue;
		(*keys)[*nr] = (struct kft_hold_key){
			.acquired_at = table->keys[i],
			.released_at = table->keys[i] >> 32,
		};
		(*holds)[(*nr)++] = table->holds[i];
	}
	free(table);
	if (err) {
		free(*keys);
		free(*holds);
		*keys = NULL;
		*holds = NULL;
	}
	return err;
}
