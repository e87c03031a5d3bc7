// SPDX-License-Identifier: GPL-2.0-only
/* The registry of the running kernel. */
#include "registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "function_text.h"
#include "kernel_btf.h"
#include "kernel_reader.h"
#include "kernel_version.h"
#include "kfunc_flags.h"
#include "kfunc_quirks.h"
#include "kfunc_twins.h"
#include "registry_private.h"
#include "stub_prog.h"

/* Functions that only fmod_ret programs may be attached to; no program can call them. */
#define HOOK_NOT_CALLABLE "fmodret"

struct reading {
	struct registry *registry;
	struct kernel_btf_set *btfs;
};

/* Hook names of the running kernel, "BTF_KFUNC_HOOK_TC" as "tc", indexed by value. */
static int read_hook_names(struct registry *registry, struct btf *vmlinux)
{
	static const char prefix[] = "BTF_KFUNC_HOOK_";
	__s32 id = btf__find_by_name_kind(vmlinux, "btf_kfunc_hook", BTF_KIND_ENUM);
	const struct btf_type *t;

	if (id < 0)
		return id;
	t = btf__type_by_id(vmlinux, id);
	for (int i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(vmlinux, btf_enum(t)[i].name_off);
		int value = btf_enum(t)[i].val;

		if (strncmp(name, prefix, strlen(prefix)) || value < 0 || value >= KFT_MAX_HOOKS)
			continue;
		name += strlen(prefix);
		if (strcmp(name, "MAX") == 0)
			continue;
		registry->hook_names[value] = strdup(name);
		if (!registry->hook_names[value])
			return -ENOMEM;
		for (char *c = registry->hook_names[value]; *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c;
	}
	return 0;
}

static struct kfunc *find_or_add(struct registry *registry, struct kernel_btf *kbtf,
				 const struct btf *btf, __u32 btf_id)
{
	const struct btf_type *func = btf__type_by_id(btf, btf_id);
	struct kfunc *kfunc;

	for (int i = 0; i < registry->nr; i++) {
		kfunc = registry->kfuncs[i];
		if (kfunc->btf_id == btf_id && kfunc->kbtf == kbtf)
			return kfunc;
	}
	if (!func || !btf_is_func(func)) {
		errno = EBADMSG;
		return NULL;
	}
	kfunc = registry__add(registry, btf__name_by_offset(btf, func->name_off));
	if (!kfunc)
		return NULL;
	kfunc->module = kbtf->name;
	kfunc->kbtf = kbtf;
	kfunc->generation = kbtf->generation;
	kfunc->btf_id = btf_id;
	kfunc->hot_in_kernel = kfunc_quirk__hot_in_kernel(kfunc->name);
	return kfunc;
}

/* The hook's entry of a kfunc. Several program types share a hook, so it may be there already. */
static struct kfunc_hook *find_or_add_hook(struct kfunc *kfunc, const char *name)
{
	struct kfunc_hook *hook;

	for (int i = 0; i < kfunc->nr_hooks; i++) {
		if (kfunc->hooks[i].name == name)
			return &kfunc->hooks[i];
	}
	hook = kfunc__add_hook(kfunc);
	if (hook)
		hook->name = name;
	return hook;
}

static int take_set(const struct kft_kfunc_set_record *set, const struct kft_kfunc_pair *pairs,
		    void *arg)
{
	struct reading *reading = arg;
	struct registry *registry = reading->registry;
	struct kernel_btf *kbtf = kernel_btf_set__by_id(reading->btfs, set->btf_id);
	const char *hook_name;
	const struct btf *btf;

	if (!kbtf || set->hook >= KFT_MAX_HOOKS || !registry->hook_names[set->hook])
		return -EBADMSG;
	hook_name = registry->hook_names[set->hook];
	if (strcmp(hook_name, HOOK_NOT_CALLABLE) == 0)
		return 0;
	btf = kernel_btf__types(reading->btfs, kbtf);
	if (!btf)
		return -errno;

	for (__u32 i = 0; i < set->cnt; i++) {
		struct kfunc *kfunc = find_or_add(registry, kbtf, btf, pairs[i].id);
		struct kfunc_hook *hook;

		if (!kfunc)
			return -errno;
		hook = find_or_add_hook(kfunc, hook_name);
		if (!hook)
			return -ENOMEM;
		hook->flags |= pairs[i].flags;
		hook->filtered = set->nr_filters > 0;
		kfunc->flags |= pairs[i].flags;
	}
	return 0;
}

/* --- symbols and coverage --------------------------------------------------------------------- */

struct symbol_reading {
	struct {
		char name[KFT_SYM_NAME_LEN];
		char module[KFT_SYM_MODULE_LEN];
		__u64 address;
		enum site { SITE_UNREADABLE, SITE_NONE, SITE_FOUND } site;
	} *symbols;
	int nr;
};

static enum site site_in_text(const struct kft_symbol_record *record)
{
#if defined(__x86_64__)
	if (record->text_error)
		return SITE_UNREADABLE;
	return ftrace_site__is(record->text + landing_pad__size(record->text)) ? SITE_FOUND
									       : SITE_NONE;
#else
	(void)record;
	return SITE_UNREADABLE;
#endif
}

static int take_symbol(const struct kft_symbol_record *record, void *arg)
{
	struct symbol_reading *reading = arg;
	void *grown;

	/* Only code: a variable may have the name of a function. */
	if (!strchr("tTwW", record->type))
		return 0;
	grown = realloc(reading->symbols, (reading->nr + 1) * sizeof(*reading->symbols));
	if (!grown)
		return -ENOMEM;
	reading->symbols = grown;
	snprintf(reading->symbols[reading->nr].name, KFT_SYM_NAME_LEN, "%s", record->name);
	snprintf(reading->symbols[reading->nr].module, KFT_SYM_MODULE_LEN, "%s", record->module);
	reading->symbols[reading->nr].address = record->address;
	reading->symbols[reading->nr].site = site_in_text(record);
	reading->nr++;
	return 0;
}

static int find_symbol(const struct symbol_reading *reading, const struct kfunc *kfunc)
{
	for (int i = 0; i < reading->nr; i++) {
		const char *module = reading->symbols[i].module;

		if (strcmp(reading->symbols[i].name, kfunc->name) == 0 &&
		    strcmp(*module ? module : "vmlinux", kfunc->module) == 0)
			return i;
	}
	return -1;
}

/*
 * A KF_IMPLICIT_ARGS kfunc whose _impl twin the kernel build has lost. Kernels that need the twin
 * to know the real parameters deny tracing programs on it, others do not: ask this one.
 */
static bool is_denied(const struct kfunc *kfunc)
{
	int fd;

	if (!(kfunc->flags & KFUNC_IMPLICIT_ARGS) || kfunc->abi_id != kfunc->btf_id)
		return false;
	fd = stub_prog__load(BPF_TRACE_FENTRY, kfunc->btf_id,
			     kfunc->kbtf->is_vmlinux ? 0 : kfunc->kbtf->fd);
	if (fd >= 0)
		close(fd);
	return fd == -EINVAL;
}

static void decide_coverage(struct kfunc *kfunc, const struct btf *btf, bool has_symbol,
			    enum site site)
{
	const char *inlined = kfunc_quirk__inlined(kfunc->name, kernel_version());

	kfunc->twin = kfunc_twin(btf, kfunc->name);
	if (inlined) {
		kfunc->coverage = COVERAGE_INLINED;
		kfunc->reason = inlined;
	} else if (!has_symbol) {
		kfunc->coverage = COVERAGE_ELIDED;
		kfunc->reason = "the compiler left no symbol of it";
	} else if (site == SITE_NONE) {
		kfunc->coverage = COVERAGE_NO_SITE;
		kfunc->reason = "no ftrace site: its file or function is built without one";
	} else if (site == SITE_UNREADABLE) {
		kfunc->coverage = COVERAGE_UNKNOWN;
		kfunc->reason = "its code cannot be read here (lockdown, or not x86-64)";
	} else if (is_denied(kfunc)) {
		kfunc->coverage = COVERAGE_DENIED;
		kfunc->reason = "the kernel misses the prototype of its _impl twin in its own BTF";
	} else if (kfunc->twin) {
		kfunc->coverage = COVERAGE_SPECIALISED;
		kfunc->reason = "the verifier calls the other function for some programs";
	} else {
		kfunc->coverage = COVERAGE_TRACED;
		kfunc->reason = "has an ftrace site";
	}
}

static int read_coverage(struct kfunc *const *kfuncs, int nr, struct kernel_btf_set *btfs,
			 struct kernel_reader *reader)
{
	struct symbol_reading reading = { 0 };
	const char **names = calloc(nr ?: 1, sizeof(*names));
	int err;

	if (!names)
		return -ENOMEM;
	for (int i = 0; i < nr; i++)
		names[i] = kfuncs[i]->name;
	err = kernel_reader__symbols(reader, names, nr, take_symbol, &reading);
	for (int i = 0; i < nr && !err; i++) {
		struct kfunc *kfunc = kfuncs[i];
		int at = find_symbol(&reading, kfunc);

		if (at >= 0)
			kfunc->address = reading.symbols[at].address;
		decide_coverage(kfunc, kernel_btf__types(btfs, kfunc->kbtf), at >= 0,
				at >= 0 ? reading.symbols[at].site : SITE_NONE);
	}
	free(reading.symbols);
	free(names);
	return err;
}

/* All but the coverage. */
static int read_sets(struct registry *registry, struct kernel_btf_set *btfs,
		     struct kernel_reader *reader)
{
	struct reading reading = { .registry = registry, .btfs = btfs };
	int err = kernel_reader__kfunc_sets(reader, take_set, &reading);

	for (int i = 0; i < registry->nr && !err; i++) {
		struct kfunc *kfunc = registry->kfuncs[i];

		kfunc->abi_id = kfunc_abi_id(kernel_btf__types(btfs, kfunc->kbtf), kfunc->name,
					     kfunc->btf_id, kfunc->flags);
	}
	registry__sort(registry);
	return err;
}

int registry__open_live(struct kernel_btf_set *btfs, struct kernel_reader *reader,
			struct registry **result)
{
	struct btf *vmlinux = kernel_btf_set__vmlinux(btfs);
	struct registry *registry;
	int err;

	if (!vmlinux)
		return -errno;
	registry = calloc(1, sizeof(*registry));
	if (!registry)
		return -ENOMEM;
	err = read_hook_names(registry, vmlinux);
	if (!err)
		err = read_sets(registry, btfs, reader);
	if (!err)
		err = read_coverage(registry->kfuncs, registry->nr, btfs, reader);
	if (err) {
		registry__free(registry);
		return err;
	}
	*result = registry;
	return 0;
}

/* --- what has changed since --------------------------------------------------------------------- */

struct refresh {
	struct registry *registry;
	struct registry fresh; /* as it is now; its names of hooks are the registry's */
	struct kfunc **came;   /* of `fresh` */
	int nr_came;
	struct kfunc **known; /* by index in `fresh`: what the registry has of it, NULL: nothing */
	bool *is_there;	      /* by index in the registry */
	struct registry_changes *changes;
};

/* One load of a module may have another number for the same kfunc than the one before. */
static struct kfunc *find_known(const struct refresh *refresh, const struct kfunc *now)
{
	for (int i = 0; i < refresh->registry->nr; i++) {
		struct kfunc *kfunc = refresh->registry->kfuncs[i];

		if (!refresh->is_there[i] && kfunc->kbtf == now->kbtf &&
		    strcmp(kfunc->name, now->name) == 0) {
			refresh->is_there[i] = true;
			return kfunc;
		}
	}
	return NULL;
}

static bool is_same(const struct kfunc *known, const struct kfunc *now)
{
	return known && !known->is_gone && known->generation == now->generation;
}

static int compare_with_known(struct refresh *refresh)
{
	int nr = refresh->fresh.nr, nr_known = refresh->registry->nr;

	refresh->came = calloc(nr ?: 1, sizeof(*refresh->came));
	refresh->known = calloc(nr ?: 1, sizeof(*refresh->known));
	refresh->is_there = calloc(nr_known ?: 1, sizeof(*refresh->is_there));
	refresh->changes->came = calloc(nr ?: 1, sizeof(int));
	refresh->changes->went = calloc(nr_known ?: 1, sizeof(int));
	if (!refresh->came || !refresh->known || !refresh->is_there || !refresh->changes->came ||
	    !refresh->changes->went)
		return -ENOMEM;
	for (int i = 0; i < nr; i++) {
		struct kfunc *now = refresh->fresh.kfuncs[i];

		refresh->known[i] = find_known(refresh, now);
		if (!is_same(refresh->known[i], now))
			refresh->came[refresh->nr_came++] = now;
	}
	return 0;
}

static void note_went(struct refresh *refresh, struct kfunc *kfunc)
{
	refresh->changes->went[refresh->changes->nr_went++] = kfunc->index;
	kfunc->is_gone = true;
	/* No type of the BTF that its module may have by now. */
	kfunc->btf_id = kfunc->abi_id = 0;
	kfunc->address = 0;
}

/* The module may have registered it for more program types by now. */
static void take_hooks(struct kfunc *kfunc, struct kfunc *now)
{
	free(kfunc->hooks);
	kfunc->hooks = now->hooks;
	kfunc->nr_hooks = now->nr_hooks;
	kfunc->flags = now->flags;
	now->hooks = NULL;
	now->nr_hooks = 0;
}

static void take_again(struct kfunc *kfunc, struct kfunc *now)
{
	take_hooks(kfunc, now);
	kfunc->is_gone = false;
	kfunc->generation = now->generation;
	kfunc->btf_id = now->btf_id;
	kfunc->abi_id = now->abi_id;
	kfunc->address = now->address;
	kfunc->coverage = now->coverage;
	kfunc->reason = now->reason;
	kfunc->twin = now->twin;
}

static int merge(struct refresh *refresh)
{
	struct registry *registry = refresh->registry;
	struct registry_changes *changes = refresh->changes;
	int nr_known = registry->nr, err;

	for (int i = 0; i < nr_known; i++) {
		if (!refresh->is_there[i] && !registry->kfuncs[i]->is_gone)
			note_went(refresh, registry->kfuncs[i]);
	}
	for (int i = 0; i < refresh->fresh.nr; i++) {
		struct kfunc *now = refresh->fresh.kfuncs[i], *known = refresh->known[i];

		if (is_same(known, now)) {
			take_hooks(known, now);
			continue;
		}
		if (!known) {
			err = registry__append(registry, now);
			if (err)
				return err;
			/* It is the registry's now. */
			refresh->fresh.kfuncs[i] = NULL;
			known = now;
		} else {
			if (!known->is_gone)
				note_went(refresh, known);
			take_again(known, now);
		}
		changes->came[changes->nr_came++] = known->index;
	}
	return 0;
}

int registry__refresh(struct registry *registry, struct kernel_btf_set *btfs,
		      struct kernel_reader *reader, struct registry_changes *changes)
{
	struct refresh refresh = { .registry = registry, .changes = changes };
	int err;

	memset(changes, 0, sizeof(*changes));
	memcpy(refresh.fresh.hook_names, registry->hook_names, sizeof(registry->hook_names));
	err = read_sets(&refresh.fresh, btfs, reader);
	if (!err)
		err = compare_with_known(&refresh);
	/* It takes a walk through all symbols. */
	if (!err && refresh.nr_came)
		err = read_coverage(refresh.came, refresh.nr_came, btfs, reader);
	if (!err)
		err = merge(&refresh);
	for (int i = 0; i < refresh.fresh.nr; i++)
		kfunc__free(refresh.fresh.kfuncs[i]);
	free(refresh.fresh.kfuncs);
	free(refresh.came);
	free(refresh.known);
	free(refresh.is_there);
	return err;
}

void registry_changes__free(struct registry_changes *changes)
{
	free(changes->came);
	free(changes->went);
	memset(changes, 0, sizeof(*changes));
}
