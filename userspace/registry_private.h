/* SPDX-License-Identifier: GPL-2.0-only */
/* For those that fill a registry; everybody else uses registry.h. */
#ifndef KFUNCTRACE_REGISTRY_PRIVATE_H
#define KFUNCTRACE_REGISTRY_PRIVATE_H

#include "registry.h"
#include "../tracepoints/registry_records.h"

struct registry {
	struct kfunc **kfuncs;
	int nr, room;
	char *hook_names[KFT_MAX_HOOKS]; /* NULL where the kernel has no such hook */
};

/* A new, zeroed kfunc at the end, with a copy of the name; NULL with errno set. */
struct kfunc *registry__add(struct registry *registry, const char *name);
/* Appends one that is nobody else's. Returns 0 or -ENOMEM. */
int registry__append(struct registry *registry, struct kfunc *kfunc);
void kfunc__free(struct kfunc *kfunc);
struct kfunc_hook *kfunc__add_hook(struct kfunc *kfunc);
void registry__sort(struct registry *registry);

#endif
