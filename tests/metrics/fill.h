/* SPDX-License-Identifier: GPL-2.0-only */
/* An aggregate with something in every place, by rules that a test can work out again. */
#ifndef KFUNCTRACE_TESTS_FILL_H
#define KFUNCTRACE_TESTS_FILL_H

#include <stdbool.h>

struct aggregate;

/* Counts of a pair are these sums, once a drain. */
#define FILL_CALLS(kfunc, caller) ((kfunc) * 1000ull + (caller) + 1)
#define FILL_NULLS(kfunc, caller) ((kfunc) + (caller))

/*
 * `kfuncs` kfuncs, each called by `callers` callers: the kernel, an unknown one, programs. NULL: out of
 * memory.
 */
struct aggregate *fill_aggregate(unsigned int kfuncs, unsigned int callers);
/* One drain: adds the same counts again. */
void fill_drain(struct aggregate *aggregate, unsigned int kfuncs, unsigned int callers);
/* A small one that looks as on a host, for people. */
struct aggregate *fill_example(void);

#endif
