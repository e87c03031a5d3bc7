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
		kfunc = &registry->kfuncs[i];
		if (kfunc->btf_id == btf_id && kfunc->kbtf == kbtf)
			return kfunc;
	}
	if (!func || !btf_is_func(func)) {
		errno = EBADMSG;
		return NULL;
	}
	kfunc = registry__add(registry);
	if (!kfunc)
		return NULL;
	kfunc->name = btf__name_by_offset(btf, func->name_off);
	kfunc->module = kbtf->name;
	kfunc->kbtf = kbtf;
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

static int read_coverage(struct registry *registry, struct kernel_btf_set *btfs,
			 struct kernel_reader *reader)
{
	struct symbol_reading reading = { 0 };
	const char **names = calloc(registry->nr ?: 1, sizeof(*names));
	int err;

	if (!names)
		return -ENOMEM;
	for (int i = 0; i < registry->nr; i++)
		names[i] = registry->kfuncs[i].name;
	err = kernel_reader__symbols(reader, names, registry->nr, take_symbol, &reading);
	for (int i = 0; i < registry->nr && !err; i++) {
		struct kfunc *kfunc = &registry->kfuncs[i];
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

int registry__open_live(struct kernel_btf_set *btfs, struct kernel_reader *reader,
			struct registry **result)
{
	struct reading reading = { .btfs = btfs };
	struct btf *vmlinux = kernel_btf_set__vmlinux(btfs);
	int err;

	if (!vmlinux)
		return -errno;
	reading.registry = calloc(1, sizeof(*reading.registry));
	if (!reading.registry)
		return -ENOMEM;
	err = read_hook_names(reading.registry, vmlinux);
	if (!err)
		err = kernel_reader__kfunc_sets(reader, take_set, &reading);
	for (int i = 0; i < reading.registry->nr && !err; i++) {
		struct kfunc *kfunc = &reading.registry->kfuncs[i];

		kfunc->abi_id = kfunc_abi_id(kernel_btf__types(btfs, kfunc->kbtf), kfunc->name,
					     kfunc->btf_id, kfunc->flags);
	}
	if (!err)
		err = read_coverage(reading.registry, btfs, reader);
	if (err) {
		registry__free(reading.registry);
		return err;
	}
	registry__sort(reading.registry);
	*result = reading.registry;
	return 0;
}
