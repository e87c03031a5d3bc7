// SPDX-License-Identifier: GPL-2.0-only
/* Parameters: the suffixes of their names, and memory without a size. */
#include <string.h>

#include <bpf/btf.h>

#include "kfunc_flags.h"
#include "kfunc_quirks.h"
#include "lint_private.h"
#include "parameter_suffix.h"

static void check_suffix(const struct lint_place *place, const char *name)
{
	const struct parameter_suffix *known = parameter_suffix__of(name);
	const char *suffix = NULL, *meant;
	unsigned int version = place->subject->version;

	for (const char *at = name; (at = strstr(at, "__")); at += 2)
		suffix = at;
	if (!suffix || suffix == name)
		return;
	if (known) {
		if ((version && version < known->since) || (known->gone && version >= known->gone))
			lint_findings__add(
				place->findings,
				LINT_FINDING(place, LINT_WARNING, "suffix-of-others",
					     "the verifier takes the parameter for a plain one",
					     "use what this kernel has "
					     "(Documentation/bpf/kfuncs.rst)"),
				"parameter %s: this kernel has no suffix %s", name, known->text);
		return;
	}
	meant = parameter_suffix__nearest(suffix);
	lint_findings__add(place->findings,
			   LINT_FINDING(place, meant ? LINT_WARNING : LINT_NOTE, "unknown-suffix",
					"the verifier takes the parameter for a plain one",
					"use one of the verifier's suffixes, or a name without "
					"two underscores"),
			   "parameter %s: there is no suffix %s%s%s", name, suffix,
			   meant ? "; did you mean " : "", meant ?: "");
}

/* A pointer that the verifier knows without a size: by its name, or by a flag of the kfunc. */
static bool is_known_otherwise(const struct lint_place *place, int idx, const char *name)
{
	const struct parameter_suffix *suffix = parameter_suffix__of(name);
	__u32 flags = lint_kfunc__flags(place->kfunc);

	if (suffix && suffix->may_be_void)
		return true;
	return kfunc_quirk__judged(place->kfunc->name, JUDGED_ARGUMENTS) ||
	       (idx == 0 && flags & KFUNC_ARENA_ARG1) || (idx == 1 && flags & KFUNC_ARENA_ARG2);
}

static bool is_void_pointer(const struct btf *btf, __u32 id)
{
	__s32 target = btf__resolve_type(btf, id);
	const struct btf_type *type = target > 0 ? btf__type_by_id(btf, target) : NULL;

	/* What is void resolves to nothing. */
	return type && btf_is_ptr(type) && btf__resolve_type(btf, type->type) <= 0;
}

static void check_memory(const struct lint_place *place, int idx)
{
	const struct btf *btf = place->subject->btf;
	const struct btf_param *params = btf_params(place->proto);
	const char *name = btf__name_by_offset(btf, params[idx].name_off);
	const struct parameter_suffix *next = NULL;

	if (!is_void_pointer(btf, params[idx].type) || is_known_otherwise(place, idx, name))
		return;
	if (idx + 1 < btf_vlen(place->proto))
		next = parameter_suffix__of(btf__name_by_offset(btf, params[idx + 1].name_off));
	if (next && next->is_size)
		return;
	lint_findings__add(place->findings,
			   LINT_FINDING(place, LINT_WARNING, "void-without-size",
					"the verifier rejects each program that calls it",
					"put the size behind it, in a parameter named ...__sz, or "
					"give it a type"),
			   "parameter %d, void *%s, has no size", idx + 1, name);
}

void lint__check_params(const struct lint_place *place)
{
	const struct btf *btf = place->subject->btf;

	for (int i = 0; i < btf_vlen(place->proto); i++) {
		check_suffix(place, btf__name_by_offset(btf, btf_params(place->proto)[i].name_off));
		check_memory(place, i);
	}
}
