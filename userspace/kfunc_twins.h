/* SPDX-License-Identifier: GPL-2.0-only */
/* The other function that a kfunc has in a kernel's BTF. */
#ifndef KFUNCTRACE_KFUNC_TWINS_H
#define KFUNCTRACE_KFUNC_TWINS_H

#include <linux/types.h>

struct btf;

/*
 * The FUNC with the real parameters of a kfunc: its _impl twin's when it has KF_IMPLICIT_ARGS and the
 * kernel's build has kept the twin, otherwise its own.
 */
__u32 kfunc_abi_id(const struct btf *btf, const char *name, __u32 func_id, __u32 flags);

/* The function that the verifier calls for some programs in its place, where this kernel has it, or NULL. */
const char *kfunc_twin(const struct btf *btf, const char *name);

#endif
