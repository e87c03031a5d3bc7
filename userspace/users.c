// SPDX-License-Identifier: GPL-2.0-only
#include "users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf_iter_run.h"
#include "call_targets.h"
#include "registry.h"
#include "users.skel.h"

/* --- one program ------------------------------------------------------------------------------ */

/* A call with its target: they are sorted so that those of one kfunc stand together. */
struct named_call {
	struct call_target target;
	__u32 insn;
};

static int compare_names(const struct kfunc *a, bool a_is_twin, const struct kfunc *b,
			 bool b_is_twin)
{
	int order;

	if (!a || !b)
		return !a - !b;
	order = strcmp(a->name, b->name);
	if (!order)
		order = strcmp(a->module, b->module);
	return order ?: a_is_twin - b_is_twin;
}

static int compare_calls(const void *a, const void *b)
{
	const struct named_call *left = a, *right = b;
	int order = compare_names(left->target.kfunc, left->target.is_twin, right->target.kfunc,
				  right->target.is_twin);

	return order ?: (left->insn > right->insn) - (left->insn < right->insn);
}

static int compare_used(const void *a, const void *b)
{
	const struct used_kfunc *left = a, *right = b;

	return compare_names(left->kfunc, left->is_twin, right->kfunc, right->is_twin);
}

void user__sort(struct user *user)
{
	if (user->nr_kfuncs)
		qsort(user->kfuncs, user->nr_kfuncs, sizeof(*user->kfuncs), compare_used);
}

static void add_call(struct user *user, const struct named_call *call, __u32 at)
{
	struct used_kfunc *used = user->nr_kfuncs ? &user->kfuncs[user->nr_kfuncs - 1] : NULL;

	user->sites[at] = call->insn;
	if (!used || used->kfunc != call->target.kfunc || used->is_twin != call->target.is_twin) {
		used = &user->kfuncs[user->nr_kfuncs++];
		*used = (struct used_kfunc){ .kfunc = call->target.kfunc,
					     .is_twin = call->target.is_twin,
					     .sites = &user->sites[at] };
	}
	used->nr_sites++;
}

static int name_calls(const struct call_targets *targets, const struct kft_user_call *calls,
		      struct user *user)
{
	const __u32 nr = user->prog.nr_calls;
	struct named_call *named = calloc(nr + 1, sizeof(*named));

	user->kfuncs = calloc(nr + 1, sizeof(*user->kfuncs));
	user->sites = calloc(nr + 1, sizeof(*user->sites));
	if (!named || !user->kfuncs || !user->sites) {
		free(named);
		return -ENOMEM;
	}
	for (__u32 i = 0; i < nr; i++)
		named[i] = (struct named_call){ call_targets__at(targets, calls[i].distance),
						calls[i].insn };
	qsort(named, nr, sizeof(*named), compare_calls);
	for (__u32 i = 0; i < nr; i++)
		add_call(user, &named[i], i);
	free(named);
	return 0;
}

int user__parse(const struct call_targets *targets, const char *data, size_t size,
		struct user *user)
{
	const size_t head = sizeof(user->prog);
	int err;

	memset(user, 0, sizeof(*user));
	if (size < head)
		return -EBADMSG;
	memcpy(&user->prog, data, head);
	user->prog.name[sizeof(user->prog.name) - 1] = '\0';
	if (user->prog.nr_calls > (size - head) / sizeof(struct kft_user_call))
		return -EBADMSG;
	err = name_calls(targets, (const void *)(data + head), user);
	return err ?: (int)(head + user->prog.nr_calls * sizeof(struct kft_user_call));
}

void user__free(struct user *user)
{
	free(user->kfuncs);
	free(user->sites);
	memset(user, 0, sizeof(*user));
}

const char *used_kfunc__name(const struct used_kfunc *used)
{
	if (!used->kfunc)
		return "?";
	return used->is_twin ? used->kfunc->twin : used->kfunc->name;
}

/* --- all of them ------------------------------------------------------------------------------ */

struct user *users__add(struct users *users)
{
	if (users->nr == users->room) {
		size_t room = users->room ? users->room * 2 : 64;
		struct user *grown = realloc(users->users, room * sizeof(*grown));

		if (!grown)
			return NULL;
		users->users = grown;
		users->room = room;
	}
	memset(&users->users[users->nr], 0, sizeof(*users->users));
	return &users->users[users->nr++];
}

static int take_all(const struct call_targets *targets, struct users *users, const char *data,
		    size_t size)
{
	for (size_t at = 0; at < size;) {
		struct user *user = users__add(users);
		int taken = user ? user__parse(targets, data + at, size - at, user) : -ENOMEM;

		if (taken < 0)
			return taken;
		at += taken;
	}
	return 0;
}

struct users_reader {
	const struct call_targets *targets;
	struct users_bpf *skel;
};

int users_reader__open(const struct call_targets *targets, struct users_reader **result)
{
	struct users_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	reader->targets = targets;
	reader->skel = users_bpf__open_and_load();
	if (!reader->skel) {
		int err = -errno;

		free(reader);
		return err;
	}
	*result = reader;
	return 0;
}

void users_reader__free(struct users_reader *reader)
{
	if (!reader)
		return;
	users_bpf__destroy(reader->skel);
	free(reader);
}

int users_reader__read(struct users_reader *reader, struct users *users)
{
	size_t size;
	char *data;
	int err;

	memset(users, 0, sizeof(*users));
	err = bpf_iter_run(reader->skel->progs.show_users, NULL, &data, &size);
	if (err)
		return err;
	err = take_all(reader->targets, users, data, size);
	free(data);
	return err;
}

int users__read(struct live_kernel *kernel, struct users *users)
{
	struct users_reader *reader = NULL;
	struct call_targets *targets;
	int err;

	memset(users, 0, sizeof(*users));
	err = call_targets__open(kernel, &targets);
	if (err)
		return err;
	err = users_reader__open(targets, &reader);
	if (!err)
		err = users_reader__read(reader, users);
	/* Where no call can be named, what the objects declare is all there is. */
	if (!err)
		err = users__add_declared(kernel, users, !call_targets__are_known(targets));
	users_reader__free(reader);
	call_targets__free(targets);
	return err;
}

void users__free(struct users *users)
{
	for (size_t i = 0; i < users->nr; i++)
		user__free(&users->users[i]);
	free(users->users);
	memset(users, 0, sizeof(*users));
}
