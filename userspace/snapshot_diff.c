// SPDX-License-Identifier: GPL-2.0-only
#include "snapshot_diff.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deprecations.h"
#include "kernel_version.h"
#include "parameter_suffix.h"
#include "snapshot.h"
#include "type_shape.h"

const char *change_kind__name(enum change_kind kind)
{
	static const char *const names[] = {
		[CHANGE_ADDED] = "added",     [CHANGE_REMOVED] = "removed",
		[CHANGE_RENAMED] = "renamed", [CHANGE_DEPRECATED] = "deprecated",
		[CHANGE_MOVED] = "moved",     [CHANGE_SIGNATURE] = "signature",
		[CHANGE_ABI] = "abi",	      [CHANGE_FLAG] = "flag",
		[CHANGE_HOOK] = "hook",	      [CHANGE_COVERAGE] = "coverage",
	};

	return names[kind];
}

/* What a flag asks of programs, when a kfunc gets it and when it loses it. */
static const struct {
	const char *flag;
	const char *gained;
	bool gaining_breaks;
	const char *lost;
	bool losing_breaks;
} flag_meanings[] = {
	{ "acquire", "programs must now release what it returns", true,
	  "programs that release what it returns are rejected", true },
	{ "release", "programs can no longer use the argument afterwards", true,
	  "programs keep the reference and must release it otherwise", true },
	{ "ret_null", "programs must now check for NULL", true, NULL, false },
	{ "sleepable", "programs that may not sleep are rejected", true, NULL, false },
	{ "destructive", "programs now need CAP_SYS_BOOT", true, NULL, false },
	{ "rcu", "arguments must be under RCU or trusted", true,
	  "arguments must be trusted now: pointers under RCU are rejected", true },
	{ "trusted_args", "untrusted arguments are rejected", true, NULL, false },
	{ "rcu_protected", "must be called inside of an RCU read-side section", true, NULL, false },
	{ "perfmon", "programs now need CAP_PERFMON", true, NULL, false },
	{ "fastcall", NULL, false, NULL, false },
	{ "spinlock_safe", NULL, false, "programs that hold a lock are rejected", true },
	{ "implicit_args", "the last parameter is filled in by the kernel", false,
	  "programs pass the last parameter themselves", true },
};

static int add(struct snapshot_diff *diff, enum change_kind kind, bool breaks,
	       const struct snapshot_kfunc *kfunc, const char *means, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

static int add(struct snapshot_diff *diff, enum change_kind kind, bool breaks,
	       const struct snapshot_kfunc *kfunc, const char *means, const char *fmt, ...)
{
	struct change *change;
	va_list args;
	int len;

	if (diff->nr == diff->room) {
		size_t room = diff->room ? diff->room * 2 : 64;
		struct change *grown = realloc(diff->changes, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		diff->changes = grown;
		diff->room = room;
	}
	change = &diff->changes[diff->nr];
	*change = (struct change){
		.kind = kind,
		.breaks = breaks,
		.kfunc = kfunc->name,
		.module = kfunc->module,
		.means = means,
	};
	va_start(args, fmt);
	len = vasprintf(&change->what, fmt, args);
	va_end(args);
	if (len < 0)
		return -ENOMEM;
	diff->nr++;
	diff->nr_breaking += breaks;
	return 0;
}

/* --- signatures ------------------------------------------------------------------------------- */

/* The part of a parameter's name that tells the verifier something: "__sz", "__nullable". */
static const char *suffix_of(const char *name)
{
	const char *at = strstr(name, "__");

	return at ? at : "";
}

/*
 * What a program that was written for the one meets in the other. Numbers of any width are taken, and
 * pointers to the same type: libbpf and the verifier compare no more than that.
 */
static int compare_types(const struct snapshot_diff *diff, const char *old, const char *new,
			 enum type_match *match)
{
	struct type_shape *left = type_shape__parse(old, diff->old);
	struct type_shape *right = type_shape__parse(new, diff->new);
	char why[256];

	*match = TYPES_SAME;
	if (left && right)
		*match = type_shape__compare(left, right, why, sizeof(why));
	type_shape__free(left);
	type_shape__free(right);
	return left && right ? 0 : -ENOMEM;
}

static const char *meaning_of_types(enum type_match match)
{
	switch (match) {
	case TYPES_DIFFER:
		return "programs do not load";
	case TYPES_DOUBTFUL:
		return "libbpf lets programs pass, the verifier may not";
	default:
		return "programs load all the same";
	}
}

/* Another word for the same: what was said with the first is still true with the second. */
static bool is_reworded(const char *old, const char *new)
{
	const struct parameter_suffix *suffix = parameter_suffix__of(old);

	return suffix && suffix->later && strcmp(suffix->later, suffix_of(new)) == 0;
}

static int compare_param(struct snapshot_diff *diff, enum change_kind kind,
			 const struct snapshot_kfunc *kfunc, int idx,
			 const struct snapshot_param *old, const struct snapshot_param *new)
{
	bool public = kind == CHANGE_SIGNATURE;
	enum type_match match;

	if (strcmp(old->type, new->type) != 0)
		return compare_types(diff, old->type, new->type, &match)
			       ?: add(diff, kind, public && match < TYPES_CLOSE, kfunc,
				      meaning_of_types(match), "parameter %d: %s %s -> %s %s",
				      idx + 1, old->type, old->name, new->type, new->name);
	if (strcmp(suffix_of(old->name), suffix_of(new->name)) == 0)
		return 0;
	if (is_reworded(old->name, new->name))
		return add(diff, kind, false, kfunc, "another word for the same",
			   "parameter %d: %s -> %s", idx + 1, old->name, new->name);
	return add(diff, kind, public, kfunc,
		   "the verifier takes the argument for something else now",
		   "parameter %d: %s -> %s", idx + 1, old->name, new->name);
}

static int compare_signatures(struct snapshot_diff *diff, enum change_kind kind,
			      const struct snapshot_kfunc *kfunc,
			      const struct snapshot_signature *old,
			      const struct snapshot_signature *new)
{
	bool public = kind == CHANGE_SIGNATURE;
	const char *count_means = public ? meaning_of_types(TYPES_DIFFER) : NULL;
	enum type_match match;
	int err = 0, i;

	if (strcmp(old->returns, new->returns) != 0)
		err = compare_types(diff, old->returns, new->returns, &match)
			      ?: add(diff, kind, public && match < TYPES_CLOSE, kfunc,
				     meaning_of_types(match), "returns %s -> %s", old->returns,
				     new->returns);
	for (i = 0; i < old->nr_params && i < new->nr_params && !err; i++)
		err = compare_param(diff, kind, kfunc, i, &old->params[i], &new->params[i]);
	for (; i < new->nr_params && !err; i++)
		err = add(diff, kind, public, kfunc, count_means, "parameter %d added: %s %s",
			  i + 1, new->params[i].type, new->params[i].name);
	for (i = new->nr_params; i < old->nr_params && !err; i++)
		err = add(diff, kind, public, kfunc, count_means, "parameter %d removed: %s %s",
			  i + 1, old->params[i].type, old->params[i].name);
	return err;
}

/* --- hooks and flags -------------------------------------------------------------------------- */

static int add_flag(struct snapshot_diff *diff, const struct snapshot_kfunc *kfunc,
		    const char *flag, bool gained)
{
	for (size_t i = 0; i < sizeof(flag_meanings) / sizeof(flag_meanings[0]); i++) {
		if (strcmp(flag_meanings[i].flag, flag) != 0)
			continue;
		return add(diff, CHANGE_FLAG,
			   gained ? flag_meanings[i].gaining_breaks
				  : flag_meanings[i].losing_breaks,
			   kfunc, gained ? flag_meanings[i].gained : flag_meanings[i].lost, "%c%s",
			   gained ? '+' : '-', flag);
	}
	return add(diff, CHANGE_FLAG, false, kfunc, NULL, "%c%s", gained ? '+' : '-', flag);
}

/* The hook that decides for programs which the old kernel judged by `name`. */
static const struct snapshot_hook *successor(const struct snapshot_kfunc *kfunc, const char *name)
{
	/* Since 6.2 "common" is for every type of program, and is looked at first. */
	return snapshot_kfunc__hook(kfunc, "common") ?: snapshot_kfunc__hook(kfunc, name);
}

static bool already_said(const struct snapshot_diff *diff, const struct snapshot_kfunc *kfunc,
			 char sign, const char *flag)
{
	for (size_t i = diff->nr; i-- > 0 && diff->changes[i].kfunc == kfunc->name;) {
		const struct change *change = &diff->changes[i];

		if (change->kind == CHANGE_FLAG && change->what[0] == sign &&
		    strcmp(change->what + 1, flag) == 0)
			return true;
	}
	return false;
}

static int compare_flags(struct snapshot_diff *diff, const struct snapshot_kfunc *kfunc,
			 const struct snapshot_hook *old, const struct snapshot_hook *new)
{
	int err = 0;

	for (int i = 0; i < new->nr_flags && !err; i++) {
		if (!snapshot_hook__has_flag(old, new->flags[i]) &&
		    !already_said(diff, kfunc, '+', new->flags[i]))
			err = add_flag(diff, kfunc, new->flags[i], true);
	}
	for (int i = 0; i < old->nr_flags && !err; i++) {
		if (!snapshot_hook__has_flag(new, old->flags[i]) &&
		    !already_said(diff, kfunc, '-', old->flags[i]))
			err = add_flag(diff, kfunc, old->flags[i], false);
	}
	return err;
}

static bool has_unknown_hook(const struct snapshot_kfunc *kfunc)
{
	for (int i = 0; i < kfunc->nr_hooks; i++) {
		if (snapshot_hook__is_unknown(&kfunc->hooks[i]))
			return true;
	}
	return false;
}

static bool has_same_flags(const struct snapshot_hook *left, const struct snapshot_hook *right)
{
	if (left->nr_flags != right->nr_flags)
		return false;
	for (int i = 0; i < left->nr_flags; i++) {
		if (!snapshot_hook__has_flag(right, left->flags[i]))
			return false;
	}
	return true;
}

/*
 * Where a kernel out of a file does not tell hooks, each flags of the old one are to be found with
 * some hook of the new one.
 */
static int compare_flags_only(struct snapshot_diff *diff, const struct snapshot_kfunc *old,
			      const struct snapshot_kfunc *new)
{
	int err = 0;

	for (int i = 0; i < old->nr_hooks && new->nr_hooks && !err; i++) {
		bool found = false;

		for (int j = 0; j < new->nr_hooks; j++)
			found |= has_same_flags(&old->hooks[i], &new->hooks[j]);
		if (!found)
			err = compare_flags(diff, new, &old->hooks[i], &new->hooks[0]);
	}
	return err;
}

static int compare_hooks(struct snapshot_diff *diff, const struct snapshot_kfunc *old,
			 const struct snapshot_kfunc *new)
{
	int err = 0;

	if (has_unknown_hook(old) || has_unknown_hook(new)) {
		diff->nr_hooks_unknown++;
		return compare_flags_only(diff, old, new);
	}

	for (int i = 0; i < old->nr_hooks && !err; i++) {
		const struct snapshot_hook *hook = &old->hooks[i],
					   *now = successor(new, hook->name);

		if (!now) {
			err = add(diff, CHANGE_HOOK, true, new,
				  "programs of these types can no longer call it", "-%s",
				  hook->name);
			continue;
		}
		/* What the old kernel has judged by as well. */
		hook = successor(old, hook->name);
		err = compare_flags(diff, new, hook, now);
		if (!err && !hook->filtered && now->filtered)
			err = add(diff, CHANGE_HOOK, false, new,
				  "a filter of the kernel's decides on each program; what it says "
				  "cannot be read",
				  "%s is filtered", now->name);
	}
	for (int i = 0; i < new->nr_hooks && !err; i++) {
		if (!snapshot_kfunc__hook(old, new->hooks[i].name))
			err = add(diff, CHANGE_HOOK, false, new, NULL, "+%s", new->hooks[i].name);
	}
	return err;
}

/* --- kfuncs ----------------------------------------------------------------------------------- */

static bool is_unknown(const char *coverage)
{
	return strcmp(coverage, "unknown") == 0;
}

static int compare_coverage(struct snapshot_diff *diff, const struct snapshot_kfunc *old,
			    const struct snapshot_kfunc *new)
{
	if (strcmp(old->coverage, new->coverage) == 0)
		return 0;
	if (is_unknown(old->coverage) || is_unknown(new->coverage)) {
		diff->nr_coverage_unknown++;
		return 0;
	}
	return add(diff, CHANGE_COVERAGE, false, new, NULL, "%s -> %s", old->coverage,
		   new->coverage);
}

static int compare_kfunc(struct snapshot_diff *diff, const struct snapshot_kfunc *old,
			 const struct snapshot_kfunc *new)
{
	int err = 0;

	if (strcmp(old->module, new->module) != 0)
		err = add(diff, CHANGE_MOVED, strcmp(new->module, "vmlinux") != 0, new,
			  strcmp(new->module, "vmlinux") != 0
				  ? "the module must be loaded before the program"
				  : NULL,
			  "%s -> %s", old->module, new->module);
	if (!err)
		err = compare_signatures(diff, CHANGE_SIGNATURE, new, &old->signature,
					 &new->signature);
	if (!err && old->has_abi && new->has_abi)
		err = compare_signatures(diff, CHANGE_ABI, new, &old->abi, &new->abi);
	if (!err)
		err = compare_hooks(diff, old, new);
	return err ?: compare_coverage(diff, old, new);
}

static int compare_changes(const void *a, const void *b)
{
	const struct change *left = a, *right = b;

	return strcmp(left->kfunc, right->kfunc) ?: (int)left->kind - (int)right->kind;
}

/* --- names ------------------------------------------------------------------------------------ */

struct comparison {
	struct snapshot_diff *diff;
	const struct snapshot *old, *new;
	const struct deprecations *deprecations;
};

/* One kernel has it only under the first name, the other only under the second. */
static bool is_rename(const struct snapshot *from, const char *name, const struct snapshot *to,
		      const char *other)
{
	return snapshot__find_name(from, name) && !snapshot__find_name(from, other) &&
	       !snapshot__find_name(to, name) && snapshot__find_name(to, other);
}

/* What is known to be called otherwise on the other kernel, which may be the older: its name there. */
static const char *name_on(const struct comparison *cmp, const struct snapshot *from,
			   const struct snapshot *to, const char *name)
{
	const struct deprecation *known = deprecations__find(cmp->deprecations, name);

	if (known && known->renamed_to && is_rename(from, name, to, known->renamed_to))
		return known->renamed_to;
	for (size_t i = 0; cmp->deprecations && i < deprecations__nr(cmp->deprecations); i++) {
		known = deprecations__at(cmp->deprecations, i);
		if (known->renamed_to && strcmp(known->renamed_to, name) == 0 &&
		    is_rename(from, name, to, known->kfunc))
			return known->kfunc;
	}
	return NULL;
}

static int compare_renamed(const struct comparison *cmp, const struct snapshot_kfunc *old,
			   const struct snapshot_kfunc *new)
{
	struct snapshot_diff *diff = cmp->diff;
	size_t first = diff->nr;
	int err = add(diff, CHANGE_RENAMED, true, old,
		      "programs that call it by its old name do not load", "%s -> %s", old->name,
		      new->name);

	if (err)
		return err;
	diff->changes[first].replacement = new->name;
	err = compare_kfunc(diff, old, new);
	/* All of it stands together, under the name that programs call. */
	for (size_t i = first; i < diff->nr; i++)
		diff->changes[i].kfunc = old->name;
	return err;
}

static int add_removed(const struct comparison *cmp, const struct snapshot_kfunc *kfunc)
{
	const struct deprecation *known = deprecations__find(cmp->deprecations, kfunc->name);
	int err = add(cmp->diff, CHANGE_REMOVED, true, kfunc, "programs that call it do not load",
		      "%s", kfunc->module);

	if (!err && known)
		cmp->diff->changes[cmp->diff->nr - 1].replacement = deprecation__replacement(known);
	return err;
}

static const struct deprecation *deprecation_on(const struct comparison *cmp,
						const struct snapshot *kernel,
						const struct snapshot_kfunc *kfunc)
{
	return deprecations__of(cmp->deprecations, kfunc->name, snapshot_kfunc__deprecated(kfunc),
				kernel_version__parse(kernel->release));
}

static int compare_deprecation(const struct comparison *cmp, const struct snapshot_kfunc *old,
			       const struct snapshot_kfunc *new)
{
	const struct deprecation *now = deprecation_on(cmp, cmp->new, new);
	char text[512];
	int err;

	if (!now || deprecation_on(cmp, cmp->old, old))
		return 0;
	err = add(cmp->diff, CHANGE_DEPRECATED, false, new, NULL, "%s",
		  deprecation__format(now, text, sizeof(text)));
	if (!err)
		cmp->diff->changes[cmp->diff->nr - 1].replacement = deprecation__replacement(now);
	return err;
}

static int compare_old(const struct comparison *cmp, const struct snapshot_kfunc *kfunc)
{
	const struct snapshot_kfunc *now;
	const char *new_name;
	int err;

	now = snapshot__find(cmp->new, kfunc->name, kfunc->module)
		      ?: snapshot__find_name(cmp->new, kfunc->name);
	if (now) {
		err = compare_kfunc(cmp->diff, kfunc, now);
		return err ?: compare_deprecation(cmp, kfunc, now);
	}
	new_name = name_on(cmp, cmp->old, cmp->new, kfunc->name);
	if (new_name)
		return compare_renamed(cmp, kfunc, snapshot__find_name(cmp->new, new_name));
	return add_removed(cmp, kfunc);
}

int snapshot_diff__make(struct snapshot_diff *diff, const struct snapshot *old,
			const struct snapshot *new, const struct deprecations *deprecations)
{
	const struct comparison cmp = {
		.diff = diff, .old = old, .new = new, .deprecations = deprecations
	};
	int err = 0;

	*diff = (struct snapshot_diff){ .old = old, .new = new };
	for (int i = 0; i < old->nr && !err; i++)
		err = compare_old(&cmp, &old->kfuncs[i]);
	for (int i = 0; i < new->nr && !err; i++) {
		const struct snapshot_kfunc *kfunc = &new->kfuncs[i];

		if (!snapshot__find_name(old, kfunc->name) && !name_on(&cmp, new, old, kfunc->name))
			err = add(diff, CHANGE_ADDED, false, kfunc, NULL, "%s", kfunc->module);
	}
	if (diff->nr)
		qsort(diff->changes, diff->nr, sizeof(*diff->changes), compare_changes);
	return err;
}

int snapshot_diff__make_one(struct snapshot_diff *diff, const struct snapshot *old,
			    const struct snapshot_kfunc *old_kfunc, const struct snapshot *new,
			    const struct snapshot_kfunc *new_kfunc)
{
	*diff = (struct snapshot_diff){ .old = old, .new = new };
	return compare_kfunc(diff, old_kfunc, new_kfunc);
}

void snapshot_diff__free(struct snapshot_diff *diff)
{
	for (size_t i = 0; i < diff->nr; i++)
		free(diff->changes[i].what);
	free(diff->changes);
	memset(diff, 0, sizeof(*diff));
}
