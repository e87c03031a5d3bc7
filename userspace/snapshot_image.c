// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots of kernels that do not run, made of their files. */
#include "snapshot.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "btf_ids.h"
#include "elf_file.h"
#include "kernel_image.h"
#include "kernel_version.h"
#include "kfunc_quirks.h"
#include "kfunc_twins.h"
#include "message.h"
#include "registry.h"
#include "snapshot_private.h"

/* A member of a set of kfuncs; the same kfunc may be in several. */
struct member {
	__u32 id;
	__u32 flags;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *left = a, *right = b;

	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return (left->flags > right->flags) - (left->flags < right->flags);
}

static bool has_code_of(const struct elf_file *elf, const char *name)
{
	const struct elf_symbol *symbol = elf_file__symbol(elf, name);

	while (symbol && (symbol->section == SHN_UNDEF || symbol->type == STT_OBJECT))
		symbol = elf_file__next_symbol(elf, symbol);
	return symbol;
}

/* Whether a function has an ftrace site the kernel decides when it boots: a file does not tell. */
static enum kfunc_coverage coverage_of(const struct kernel_image *image, const char *name)
{
	if (kfunc_quirk__inlined(name, kernel_image__version(image)))
		return COVERAGE_INLINED;
	if (kernel_image__has_symbols(image) && !has_code_of(kernel_image__elf(image), name))
		return COVERAGE_ELIDED;
	if (kfunc_twin(kernel_image__btf(image), name))
		return COVERAGE_SPECIALISED;
	return COVERAGE_UNKNOWN;
}

/*
 * Of one kfunc, sorted by flags. Sets are bound to program types in code: a file does not tell for
 * which a kfunc is. Where sets give it different flags, there is an unknown hook for each of them.
 */
static int add_kfunc(struct snapshot_builder *builder, const struct kernel_image *image,
		     const struct member *members, int nr)
{
	char names[SNAPSHOT_MAX_UNKNOWN][sizeof(SNAPSHOT_HOOK_UNKNOWN "-99")];
	struct kfunc_hook hooks[SNAPSHOT_MAX_UNKNOWN] = { 0 };
	const struct btf *btf = kernel_image__btf(image);
	const char *name = btf__name_by_offset(btf, btf__type_by_id(btf, members->id)->name_off);
	struct snapshot_entry entry = {
		.name = name,
		.module = kernel_image__module(image),
		.btf = btf,
		.func_id = members->id,
		.hooks = hooks,
		.filters_unknown = true,
		.coverage = coverage__name(coverage_of(image, name)),
	};
	__u32 flags = 0;

	for (int i = 0; i < nr; i++) {
		flags |= members[i].flags;
		if (i && members[i].flags == members[i - 1].flags)
			continue;
		if (entry.nr_hooks == SNAPSHOT_MAX_UNKNOWN) {
			msg__error("%s: %s has different flags in more than %d sets; is the file "
				   "damaged?",
				   kernel_image__path(image), name, SNAPSHOT_MAX_UNKNOWN);
			return -EBADMSG;
		}
		snprintf(names[entry.nr_hooks], sizeof(names[0]),
			 entry.nr_hooks ? SNAPSHOT_HOOK_UNKNOWN "-%d" : SNAPSHOT_HOOK_UNKNOWN,
			 entry.nr_hooks + 1);
		hooks[entry.nr_hooks] = (struct kfunc_hook){
			.name = names[entry.nr_hooks],
			.flags = members[i].flags,
		};
		entry.nr_hooks++;
	}
	entry.abi_id = kfunc_abi_id(btf, name, members->id, flags);
	return snapshot_builder__add(builder, &entry);
}

/* Returns how many; `*result` is NULL without memory. */
static int collect_members(const struct kernel_image *image, struct member **result)
{
	struct member *members;
	int room = 1, nr = 0;

	for (int i = 0; i < kernel_image__nr_sets(image); i++)
		room += kernel_image__set_at(image, i)->nr;
	members = *result = calloc(room, sizeof(*members));
	for (int i = 0; members && i < kernel_image__nr_sets(image); i++) {
		const struct btf_id_set *set = kernel_image__set_at(image, i);

		for (int j = 0; set->kind == BTF_ID_SET_KFUNCS && j < set->nr; j++) {
			if (set->members[j].id)
				members[nr++] = (struct member){ set->members[j].id,
								 set->members[j].flags };
		}
		if (!set->resolved && set->nr)
			msg__warn("%s: the ids of set %s have not been put in (resolve_btfids has "
				  "not run on it): its kfuncs are left out",
				  kernel_image__path(image), set->name ?: "(without a name)");
	}
	if (nr)
		qsort(members, nr, sizeof(*members), compare_members);
	return nr;
}

static int add_image(struct snapshot_builder *builder, const struct kernel_image *image)
{
	struct member *members;
	int nr = collect_members(image, &members), err = members ? 0 : -ENOMEM;

	for (int from = 0, to; from < nr && !err; from = to) {
		for (to = from + 1; to < nr && members[to].id == members[from].id;)
			to++;
		err = add_kfunc(builder, image, &members[from], to - from);
	}
	free(members);
	return err;
}

/* --- which files ------------------------------------------------------------------------------ */

/* The kernel among them; of two files of one kernel the one that has symbols. */
static int find_kernel(struct kernel_image *const *images, int nr, struct kernel_image **result)
{
	struct kernel_image *kernel = NULL;

	for (int i = 0; i < nr; i++) {
		if (kernel_image__is_module(images[i]))
			continue;
		if (kernel &&
		    strcmp(kernel_image__release(kernel), kernel_image__release(images[i])) != 0) {
			msg__error("%s is kernel %s, and %s is %s: a snapshot is of one kernel",
				   kernel_image__path(kernel), kernel_image__release(kernel),
				   kernel_image__path(images[i]), kernel_image__release(images[i]));
			return -EINVAL;
		}
		if (!kernel || !kernel_image__has_symbols(kernel))
			kernel = images[i];
	}
	*result = kernel;
	return 0;
}

/* Modules that stand alone are to be of one kernel too. */
static int check_modules(struct kernel_image *const *images, int nr)
{
	for (int i = 1; i < nr; i++) {
		if (strcmp(kernel_image__release(images[i]), kernel_image__release(images[0])) == 0)
			continue;
		msg__error("%s is of kernel %s, and %s is of %s: a snapshot is of one kernel",
			   kernel_image__path(images[0]), kernel_image__release(images[0]),
			   kernel_image__path(images[i]), kernel_image__release(images[i]));
		return -EINVAL;
	}
	return 0;
}

/* A module may come by itself and in a package. */
static bool is_known(struct kernel_image *const *images, int nr, const struct kernel_image *module)
{
	for (int i = 0; i < nr; i++) {
		if (strcmp(kernel_image__module(images[i]), kernel_image__module(module)) == 0)
			return true;
	}
	return false;
}

static int add_images(struct snapshot_builder *builder, struct kernel_image *const *images, int nr,
		      struct kernel_image *kernel)
{
	int err = kernel ? kernel_image__read_types(kernel, NULL) ?: add_image(builder, kernel) : 0;

	for (int i = 0; i < nr && !err; i++) {
		if (!kernel_image__is_module(images[i]) || is_known(images, i, images[i]) ||
		    !kernel_image__may_have_kfuncs(images[i]))
			continue;
		err = kernel_image__read_types(images[i], kernel) ?: add_image(builder, images[i]);
	}
	return err;
}

int snapshot__of_images(struct kernel_image *const *images, int nr, struct snapshot *snapshot)
{
	struct snapshot_builder builder;
	struct kernel_image *kernel;
	const struct kernel_image *named;
	int err = find_kernel(images, nr, &kernel) ?: check_modules(images, nr);

	if (err)
		return err;
	named = kernel ?: images[0];
	err = snapshot_builder__begin(&builder, kernel_image__version(named));
	if (err)
		return err;
	err = add_images(&builder, images, nr, kernel);
	if (err) {
		snapshot_builder__drop(&builder);
		return err;
	}
	return snapshot_builder__finish(&builder, kernel_image__release(named),
					kernel_image__arch(named), kernel_image__path(named),
					snapshot);
}
