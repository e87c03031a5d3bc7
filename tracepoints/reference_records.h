/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of the reference accounting: what the reference probes write and userspace reads.
 */
#ifndef KFUNCTRACE_REFERENCE_RECORDS_H
#define KFUNCTRACE_REFERENCE_RECORDS_H

#include <linux/types.h>

/* What an object is, so that something can be said of it. */
enum kft_object {
	KFT_OBJECT_OTHER,
	KFT_OBJECT_TASK,
	KFT_OBJECT_CGROUP,
	KFT_OBJECT_CPUMASK,
	KFT_OBJECT_CRYPTO,
	KFT_OBJECT_CONNECTION, /* nf_conn */
	KFT_OBJECT_FILE,
	KFT_OBJECT_KEY,
	KFT_OBJECT_MEM_CGROUP,
	KFT_OBJECT_LOCAL, /* allocated by a program: bpf_obj_new */
};

#endif
