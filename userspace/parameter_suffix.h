/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ends of kfuncs' parameter names that mean something to the verifier ("data__sz"). Documented in
 * the kernel's Documentation/bpf/kfuncs.rst and read in the verifiers of 6.1, 6.12 and 7.3.
 */
#ifndef KFUNCTRACE_PARAMETER_SUFFIX_H
#define KFUNCTRACE_PARAMETER_SUFFIX_H

#include <stdbool.h>

struct parameter_suffix {
	const char *text;
	const char *meaning;
	/*
	 * Kernels that know it, KVER(): from `since`, 0 the beginning, until before `gone`, 0 not gone.
	 * Of versions whose sources were not read, the first that is known to have it counts.
	 */
	unsigned int since, gone;
	const char *
		later; /* the word that later kernels have for the same, "" none; NULL: as before */
	bool may_be_null;
	bool may_be_void; /* a void pointer needs no size behind it */
	bool is_size;	  /* of the parameter before it */
};

/* What a name ends with, the longest that fits, or NULL. */
const struct parameter_suffix *parameter_suffix__of(const char *name);
/* The suffix that was probably meant by one that there is not, or NULL. */
const char *parameter_suffix__nearest(const char *text);

#endif
