// SPDX-License-Identifier: GPL-2.0-only
/* Iterators: what the kernel checks when one is registered, and what it does not. */
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "kfunc_flags.h"
#include "lint_private.h"

#define PREFIX "bpf_iter_"

static const struct {
	__u32 flag;
	const char *name; /* of the flag */
	const char *verb;
} parts[] = {
	{ KFUNC_ITER_NEW, "KF_ITER_NEW", "new" },
	{ KFUNC_ITER_NEXT, "KF_ITER_NEXT", "next" },
	{ KFUNC_ITER_DESTROY, "KF_ITER_DESTROY", "destroy" },
};

#define NR_PARTS  (sizeof(parts) / sizeof(parts[0]))
#define ALL_PARTS (KFUNC_ITER_NEW | KFUNC_ITER_NEXT | KFUNC_ITER_DESTROY)

static void refused(const struct lint_place *place, const char *remedy, const char *what,
		    const char *detail)
{
	lint_findings__add(place->findings,
			   LINT_FINDING(place, LINT_ERROR, "iterator",
					"the kernel refuses the whole set when it is registered",
					remedy),
			   "%s%s", what, detail);
}

/* The structure that the first parameter points at, or NULL. */
static const struct btf_type *iterator_of(const struct lint_place *place)
{
	const struct btf *btf = place->subject->btf;
	const struct btf_type *type;
	__s32 id;

	if (!btf_vlen(place->proto))
		return NULL;
	id = btf__resolve_type(btf, btf_params(place->proto)[0].type);
	type = id > 0 ? btf__type_by_id(btf, id) : NULL;
	if (!type || !btf_is_ptr(type))
		return NULL;
	id = btf__resolve_type(btf, type->type);
	type = id > 0 ? btf__type_by_id(btf, id) : NULL;
	return type && btf_is_struct(type) ? type : NULL;
}

static void check_shape(const struct lint_place *place, size_t part)
{
	const struct btf *btf = place->subject->btf;
	__s32 id = btf__resolve_type(btf, place->proto->type);
	const struct btf_type *ret = id > 0 ? btf__type_by_id(btf, id) : NULL;
	__u32 flag = parts[part].flag;

	if (flag != KFUNC_ITER_NEW && btf_vlen(place->proto) != 1)
		refused(place, "take the iterator alone", "it takes more than the iterator", "");
	if (flag == KFUNC_ITER_NEXT && (!ret || !btf_is_ptr(ret)))
		refused(place, "return a pointer to the element, NULL at the end",
			"it returns no pointer", "");
	if (flag == KFUNC_ITER_NEXT && !(lint_kfunc__flags(place->kfunc) & KFUNC_RET_NULL))
		lint_findings__add(place->findings,
				   LINT_FINDING(place, LINT_WARNING, "iterator-end",
						"programs cannot find the end: the verifier takes "
						"its result for never NULL",
						"add KF_RET_NULL"),
				   "KF_ITER_NEXT without KF_RET_NULL");
	if (flag == KFUNC_ITER_DESTROY && place->proto->type)
		refused(place, "return void", "it returns something", "");
}

/* The name of the iterator's type, without the prefix; NULL having said what is wrong. */
static const char *check_type(const struct lint_place *place)
{
	const struct btf_type *type = iterator_of(place);
	const char *name;

	if (!type) {
		refused(place, "take a struct " PREFIX "TYPE * first",
			"its first parameter is no iterator", "");
		return NULL;
	}
	name = btf__name_by_offset(place->subject->btf, type->name_off);
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0) {
		refused(place, "name the structure " PREFIX "TYPE",
			"its first parameter is a struct ", name);
		return NULL;
	}
	if (type->size == 0 || type->size % 8)
		refused(place, "pad it: programs have it on their stack, in slots of eight bytes",
			"its size is no multiple of eight: struct ", name);
	return name + strlen(PREFIX);
}

static bool has_kfunc(const struct lint_subject *subject, const char *name, __u32 flag)
{
	for (int i = 0; i < subject->nr; i++) {
		if (strcmp(subject->kfuncs[i].name, name) == 0)
			return lint_kfunc__flags(&subject->kfuncs[i]) & flag;
	}
	return false;
}

/* Whoever has a constructor needs the other two; one finding, at the constructor. */
static void check_trio(const struct lint_place *place, const char *type)
{
	char name[256];

	for (size_t i = 1; i < NR_PARTS; i++) {
		snprintf(name, sizeof(name), PREFIX "%s_%s", type, parts[i].verb);
		if (!has_kfunc(place->subject, name, parts[i].flag))
			lint_findings__add(place->findings,
					   LINT_FINDING(place, LINT_ERROR, "iterator-trio",
							"programs that make one are rejected: it "
							"must be destroyed",
							"register all three for the same "
							"program types"),
					   "there is no %s with %s", name, parts[i].name);
	}
}

void lint__check_iterator(const struct lint_place *place)
{
	__u32 flags = lint_kfunc__flags(place->kfunc) & ALL_PARTS;
	const char *type;
	char name[256];

	if (!flags)
		return;
	if (flags & (flags - 1)) {
		refused(place, "give it the one flag that fits",
			"it has several of KF_ITER_NEW, KF_ITER_NEXT and KF_ITER_DESTROY", "");
		return;
	}
	type = check_type(place);
	for (size_t i = 0; i < NR_PARTS; i++) {
		if (flags != parts[i].flag)
			continue;
		check_shape(place, i);
		if (!type)
			return;
		snprintf(name, sizeof(name), PREFIX "%s_%s", type, parts[i].verb);
		if (strcmp(place->kfunc->name, name) != 0)
			refused(place, "name it after its iterator and its part",
				"by its flag and its parameter it should be named ", name);
		if (flags == KFUNC_ITER_NEW)
			check_trio(place, type);
	}
}
