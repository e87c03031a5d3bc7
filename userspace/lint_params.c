// SPDX-License-Identifier: GPL-2.0-only
/* Parameters: the suffixes of their names, and memory without a size. */
#include <string.h>

#include <bpf/btf.h>

#include "kernel_version.h"
#include "kfunc_flags.h"
#include "kfunc_quirks.h"
#include "lint_private.h"

/*
 * What the verifier looks for at the end of a parameter's name, on which kernels: read in the
 * sources of 6.1, 6.12 and 7.3. Between these the first one that was seen counts, for lint should
 * rather say nothing than something wrong.
 */
static const struct {
	const char *suffix;
	unsigned int since, gone; /* 0: from the beginning, not gone */
} suffixes[] = {
	{ "__sz", 0, 0 },
	{ "__szk", KVER(6, 4), 0 },
	{ "__k", KVER(6, 2), 0 },
	{ "__ign", KVER(6, 2), 0 },
	{ "__alloc", KVER(6, 2), 0 },
	{ "__uninit", KVER(6, 4), 0 },
	{ "__refcounted_kptr", KVER(6, 4), 0 },
	{ "__opt", KVER(6, 5), KVER(7, 0) },
	{ "__nullable", KVER(6, 7), 0 },
	{ "__str", KVER(6, 9), 0 },
	{ "__map", KVER(6, 10), 0 },
	{ "__iter", KVER(6, 11), 0 },
	{ "__prog", KVER(6, 15), KVER(7, 3) },
	{ "__irq_flag", KVER(6, 14), 0 },
	{ "__const_map", KVER(7, 0), 0 },
	{ "__nonown_allowed", KVER(7, 0), 0 },
	{ "__arena", KVER(7, 0), 0 },
	{ "__arena__nullable", KVER(7, 0), 0 },
};

#define NR_SUFFIXES (sizeof(suffixes) / sizeof(suffixes[0]))

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* How many letters make one of the other: added, left out, or another. */
static int distance(const char *a, const char *b)
{
	int row[32], nr = strlen(b);

	if (nr >= 32)
		return nr;
	for (int j = 0; j <= nr; j++)
		row[j] = j;
	for (int i = 1; a[i - 1]; i++) {
		int corner = row[0];

		row[0] = i;
		for (int j = 1; j <= nr; j++) {
			int above = row[j], best = corner + (a[i - 1] != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			corner = above;
		}
	}
	return row[nr];
}

/* The suffix that was probably meant, or NULL. */
static const char *nearest(const char *suffix)
{
	const char *best = NULL;
	int least = 3;

	for (size_t i = 0; i < NR_SUFFIXES; i++) {
		int far = distance(suffix, suffixes[i].suffix);

		/* Of short ones everything is near. */
		if (far < least && far * 2 < (int)strlen(suffixes[i].suffix)) {
			least = far;
			best = suffixes[i].suffix;
		}
	}
	return best;
}

static void check_suffix(const struct lint_place *place, const char *name)
{
	const char *suffix = NULL, *meant;
	unsigned int version = place->subject->version;

	for (const char *at = name; (at = strstr(at, "__")); at += 2)
		suffix = at;
	if (!suffix || suffix == name)
		return;
	for (size_t i = 0; i < NR_SUFFIXES; i++) {
		if (!ends_with(name, suffixes[i].suffix))
			continue;
		if ((version && version < suffixes[i].since) ||
		    (suffixes[i].gone && version >= suffixes[i].gone))
			lint_findings__add(
				place->findings,
				LINT_FINDING(place, LINT_WARNING, "suffix-of-others",
					     "the verifier takes the parameter for a plain one",
					     "use what this kernel has "
					     "(Documentation/bpf/kfuncs.rst)"),
				"parameter %s: this kernel has no suffix %s", name,
				suffixes[i].suffix);
		return;
	}
	meant = nearest(suffix);
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
	static const char *const known[] = {
		"__ign", "__map",  "__const_map", "__alloc",	       "__iter",
		"__str", "__prog", "__arena",	  "__arena__nullable", "__refcounted_kptr"
	};
	__u32 flags = lint_kfunc__flags(place->kfunc);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (ends_with(name, known[i]))
			return true;
	}
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
	const char *name = btf__name_by_offset(btf, params[idx].name_off), *next = "";

	if (!is_void_pointer(btf, params[idx].type) || is_known_otherwise(place, idx, name))
		return;
	if (idx + 1 < btf_vlen(place->proto))
		next = btf__name_by_offset(btf, params[idx + 1].name_off);
	if (ends_with(next, "__sz") || ends_with(next, "__szk"))
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
