// SPDX-License-Identifier: GPL-2.0-only
/* Which kfuncs a survey is about: deprecated ones, and those that another kernel has no longer. */
#include "deprecation_choice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deprecations.h"
#include "pattern.h"

static int add_problem(struct reported_kfunc *reported, const struct change *change)
{
	char **grown = realloc(reported->problems, (reported->nr_problems + 1) * sizeof(*grown));
	int len;

	if (!grown)
		return -ENOMEM;
	reported->problems = grown;
	if (change->kind == CHANGE_REMOVED)
		len = asprintf(&grown[reported->nr_problems], "removed");
	else
		len = asprintf(&grown[reported->nr_problems], "%s: %s",
			       change_kind__name(change->kind), change->what);
	if (len < 0)
		return -ENOMEM;
	reported->nr_problems++;
	return 0;
}

/* What the target has otherwise. */
static int compare(const struct deprecation_survey *survey, struct reported_kfunc *reported)
{
	const struct deprecations *known = survey->session.kernel.deprecations;
	int err = 0;

	for (size_t i = 0; i < survey->diff.nr && !err; i++) {
		const struct change *change = &survey->diff.changes[i];

		if (strcmp(change->kfunc, reported->name) != 0)
			continue;
		if (change->kind == CHANGE_DEPRECATED && !reported->deprecation)
			reported->deprecation = deprecations__of(known, reported->name, true, 0);
		if (change->breaks)
			err = add_problem(reported, change);
		if (change->replacement && !reported->replacement)
			reported->replacement = change->replacement;
	}
	return err;
}

/* What cannot be known of it, whatever programs do. */
static void judge_evidence(const struct kfunc *kfunc, struct reported_kfunc *reported)
{
	if (kfunc->coverage == COVERAGE_INLINED)
		reported->no_census = "the verifier puts instructions in the place of its calls";
	else if (!kfunc->address)
		reported->no_census = "the kernel has no symbol of it";

	if (!kfunc__can_be_traced(kfunc))
		reported->no_counts = kfunc->reason;
	else if (kfunc->hot_in_kernel)
		reported->no_counts = "the kernel itself calls it all the time";
}

static int choose(struct deprecation_survey *survey, const struct kfunc *kfunc)
{
	struct deprecation_report *report = &survey->report;
	struct reported_kfunc *reported = &report->kfuncs[report->nr_kfuncs];
	int err;

	*reported = (struct reported_kfunc){
		.name = kfunc->name,
		.module = kfunc->module,
		.deprecation = live_kernel__deprecation(&survey->session.kernel, kfunc),
	};
	if (reported->deprecation)
		reported->replacement = deprecation__replacement(reported->deprecation);
	err = compare(survey, reported);
	if (!err && !reported->deprecation && !reported->nr_problems)
		return 0;
	judge_evidence(kfunc, reported);
	survey->by_index[kfunc->index] = report->nr_kfuncs;
	survey->kfuncs[report->nr_kfuncs++] = kfunc;
	return err;
}

int deprecation_survey__choose(struct deprecation_survey *survey)
{
	const struct registry *registry = survey->session.kernel.registry;
	int nr = registry__nr(registry), err = 0;

	survey->report.kfuncs = calloc(nr + 1, sizeof(*survey->report.kfuncs));
	survey->kfuncs = calloc(nr + 1, sizeof(*survey->kfuncs));
	survey->by_index = calloc(nr + 1, sizeof(*survey->by_index));
	if (!survey->report.kfuncs || !survey->kfuncs || !survey->by_index)
		return -ENOMEM;
	for (int i = 0; i < nr && !err; i++) {
		const struct kfunc *kfunc = registry__at(registry, i);

		survey->by_index[i] = -1;
		if (pattern_list__match(survey->opts->patterns, kfunc->name))
			err = choose(survey, kfunc);
	}
	return err;
}
