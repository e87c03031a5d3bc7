// SPDX-License-Identifier: GPL-2.0-only
/* Flags that say something else than the prototype, or than each other. */
#include <bpf/btf.h>

#include "kernel_version.h"
#include "kfunc_flags.h"
#include "kfunc_quirks.h"
#include "lint_private.h"

static const struct btf_type *resolved(const struct btf *btf, __u32 id)
{
	__s32 target = btf__resolve_type(btf, id);

	return target > 0 ? btf__type_by_id(btf, target) : NULL;
}

bool lint__is_pointer(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = resolved(btf, id);

	return type && btf_is_ptr(type);
}

static bool is_pointer_to_struct(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = resolved(btf, id);

	if (!type || !btf_is_ptr(type))
		return false;
	type = resolved(btf, type->type);
	return type && btf_is_struct(type);
}

static bool takes_pointer(const struct lint_place *place)
{
	for (int i = 0; i < btf_vlen(place->proto); i++) {
		if (lint__is_pointer(place->subject->btf, btf_params(place->proto)[i].type))
			return true;
	}
	return false;
}

static void check_return(const struct lint_place *place, __u32 flags)
{
	const struct btf *btf = place->subject->btf;
	__u32 returns = place->proto->type;

	if (flags & KFUNC_ACQUIRE && !is_pointer_to_struct(btf, returns) &&
	    !kfunc_quirk__judged(place->kfunc->name, JUDGED_RESULT))
		lint_findings__add(place->findings,
				   LINT_FINDING(place, LINT_ERROR, "acquire-return",
						"the verifier rejects each program that calls it",
						"return a pointer to a structure, or drop "
						"KF_ACQUIRE"),
				   "KF_ACQUIRE, and it returns no pointer to a structure");
	if (flags & KFUNC_RET_NULL && !lint__is_pointer(btf, returns))
		lint_findings__add(place->findings,
				   LINT_FINDING(place, LINT_WARNING, "ret-null-return",
						"the flag has no effect", "drop KF_RET_NULL"),
				   "KF_RET_NULL, and it returns no pointer");
}

static void check_release(const struct lint_place *place, __u32 flags)
{
	if (!(flags & KFUNC_RELEASE) || takes_pointer(place))
		return;
	lint_findings__add(place->findings,
			   LINT_FINDING(place, LINT_ERROR, "release-argument",
					"the verifier rejects each program that calls it",
					"take the object to release, or drop KF_RELEASE"),
			   "KF_RELEASE, and it takes no pointer");
}

/* Two flags that no call can satisfy together. */
static void check_contradictions(const struct lint_place *place, __u32 flags)
{
	static const struct {
		__u32 both;
		const char *what;
		const char *effect;
	} pairs[] = {
		{ KFUNC_SLEEPABLE | KFUNC_RCU_PROTECTED, "KF_SLEEPABLE and KF_RCU_PROTECTED",
		  "it wants to be called where nothing may sleep, and may sleep: the verifier "
		  "rejects each call" },
		{ KFUNC_SLEEPABLE | KFUNC_SPINLOCK_SAFE, "KF_SLEEPABLE and KF_SPINLOCK_SAFE",
		  "under a lock nothing may sleep: the verifier rejects such calls all the same" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if ((flags & pairs[i].both) == pairs[i].both)
			lint_findings__add(place->findings,
					   LINT_FINDING(place, LINT_WARNING, "flags-contradict",
							pairs[i].effect, "drop one of the two"),
					   "%s", pairs[i].what);
	}
}

static void check_bits(const struct lint_place *place, __u32 flags)
{
	char unnamed[16];

	for (unsigned int bit = 0; bit < 32; bit++) {
		const char *name;

		if (!(flags & (1u << bit)))
			continue;
		name = kfunc_flag__name(bit, place->subject->version, unnamed, sizeof(unnamed));
		if (name == unnamed)
			lint_findings__add(
				place->findings,
				LINT_FINDING(
					place, LINT_WARNING, "unknown-flag",
					"the kernel ignores it, until it gives the bit a "
					"meaning",
					"use the KF_ names of the kernel that it is built for"),
				"flag %s, which has no meaning on this kernel", name);
	}
}

static void check_sets(const struct lint_place *place)
{
	const struct lint_kfunc *kfunc = place->kfunc;

	for (int i = 1; i < kfunc->nr_members; i++) {
		const struct lint_member *one = &kfunc->members[0], *other = &kfunc->members[i];
		char texts[2][256];

		if (one->flags == other->flags)
			continue;
		lint_findings__add(
			place->findings,
			LINT_FINDING(place, LINT_NOTE, "flags-differ",
				     "what programs may do with it depends on their type",
				     "use one set, or say beside the sets why they differ"),
			"%s in %s, %s in %s",
			kfunc_flags__format(one->flags, place->subject->version, " ", texts[0],
					    sizeof(texts[0])),
			one->set ?: "one set",
			kfunc_flags__format(other->flags, place->subject->version, " ", texts[1],
					    sizeof(texts[1])),
			other->set ?: "another");
		return;
	}
}

void lint__check_flags(const struct lint_place *place)
{
	__u32 flags = lint_kfunc__flags(place->kfunc);

	check_return(place, flags);
	check_release(place, flags);
	check_contradictions(place, flags);
	check_bits(place, flags);
	check_sets(place);
}
