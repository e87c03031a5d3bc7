/* SPDX-License-Identifier: GPL-2.0-only */
/* The running kernel as commands need it: its BTF, the iterators that read it, and its registry. */
#ifndef KFUNCTRACE_LIVE_KERNEL_H
#define KFUNCTRACE_LIVE_KERNEL_H

#include "kernel_btf.h"
#include "kernel_reader.h"
#include "registry.h"

struct deprecation;
struct deprecations;

struct live_kernel {
	struct kernel_btf_set *btfs;
	struct kernel_reader *reader;
	struct registry *registry;
	struct deprecations *deprecations; /* live_kernel__load_deprecations() */
};

/*
 * Opens all of it. On failure says on stderr what failed and what to do, and returns a negative
 * errno with nothing left open.
 */
int live_kernel__open(struct live_kernel *kernel);
/*
 * Reads what may have changed since: which modules there are, and which kfuncs are registered. Of
 * kfuncs, struct kernel_btf and texts nothing moves or goes (registry.h, kernel_btf.h). `changes` are
 * to be freed in any case. Returns 0 or a negative errno and says nothing.
 */
int live_kernel__refresh(struct live_kernel *kernel, struct registry_changes *changes);

/* For those who mark deprecated kfuncs. Returns 0 or -ENOMEM, having said so. */
int live_kernel__load_deprecations(struct live_kernel *kernel);
/* For those who answer which kfuncs are deprecated: -ENOENT without the catalogue, having said so. */
int live_kernel__need_deprecations(struct live_kernel *kernel);
/* NULL: not deprecated on this kernel, as far as is known; or the catalogue is not loaded. */
const struct deprecation *live_kernel__deprecation(const struct live_kernel *kernel,
						   const struct kfunc *kfunc);
void live_kernel__close(struct live_kernel *kernel);

#endif
