// SPDX-License-Identifier: GPL-2.0-only
#include "kfunc_twins.h"

#include <stdio.h>

#include <bpf/btf.h>

#include "kfunc_flags.h"
#include "kfunc_quirks.h"

#define MAX_NAME 512

/* A KF_IMPLICIT_ARGS kfunc (7.2+) has its real parameters in a second FUNC, name_impl. */
__u32 kfunc_abi_id(const struct btf *btf, const char *name, __u32 func_id, __u32 flags)
{
	char impl[MAX_NAME];
	__s32 id;

	if (!(flags & KFUNC_IMPLICIT_ARGS))
		return func_id;
	snprintf(impl, sizeof(impl), "%s_impl", name);
	id = btf__find_by_name_kind(btf, impl, BTF_KIND_FUNC);
	return id > 0 ? (__u32)id : func_id;
}

const char *kfunc_twin(const struct btf *btf, const char *name)
{
	const char *twin = kfunc_quirk__twin(name);

	return twin && btf__find_by_name_kind(btf, twin, BTF_KIND_FUNC) > 0 ? twin : NULL;
}
