// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that are loaded, run once and unloaded, by the thousand: some give back what they have
 * acquired, others leave it behind, and others find it. Copies are made of these without their BTF.
 */
#include "refs.bpf.h"

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(pair_one, bpf_task_from_pid)							\
	cannot(pair_one, bpf_task_release)							\
	may_fail(pair_three, bpf_task_from_pid)							\
	cannot(pair_three, bpf_task_release)							\
	may_fail(park_one, bpf_cpumask_create)							\
	cannot(park_one, bpf_cpumask_release)							\
	may_fail(park_two, bpf_cpumask_create)							\
	cannot(park_two, bpf_cpumask_release)							\
	cannot(drop_one, bpf_cpumask_release)							\
	cannot(drop_two, bpf_cpumask_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) KERNEL_ACQUIRE };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT)[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire) };

struct slot {
	struct bpf_cpumask owned *mask;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CHURN_SLOTS);
	__type(key, u32);
	__type(value, struct slot);
} churned SEC(".maps");

#define PAIRS(name, times)                                                                         \
	SEC("tc")                                                                                  \
	int name(struct __sk_buff *skb)                                                            \
	{                                                                                          \
		struct task_struct *task;                                                          \
		int i;                                                                             \
                                                                                                   \
		_Pragma("unroll") for (i = 0; i < times; i++)                                      \
		{                                                                                  \
			task = count_task_from_pid(ROW(name, bpf_task_from_pid), KERNEL_ACQUIRE,   \
						   INIT_PID);                                      \
			if (!task)                                                                 \
				return 0;                                                          \
			VOID(name, bpf_task_release, task);                                        \
		}                                                                                  \
		step_done();                                                                       \
		return 0;                                                                          \
	}

PAIRS(pair_one, 1)
PAIRS(pair_three, 3)

#define PARKS(name)                                                                                \
	SEC("syscall")                                                                             \
	int name(void *context)                                                                    \
	{                                                                                          \
		struct bpf_cpumask *mask = RESULT(name, bpf_cpumask_create);                       \
                                                                                                   \
		if (!mask)                                                                         \
			return 0;                                                                  \
		mask = park(churned, offsetof(struct slot, mask), mask);                           \
		if (mask)                                                                          \
			VOID(name, bpf_cpumask_release, mask);                                     \
		else                                                                               \
			step_done();                                                               \
		return 0;                                                                          \
	}

PARKS(park_one)
PARKS(park_two)

#define DROPS(name)                                                                                \
	SEC("syscall")                                                                             \
	int name(void *context)                                                                    \
	{                                                                                          \
		struct bpf_cpumask *mask =                                                         \
			park(churned, offsetof(struct slot, mask), (struct bpf_cpumask *)NULL);    \
                                                                                                   \
		if (mask) {                                                                        \
			VOID(name, bpf_cpumask_release, mask);                                     \
			step_done();                                                               \
		}                                                                                  \
		return 0;                                                                          \
	}

DROPS(drop_one)
DROPS(drop_two)
