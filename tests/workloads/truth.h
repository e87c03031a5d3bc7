/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a workload's BPF programs count themselves: how often each of them really called which
 * kfunc. The rows lie in a data section of the BPF object. They say as well what each program
 * needs: a program is loaded only where the kernel has every kfunc that its rows name.
 */
#ifndef WORKLOADS_TRUTH_H
#define WORKLOADS_TRUTH_H

#include <linux/types.h>

#define TRUTH_SECTION ".data.truth"

struct truth_row {
	char kfunc[40];
	char program[16];    /* empty: the kernel itself calls it */
	char subprogram[24]; /* empty: not told apart */
	__u32 line;	     /* 0: not told apart */
	__u32 has_null;	     /* NULL returns are counted, too */
	__u64 calls;
	__u64 null_returns;
};

_Static_assert(sizeof(struct truth_row) == 104, "the BPF side and the user side share this layout");

#endif
