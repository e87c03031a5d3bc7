/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The census: which loaded BPF programs contain calls of which kfuncs. Needs no tracing. What the
 * verifier has replaced by instructions is no call any more; all that is left of it is that the
 * program's object declares the kfunc.
 */
#ifndef KFUNCTRACE_USERS_H
#define KFUNCTRACE_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "../tracepoints/users_records.h"

struct call_targets;
struct kfunc;
struct live_kernel;

/* A kfunc that a program calls. */
struct used_kfunc {
	const struct kfunc *kfunc; /* of the registry; NULL: a function that is not in it */
	bool is_twin;		   /* the verifier has put its twin there (kfunc_quirks.h) */
	/* Only declared in the program's object: there is no call, or none can be told. */
	bool declared;
	int nr_sites;	    /* places in the program's code; 0 when declared: not known */
	const __u32 *sites; /* numbers of their instructions (program_source.h), ascending */
};

/* A loaded program that calls kfuncs. */
struct user {
	struct kft_user prog;
	struct used_kfunc *kfuncs; /* sorted by name */
	int nr_kfuncs;
	__u32 *sites; /* all of them, kfunc by kfunc */
};

struct users {
	struct user *users; /* in the order of their ids */
	size_t nr, room;
};

/* `kernel` must outlive it. Returns 0 or a negative errno; to be freed in any case. */
int users__read(struct live_kernel *kernel, struct users *users);
void users__free(struct users *users);

/* To read the calls, and nothing else, again and again; loads no program after it was opened. */
struct users_reader;
int users_reader__open(const struct call_targets *targets, struct users_reader **reader);
int users_reader__read(struct users_reader *reader, struct users *users);
void users_reader__free(struct users_reader *reader);

/*
 * Makes one of the record of a program (struct kft_user and its calls) at the beginning of `data`.
 * Returns how many bytes it took, or a negative errno; to be freed in any case.
 */
int user__parse(const struct call_targets *targets, const char *data, size_t size,
		struct user *user);
void user__free(struct user *user);
/* The function that is called; "?" when it is not known. */
const char *used_kfunc__name(const struct used_kfunc *used);

/*
 * Adds to each program of `users`, and to others, the kfuncs that their objects declare and that the
 * verifier replaces; with `all`, those that it does not replace too. Returns 0 or a negative errno.
 */
int users__add_declared(struct live_kernel *kernel, struct users *users, bool all);
/* Room for one more, which is zero; NULL: there is none. */
struct user *users__add(struct users *users);
/* Sorts what a program uses by name. */
void user__sort(struct user *user);

#endif
