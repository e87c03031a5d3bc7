// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to masks of CPUs.
 */
#include "refs.bpf.h"

struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *cpumask) __kfunc;

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(pair_mask, bpf_cpumask_create)							\
	cannot(pair_mask, bpf_cpumask_acquire)							\
	cannot(pair_mask, bpf_cpumask_release)							\
	may_fail(park_mask, bpf_cpumask_create)							\
	cannot(park_mask, bpf_cpumask_release)							\
	may_fail(doom_mask, bpf_cpumask_create)							\
	cannot(doom_mask, bpf_cpumask_acquire)							\
	cannot(doom_mask, bpf_cpumask_release)							\
	cannot(drop_mask, bpf_cpumask_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) KERNEL_RELEASE };

/* A map's destructor goes through the kfunc. */
TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT)[KERNEL_RELEASE] = KERNEL_CALLS(bpf_cpumask_release) };

struct slot {
	struct bpf_cpumask owned *mask;
};

SLOTS(parked_masks, struct slot, 64);
SLOTS(doomed_masks, struct slot, 64);

SEC("syscall")
int pair_mask(void *context)
{
	struct bpf_cpumask *mask, *again;

	mask = RESULT(pair_mask, bpf_cpumask_create);
	if (!mask)
		return 0;
	again = VALUE(pair_mask, bpf_cpumask_acquire, mask);
	VOID(pair_mask, bpf_cpumask_release, mask);
	VOID(pair_mask, bpf_cpumask_release, again);
	step_done();
	return 0;
}

SEC("syscall")
int park_mask(void *context)
{
	struct bpf_cpumask *mask;

	mask = RESULT(park_mask, bpf_cpumask_create);
	if (!mask)
		return 0;
	step.address = (u64)mask;
	mask = park(parked_masks, offsetof(struct slot, mask), mask);
	if (mask)
		VOID(park_mask, bpf_cpumask_release, mask);
	else
		step_done();
	return 0;
}

/* Of two references one is in each map. */
SEC("syscall")
int doom_mask(void *context)
{
	struct bpf_cpumask *mask, *again;
	int left = 0;

	mask = RESULT(doom_mask, bpf_cpumask_create);
	if (!mask)
		return 0;
	step.address = (u64)mask;
	again = VALUE(doom_mask, bpf_cpumask_acquire, mask);
	mask = park(doomed_masks, offsetof(struct slot, mask), mask);
	again = park(parked_masks, offsetof(struct slot, mask), again);
	if (mask) {
		VOID(doom_mask, bpf_cpumask_release, mask);
		left++;
	}
	if (again) {
		VOID(doom_mask, bpf_cpumask_release, again);
		left++;
	}
	if (!left)
		step_done();
	return 0;
}

SEC("syscall")
int drop_mask(void *context)
{
	struct bpf_cpumask *mask;

	mask = park(parked_masks, offsetof(struct slot, mask), (struct bpf_cpumask *)NULL);
	if (mask) {
		VOID(drop_mask, bpf_cpumask_release, mask);
		step_done();
	}
	return 0;
}

SEC("syscall")
int read_mask(void *context)
{
	struct bpf_cpumask *mask = (void *)step.address;

	step.value = BPF_CORE_READ(mask, usage.refs.counter);
	step_done();
	return 0;
}
