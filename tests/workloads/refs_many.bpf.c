// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many references, each to an object of its own, in one map.
 */
#include "refs.bpf.h"

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(park_many, bpf_cpumask_create)							\
	cannot(park_many, bpf_cpumask_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) N_ROWS };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT) };

struct slot {
	struct bpf_cpumask owned *mask;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_MANY);
	__type(key, u32);
	__type(value, struct slot);
} many_masks SEC(".maps");

/* Each run takes the next slot. */
SEC("syscall")
int park_many(void *context)
{
	struct bpf_cpumask *mask;
	struct slot *slot;
	u32 key;

	key = __sync_fetch_and_add(&step.n, 1);
	slot = bpf_map_lookup_elem(&many_masks, &key);
	if (!slot)
		return 0;
	mask = RESULT(park_many, bpf_cpumask_create);
	if (!mask)
		return 0;
	mask = bpf_kptr_xchg(&slot->mask, mask);
	if (mask)
		VOID(park_many, bpf_cpumask_release, mask);
	else
		step_done();
	return 0;
}
