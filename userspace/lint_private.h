/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules, by what they look at. */
#ifndef KFUNCTRACE_LINT_PRIVATE_H
#define KFUNCTRACE_LINT_PRIVATE_H

#include "lint.h"

struct btf_type;

struct lint_world {
	const struct lint_subject *subjects;
	int nr;
	struct lint_findings *findings;
};

/* Where a rule looks. */
struct lint_place {
	const struct lint_subject *subject;
	const struct lint_kfunc *kfunc;
	const struct btf_type *proto; /* as programs see it */
	struct lint_findings *findings;
};

/* A finding's fixed parts; `what` follows. */
#define LINT_FINDING(place, sev, id, does, mend)                                                   \
	&(const struct lint_finding)                                                               \
	{                                                                                          \
		.severity = (sev), .rule = (id), .subject = (place)->subject->name,                \
		.kfunc = (place)->kfunc->name, .effect = (does), .remedy = (mend)                  \
	}

/* Looks through typedefs and qualifiers. */
bool lint__is_pointer(const struct btf *btf, __u32 id);

void lint__check_flags(const struct lint_place *place);
void lint__check_params(const struct lint_place *place);
void lint__check_iterator(const struct lint_place *place);
/* What takes more than one kfunc to see. */
void lint__check_references(const struct lint_world *world);

#endif
