// SPDX-License-Identifier: GPL-2.0-only
#include "registry.h"
#include "registry_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_version.h"

const char *coverage__name(enum kfunc_coverage coverage)
{
	switch (coverage) {
	case COVERAGE_TRACED:
		return "traced";
	case COVERAGE_SPECIALISED:
		return "specialised";
	case COVERAGE_INLINED:
		return "inlined";
	case COVERAGE_NO_SITE:
		return "no-site";
	case COVERAGE_DENIED:
		return "denied";
	case COVERAGE_ELIDED:
		return "elided";
	case COVERAGE_UNKNOWN:
		break;
	}
	return "unknown";
}

bool kfunc__can_be_traced(const struct kfunc *kfunc)
{
	return kfunc->coverage == COVERAGE_TRACED || kfunc->coverage == COVERAGE_SPECIALISED ||
	       kfunc->coverage == COVERAGE_UNKNOWN;
}

int registry__append(struct registry *registry, struct kfunc *kfunc)
{
	if (registry->nr == registry->room) {
		int room = registry->room ? registry->room * 2 : 256;
		struct kfunc **grown = realloc(registry->kfuncs, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		registry->kfuncs = grown;
		registry->room = room;
	}
	kfunc->index = registry->nr;
	registry->kfuncs[registry->nr++] = kfunc;
	return 0;
}

struct kfunc *registry__add(struct registry *registry, const char *name)
{
	struct kfunc *kfunc = calloc(1, sizeof(*kfunc));

	if (!kfunc)
		return NULL;
	kfunc->name = strdup(name);
	if (!kfunc->name || registry__append(registry, kfunc)) {
		kfunc__free(kfunc);
		errno = ENOMEM;
		return NULL;
	}
	return kfunc;
}

void kfunc__free(struct kfunc *kfunc)
{
	if (!kfunc)
		return;
	free((char *)kfunc->name);
	free(kfunc->hooks);
	free(kfunc);
}

struct kfunc_hook *kfunc__add_hook(struct kfunc *kfunc)
{
	struct kfunc_hook *grown = realloc(kfunc->hooks, (kfunc->nr_hooks + 1) * sizeof(*grown));

	if (!grown)
		return NULL;
	kfunc->hooks = grown;
	memset(&grown[kfunc->nr_hooks], 0, sizeof(*grown));
	return &grown[kfunc->nr_hooks++];
}

static int compare(const void *a, const void *b)
{
	const struct kfunc *left = *(const struct kfunc *const *)a;
	const struct kfunc *right = *(const struct kfunc *const *)b;

	return strcmp(left->name, right->name) ?: strcmp(left->module, right->module);
}

void registry__sort(struct registry *registry)
{
	if (registry->nr)
		qsort(registry->kfuncs, registry->nr, sizeof(*registry->kfuncs), compare);
	for (int i = 0; i < registry->nr; i++)
		registry->kfuncs[i]->index = i;
}

void registry__free(struct registry *registry)
{
	if (!registry)
		return;
	for (int i = 0; i < registry->nr; i++)
		kfunc__free(registry->kfuncs[i]);
	for (int i = 0; i < KFT_MAX_HOOKS; i++)
		free(registry->hook_names[i]);
	free(registry->kfuncs);
	free(registry);
}

int registry__nr(const struct registry *registry)
{
	return registry->nr;
}

const struct kfunc *registry__at(const struct registry *registry, int idx)
{
	return registry->kfuncs[idx];
}

const struct kfunc *registry__find(const struct registry *registry, const char *name)
{
	for (int i = 0; i < registry->nr; i++) {
		if (strcmp(registry->kfuncs[i]->name, name) == 0)
			return registry->kfuncs[i];
	}
	return NULL;
}

bool registry__has_hook(const struct registry *registry, const char *name)
{
	for (int i = 0; i < KFT_MAX_HOOKS; i++) {
		if (registry->hook_names[i] && strcmp(registry->hook_names[i], name) == 0)
			return true;
	}
	return false;
}

/*
 * bpf_prog_type_to_kfunc_hook() in the kernel's btf.c. A type that an older kernel does not take
 * there can still be asked for: nothing is registered for it then.
 */
static const struct {
	const char *prog_type;
	const char *hook;
} hook_of_type[] = {
	{ "sched_cls", "tc" },
	{ "tracepoint", "tracing" },
	{ "raw_tracepoint", "tracing" },
	{ "perf_event", "tracing" },
	{ "lsm", "tracing" },
	{ "cgroup_skb", "cgroup" },
	{ "cgroup_sock", "cgroup" },
	{ "cgroup_device", "cgroup" },
	{ "cgroup_sock_addr", "cgroup" },
	{ "cgroup_sockopt", "cgroup" },
	{ "cgroup_sysctl", "cgroup" },
	{ "sock_ops", "cgroup" },
	{ "lwt_in", "lwt" },
	{ "lwt_out", "lwt" },
	{ "lwt_xmit", "lwt" },
	{ "lwt_seg6local", "lwt" },
	{ "common", "common" },
	{ "xdp", "xdp" },
	{ "tc", "tc" },
	{ "struct_ops", "struct_ops" },
	{ "tracing", "tracing" },
	{ "syscall", "syscall" },
	{ "cgroup", "cgroup" },
	{ "sched_act", "sched_act" },
	{ "sk_skb", "sk_skb" },
	{ "socket_filter", "socket_filter" },
	{ "lwt", "lwt" },
	{ "netfilter", "netfilter" },
	{ "kprobe", "kprobe" },
};

/*
 * Types that had no hook at first: the last of the kernels that were read without it, the first with it.
 * Types of a hook that came later than they are not in it: nothing is registered there before.
 */
static const struct {
	const char *prog_type;
	unsigned int last_without, first_with;
} late_types[] = {
	{ "tracepoint", KVER(6, 1), KVER(6, 12) },
	{ "perf_event", KVER(6, 1), KVER(6, 12) },
	{ "raw_tracepoint", KVER(6, 18), KVER(7, 3) },
	{ "sock_ops", KVER(6, 12), KVER(7, 3) },
};

int registry__asks_hook(const char *prog_type, unsigned int version)
{
	for (size_t i = 0; i < sizeof(late_types) / sizeof(late_types[0]); i++) {
		if (strcmp(late_types[i].prog_type, prog_type) != 0)
			continue;
		if (version <= late_types[i].last_without)
			return 0;
		return version >= late_types[i].first_with ? 1 : -1;
	}
	return registry__hook_of_prog_type(prog_type) ? 1 : 0;
}

const char *registry__hook_of_prog_type(const char *name)
{
	for (size_t i = 0; i < sizeof(hook_of_type) / sizeof(hook_of_type[0]); i++) {
		if (strcmp(hook_of_type[i].prog_type, name) == 0)
			return hook_of_type[i].hook;
	}
	return NULL;
}
