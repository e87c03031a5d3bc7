/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The census: which loaded BPF programs contain calls of which kfuncs. Needs no tracing. What the
 * verifier has replaced by instructions is no call any more, and not in it.
 */
#ifndef KFUNCTRACE_USERS_H
#define KFUNCTRACE_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "../tracepoints/users_records.h"

struct kfunc;
struct live_kernel;

/* A kfunc that a program calls. */
struct used_kfunc {
	const struct kfunc *kfunc; /* of the registry; NULL: a function that is not in it */
	bool is_twin;		   /* the verifier has put its twin there (kfunc_quirks.h) */
	int nr_sites;		   /* places in the program's code */
};

/* A loaded program that calls kfuncs. */
struct user {
	struct kft_user prog;
	struct used_kfunc *kfuncs; /* sorted by name */
	int nr_kfuncs;
};

struct users {
	struct user *users; /* in the order of their ids */
	size_t nr;
};

/* `kernel` must outlive it. Returns 0 or a negative errno; to be freed in any case. */
int users__read(struct live_kernel *kernel, struct users *users);
void users__free(struct users *users);

#endif
