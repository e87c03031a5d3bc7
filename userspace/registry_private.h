/* SPDX-License-Identifier: GPL-2.0-only */
/* For those that fill a registry; everybody else uses registry.h. */
#ifndef KFUNCTRACE_REGISTRY_PRIVATE_H
#define KFUNCTRACE_REGISTRY_PRIVATE_H

#include "registry.h"
#include "../tracepoints/registry_records.h"

struct registry {
	struct kfunc *kfuncs;
	int nr, room;
	char *hook_names[KFT_MAX_HOOKS]; /* NULL where the kernel has no such hook */
};

/* A new, zeroed kfunc at the end; NULL with errno set. Invalidates earlier pointers. */
struct kfunc *registry__add(struct registry *registry);
struct kfunc_hook *kfunc__add_hook(struct kfunc *kfunc);
void registry__sort(struct registry *registry);

#endif
