// SPDX-License-Identifier: GPL-2.0-only
#include "parameter_suffix.h"

#include <stddef.h>
#include <string.h>

#include "kernel_version.h"

/* Longest first where one is the end of another. */
static const struct parameter_suffix suffixes[] = {
	{ .text = "__refcounted_kptr",
	  .meaning = "an allocated object whose reference count is shared",
	  .since = KVER(6, 4),
	  .may_be_void = true },
	{ .text = "__arena__nullable",
	  .meaning = "memory in the program's arena, may be NULL",
	  .since = KVER(7, 0),
	  .may_be_null = true,
	  .may_be_void = true },
	{ .text = "__nonown_allowed",
	  .meaning = "a reference that the program does not own is taken too",
	  .since = KVER(7, 0) },
	{ .text = "__const_map",
	  .meaning = "a map known when the program is loaded",
	  .since = KVER(7, 0),
	  .may_be_void = true },
	{ .text = "__irq_flag",
	  .meaning = "saved interrupt state on the program's stack",
	  .since = KVER(6, 14) },
	{ .text = "__nullable",
	  .meaning = "may be NULL",
	  .since = KVER(6, 7),
	  .may_be_null = true },
	{ .text = "__uninit",
	  .meaning = "memory that the kfunc fills; need not be initialised",
	  .since = KVER(6, 4),
	  .may_be_null = true },
	{ .text = "__arena",
	  .meaning = "memory in the program's arena",
	  .since = KVER(7, 0),
	  .may_be_void = true },
	{ .text = "__alloc",
	  .meaning = "an object allocated by the program with bpf_obj_new()",
	  .since = KVER(6, 2),
	  .may_be_null = true,
	  .may_be_void = true },
	/* Later the verifier knows the caller's program by a flag of the kfunc. */
	{ .text = "__prog",
	  .meaning = "filled in by the kernel with the calling program; pass NULL",
	  .since = KVER(6, 15),
	  .gone = KVER(7, 3),
	  .later = "",
	  .may_be_void = true },
	{ .text = "__iter",
	  .meaning = "an iterator on the program's stack",
	  .since = KVER(6, 11),
	  .may_be_void = true },
	{ .text = "__szk",
	  .meaning = "size in bytes of the parameter before it, known when the program is loaded",
	  .since = KVER(6, 4),
	  .is_size = true },
	{ .text = "__opt",
	  .meaning = "may be NULL, the size behind it counts all the same",
	  .since = KVER(6, 5),
	  .gone = KVER(7, 0),
	  .later = "__nullable",
	  .may_be_null = true },
	{ .text = "__ign",
	  .meaning = "not checked by the verifier",
	  .since = KVER(6, 2),
	  .may_be_null = true,
	  .may_be_void = true },
	{ .text = "__str",
	  .meaning = "a constant string",
	  .since = KVER(6, 9),
	  .may_be_void = true },
	{ .text = "__map",
	  .meaning = "a map",
	  .since = KVER(6, 10),
	  .later = "__const_map",
	  .may_be_void = true },
	{ .text = "__sz", .meaning = "size in bytes of the parameter before it", .is_size = true },
	{ .text = "__k",
	  .meaning = "a constant known when the program is loaded",
	  .since = KVER(6, 2) },
};

#define NR_SUFFIXES (sizeof(suffixes) / sizeof(suffixes[0]))

const struct parameter_suffix *parameter_suffix__of(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < NR_SUFFIXES; i++) {
		size_t end_len = strlen(suffixes[i].text);

		if (len > end_len && strcmp(name + len - end_len, suffixes[i].text) == 0)
			return &suffixes[i];
	}
	return NULL;
}

/* How many letters make one of the other: added, left out, or another. */
static int distance(const char *a, const char *b)
{
	int row[32], nr = strlen(b);

	if (nr >= 32)
		return nr;
	for (int j = 0; j <= nr; j++)
		row[j] = j;
	for (int i = 1; a[i - 1]; i++) {
		int corner = row[0];

		row[0] = i;
		for (int j = 1; j <= nr; j++) {
			int above = row[j], best = corner + (a[i - 1] != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			corner = above;
		}
	}
	return row[nr];
}

const char *parameter_suffix__nearest(const char *text)
{
	const char *best = NULL;
	int least = 3;

	for (size_t i = 0; i < NR_SUFFIXES; i++) {
		int far = distance(text, suffixes[i].text);

		/* Of short ones everything is near. */
		if (far < least && far * 2 < (int)strlen(suffixes[i].text)) {
			least = far;
			best = suffixes[i].text;
		}
	}
	return best;
}
