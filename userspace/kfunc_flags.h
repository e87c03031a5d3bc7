/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of the KF_* flags. They are macros in the kernel and stand in no BTF, and the same bit
 * meant different things over time, so the names depend on the kernel version.
 */
#ifndef KFUNCTRACE_KFUNC_FLAGS_H
#define KFUNCTRACE_KFUNC_FLAGS_H

#include <stddef.h>

enum {
	KFUNC_ACQUIRE = 1u << 0,
	KFUNC_RELEASE = 1u << 1,
	KFUNC_RET_NULL = 1u << 2,
	KFUNC_KPTR_GET = 1u << 3, /* before 6.4 only */
	KFUNC_SLEEPABLE = 1u << 5,
	KFUNC_RCU = 1u << 7,
	KFUNC_ITER_NEW = 1u << 8,
	KFUNC_ITER_NEXT = 1u << 9,
	KFUNC_ITER_DESTROY = 1u << 10,
	KFUNC_RCU_PROTECTED = 1u << 11,
	KFUNC_ARENA_ARG1 = 1u << 14,
	KFUNC_ARENA_ARG2 = 1u << 15,
	KFUNC_IMPLICIT_ARGS = 1u << 16,
	KFUNC_SPINLOCK_SAFE = 1u << 17,
};

/*
 * Name of one bit (0..31) on a kernel of `version` (KVER), lower case and without KF_: "acquire",
 * "ret_null". A bit that has no name there is written "bit N" into buf.
 */
const char *kfunc_flag__name(unsigned int bit, unsigned int version, char *buf, size_t size);

/* The bit of a name ("acquire", "KF_ACQUIRE", any case); -1 when no kernel has such a flag. */
int kfunc_flag__bit(const char *name, size_t len);

/* All names of `flags` joined by `sep` into buf, "-" when there are none. Returns buf. */
const char *kfunc_flags__format(unsigned int flags, unsigned int version, const char *sep,
				char *buf, size_t size);

#endif
