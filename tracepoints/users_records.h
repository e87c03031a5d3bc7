/* SPDX-License-Identifier: GPL-2.0-only */
/* What users.bpf.c writes: a loaded program, and its calls of kfuncs. */
#ifndef KFUNCTRACE_USERS_RECORDS_H
#define KFUNCTRACE_USERS_RECORDS_H

#include <linux/types.h>

/* Call sites that are looked at in one program. */
#define KFT_MAX_USER_CALLS 4096

/* `nr_calls` of __s32 follow: distances of the called functions from __bpf_call_base. */
struct kft_user {
	__u32 prog_id;
	__u32 type;
	__u8 tag[8];
	__u64 load_time_ns; /* since boot, suspend included */
	__u32 uid;	    /* who loaded it */
	__u32 nr_calls;
	__u32 nr_left_out; /* more than there is room for */
	__u32 pad;
	char name[64];
};
_Static_assert(sizeof(struct kft_user) == 104, "layout shared with userspace");

#endif
