// SPDX-License-Identifier: GPL-2.0-only
/* A program on a kernel: where the verifier comes to which kfunc, and what follows from the verdicts. */
#include "check_private.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_version.h"
#include "parameter_suffix.h"

/* Since then the verifier leaves out global functions that nobody calls. */
#define SKIPS_GLOBALS_SINCE KVER(6, 8)
/* Since then all pointers to structures must be trusted, and none may be NULL. */
#define TRUSTED_SINCE KVER(7, 2)

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

	judgement->idx = idx;
	judgement->kfunc = &view->calls->kfuncs[idx];
	judgement->have = view->have[idx];
	judgement->hook =
		judgement->have ? check__hook_of(judgement->have, judgement->program->section.type)
				: NULL;
	if (!find_uses(judgement))
		return 0;
	judgement->nr_kfuncs++;
	return check_kfunc__judge(judgement);
}

/* Arguments that must not be NULL, a bit for each. */
static __u8 null_refusing_args(const struct snapshot_kfunc *have, const struct snapshot_hook *hook,
			       unsigned int version)
{
	__u8 mask = 0;

	if (!hook || (version < TRUSTED_SINCE && !snapshot_hook__has_flag(hook, "release") &&
		      !snapshot_hook__has_flag(hook, "trusted_args")))
		return 0;
	for (int i = 0; i < have->signature.nr_params && i < 5; i++) {
		const struct snapshot_param *param = &have->signature.params[i];
		const struct parameter_suffix *suffix = parameter_suffix__of(param->name);
		bool refuses = strncmp(param->type, "struct ", 7) == 0 ||
			       strncmp(param->type, "const struct ", 13) == 0;

		refuses &= !suffix || !suffix->may_be_null;
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
		hook = check__hook_of(view->have[i], judgement->program->section.type);
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
