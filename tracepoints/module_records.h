/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the probes hand to the kernel module, which makes trace events of it. Both sides are built
 * apart: a layout that changes gets new kfuncs in the module, with another number in their names.
 */
#ifndef KFUNCTRACE_MODULE_RECORDS_H
#define KFUNCTRACE_MODULE_RECORDS_H

#include <linux/types.h>

enum kft_module_event_kind {
	KFT_MODULE_CALL,
	KFT_MODULE_ACQUIRE,
	KFT_MODULE_RELEASE,
	KFT_MODULE_REFCOUNT_ZERO,
	KFT_MODULE_DEPRECATED,
	KFT_MODULE_STALE,
};

/* Of what the module says that somebody listens to. */
#define KFT_MODULE_LISTENED(kind) (1u << (kind))

/* For what is not known of an object. */
#define KFT_MODULE_UNKNOWN (~0ull)

struct kft_module_event {
	__u64 object;	   /* its address; 0: none */
	__u64 count;	   /* of references on it, KFT_MODULE_UNKNOWN: not known */
	__u64 duration_ns; /* how long it was held, KFT_MODULE_UNKNOWN: not known */
	__u32 kind;	   /* enum kft_module_event_kind */
	__u32 pad;
};

#define KFT_MODULE_NAME_LEN 64
#define KFT_MODULE_TYPE_LEN 48

/* Who calls what: filled in once a call site. Text that is not ended by a null byte is cut. */
struct kft_module_site {
	char kfunc[KFT_MODULE_NAME_LEN];
	char program[KFT_MODULE_NAME_LEN];     /* "kernel", "unknown" when it is no program */
	char replacement[KFT_MODULE_NAME_LEN]; /* of a deprecated kfunc */
	char type[KFT_MODULE_TYPE_LEN];	       /* of the object */
	__u32 prog_id;			       /* 0: not a program */
	__u32 pad;
};

/* Found by a scan, not by a probe. */
struct kft_module_finding {
	struct kft_module_event event;
	struct kft_module_site site;
};

_Static_assert(sizeof(struct kft_module_event) == 32, "layout shared with the module");
_Static_assert(sizeof(struct kft_module_site) == 248, "layout shared with the module");

#endif
