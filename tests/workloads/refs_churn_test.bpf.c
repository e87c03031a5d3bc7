// SPDX-License-Identifier: GPL-2.0-only
/*
 * What refs_churn.bpf.c does, with the test kfuncs of 6.1, which have but one object.
 */
#include "refs.bpf.h"

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(pair_one, bpf_kfunc_call_test_acquire)						\
	cannot(pair_one, bpf_kfunc_call_test_release)						\
	may_fail(pair_three, bpf_kfunc_call_test_acquire)					\
	cannot(pair_three, bpf_kfunc_call_test_release)						\
	may_fail(park_one, bpf_kfunc_call_test_acquire)						\
	cannot(park_one, bpf_kfunc_call_test_release)						\
	may_fail(park_two, bpf_kfunc_call_test_acquire)						\
	cannot(park_two, bpf_kfunc_call_test_release)						\
	cannot(drop_one, bpf_kfunc_call_test_release)						\
	cannot(drop_two, bpf_kfunc_call_test_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) N_ROWS };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT) };

struct slot {
	struct prog_test_ref_kfunc owned_6_1 *object;
};

SLOTS(churned_tests, struct slot, CHURN_SLOTS);

#define PAIRS(name, times)                                                                         \
	SEC("tc")                                                                                  \
	int name(struct __sk_buff *skb)                                                            \
	{                                                                                          \
		struct prog_test_ref_kfunc *object;                                                \
		unsigned long number = 0;                                                          \
		int i;                                                                             \
                                                                                                   \
		_Pragma("unroll") for (i = 0; i < times; i++)                                      \
		{                                                                                  \
			object = RESULT(name, bpf_kfunc_call_test_acquire, &number);               \
			if (!object)                                                               \
				return 0;                                                          \
			VOID(name, bpf_kfunc_call_test_release, object);                           \
		}                                                                                  \
		step_done();                                                                       \
		return 0;                                                                          \
	}

PAIRS(pair_one, 1)
PAIRS(pair_three, 3)

#define PARKS(name)                                                                                \
	SEC("tc")                                                                                  \
	int name(struct __sk_buff *skb)                                                            \
	{                                                                                          \
		struct prog_test_ref_kfunc *object;                                                \
		unsigned long number = 0;                                                          \
                                                                                                   \
		object = RESULT(name, bpf_kfunc_call_test_acquire, &number);                       \
		if (!object)                                                                       \
			return 0;                                                                  \
		object = park(churned_tests, offsetof(struct slot, object), object);               \
		if (object)                                                                        \
			VOID(name, bpf_kfunc_call_test_release, object);                           \
		else                                                                               \
			step_done();                                                               \
		return 0;                                                                          \
	}

PARKS(park_one)
PARKS(park_two)

#define DROPS(name)                                                                                \
	SEC("tc")                                                                                  \
	int name(struct __sk_buff *skb)                                                            \
	{                                                                                          \
		struct prog_test_ref_kfunc *object;                                                \
                                                                                                   \
		object = park(churned_tests, offsetof(struct slot, object),                        \
			      (struct prog_test_ref_kfunc *)NULL);                                 \
		if (object) {                                                                      \
			VOID(name, bpf_kfunc_call_test_release, object);                           \
			step_done();                                                               \
		}                                                                                  \
		return 0;                                                                          \
	}

DROPS(drop_one)
DROPS(drop_two)
