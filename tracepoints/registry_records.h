/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What registry.bpf.c writes and registry_live.c reads: streams of kfunc sets,
 * of destructors and of kernel symbols. Fixed-width members only; the sizes are part of the contract.
 */
#ifndef KFUNCTRACE_REGISTRY_RECORDS_H
#define KFUNCTRACE_REGISTRY_RECORDS_H

#include <linux/types.h>

/* BTF_KFUNC_SET_MAX_CNT, the most kfuncs that a kernel takes for one hook of one BTF. */
#define KFT_SET_MAX_KFUNCS 256
/* More hooks than any kernel has (6.1: 5, 6.12: 14), a power of two. */
#define KFT_MAX_HOOKS 32

struct kft_kfunc_pair {
	__u32 id;    /* BTF id of the FUNC in the BTF it was registered from */
	__u32 flags; /* KF_* bits, whose meaning depends on the kernel version */
};

/* One kfunc set: all kfuncs that one BTF registered for one hook. `cnt` pairs follow. */
struct kft_kfunc_set_record {
	__u32 btf_id;	  /* object id of the BTF */
	__u32 hook;	  /* value of the running kernel's enum btf_kfunc_hook */
	__u32 nr_filters; /* filters that the hook runs; their verdicts cannot be read */
	__u32 cnt;
};
_Static_assert(sizeof(struct kft_kfunc_set_record) == 16, "layout shared with userspace");

/* BTF_DTOR_KFUNC_MAX_CNT, the most destructors that a kernel takes from one BTF. */
#define KFT_MAX_DESTRUCTORS 256

struct kft_destructor {
	__u32 type_id; /* of the structure that maps may hold pointers to */
	__u32 func_id; /* FUNC that the kernel calls to release what a map held */
};

/* The destructors of one BTF; both ids are its. `cnt` of them follow. */
struct kft_destructors_record {
	__u32 btf_id; /* object id of the BTF */
	__u32 cnt;
};
_Static_assert(sizeof(struct kft_destructors_record) == 8, "layout shared with userspace");

#define KFT_SYM_NAME_LEN   128
#define KFT_SYM_MODULE_LEN 56
/*
 * Long enough for endbr64, the five bytes of an ftrace site, and the jump with which a function ends
 * that does little before it hands over to another (bpf_obj_drop_impl on 6.12 jumps at byte 20).
 */
#define KFT_SYM_TEXT_LEN 32

/* One kernel symbol that was asked for by name. */
struct kft_symbol_record {
	__u64 address;
	__u8 text[KFT_SYM_TEXT_LEN]; /* the first bytes of the function */
	__s32 text_error;	     /* 0, or why `text` could not be read */
	char type;		     /* as in /proc/kallsyms */
	char pad[3];
	char module[KFT_SYM_MODULE_LEN];
	char name[KFT_SYM_NAME_LEN];
};
_Static_assert(sizeof(struct kft_symbol_record) == 232, "layout shared with userspace");

#endif
