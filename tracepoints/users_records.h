/* SPDX-License-Identifier: GPL-2.0-only */
/* What users.bpf.c writes: a loaded program, and its calls of kfuncs. */
#ifndef KFUNCTRACE_USERS_RECORDS_H
#define KFUNCTRACE_USERS_RECORDS_H

#include <linux/types.h>

/*
 * Call sites that are looked at in one program. A record may not be larger than what the kernel has
 * for an element of an iterator, 32 KiB.
 */
#define KFT_MAX_USER_CALLS 4000

/* An instruction of a program that calls a kfunc. */
struct kft_user_call {
	__u32 insn;	/* its number in the whole program, subprograms one after the other */
	__s32 distance; /* of the called function from __bpf_call_base */
};
_Static_assert(sizeof(struct kft_user_call) == 8, "layout shared with userspace");

enum kft_user_event {
	KFT_USER_PRESENT,
	KFT_USER_LOADED,
	KFT_USER_UNLOADED,
};

/* `nr_calls` of struct kft_user_call follow. */
struct kft_user {
	__u32 prog_id;
	__u32 type;
	__u8 tag[8];
	__u64 load_time_ns; /* since boot, suspend included */
	__u32 uid;	    /* who loaded it */
	__u32 nr_calls;
	__u32 nr_left_out; /* more than there is room for */
	__u32 event;
	char name[64];
	/* Of an event: when (CLOCK_MONOTONIC), and the process that was running. */
	__u64 time_ns;
	__u32 pid;
	char comm[16];
	__u32 pad;
};
_Static_assert(sizeof(struct kft_user) == 136, "layout shared with userspace");

#endif
