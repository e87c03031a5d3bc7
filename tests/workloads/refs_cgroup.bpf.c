// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to cgroups that stay in a map.
 */
#include "refs.bpf.h"

struct cgroup *bpf_cgroup_acquire(struct cgroup *cgrp) __kfunc;

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(pair_cgroup, bpf_cgroup_from_id)						\
	may_fail(pair_cgroup, bpf_cgroup_acquire)						\
	cannot(pair_cgroup, bpf_cgroup_release)							\
	may_fail(park_found, bpf_cgroup_from_id)						\
	cannot(park_found, bpf_cgroup_release)							\
	may_fail(park_acquired, bpf_cgroup_from_id)						\
	may_fail(park_acquired, bpf_cgroup_acquire)						\
	cannot(park_acquired, bpf_cgroup_release)						\
	may_fail(park_doomed, bpf_cgroup_from_id)						\
	cannot(park_doomed, bpf_cgroup_release)							\
	cannot(drop_cgroup, bpf_cgroup_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) N_ROWS };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT) };

struct slot {
	struct cgroup owned *cgroup;
};

SLOTS(parked_cgroups, struct slot, 256);
SLOTS(doomed_cgroups, struct slot, 256);

SEC("syscall")
int pair_cgroup(void *context)
{
	struct cgroup *cgroup, *again;

	cgroup = RESULT(pair_cgroup, bpf_cgroup_from_id, step.cgroup_id);
	if (!cgroup)
		return 0;
	again = RESULT(pair_cgroup, bpf_cgroup_acquire, cgroup);
	if (again) {
		VOID(pair_cgroup, bpf_cgroup_release, again);
		step_done();
	}
	VOID(pair_cgroup, bpf_cgroup_release, cgroup);
	return 0;
}

SEC("syscall")
int park_found(void *context)
{
	struct cgroup *cgroup;

	cgroup = RESULT(park_found, bpf_cgroup_from_id, step.cgroup_id);
	if (!cgroup)
		return 0;
	step.address = (u64)cgroup;
	cgroup = park(parked_cgroups, offsetof(struct slot, cgroup), cgroup);
	if (cgroup)
		VOID(park_found, bpf_cgroup_release, cgroup);
	else
		step_done();
	return 0;
}

SEC("syscall")
int park_acquired(void *context)
{
	struct cgroup *cgroup, *found;

	found = RESULT(park_acquired, bpf_cgroup_from_id, step.cgroup_id);
	if (!found)
		return 0;
	step.address = (u64)found;
	cgroup = RESULT(park_acquired, bpf_cgroup_acquire, found);
	VOID(park_acquired, bpf_cgroup_release, found);
	if (!cgroup)
		return 0;
	cgroup = park(parked_cgroups, offsetof(struct slot, cgroup), cgroup);
	if (cgroup)
		VOID(park_acquired, bpf_cgroup_release, cgroup);
	else
		step_done();
	return 0;
}

SEC("syscall")
int park_doomed(void *context)
{
	struct cgroup *cgroup;

	cgroup = RESULT(park_doomed, bpf_cgroup_from_id, step.cgroup_id);
	if (!cgroup)
		return 0;
	step.address = (u64)cgroup;
	cgroup = park(doomed_cgroups, offsetof(struct slot, cgroup), cgroup);
	if (cgroup)
		VOID(park_doomed, bpf_cgroup_release, cgroup);
	else
		step_done();
	return 0;
}

SEC("syscall")
int drop_cgroup(void *context)
{
	struct cgroup *cgroup;

	cgroup = park(parked_cgroups, offsetof(struct slot, cgroup), (struct cgroup *)NULL);
	if (cgroup) {
		VOID(drop_cgroup, bpf_cgroup_release, cgroup);
		step_done();
	}
	return 0;
}

/* It is a count only when the cgroup has been removed. */
SEC("syscall")
int read_cgroup(void *context)
{
	struct cgroup *cgroup = (void *)step.address;

	step.value = BPF_CORE_READ(cgroup, self.refcnt.data, count.counter);
	step_done();
	return 0;
}
