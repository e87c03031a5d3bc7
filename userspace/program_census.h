/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The aggregator's look at loaded programs: which of them use kfuncs that are deprecated on this
 * kernel, or that the target kernel has not or has otherwise; and who holds them. Needs no tracing.
 */
#ifndef KFUNCTRACE_PROGRAM_CENSUS_H
#define KFUNCTRACE_PROGRAM_CENSUS_H

struct aggregate;
struct live_kernel;
struct program_census;
struct program_loaders;

/*
 * `target` is the kernel to come (snapshot__open()), or NULL. `kernel` has its catalogue loaded; all
 * must outlive the census. Returns 0 or a negative errno having said why.
 */
int program_census__open(struct live_kernel *kernel, struct aggregate *aggregate,
			 struct program_loaders *loaders, const char *target,
			 struct program_census **census);
void program_census__free(struct program_census *census);

/* After live_kernel__refresh(): there may be other kfuncs. Returns 0 or a negative errno. */
int program_census__refresh(struct program_census *census);
/* Looks, and replaces the aggregate's problems. Returns 0 or a negative errno. */
int program_census__look(struct program_census *census);

#endif
