// SPDX-License-Identifier: GPL-2.0-only
/* Reads the counters of one CPU out of the memory that the probes count in (counter_records.h). */
#include <errno.h>

#include "../tracepoints/counter_records.h"
#include "counters_private.h"

static int copy_slot(struct counters *counters, const struct kft_region *region, __u32 at)
{
	__u64 key = __atomic_load_n(&region->slots[at].key, __ATOMIC_ACQUIRE);
	struct slot_copy *copy;

	if (key <= KFT_SLOT_RETIRED)
		return 0;
	copy = counters__add_slot(counters);
	if (!copy)
		return -ENOMEM;
	copy->probe = (key >> 48) ^ 0xffff;
	copy->address = key | 0xffffull << 48;
	copy->counts.nulls = __atomic_load_n(&region->nulls[at], __ATOMIC_RELAXED);
	copy->counts.calls = __atomic_load_n(&region->slots[at].calls, __ATOMIC_ACQUIRE);
	/* Counted when they return, or not at all. */
	copy->counts.returns = copy->counts.calls;
	copy->via = __atomic_load_n(&region->via[at], __ATOMIC_RELAXED);
	return 0;
}

int counters__copy_region(struct counters *counters, const struct kft_region *region)
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

void counters__add_unattributed(const struct kft_region *region, int probe,
				struct usage_counts *counts)
{
	const struct kft_unattributed *lost = &region->unattributed[probe];

	counts->table_full += lost->table_full;
	counts->no_caller += lost->no_caller;
	counts->nulls += lost->nulls;
}
