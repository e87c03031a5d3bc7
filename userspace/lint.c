// SPDX-License-Identifier: GPL-2.0-only
#include "lint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "kernel_version.h"
#include "kfunc_flags.h"
#include "lint_private.h"
#include "prototype.h"

const char *lint_severity__name(enum lint_severity severity)
{
	static const char *const names[] = {
		[LINT_ERROR] = "error",
		[LINT_WARNING] = "warning",
		[LINT_NOTE] = "note",
	};

	return names[severity];
}

void lint_findings__add(struct lint_findings *findings, const struct lint_finding *finding,
			const char *what, ...)
{
	va_list args;
	int len;

	if (findings->nr == findings->room) {
		size_t room = findings->room ? findings->room * 2 : 16;
		struct lint_finding *grown = realloc(findings->findings, room * sizeof(*grown));

		if (!grown) {
			findings->out_of_memory = true;
			return;
		}
		findings->findings = grown;
		findings->room = room;
	}
	findings->findings[findings->nr] = *finding;
	va_start(args, what);
	len = vasprintf(&findings->findings[findings->nr].what, what, args);
	va_end(args);
	if (len < 0)
		findings->out_of_memory = true;
	else
		findings->nr++;
}

void lint_findings__free(struct lint_findings *findings)
{
	for (size_t i = 0; i < findings->nr; i++)
		free(findings->findings[i].what);
	free(findings->findings);
	memset(findings, 0, sizeof(*findings));
}

__u32 lint_kfunc__flags(const struct lint_kfunc *kfunc)
{
	__u32 flags = 0;

	for (int i = 0; i < kfunc->nr_members; i++)
		flags |= kfunc->members[i].flags;
	return flags;
}

void lint_subject__find_tags(struct lint_subject *subject)
{
	const struct btf *btf = subject->btf;

	for (int i = 0; i < subject->nr; i++)
		subject->kfuncs[i].tag = LINT_ABSENT;
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (!btf_is_decl_tag(type) ||
		    strcmp(btf__name_by_offset(btf, type->name_off), LINT_TAG) != 0)
			continue;
		for (int i = 0; i < subject->nr; i++) {
			if (subject->kfuncs[i].func_id == type->type)
				subject->kfuncs[i].tag = LINT_PRESENT;
		}
	}
}

void lint_subject__free(struct lint_subject *subject)
{
	for (int i = 0; i < subject->nr; i++)
		free(subject->kfuncs[i].members);
	free(subject->kfuncs);
	free(subject->destructors);
}

void lint_subjects__free(struct lint_subject *subjects, int nr)
{
	for (int i = 0; i < nr; i++)
		lint_subject__free(&subjects[i]);
	free(subjects);
}

/* --- rules on how a kfunc is built ------------------------------------------------------------ */

static void check_code(const struct lint_place *place)
{
	const struct lint_kfunc *kfunc = place->kfunc;

	if (kfunc->symbol != LINT_ABSENT)
		return;
	if (kfunc->copy)
		lint_findings__add(
			place->findings,
			LINT_FINDING(place, LINT_ERROR, "no-symbol",
				     "the verifier finds no address under its name: programs that "
				     "call it do not load",
				     "define it with __bpf_kfunc, which keeps the compiler from "
				     "changing its parameters"),
			"registered, and the compiler has left only '%s' of it", kfunc->copy);
	else
		lint_findings__add(
			place->findings,
			LINT_FINDING(place, LINT_ERROR, "no-symbol",
				     "the verifier finds no address: programs that call it do not "
				     "load",
				     "define it with __bpf_kfunc, which keeps it although nothing "
				     "in the kernel calls it"),
			"registered, and the compiler has left no symbol of it");
}

static void check_tag(const struct lint_place *place)
{
	if (place->kfunc->tag == LINT_ABSENT)
		lint_findings__add(
			place->findings,
			LINT_FINDING(
				place, LINT_WARNING, "no-tag",
				"bpftool does not write it into vmlinux.h; from 6.9 on its set "
				"is refused when it is registered",
				"put it into a set of BTF_KFUNCS_START() and BTF_KFUNCS_END()"),
			"registered, and BTF has no bpf_kfunc tag for it");
}

/* Since 7.2 the parameters that the verifier fills in are only in a second prototype. */
static void check_twin(const struct lint_place *place)
{
	const struct lint_kfunc *kfunc = place->kfunc;
	char twin[256];

	if (!(lint_kfunc__flags(kfunc) & KFUNC_IMPLICIT_ARGS))
		return;
	snprintf(twin, sizeof(twin), "%s_impl", kfunc->name);
	if (btf__find_by_name_kind(place->subject->btf, twin, BTF_KIND_FUNC) > 0)
		return;
	lint_findings__add(place->findings,
			   LINT_FINDING(place, LINT_ERROR, "no-twin",
					"the verifier finds no prototype with all parameters: "
					"programs that call it do not load",
					"build with a pahole or resolve_btfids that knows "
					"KF_IMPLICIT_ARGS"),
			   "KF_IMPLICIT_ARGS, and BTF has no %s", twin);
}

static void check_kfunc(const struct lint_subject *subject, const struct lint_kfunc *kfunc,
			struct lint_findings *findings)
{
	const struct lint_place place = {
		.subject = subject,
		.kfunc = kfunc,
		.proto = prototype__type(subject->btf, kfunc->func_id),
		.findings = findings,
	};

	if (!place.proto) {
		lint_findings__add(findings,
				   LINT_FINDING(&place, LINT_ERROR, "no-prototype",
						"the kernel refuses the whole set",
						"let BTF be made of the file that defines it"),
				   "BTF has no prototype of it");
		return;
	}
	check_code(&place);
	check_tag(&place);
	check_twin(&place);
	lint__check_flags(&place);
	lint__check_params(&place);
	lint__check_iterator(&place);
}

static int compare_findings(const void *a, const void *b)
{
	const struct lint_finding *left = a, *right = b;

	return (int)left->severity - (int)right->severity
		       ?: strcmp(left->subject, right->subject)
		       ?: strcmp(left->kfunc ?: "", right->kfunc ?: "")
		       ?: strcmp(left->rule, right->rule)
		       ?: strcmp(left->what, right->what);
}

int lint__run(const struct lint_subject *subjects, int nr, struct lint_findings *findings)
{
	const struct lint_world world = { .subjects = subjects, .nr = nr, .findings = findings };

	for (int i = 0; i < nr; i++) {
		if (!subjects[i].wanted)
			continue;
		for (int j = 0; j < subjects[i].nr; j++)
			check_kfunc(&subjects[i], &subjects[i].kfuncs[j], findings);
	}
	lint__check_references(&world);
	if (findings->nr)
		qsort(findings->findings, findings->nr, sizeof(*findings->findings),
		      compare_findings);
	return findings->out_of_memory ? -ENOMEM : 0;
}
