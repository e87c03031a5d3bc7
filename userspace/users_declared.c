// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kfuncs that the object of a loaded program declares. libbpf leaves the declarations in the BTF
 * that it loads: a section .ksyms, and a FUNC of each kfunc, which is no function of the object.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "live_kernel.h"
#include "program_source.h"
#include "users.h"

/* What one BTF object declares: the programs of an object share it. */
struct declaration {
	__u32 btf_id;
	const struct kfunc **kfuncs;
	int nr;
};

struct declarations {
	const struct registry *registry;
	bool all;
	struct declaration *items;
	size_t nr, room;
};

/* --- of an object ----------------------------------------------------------------------------- */

static bool is_wanted(const struct declarations *declarations, const struct kfunc *kfunc)
{
	return kfunc && (declarations->all || kfunc->coverage == COVERAGE_INLINED);
}

static int read_kfuncs(const struct declarations *declarations, const struct btf *btf,
		       struct declaration *item)
{
	const __u32 nr = btf__type_cnt(btf);

	if (btf__find_by_name_kind(btf, ".ksyms", BTF_KIND_DATASEC) < 0)
		return 0;
	for (__u32 id = 1; id < nr; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const struct kfunc *kfunc, **grown;

		if (!btf_is_func(type) || btf_vlen(type) == BTF_FUNC_STATIC)
			continue;
		kfunc = registry__find(declarations->registry,
				       btf__name_by_offset(btf, type->name_off));
		if (!is_wanted(declarations, kfunc))
			continue;
		grown = realloc(item->kfuncs, (item->nr + 1) * sizeof(kfunc));
		if (!grown)
			return -ENOMEM;
		item->kfuncs = grown;
		item->kfuncs[item->nr++] = kfunc;
	}
	return 0;
}

/* NULL: out of memory. */
static const struct declaration *find(struct declarations *declarations, __u32 btf_id)
{
	struct declaration *item;
	struct btf *btf;
	int err;

	for (size_t i = 0; i < declarations->nr; i++) {
		if (declarations->items[i].btf_id == btf_id)
			return &declarations->items[i];
	}
	if (declarations->nr == declarations->room) {
		size_t room = declarations->room ? declarations->room * 2 : 16;
		struct declaration *grown = realloc(declarations->items, room * sizeof(*grown));

		if (!grown)
			return NULL;
		declarations->items = grown;
		declarations->room = room;
	}
	item = &declarations->items[declarations->nr++];
	*item = (struct declaration){ .btf_id = btf_id };
	btf = btf__load_from_kernel_by_id(btf_id);
	err = btf ? read_kfuncs(declarations, btf, item) : 0;
	btf__free(btf);
	return err ? NULL : item;
}

static void free_declarations(struct declarations *declarations)
{
	for (size_t i = 0; i < declarations->nr; i++)
		free(declarations->items[i].kfuncs);
	free(declarations->items);
}

/* --- of programs ------------------------------------------------------------------------------ */

static struct user *find_user(struct users *users, size_t nr_sorted, __u32 prog_id)
{
	size_t low = 0, high = nr_sorted;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (users->users[middle].prog.prog_id < prog_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < nr_sorted && users->users[low].prog.prog_id == prog_id ? &users->users[low]
									    : NULL;
}

static struct user *add_user(struct users *users, const struct bpf_prog_info *info)
{
	struct user *user = users__add(users);
	struct program_source *source;
	const char *name = NULL;

	if (!user)
		return NULL;
	user->prog.prog_id = info->id;
	user->prog.type = info->type;
	memcpy(user->prog.tag, info->tag, sizeof(user->prog.tag));
	user->prog.load_time_ns = info->load_time;
	user->prog.uid = info->created_by_uid;
	if (program_source__open(info->id, &source))
		source = NULL;
	name = program_source__name(source);
	strncpy(user->prog.name, name ?: info->name, sizeof(user->prog.name) - 1);
	program_source__free(source);
	return user;
}

static bool calls(const struct user *user, const struct kfunc *kfunc)
{
	for (int i = 0; i < user->nr_kfuncs; i++) {
		if (user->kfuncs[i].kfunc == kfunc)
			return true;
	}
	return false;
}

static int add_kfuncs(struct user *user, const struct declaration *item)
{
	struct used_kfunc *grown =
		realloc(user->kfuncs, (user->nr_kfuncs + item->nr) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	user->kfuncs = grown;
	for (int i = 0; i < item->nr; i++) {
		if (!calls(user, item->kfuncs[i]))
			user->kfuncs[user->nr_kfuncs++] =
				(struct used_kfunc){ .kfunc = item->kfuncs[i], .declared = true };
	}
	user__sort(user);
	return 0;
}

static int add_of_program(struct declarations *declarations, struct users *users, size_t nr_sorted,
			  const struct bpf_prog_info *info)
{
	const struct declaration *item;
	struct user *user;

	if (!info->btf_id)
		return 0;
	item = find(declarations, info->btf_id);
	if (!item)
		return -ENOMEM;
	if (!item->nr)
		return 0;
	user = find_user(users, nr_sorted, info->id);
	if (!user)
		user = add_user(users, info);
	return user ? add_kfuncs(user, item) : -ENOMEM;
}

static int compare_users(const void *a, const void *b)
{
	const struct user *left = a, *right = b;

	return left->prog.prog_id < right->prog.prog_id ? -1
							: left->prog.prog_id > right->prog.prog_id;
}

int users__add_declared(struct live_kernel *kernel, struct users *users, bool all)
{
	struct declarations declarations = { .registry = kernel->registry, .all = all };
	const size_t nr_sorted = users->nr;
	__u32 id = 0, len;
	int fd, err = 0;

	while (!err && !bpf_prog_get_next_id(id, &id)) {
		struct bpf_prog_info info = { 0 };

		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue;
		len = sizeof(info);
		if (!bpf_obj_get_info_by_fd(fd, &info, &len))
			err = add_of_program(&declarations, users, nr_sorted, &info);
		close(fd);
	}
	free_declarations(&declarations);
	if (users->nr)
		qsort(users->users, users->nr, sizeof(*users->users), compare_users);
	return err;
}
