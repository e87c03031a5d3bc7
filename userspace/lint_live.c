// SPDX-License-Identifier: GPL-2.0-only
/* The running kernel and its modules as subjects of lint: what is really registered. */
#include "lint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "btf_lookup.h"
#include "kernel_version.h"
#include "live_kernel.h"

struct making {
	struct live_kernel *kernel;
	struct lint_subject *subjects; /* one a BTF of the kernel's, in their order */
	int nr;
};

static int index_of(const struct making *making, const struct kernel_btf *kbtf)
{
	for (int i = 0; i < making->nr; i++) {
		if (kernel_btf_set__at(making->kernel->btfs, i) == kbtf)
			return i;
	}
	return -1;
}

static int take_kfunc(struct lint_subject *subject, const struct kfunc *kfunc)
{
	struct lint_kfunc *taken = &subject->kfuncs[subject->nr];

	taken->name = kfunc->name;
	taken->func_id = kfunc->btf_id;
	taken->symbol = kfunc->coverage == COVERAGE_ELIDED ? LINT_ABSENT : LINT_PRESENT;
	taken->members = calloc(kfunc->nr_hooks, sizeof(*taken->members));
	if (!taken->members)
		return -ENOMEM;
	subject->nr++;
	for (int i = 0; i < kfunc->nr_hooks; i++)
		taken->members[taken->nr_members++] = (struct lint_member){
			.set = kfunc->hooks[i].name,
			.flags = kfunc->hooks[i].flags,
		};
	return 0;
}

static int take_kfuncs(struct making *making)
{
	const struct registry *registry = making->kernel->registry;
	int err = 0;

	for (int i = 0; i < making->nr; i++) {
		making->subjects[i].kfuncs =
			calloc(registry__nr(registry) + 1, sizeof(struct lint_kfunc));
		if (!making->subjects[i].kfuncs)
			return -ENOMEM;
	}
	for (int i = 0; i < registry__nr(registry) && !err; i++) {
		const struct kfunc *kfunc = registry__at(registry, i);
		int idx = index_of(making, kfunc->kbtf);

		if (idx >= 0)
			err = take_kfunc(&making->subjects[idx], kfunc);
	}
	return err;
}

static int take_destructors(const struct kft_destructors_record *destructors,
			    const struct kft_destructor *pairs, void *arg)
{
	struct making *making = arg;
	struct kernel_btf_set *btfs = making->kernel->btfs;
	int idx = index_of(making, kernel_btf_set__by_id(btfs, destructors->btf_id));
	struct lint_subject *subject;

	if (idx < 0)
		return 0;
	subject = &making->subjects[idx];
	subject->destructors = calloc(destructors->cnt + 1, sizeof(*subject->destructors));
	if (!subject->destructors)
		return -ENOMEM;
	for (__u32 i = 0; i < destructors->cnt; i++) {
		const struct btf_type *type = btf__type_by_id(subject->btf, pairs[i].type_id);

		if (type)
			subject->destructors[subject->nr_destructors++] =
				btf__name_by_offset(subject->btf, type->name_off);
	}
	return 0;
}

int lint__of_live(struct live_kernel *kernel, struct lint_subject **subjects, int *nr)
{
	struct making making = { .kernel = kernel, .nr = kernel_btf_set__nr(kernel->btfs) };
	bool tagged = false;
	int err = 0;

	making.subjects = calloc(making.nr, sizeof(*making.subjects));
	if (!making.subjects)
		return -ENOMEM;
	for (int i = 0; i < making.nr && !err; i++) {
		struct kernel_btf *kbtf = kernel_btf_set__at(kernel->btfs, i);

		making.subjects[i] = (struct lint_subject){
			.name = kbtf->name,
			.btf = kernel_btf__types(kernel->btfs, kbtf),
			.version = kernel_version(),
			.wanted = true,
			.destructors_known = true,
		};
		err = making.subjects[i].btf ? 0 : -errno;
	}
	if (!err)
		err = take_kfuncs(&making);
	if (!err)
		err = kernel_reader__destructors(kernel->reader, take_destructors, &making);
	for (int i = 0; i < making.nr && !err; i++)
		tagged |= btf_lookup__has_tag(making.subjects[i].btf, LINT_TAG);
	/* A toolchain writes the tags for all or for none. */
	for (int i = 0; i < making.nr && !err && tagged; i++)
		lint_subject__find_tags(&making.subjects[i]);
	if (err) {
		lint_subjects__free(making.subjects, making.nr);
		return err;
	}
	*subjects = making.subjects;
	*nr = making.nr;
	return 0;
}
