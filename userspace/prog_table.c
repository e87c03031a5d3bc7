// SPDX-License-Identifier: GPL-2.0-only
#include "prog_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf_map_dump.h"

static int compare_images(const void *a, const void *b)
{
	const struct prog_image *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

static int compare_progs(const void *a, const void *b)
{
	const struct known_prog *left = a, *right = b;

	return left->prog.id < right->prog.id ? -1 : left->prog.id > right->prog.id;
}

static int make_room(void **array, size_t *room, size_t nr, size_t size)
{
	void *grown;

	if (nr <= *room)
		return 0;
	grown = realloc(*array, nr * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = nr;
	return 0;
}

/* What a moment has needed is not kept for ever. */
static void give_room_back(void **array, size_t *room, size_t nr, size_t size)
{
	void *smaller;

	if (!*room || nr > *room / 4)
		return;
	smaller = realloc(*array, (nr ?: 1) * size);
	if (!smaller)
		return;
	*array = smaller;
	*room = nr ?: 1;
}

int prog_table__take_images(struct prog_table *table, const __u64 *starts,
			    const struct kft_image *images, size_t nr)
{
	int err =
		make_room((void **)&table->images, &table->room_images, nr, sizeof(*table->images));

	table->nr_images = err ? 0 : nr;
	for (size_t i = 0; i < table->nr_images; i++) {
		table->images[i].start = starts[i];
		table->images[i].image = images[i];
	}
	if (table->nr_images)
		qsort(table->images, table->nr_images, sizeof(*table->images), compare_images);
	return err;
}

int prog_table__read_images(struct prog_table *table, int images_fd)
{
	struct kft_image *values;
	__u64 *starts;
	size_t nr;
	int err = bpf_map_dump(images_fd, sizeof(*starts), sizeof(*values), (void **)&starts,
			       (void **)&values, &nr);

	if (err)
		return err;
	err = prog_table__take_images(table, starts, values, nr);
	free(starts);
	free(values);
	return err;
}

int prog_table__take_progs(struct prog_table *table, const struct kft_prog *progs, size_t nr)
{
	size_t known = table->nr_progs;
	int err = make_room((void **)&table->progs, &table->room_progs, known + nr,
			    sizeof(*table->progs));

	for (size_t i = 0; i < nr && !err; i++) {
		struct known_prog now = { .prog = progs[i] }, *old;

		old = known ? bsearch(&now, table->progs, known, sizeof(now), compare_progs) : NULL;
		if (!old)
			table->progs[table->nr_progs++] = now;
		else if (!old->dropped)
			*old = now;
	}
	if (table->nr_progs > known)
		qsort(table->progs, table->nr_progs, sizeof(*table->progs), compare_progs);
	return err;
}

int prog_table__read_progs(struct prog_table *table, int progs_fd)
{
	struct kft_prog *values;
	__u32 *ids;
	size_t nr;
	int err = bpf_map_dump(progs_fd, sizeof(*ids), sizeof(*values), (void **)&ids,
			       (void **)&values, &nr);

	if (err)
		return err;
	err = prog_table__take_progs(table, values, nr);
	free(ids);
	free(values);
	return err;
}

static int compare_ids(const void *a, const void *b)
{
	const __u32 *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

void prog_table__forget(struct prog_table *table, const __u32 *ids, size_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < table->nr_progs; i++) {
		const struct known_prog *known = &table->progs[i];

		if (known->dropped &&
		    !(nr && bsearch(&known->prog.id, ids, nr, sizeof(*ids), compare_ids)))
			continue;
		table->progs[kept++] = *known;
	}
	table->nr_progs = kept;
	give_room_back((void **)&table->progs, &table->room_progs, kept, sizeof(*table->progs));
}

void prog_table__free(struct prog_table *table)
{
	free(table->progs);
	free(table->images);
	memset(table, 0, sizeof(*table));
}

const struct kft_prog *prog_table__find(const struct prog_table *table, __u32 id)
{
	const struct known_prog key = { .prog.id = id }, *found;

	if (!table->nr_progs)
		return NULL;
	found = bsearch(&key, table->progs, table->nr_progs, sizeof(key), compare_progs);
	return found ? &found->prog : NULL;
}

bool kft_prog__is_unloaded(const struct kft_prog *prog)
{
	return prog->unloaded || kft_prog__is_gone(prog);
}

bool kft_prog__is_gone(const struct kft_prog *prog)
{
	return prog->nr_freed >= prog->nr_images;
}

static bool contains(const struct prog_image *image, __u64 return_address)
{
	return return_address > image->start && return_address <= image->start + image->image.len;
}

const struct prog_image *prog_table__resolve(const struct prog_table *table, __u64 return_address)
{
	size_t low = 0, high = table->nr_images;
	const struct prog_image *found;

	/* The last image that begins before the address. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->images[middle].start < return_address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || !contains(&table->images[low - 1], return_address))
		return NULL;
	found = &table->images[low - 1];
	/* Images do not overlap but when the end of one was missed; see two of them back. */
	for (size_t i = low - 1; i-- > 0 && low - i <= 3;) {
		if (contains(&table->images[i], return_address))
			return NULL;
	}
	return found;
}
