// SPDX-License-Identifier: GPL-2.0-only
/* References: whether what is acquired can be released, and kept in maps. */
#include <string.h>

#include <bpf/btf.h>

#include "kfunc_flags.h"
#include "lint_private.h"
#include "prototype.h"

/* An untyped one stands for objects of the programs' own (bpf_obj_new). */
#define UNTYPED "void"

/* What programs' own objects are in a list or a tree by: taken out, the object is theirs again. */
static bool is_node(const char *type)
{
	return strcmp(type, "bpf_list_node") == 0 || strcmp(type, "bpf_rb_node") == 0;
}

static const char *pointee(const struct btf *btf, __u32 type_id)
{
	const char *type = prototype__pointee(btf, type_id);

	return type && !is_node(type) ? type : UNTYPED;
}

static bool kfunc_takes(const struct lint_subject *subject, const struct lint_kfunc *kfunc,
			const char *type)
{
	const struct btf_type *proto = prototype__type(subject->btf, kfunc->func_id);

	for (int i = 0; proto && i < btf_vlen(proto); i++) {
		__u32 param = btf_params(proto)[i].type;

		if (lint__is_pointer(subject->btf, param) &&
		    strcmp(pointee(subject->btf, param), type) == 0)
			return true;
	}
	return false;
}

static bool is_released(const struct lint_world *world, const char *type)
{
	for (int i = 0; i < world->nr; i++) {
		const struct lint_subject *subject = &world->subjects[i];

		for (int j = 0; j < subject->nr; j++) {
			if (lint_kfunc__flags(&subject->kfuncs[j]) & KFUNC_RELEASE &&
			    kfunc_takes(subject, &subject->kfuncs[j], type))
				return true;
		}
	}
	return false;
}

/* True as well when nobody knows. */
static bool has_destructor(const struct lint_world *world, const char *type)
{
	for (int i = 0; i < world->nr; i++) {
		const struct lint_subject *subject = &world->subjects[i];

		if (!subject->destructors_known)
			return true;
		for (int j = 0; j < subject->nr_destructors; j++) {
			if (strcmp(subject->destructors[j], type) == 0)
				return true;
		}
	}
	return false;
}

/* An object that is not complete yet is released by what completes it, and kept nowhere. */
static bool is_incomplete(const char *type)
{
	static const char end[] = "___init";
	size_t len = strlen(type);

	return len > strlen(end) && strcmp(type + len - strlen(end), end) == 0;
}

static bool is_structure(const struct btf *btf, __u32 id)
{
	__s32 target = btf__resolve_type(btf, id);

	if (target > 0)
		target = btf__resolve_type(btf, btf__type_by_id(btf, target)->type);
	/* Untyped objects resolve to nothing. */
	return target <= 0 || btf_is_struct(btf__type_by_id(btf, target));
}

static void check_acquire(const struct lint_world *world, const struct lint_place *place)
{
	const char *type;

	if (!(lint_kfunc__flags(place->kfunc) & KFUNC_ACQUIRE) || !place->proto)
		return;
	type = pointee(place->subject->btf, place->proto->type);
	if (!is_structure(place->subject->btf, place->proto->type))
		return; /* said elsewhere, where it is wrong */
	if (!is_released(world, type)) {
		lint_findings__add(place->findings,
				   LINT_FINDING(place, LINT_ERROR, "no-release",
						"programs that call it are rejected: they must "
						"give the reference back and cannot",
						"add a kfunc with KF_RELEASE that takes this type"),
				   "KF_ACQUIRE, and nothing releases a struct %s", type);
		return;
	}
	if (strcmp(type, UNTYPED) == 0 || is_incomplete(type) || has_destructor(world, type))
		return;
	lint_findings__add(place->findings,
			   LINT_FINDING(place, LINT_NOTE, "no-destructor",
					"maps with a kptr field of this type are refused",
					"register one with register_btf_id_dtor_kfuncs(), unless "
					"it must not be kept"),
			   "struct %s has no destructor", type);
}

void lint__check_references(const struct lint_world *world)
{
	for (int i = 0; i < world->nr; i++) {
		const struct lint_subject *subject = &world->subjects[i];

		for (int j = 0; j < subject->nr && subject->wanted; j++) {
			const struct lint_place place = {
				.subject = subject,
				.kfunc = &subject->kfuncs[j],
				.proto = prototype__type(subject->btf, subject->kfuncs[j].func_id),
				.findings = world->findings,
			};

			check_acquire(world, &place);
		}
	}
}
