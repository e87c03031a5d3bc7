/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the counters, which make rows of the usage model, and where their counts come from: BPF
 * programs (counters_bpf.c) or the kernel module (counters_module.c).
 */
#ifndef KFUNCTRACE_COUNTERS_PRIVATE_H
#define KFUNCTRACE_COUNTERS_PRIVATE_H

#include "counters.h"
#include "prog_table.h"
#include "site_table.h"
#include "usage.h"

/* A claimed slot, as it was read. */
struct slot_copy {
	__u32 probe;
	__u64 address;
	__u64 via; /* another function that was called there, or 0 */
	struct usage_counts counts;
};

/* The record of a slot whose address is nobody's any more. */
struct retired_copy {
	struct kft_retired_key key;
	struct usage_counts counts;
};

/* What one source does in its way; `own` of the counters is its. */
struct counters_source {
	/* Everything as of one moment. 1: it was not one, read again. */
	int (*read)(struct counters *counters);
	/* What no slot and no record has of a probe: the calls are the sum of the losses. */
	struct usage_counts (*unattributed)(const struct counters *counters, int probe);
	/* A program that is gone for good and has been read: NULL when it is to stay. */
	void (*forget)(struct counters *counters, __u32 prog_id);
	/* Adds the names of call sites to the table. */
	int (*read_sites)(struct counters *counters, struct site_table *sites);
	/* Of those only that were recorded because their program went; NULL: there are none. */
	int (*take_sites)(struct counters *counters, struct site_table *sites);
	/* Whether the program's image is there now, at that address; NULL: asked by nobody. */
	bool (*has_image)(const struct counters *counters, const struct prog_image *image);
	/* Numbered call sites, NULL when there are none; NULL: there never are. */
	struct kft_reference_state *(*references)(const struct counters *counters);
	/* What counters__reference_maps() returns when there are. */
	struct counters_reference_maps (*reference_maps)(const struct counters *counters);
	void (*losses)(const struct counters *counters, struct counters_losses *losses);
	__u64 (*memory)(const struct counters *counters);
	void (*free)(struct counters *counters);
};

struct counters {
	const struct counters_source *source;
	void *own;
	struct kernel_symbols *symbols;
	int nr_cpus, nr_slots;
	__u64 patience_ns;

	struct prog_table programs;
	struct site_table sites;
	/* Records of programs that are gone, taken out of the kernel. */
	struct usage ended;
	__u64 nr_drains; /* that did not fail */
	bool is_drained; /* the last one did not */

	/* Of the drain that is going on. */
	struct slot_copy *slots;
	size_t nr_slot_copies, room_slot_copies;
	struct retired_copy *retired;
	size_t nr_retired, room_retired;
};

/* The counters without a source; counters__free() whatever follows. 0 or a negative errno. */
int counters__new(struct kernel_reader *reader, int nr_slots, struct counters **counters);

/* Return zeroed ones that are part of the reading now, or NULL. */
struct slot_copy *counters__add_slot(struct counters *counters);
struct retired_copy *counters__add_retired(struct counters *counters);

/* The slots of one CPU, added to the reading now. Returns 0 or -ENOMEM. */
int counters__copy_region(struct counters *counters, const struct kft_region *region);
/* Adds what no slot of that CPU has of a probe's calls. */
void counters__add_unattributed(const struct kft_region *region, int probe,
				struct usage_counts *counts);

#endif
