/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters: what the probes write, what the program watchers move about, what userspace reads
 * through mmap(). One region a CPU; only that CPU counts in it.
 */
#ifndef KFUNCTRACE_COUNTER_RECORDS_H
#define KFUNCTRACE_COUNTER_RECORDS_H

#include <linux/types.h>

/* Probes that one set can have: a kernel of 7.3 has about 400 kfuncs with all of its modules. */
#define KFT_MAX_PROBES 1024
/* Call sites that can be told apart on one CPU, a power of two. More are counted as table_full. */
#define KFT_MAX_SLOTS 4096
/* How far from its home a call site may lie in the table. */
#define KFT_MAX_DISPLACEMENT 16

/*
 * A slot belongs to one (probe, return address). The key is the return address with the probe's
 * index in its upper 16 bits, which are all ones in every address of kernel code:
 * key = address ^ (index << 48).
 */
#define KFT_SLOT_FREE	 0ull /* never used */
#define KFT_SLOT_RETIRED 1ull /* its program is gone; stands in the claims, may be used again */

struct kft_slot {
	__u64 key;
	__u64 calls;
};

/* Calls of one probe that no slot has. */
struct kft_unattributed {
	__u64 table_full; /* no slot within KFT_MAX_DISPLACEMENT was free */
	__u64 no_caller;  /* the return address was replaced, and the stack did not tell it */
	__u64 nulls;	  /* of both, those that returned NULL */
};

/*
 * The counters of one CPU. A slot's count has one writer: the kernel never runs a probe again on a
 * CPU where it is already running (those calls are its recursion misses), and each probe has its
 * own slots. So the count itself needs no atomic operation; claiming a slot does, because probes of
 * different kfuncs may interrupt each other.
 */
struct kft_region {
	struct kft_slot slots[KFT_MAX_SLOTS];
	__u64 nulls[KFT_MAX_SLOTS]; /* of slots[i].calls, those that returned NULL */
	/*
	 * Another function, when it is that one which the call before slots[i]'s address calls: it
	 * ends in a jump to this kfunc, which so sees its caller's address. 0 otherwise.
	 */
	__u64 via[KFT_MAX_SLOTS];
	struct kft_unattributed unattributed[KFT_MAX_PROBES];
	__u32 claims[KFT_MAX_SLOTS]; /* slot index + 1, in order of first use; 0: not yet written */
	__u64 nr_claims;
	__u64 pad[511]; /* whole pages, so that no two CPUs share a line */
};
_Static_assert(sizeof(struct kft_slot) == 16, "the probe computes slot offsets by shifting");
_Static_assert(sizeof(struct kft_region) % 4096 == 0, "regions lie on page boundaries");

/* A JIT image that can hold return addresses; the key of the map is its first address. */
struct kft_image {
	__u32 prog_id;
	__u32 len;
	__u32 subprog; /* 0: the main program */
	__u32 pad;
};

/* A BPF program, as long as something of it may still have to be named. */
struct kft_prog {
	__u32 id;
	__u32 type;
	__u8 tag[8];
	__u32 nr_images;
	__u32 nr_freed; /* images whose memory has been given back */
	__u32 unloaded; /* its last reference is gone; it may still be running */
	__u32 sleepable;
	char name[64]; /* full name from BTF where there is one, else the 15 characters */
};

/*
 * Where the counts of a program's slots go when its memory is freed. What another kfunc called, by a
 * jump, is not the program's: prog_id is 0, and subprog and offset are the upper and the lower half
 * of `via`.
 */
struct kft_retired_key {
	__u32 probe;
	__u32 prog_id;
	__u32 subprog;
	__u32 offset; /* of the return address in the image */
};

struct kft_retired_count {
	__u64 calls;
	__u64 nulls;
};

/*
 * Sweeps begun and ended. A reader that finds both equal, and unchanged after it has read
 * everything, has seen no count twice and none half-way between its slot and its retirement.
 */
struct kft_sweep_state {
	__u64 begun;
	__u64 ended;
	/* What could not be recorded, because a map was full. */
	__u64 lost_programs;
	__u64 lost_images;
	__u64 lost_retired;
	__u64 pad[3];
};

/* Calls of one probe whose program could not be recorded when its memory was freed. */
struct kft_orphans {
	__u64 calls;
	__u64 nulls;
};

/* A call site in a BPF program, and what its line info says of it. */
struct kft_site_key {
	__u32 prog_id;
	__u32 subprog;
	__u32 offset; /* of the return address in the image */
};

struct kft_site {
	__u32 line;	   /* 0: the program has no line info */
	char function[64]; /* the subprogram; may be empty */
	char file[80];	   /* as the compiler was given it, cut at the beginning if need be */
};

#define KFT_MAX_SITES	16384
#define KFT_MAX_IMAGES	16384
#define KFT_MAX_PROGS	8192
#define KFT_MAX_RETIRED 16384

#endif
