// SPDX-License-Identifier: GPL-2.0-only
/* Verdicts on a kfunc that a program calls. */
#include "check_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "deprecations.h"
#include "kernel_version.h"
#include "kfunc_quirks.h"
#include "registry.h"
#include "snapshot_diff.h"
#include "text_pool.h"

/* Since then the verifier takes the address of a kfunc that is there. */
#define ADDRESS_SINCE KVER(6, 4)
/* --- saying ----------------------------------------------------------------------------------- */

static int add(struct judgement *judgement, enum check_verdict verdict, enum check_outcome outcome,
	       size_t function, size_t insn, struct check_finding finding)
{
	const struct object_view *view = judgement->view;

	finding.program = judgement->program->name;
	finding.section = judgement->program->section_name;
	finding.autoload = judgement->program->section.autoload;
	finding.kfunc = judgement->kfunc->name;
	finding.module = judgement->have ? judgement->have->module : NULL;
	finding.verdict = verdict;
	finding.outcome = outcome;
	object_calls__line(view->calls, &view->calls->functions[function], insn, &finding.file,
			   &finding.line);
	if (outcome > judgement->outcome)
		judgement->outcome = outcome;
	judgement->is_found = true;
	return check__add_finding(view, &finding);
}

/* About the call, or where the address is taken when there is none. */
static int say(struct judgement *judgement, enum check_verdict verdict, enum check_outcome outcome,
	       struct check_finding finding)
{
	if (judgement->call)
		return add(judgement, verdict, outcome, judgement->call->function,
			   judgement->call->insn, finding);
	return add(judgement, verdict, outcome, judgement->address_function,
		   judgement->address_insn, finding);
}

/* It does when the verifier comes there without doubt. */
static enum check_outcome if_reached(const struct flow_call *call)
{
	return call->is_certain ? CHECK_BREAKS : CHECK_UNDECIDED;
}

/* --- kfuncs that are not there ---------------------------------------------------------------- */

/* What the catalogue knows of a kfunc that is not on a kernel. */
static const char *replacement_of(const struct object_view *view, const char *kfunc)
{
	const struct deprecation *known = deprecations__find(view->check->deprecations, kfunc);

	return known ? deprecation__replacement(known) : NULL;
}

void check__describe_unresolved(const struct object_view *view, size_t kfunc,
				struct check_finding *finding)
{
	bool is_weak = view->calls->kfuncs[kfunc].is_weak;

	finding->outcome = CHECK_BREAKS;
	finding->whole_object = true;
	if (view->resolutions[kfunc] == MISMATCH) {
		finding->verdict = CHECK_INCOMPATIBLE;
		finding->module = view->have[kfunc]->module;
		finding->what = view->why[kfunc];
		finding->advice =
			is_weak ? "declare it as the kernel has it; libbpf since 1.3 takes a "
				  "weak one that does not fit for missing"
				: "declare it as the kernel has it, or weak under a name such "
				  "as f___new for kernels that differ (libbpf since 1.3)";
		return;
	}
	finding->verdict = CHECK_MISSING;
	finding->what = "the kernel has no such kfunc";
	finding->replacement = replacement_of(view, view->calls->kfuncs[kfunc].name);
	finding->advice = strcmp(view->check->kernels[view->kernel].name, "live") == 0
				  ? "load the module that has it; or declare it __weak and call it "
				    "behind bpf_ksym_exists()"
				  : "declare it __weak and call it behind bpf_ksym_exists()";
}

static int judge_missing_weak(struct judgement *judgement)
{
	struct check_finding finding = {
		.replacement = replacement_of(judgement->view, judgement->kfunc->name),
	};

	if (!judgement->call || !judgement->call->is_reached) {
		finding.what = "the call is dead code there";
		return say(judgement, CHECK_MISSING_WEAK, CHECK_LOADS, finding);
	}
	finding.what = judgement->call->is_certain ? "the call is not guarded"
						   : "what guards the call, the kernel decides";
	finding.advice = "call it behind bpf_ksym_exists()";
	return say(judgement, CHECK_MISSING_WEAK, if_reached(judgement->call), finding);
}

static int judge_unresolved(struct judgement *judgement)
{
	struct check_finding finding = { 0 };

	if (judgement->view->resolutions[judgement->idx] == ABSENT && judgement->kfunc->is_weak)
		return judge_missing_weak(judgement);
	check__describe_unresolved(judgement->view, judgement->idx, &finding);
	return say(judgement, finding.verdict, finding.outcome, finding);
}

/* --- who may call it -------------------------------------------------------------------------- */

const struct snapshot_hook *check__hook_of(const struct snapshot_kfunc *kfunc, const char *type)
{
	const char *name = type ? registry__hook_of_prog_type(type) : NULL;
	const struct snapshot_hook *hook = snapshot_kfunc__hook(kfunc, "common");

	if (!hook && name)
		hook = snapshot_kfunc__hook(kfunc, name);
	/* Before all types of a cgroup shared one: "cgroup_skb". */
	if (!hook && type)
		hook = snapshot_kfunc__hook(kfunc, type);
	/* The flags of a kernel in a file are known when they are the same for all. */
	if (!hook && kfunc->nr_hooks == 1 && snapshot_hook__is_unknown(&kfunc->hooks[0]))
		hook = &kfunc->hooks[0];
	return hook;
}

static bool has_unknown_hook(const struct snapshot_kfunc *kfunc)
{
	for (int i = 0; i < kfunc->nr_hooks; i++) {
		if (snapshot_hook__is_unknown(&kfunc->hooks[i]))
			return true;
	}
	return !kfunc->nr_hooks;
}

static int judge_filter(struct judgement *judgement)
{
	const struct prog_section *section = &judgement->program->section;

	switch (kfunc_quirk__passes_filter(judgement->kfunc->name, section->type, section->kind,
					   judgement->kernel->version)) {
	case 1:
		return 0;
	case 0:
		return say(
			judgement, CHECK_NOT_ALLOWED, if_reached(judgement->call),
			(struct check_finding){
				.what = "a filter of the kernel's turns this kind of program down",
				.advice = "see the kfunc's documentation for who may call it",
			});
	default:
		return say(judgement, CHECK_FILTERED, CHECK_UNDECIDED,
			   (struct check_finding){
				   .what = "a filter of the kernel's decides on each program",
				   .advice = "load it on that kernel to find out",
			   });
	}
}

/* "xdp, tc, tracing" */
static const char *list_hooks(const struct judgement *judgement)
{
	const struct snapshot_kfunc *have = judgement->have;
	char text[256] = "";
	size_t len = 0;

	for (int i = 0; i < have->nr_hooks && len < sizeof(text); i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "",
				have->hooks[i].name);
	return text_pool__format(judgement->view->check->texts, "%s programs may not, only: %s",
				 judgement->program->section.type, text);
}

static int judge_hook(struct judgement *judgement)
{
	const char *type = judgement->program->section.type;
	int asks = type ? registry__asks_hook(type, judgement->kernel->version) : -1;
	bool is_common = judgement->hook && strcmp(judgement->hook->name, "common") == 0;

	if (is_common && !judgement->hook->filtered)
		return 0;
	if (!type || strcmp(type, "ext") == 0)
		return say(judgement, CHECK_UNKNOWN, CHECK_UNDECIDED,
			   (struct check_finding){
				   .what = type ? "it depends on the program that it replaces"
						: "the type of the program is not known",
			   });
	if ((asks < 0 && !is_common) || has_unknown_hook(judgement->have))
		return say(
			judgement, CHECK_UNKNOWN, CHECK_UNDECIDED,
			(struct check_finding){
				.what = "which types of programs may call it is not known of that kernel",
				.advice = "take a snapshot of that kernel while it runs",
			});
	if ((!asks && !is_common) || !judgement->hook)
		return say(judgement, CHECK_NOT_ALLOWED, if_reached(judgement->call),
			   (struct check_finding){
				   .what = list_hooks(judgement),
				   .advice = "call it from a program of another type",
			   });
	return judgement->hook->filtered ? judge_filter(judgement) : 0;
}

/* --- how it is called ------------------------------------------------------------------------- */

static bool has_flag(const struct judgement *judgement, const char *flag)
{
	return judgement->hook && snapshot_hook__has_flag(judgement->hook, flag);
}

static int judge_sleeping(struct judgement *judgement)
{
	bool may = judgement->call->in_callback && judgement->has_sleepable_callbacks;

	if (!has_flag(judgement, "sleepable") || judgement->program->section.sleepable)
		return 0;
	return say(
		judgement, CHECK_SLEEPABLE, may ? CHECK_UNDECIDED : if_reached(judgement->call),
		(struct check_finding){
			.what = may ? "it may be called where sleeping is allowed"
				    : "it may sleep, and the program may not",
			.advice =
				"use a sleepable section (SEC(\"fentry.s/...\")), or call it from "
				"a bpf_wq callback",
		});
}

/* The snapshot that a change is measured against, and the kfunc in it; NULL when there is none. */
static const struct check_kernel *find_baseline(const struct judgement *judgement,
						const struct snapshot_kfunc **before)
{
	const struct check *check = judgement->view->check;

	for (size_t i = 0; i < judgement->view->kernel; i++) {
		const struct snapshot *snapshot = &check->kernels[i].snapshot;

		*before = snapshot__find(snapshot, judgement->kfunc->name, judgement->have->module)
				  ?: snapshot__find_name(snapshot, judgement->kfunc->name);
		if (*before)
			return &check->kernels[i];
	}
	return NULL;
}

static int judge_null(struct judgement *judgement)
{
	const struct snapshot_kfunc *before = NULL;
	const struct snapshot_hook *hook_before = NULL;

	if (!has_flag(judgement, "ret_null"))
		return 0;
	if (judgement->misused)
		return add(judgement, CHECK_NULL,
			   judgement->misused->is_misused_for_sure ? CHECK_BREAKS : CHECK_UNDECIDED,
			   judgement->misused->function, judgement->misused->misused_at,
			   (struct check_finding){
				   .what = judgement->misused->is_misused_for_sure
						   ? "it is used here and may be NULL"
						   : "on some ways it is used here and may be NULL",
				   .advice = "compare it with NULL before",
			   });
	if (find_baseline(judgement, &before))
		hook_before = check__hook_of(before, judgement->program->section.type);
	if (!hook_before || snapshot_hook__has_flag(hook_before, "ret_null"))
		return 0;
	return say(judgement, CHECK_RETURNS_NULL,
		   judgement->call->is_tested ? CHECK_LOADS : CHECK_UNDECIDED,
		   (struct check_finding){
			   .what = judgement->call->is_tested ? "the program tests for it"
							      : "no test for it was found",
			   .advice = "compare what it returns with NULL",
		   });
}

/* --- what else changes ------------------------------------------------------------------------ */

/* Of these, more is known than that they changed. */
static bool is_judged_elsewhere(const struct change *change)
{
	return (change->kind != CHANGE_SIGNATURE && change->kind != CHANGE_FLAG) ||
	       !change->breaks || strcmp(change->what, "+ret_null") == 0 ||
	       strcmp(change->what, "+sleepable") == 0;
}

static int judge_changes(struct judgement *judgement)
{
	const struct check_kernel *baseline;
	const struct snapshot_kfunc *before = NULL;
	struct snapshot_diff diff = { 0 };
	struct text_pool *texts = judgement->view->check->texts;
	int err = 0;

	baseline = find_baseline(judgement, &before);
	if (baseline)
		err = snapshot_diff__make_one(&diff, &baseline->snapshot, before,
					      &judgement->kernel->snapshot, judgement->have);
	for (size_t i = 0; i < diff.nr && !err; i++) {
		const struct change *change = &diff.changes[i];

		if (is_judged_elsewhere(change))
			continue;
		err = say(
			judgement, CHECK_CHANGED, CHECK_UNDECIDED,
			(struct check_finding){
				.what = text_pool__format(texts, "since %s: %s",
							  baseline->snapshot.release, change->what),
				.advice = text_pool__keep(texts, change->means),
			});
	}
	snapshot_diff__free(&diff);
	return err;
}

static int judge_prototype(struct judgement *judgement)
{
	const struct object_view *view = judgement->view;

	if (!view->why[judgement->idx])
		return 0;
	return say(judgement, CHECK_CHANGED,
		   view->is_doubtful[judgement->idx] ? CHECK_UNDECIDED : CHECK_LOADS,
		   (struct check_finding){
			   .what = view->why[judgement->idx],
			   .advice = "declare it as the kernel has it",
		   });
}

static int judge_module(struct judgement *judgement)
{
	const char *module = judgement->have->module;

	/* The modules of the running kernel are loaded: it would not be in the registry. */
	if (strcmp(module, "vmlinux") == 0 || strcmp(judgement->kernel->name, "live") == 0)
		return 0;
	return say(judgement, CHECK_MODULE, CHECK_LOADS,
		   (struct check_finding){
			   .what = text_pool__format(judgement->view->check->texts,
						     "needs the module %s", module),
			   .advice = "load the module before the program",
		   });
}

static int judge_deprecation(struct judgement *judgement)
{
	const struct deprecation *known;
	char text[256];

	known = deprecations__of(judgement->view->check->deprecations, judgement->kfunc->name,
				 snapshot_kfunc__deprecated(judgement->have),
				 judgement->kernel->version);
	if (!known)
		return 0;
	return say(judgement, CHECK_DEPRECATED, CHECK_LOADS,
		   (struct check_finding){
			   .what = text_pool__keep(judgement->view->check->texts,
						   deprecation__format(known, text, sizeof(text))),
			   .replacement = deprecation__replacement(known),
		   });
}

/* --- addresses and symbols -------------------------------------------------------------------- */

static int judge_address(struct judgement *judgement)
{
	if (!judgement->is_address_taken)
		return 0;
	if (judgement->kernel->version < ADDRESS_SINCE)
		return add(
			judgement, CHECK_ADDRESS, CHECK_BREAKS, judgement->address_function,
			judgement->address_insn,
			(struct check_finding){
				.what = "kernels before 6.4 refuse the address of a kfunc that they have",
				.advice =
					"guard the call by a constant that the loader sets, not by "
					"bpf_ksym_exists()",
			});
	if (strcmp(judgement->have->module, "vmlinux") == 0)
		return 0;
	return add(
		judgement, CHECK_ADDRESS, CHECK_UNDECIDED, judgement->address_function,
		judgement->address_insn,
		(struct check_finding){
			.what = "libbpf before 1.2 cannot give the address of a module's kfunc",
			.advice =
				"use libbpf 1.2 or newer, or guard the call by a constant that the "
				"loader sets",
		});
}

static int judge_call(struct judgement *judgement)
{
	int err;

	/* Looked for before the verifier begins, also for calls that are dead. */
	if (strcmp(judgement->have->coverage, "elided") == 0)
		return say(judgement, CHECK_NO_SYMBOL, CHECK_BREAKS,
			   (struct check_finding){
				   .advice = "no program can call it on that kernel" });
	if (!judgement->call->is_reached)
		return say(judgement, CHECK_DEAD, CHECK_LOADS, (struct check_finding){ 0 });
	err = judge_hook(judgement);
	if (!err)
		err = judge_sleeping(judgement);
	if (!err)
		err = judge_null(judgement);
	if (!err)
		err = judge_prototype(judgement);
	if (!err)
		err = judge_changes(judgement);
	if (!err)
		err = judge_module(judgement);
	return err ?: judge_deprecation(judgement);
}

/* --- all of it ---------------------------------------------------------------------------------- */

static bool is_gpl_compatible(const char *license)
{
	static const char *const names[] = {
		"GPL",		"GPL v2",	"GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], license) == 0)
			return true;
	}
	return false;
}

int check_kfunc__judge(struct judgement *judgement)
{
	const struct object_view *view = judgement->view;
	int err = 0;

	if (judgement->call && !is_gpl_compatible(view->calls->file->license))
		err = say(
			judgement, CHECK_LICENSE, CHECK_BREAKS,
			(struct check_finding){
				.advice =
					"SEC(\"license\") must be \"Dual BSD/GPL\", or another of the "
					"kernel's list",
			});
	if (err)
		return err;
	if (view->resolutions[judgement->idx] != RESOLVED)
		return judge_unresolved(judgement);
	err = judge_address(judgement);
	if (!err && judgement->call)
		err = judge_call(judgement);
	if (!err && !judgement->is_found)
		err = say(judgement, CHECK_OK, CHECK_LOADS, (struct check_finding){ 0 });
	return err;
}
