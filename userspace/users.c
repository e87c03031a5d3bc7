// SPDX-License-Identifier: GPL-2.0-only
#include "users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf_iter_run.h"
#include "live_kernel.h"
#include "users.skel.h"

/* A function that can be called, by address. */
struct target {
	__u64 address;
	const struct kfunc *kfunc;
	bool is_twin;
};

struct targets {
	__u64 call_base;
	struct target *targets; /* sorted by address */
	int nr;
	struct live_kernel *kernel;
};

static int compare_targets(const void *a, const void *b)
{
	const struct target *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

static void add_target(struct targets *targets, __u64 address, const struct kfunc *kfunc,
		       bool is_twin)
{
	if (address)
		targets->targets[targets->nr++] =
			(struct target){ .address = address, .kfunc = kfunc, .is_twin = is_twin };
}

static int take_symbol(const struct kft_symbol_record *symbol, void *arg)
{
	struct targets *targets = arg;
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
static int find_targets(struct live_kernel *kernel, struct targets *targets)
{
	int nr = registry__nr(kernel->registry), nr_names = 0, err;
	const char **names = calloc(nr + 1, sizeof(*names));

	*targets = (struct targets){ .kernel = kernel };
	/* A name may have several symbols: room for a few more twins than there are kfuncs. */
	targets->targets = calloc(nr * 3 + 1, sizeof(*targets->targets));
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
	if (!err && !targets->call_base)
		err = -ENOENT;
	qsort(targets->targets, targets->nr, sizeof(*targets->targets), compare_targets);
	return err;
}

/* --- programs --------------------------------------------------------------------------------- */

static void add_call(struct user *user, const struct targets *targets, __s32 distance)
{
	const struct target key = { .address = targets->call_base + distance }, *found;
	struct used_kfunc *used;

	found = bsearch(&key, targets->targets, targets->nr, sizeof(key), compare_targets);
	for (int i = 0; i < user->nr_kfuncs; i++) {
		used = &user->kfuncs[i];
		if (used->kfunc == (found ? found->kfunc : NULL) &&
		    used->is_twin == (found && found->is_twin)) {
			used->nr_sites++;
			return;
		}
	}
	used = &user->kfuncs[user->nr_kfuncs++];
	used->kfunc = found ? found->kfunc : NULL;
	used->is_twin = found && found->is_twin;
	used->nr_sites = 1;
}

static int compare_used(const void *a, const void *b)
{
	const struct used_kfunc *left = a, *right = b;

	if (!left->kfunc || !right->kfunc)
		return !left->kfunc - !right->kfunc;
	return strcmp(left->kfunc->name, right->kfunc->name) ?: left->is_twin - right->is_twin;
}

/* Returns how many bytes it has taken, or a negative errno. */
static int take_user(const struct targets *targets, struct user *user, const char *data,
		     size_t size)
{
	const __s32 *calls = (void *)(data + sizeof(user->prog));
	size_t len;

	memset(user, 0, sizeof(*user));
	if (size < sizeof(user->prog))
		return -EBADMSG;
	memcpy(&user->prog, data, sizeof(user->prog));
	len = sizeof(user->prog) + user->prog.nr_calls * sizeof(*calls);
	if (size < len)
		return -EBADMSG;
	user->kfuncs = calloc(user->prog.nr_calls, sizeof(*user->kfuncs));
	if (!user->kfuncs)
		return -ENOMEM;
	for (__u32 i = 0; i < user->prog.nr_calls; i++)
		add_call(user, targets, calls[i]);
	qsort(user->kfuncs, user->nr_kfuncs, sizeof(*user->kfuncs), compare_used);
	return len;
}

static int take_all(const struct targets *targets, struct users *users, const char *data,
		    size_t size)
{
	size_t at = 0, room = 0;

	while (at < size) {
		int taken;

		if (users->nr == room) {
			struct user *grown;

			room = room ? room * 2 : 64;
			grown = realloc(users->users, room * sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			users->users = grown;
		}
		taken = take_user(targets, &users->users[users->nr++], data + at, size - at);
		if (taken < 0)
			return taken;
		at += taken;
	}
	return 0;
}

int users__read(struct live_kernel *kernel, struct users *users)
{
	struct users_bpf *skel = users_bpf__open_and_load();
	struct targets targets = { 0 };
	size_t size;
	char *data;
	int err;

	memset(users, 0, sizeof(*users));
	if (!skel)
		return -errno;
	err = find_targets(kernel, &targets);
	if (!err)
		err = bpf_iter_run(skel->progs.show_users, NULL, &data, &size);
	if (!err) {
		err = take_all(&targets, users, data, size);
		free(data);
	}
	users_bpf__destroy(skel);
	free(targets.targets);
	return err;
}

void users__free(struct users *users)
{
	for (size_t i = 0; i < users->nr; i++)
		free(users->users[i].kfuncs);
	free(users->users);
	memset(users, 0, sizeof(*users));
}
