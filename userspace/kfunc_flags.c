// SPDX-License-Identifier: GPL-2.0-only
#include "kfunc_flags.h"
#include "kernel_version.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	unsigned int bit;
	unsigned int gone_in; /* first kernel where the bit no longer means this; 0: never */
} flags_by_bit[] = {
	{ "acquire", 0, 0 },
	{ "release", 1, 0 },
	{ "ret_null", 2, 0 },
	{ "kptr_get", 3, KVER(6, 4) },
	/* Trusted arguments became what every kfunc demands. */
	{ "trusted_args", 4, KVER(7, 0) },
	{ "sleepable", 5, 0 },
	{ "destructive", 6, 0 },
	{ "rcu", 7, 0 },
	{ "iter_new", 8, 0 },
	{ "iter_next", 9, 0 },
	{ "iter_destroy", 10, 0 },
	{ "rcu_protected", 11, 0 },
	{ "fastcall", 12, 0 },
	{ "arena_ret", 13, 0 },
	{ "arena_arg1", 14, 0 },
	{ "arena_arg2", 15, 0 },
	{ "implicit_args", 16, 0 },
	{ "spinlock_safe", 17, 0 },
	{ "perfmon", 18, 0 },
};

#define NR_NAMED_FLAGS (sizeof(flags_by_bit) / sizeof(flags_by_bit[0]))

const char *kfunc_flag__name(unsigned int bit, unsigned int version, char *buf, size_t size)
{
	for (size_t i = 0; i < NR_NAMED_FLAGS; i++) {
		if (flags_by_bit[i].bit != bit)
			continue;
		if (flags_by_bit[i].gone_in && version >= flags_by_bit[i].gone_in)
			break;
		return flags_by_bit[i].name;
	}
	snprintf(buf, size, "bit %u", bit);
	return buf;
}

int kfunc_flag__bit(const char *name, size_t len)
{
	if (len > 3 && strncasecmp(name, "KF_", 3) == 0) {
		name += 3;
		len -= 3;
	}
	for (size_t i = 0; i < NR_NAMED_FLAGS; i++) {
		if (strlen(flags_by_bit[i].name) == len &&
		    strncasecmp(flags_by_bit[i].name, name, len) == 0)
			return flags_by_bit[i].bit;
	}
	return -1;
}

const char *kfunc_flags__format(unsigned int flags, unsigned int version, const char *sep,
				char *buf, size_t size)
{
	size_t len = 0;
	char unnamed[16];

	if (!flags) {
		snprintf(buf, size, "-");
		return buf;
	}
	buf[0] = '\0';
	for (unsigned int bit = 0; bit < sizeof(flags) * CHAR_BIT && len < size; bit++) {
		if (!(flags & (1u << bit)))
			continue;
		len += snprintf(buf + len, size - len, "%s%s", len ? sep : "",
				kfunc_flag__name(bit, version, unnamed, sizeof(unnamed)));
	}
	return buf;
}
