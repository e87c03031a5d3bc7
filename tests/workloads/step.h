/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scenario tells a BPF program before it runs it, and is told by it: a data section of the
 * BPF object that both sides have mapped. One program uses it at a time, but for the parts that say
 * otherwise.
 */
#ifndef WORKLOADS_STEP_H
#define WORKLOADS_STEP_H

#include <linux/types.h>

#define STEP_SECTION	   ".data.step"
#define ITERATIONS_SECTION ".data.iterations"

#define MAX_ITERATIONS	   16
/* Of the map that refs-test destroys. */
#define DOOMED_SLOTS 64
/* Acquires of refs-test-module that fail, in a run of the program. */
#define ZEROS_A_RUN 3
/* Places where refs-churn leaves references. */
#define CHURN_SLOTS 64
/* Objects that refs-many may park. */
#define MAX_MANY 8192

/* What one program's loops with an open-coded iterator did. */
struct iteration_row {
	char type[16];
	char program[16];
	__u64 made;
	__u64 failed;
	__u64 destroyed;
	__u64 elements;
	__u32 per_iteration[MAX_ITERATIONS]; /* of those that were made, in their order */
};

struct step {
	__s32 pid;
	__u32 key; /* of the map element to use */
	__u32 n;   /* how often, or how many */
	__u32 flags;
	__u64 cgroup_id;
	__u64 address; /* of an object: told by who acquires it, and asked of who reads it */
	__u64 value;   /* what was read */
	__u64 done;    /* runs that did all that they are for */
	/* For a program that runs in a thread of its own. */
	__u64 user_address;
	__u64 until_ns;
	__u64 left; /* has released */
};

#endif
