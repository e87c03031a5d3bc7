// SPDX-License-Identifier: GPL-2.0-only
/* Verdicts on the kfuncs that one program calls. */
#include "check_private.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deprecations.h"
#include "kernel_version.h"
#include "kfunc_quirks.h"
#include "object_flow.h"
#include "registry.h"
#include "snapshot_diff.h"
#include "text_pool.h"
#include "type_shape.h"

/* Since then the verifier takes the address of a kfunc that is there. */
#define ADDRESS_SINCE KVER(6, 4)
/* Since then the verifier leaves out global functions that nobody calls. */
#define SKIPS_GLOBALS_SINCE KVER(6, 8)
/* Since then all pointers to structures must be trusted, and none may be NULL. */
#define TRUSTED_SINCE KVER(7, 2)

/* A program on a kernel, and one of its kfuncs at a time. */
struct judgement {
	const struct object_view *view;
	const struct object_program *program;
	const struct check_kernel *kernel;
	struct flow flow;
	bool *used;		      /* functions that are loaded with it */
	bool has_sleepable_callbacks; /* some function of it may run where sleeping is allowed */
	enum check_outcome outcome;
	int nr_kfuncs;
	/* The kfunc. */
	size_t idx;
	const struct object_kfunc *kfunc;
	const struct snapshot_kfunc *have;
	const struct snapshot_hook *hook;
	const struct flow_call *call; /* one that is reached, if any is */
	const struct flow_call *misused;
	size_t address_function, address_insn;
	bool is_address_taken;
	bool is_found; /* something was said about it */
};

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

static const struct snapshot_hook *hook_of(const struct snapshot_kfunc *kfunc, const char *type)
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
		hook_before = hook_of(before, judgement->program->section.type);
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

/* --- a program -------------------------------------------------------------------------------- */

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

/* Where the program deals with the kfunc. False when it does not. */
static bool find_uses(struct judgement *judgement)
{
	const struct object_calls *calls = judgement->view->calls;

	judgement->call = judgement->misused = NULL;
	judgement->is_address_taken = judgement->is_found = false;
	for (size_t i = 0; i < judgement->flow.nr; i++) {
		const struct flow_call *call = &judgement->flow.calls[i], *best = judgement->call;

		if (call->kfunc != judgement->idx)
			continue;
		if (!best ||
		    best->is_reached + best->is_certain < call->is_reached + call->is_certain)
			judgement->call = call;
		if (call->is_misused &&
		    (!judgement->misused || !judgement->misused->is_misused_for_sure))
			judgement->misused = call;
	}
	for (size_t i = 0; i < calls->nr_functions; i++) {
		const struct object_function *function = &calls->functions[i];

		for (size_t j = 0; judgement->used[i] && j < function->nr_refs; j++) {
			if (function->refs[j].kind != REF_KFUNC_ADDRESS ||
			    function->refs[j].target != judgement->idx ||
			    judgement->is_address_taken)
				continue;
			judgement->is_address_taken = true;
			judgement->address_function = i;
			judgement->address_insn = function->refs[j].insn;
		}
	}
	return judgement->call || judgement->is_address_taken;
}

static int judge_kfunc(struct judgement *judgement, size_t idx)
{
	const struct object_view *view = judgement->view;
	int err = 0;

	judgement->idx = idx;
	judgement->kfunc = &view->calls->kfuncs[idx];
	judgement->have = view->have[idx];
	judgement->hook =
		judgement->have ? hook_of(judgement->have, judgement->program->section.type) : NULL;
	if (!find_uses(judgement))
		return 0;
	judgement->nr_kfuncs++;
	if (judgement->call && !is_gpl_compatible(view->calls->file->license))
		err = say(judgement, CHECK_LICENSE, CHECK_BREAKS,
			  (struct check_finding){
				  .advice = "char LICENSE[] SEC(\"license\") = "
					    "\"Dual BSD/GPL\", or another of the kernel's "
					    "list" });
	if (err)
		return err;
	if (view->resolutions[idx] != RESOLVED)
		return judge_unresolved(judgement);
	err = judge_address(judgement);
	if (!err && judgement->call)
		err = judge_call(judgement);
	if (!err && !judgement->is_found)
		err = say(judgement, CHECK_OK, CHECK_LOADS, (struct check_finding){ 0 });
	return err;
}

/* Arguments that must not be NULL, a bit for each. */
static __u8 null_refusing_args(const struct snapshot_kfunc *have, const struct snapshot_hook *hook,
			       unsigned int version)
{
	static const char *const lenient[] = { "__nullable", "__opt", "__ign", "__uninit",
					       "__alloc" };
	__u8 mask = 0;

	if (!hook || (version < TRUSTED_SINCE && !snapshot_hook__has_flag(hook, "release") &&
		      !snapshot_hook__has_flag(hook, "trusted_args")))
		return 0;
	for (int i = 0; i < have->signature.nr_params && i < 5; i++) {
		const struct snapshot_param *param = &have->signature.params[i];
		bool refuses = strncmp(param->type, "struct ", 7) == 0 ||
			       strncmp(param->type, "const struct ", 13) == 0;

		for (size_t j = 0; j < sizeof(lenient) / sizeof(lenient[0]); j++)
			refuses &= !strstr(param->name, lenient[j]);
		mask |= (refuses && strchr(param->type, '*')) << i;
	}
	return mask;
}

static __u32 version_code(const char *release)
{
	unsigned int major, minor, patch;

	if (sscanf(release, "%u.%u.%u", &major, &minor, &patch) != 3)
		return 0;
	return (major << 16) + (minor << 8) + (patch > 255 ? 255 : patch);
}

static int follow(struct judgement *judgement)
{
	const struct object_view *view = judgement->view;
	size_t nr = view->calls->nr_kfuncs + 1;
	bool *has = calloc(nr, sizeof(*has)), *may_be_null = calloc(nr, sizeof(*may_be_null));
	__u8 *refuses = calloc(nr, sizeof(*refuses));
	const struct flow_kernel kernel = {
		.has = has,
		.may_be_null = may_be_null,
		.refuses_null = refuses,
		.version_code = version_code(judgement->kernel->snapshot.release),
		.skips_unused_globals = judgement->kernel->version >= SKIPS_GLOBALS_SINCE,
	};
	int err = -ENOMEM;

	for (size_t i = 0; i < view->calls->nr_kfuncs && has && may_be_null && refuses; i++) {
		const struct snapshot_hook *hook;

		has[i] = view->resolutions[i] == RESOLVED;
		if (!has[i])
			continue;
		hook = hook_of(view->have[i], judgement->program->section.type);
		may_be_null[i] = hook && snapshot_hook__has_flag(hook, "ret_null");
		refuses[i] = null_refusing_args(view->have[i], hook, judgement->kernel->version);
	}
	if (has && may_be_null && refuses)
		err = object_flow__follow(view->calls, judgement->program, &kernel,
					  &judgement->flow);
	free(has);
	free(may_be_null);
	free(refuses);
	return err;
}

/* Kfuncs that take a function which then runs where it may sleep. */
static bool has_sleepable_callbacks(const struct judgement *judgement)
{
	const struct object_calls *calls = judgement->view->calls;

	for (size_t i = 0; i < judgement->flow.nr; i++) {
		const char *name = calls->kfuncs[judgement->flow.calls[i].kfunc].name;

		if (fnmatch("bpf_wq_set_callback*", name, 0) == 0 ||
		    fnmatch("bpf_task_work_schedule_*", name, 0) == 0)
			return true;
	}
	return false;
}

static int finish(struct judgement *judgement)
{
	const struct object_program *program = judgement->program;
	enum check_outcome object = judgement->view->outcome;

	return check__add_program(
		judgement->view,
		&(struct check_program){
			.name = program->name,
			.section = program->section_name,
			.type = program->section.type,
			.sleepable = program->section.sleepable,
			.autoload = program->section.autoload,
			.nr_kfuncs = judgement->nr_kfuncs,
			.outcome = judgement->outcome > object ? judgement->outcome : object,
		});
}

int check_program__judge(const struct object_view *view, const struct object_program *program,
			 bool *is_called)
{
	struct judgement judgement = {
		.view = view,
		.program = program,
		.kernel = &view->check->kernels[view->kernel],
		.used = calloc(view->calls->nr_functions + 1, sizeof(*judgement.used)),
	};
	int err = -ENOMEM;

	if (judgement.used)
		err = object_calls__closure(view->calls, program->function, judgement.used);
	if (!err)
		err = follow(&judgement);
	if (!err)
		judgement.has_sleepable_callbacks = has_sleepable_callbacks(&judgement);
	for (size_t i = 0; i < view->calls->nr_kfuncs && !err; i++) {
		int before = judgement.nr_kfuncs;

		err = judge_kfunc(&judgement, i);
		is_called[i] |= judgement.nr_kfuncs > before;
	}
	if (!err)
		err = finish(&judgement);
	flow__free(&judgement.flow);
	free(judgement.used);
	return err;
}
