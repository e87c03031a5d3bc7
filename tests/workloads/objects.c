// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF objects, as the compiler wrote them, in the program. There are no skeletons: nothing here
 * looks into the objects' variables by their C names.
 */
#include "workload.h"

#define OBJECT(name)                                                                               \
	__asm__(".pushsection .rodata\n"                                                           \
		".balign 16\n"                                                                     \
		"start_of_" #name ":\n"                                                            \
		".incbin \"" #name ".bpf.o\"\n"                                                    \
		"end_of_" #name ":\n"                                                              \
		".popsection\n");                                                                  \
	extern const char start_of_##name[], end_of_##name[];                                      \
                                                                                                   \
	const void *object__##name(size_t *size)                                                   \
	{                                                                                          \
		*size = end_of_##name - start_of_##name;                                           \
		return start_of_##name;                                                            \
	}

OBJECT(churn)
OBJECT(conntrack)
OBJECT(contend)
OBJECT(demo)
OBJECT(demo_old)
OBJECT(many_sites)
OBJECT(mix)
OBJECT(readonly_dynptr)
OBJECT(refs_cgroup)
OBJECT(refs_churn)
OBJECT(refs_churn_test)
OBJECT(refs_conntrack)
OBJECT(refs_cpumask)
OBJECT(refs_crypto)
OBJECT(refs_iterators)
OBJECT(refs_local)
OBJECT(refs_local_new)
OBJECT(refs_many)
OBJECT(refs_park)
OBJECT(refs_sleepable)
OBJECT(refs_tasks)
OBJECT(refs_test)
OBJECT(refs_test_module)
OBJECT(refs_test_module_old)
OBJECT(refs_zero)
OBJECT(sched_ext)
OBJECT(subprograms)
OBJECT(test_module)
OBJECT(two_programs)
