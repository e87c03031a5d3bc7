// SPDX-License-Identifier: GPL-2.0-only
#include "call_targets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "live_kernel.h"

struct call_targets {
	__u64 call_base;
	struct call_target *targets; /* sorted by address */
	int nr, room;
	struct live_kernel *kernel;
};

static int compare_targets(const void *a, const void *b)
{
	const struct call_target *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

static void add_target(struct call_targets *targets, __u64 address, const struct kfunc *kfunc,
		       bool is_twin)
{
	if (address && targets->nr < targets->room)
		targets->targets[targets->nr++] = (struct call_target){ .address = address,
									.kfunc = kfunc,
									.is_twin = is_twin };
}

static int take_symbol(const struct kft_symbol_record *symbol, void *arg)
{
	struct call_targets *targets = arg;
	const struct registry *registry = targets->kernel->registry;

	if (strcmp(symbol->name, KERNEL_CALL_BASE) == 0)
		targets->call_base = symbol->address;
	for (int i = 0; i < registry__nr(registry); i++) {
		const struct kfunc *kfunc = registry__at(registry, i);

		if (kfunc->twin && strcmp(kfunc->twin, symbol->name) == 0)
			add_target(targets, symbol->address, kfunc, true);
	}
	return 0;
}

/* All kfuncs and their twins, and what calls are relative to. */
static int find_targets(struct live_kernel *kernel, struct call_targets *targets)
{
	int nr = registry__nr(kernel->registry), nr_names = 0, err;
	const char **names = calloc(nr + 1, sizeof(*names));

	targets->kernel = kernel;
	/* A name may have several symbols: room for a few more twins than there are kfuncs. */
	targets->room = nr * 3 + 1;
	targets->targets = calloc(targets->room, sizeof(struct call_target));
	if (!names || !targets->targets) {
		free(names);
		return -ENOMEM;
	}
	names[nr_names++] = KERNEL_CALL_BASE;
	for (int i = 0; i < nr; i++) {
		const struct kfunc *kfunc = registry__at(kernel->registry, i);

		add_target(targets, kfunc->address, kfunc, false);
		if (kfunc->twin)
			names[nr_names++] = kfunc->twin;
	}
	err = kernel_reader__symbols(kernel->reader, names, nr_names, take_symbol, targets);
	free(names);
	qsort(targets->targets, targets->nr, sizeof(struct call_target), compare_targets);
	return err;
}

int call_targets__open(struct live_kernel *kernel, struct call_targets **result)
{
	struct call_targets *targets = calloc(1, sizeof(*targets));
	int err;

	if (!targets)
		return -ENOMEM;
	err = find_targets(kernel, targets);
	if (err)
		call_targets__free(targets);
	else
		*result = targets;
	return err;
}

void call_targets__free(struct call_targets *targets)
{
	if (!targets)
		return;
	free(targets->targets);
	free(targets);
}

bool call_targets__are_known(const struct call_targets *targets)
{
	return targets->call_base && targets->nr;
}

struct call_target call_targets__at(const struct call_targets *targets, __s32 distance)
{
	const struct call_target key = { .address = targets->call_base + distance }, *found = NULL;

	if (call_targets__are_known(targets))
		found = bsearch(&key, targets->targets, targets->nr, sizeof(key), compare_targets);
	return found ? *found : key;
}
