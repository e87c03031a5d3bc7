// SPDX-License-Identifier: GPL-2.0-only
/* A kfunc that newer kernels have under another name. */
#define __kfunc __ksym
#include "check.bpf.h"

SEC("iter.s/cgroup")
int gone_flush(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cgroup = ctx->cgroup;

	if (cgroup)
		cgroup_rstat_flush(cgroup);
	return 0;
}
