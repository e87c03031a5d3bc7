/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF programs of this host, present and past: who is behind a program id, and whose image
 * holds an address. Filled from what programs.bpf.c records in the kernel, which needs no
 * permission to see raw addresses.
 */
#ifndef KFUNCTRACE_PROG_TABLE_H
#define KFUNCTRACE_PROG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "../tracepoints/counter_records.h"

struct prog_image {
	__u64 start;
	struct kft_image image;
};

struct known_prog {
	struct kft_prog prog;
	bool dropped; /* gone, and its record deleted in the kernel */
};

struct prog_table {
	struct known_prog *progs; /* sorted by id; kept when the program is gone: _forget() */
	size_t nr_progs, room_progs;
	struct prog_image *images; /* sorted by start; of programs that are there now */
	size_t nr_images, room_images;
};

/* Reads both maps anew. Programs already known stay. Returns 0 or a negative errno. */
int prog_table__read_images(struct prog_table *table, int images_fd);
int prog_table__read_progs(struct prog_table *table, int progs_fd);
/* The same with what was read elsewhere; it is copied. */
int prog_table__take_images(struct prog_table *table, const __u64 *starts,
			    const struct kft_image *images, size_t nr);
int prog_table__take_progs(struct prog_table *table, const struct kft_prog *progs, size_t nr);
/*
 * Forgets programs that were dropped, but those with one of `nr` ids, which are sorted.
 */
void prog_table__forget(struct prog_table *table, const __u32 *ids, size_t nr);
void prog_table__free(struct prog_table *table);

/* NULL when no such program was recorded. */
const struct kft_prog *prog_table__find(const struct prog_table *table, __u32 id);
/* True when nobody holds it any more, though it may still be running somewhere. */
bool kft_prog__is_unloaded(const struct kft_prog *prog);
/* True when all of its images' memory has been given back: its counts are final. */
bool kft_prog__is_gone(const struct kft_prog *prog);

/*
 * The image that a return address lies in; NULL when none does, or more than one: then somebody's
 * end was missed, and the address must not be credited to anyone.
 */
const struct prog_image *prog_table__resolve(const struct prog_table *table, __u64 return_address);

#endif
