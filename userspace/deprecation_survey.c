// SPDX-License-Identifier: GPL-2.0-only
#include "deprecation_survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "../tracepoints/counter_records.h"
#include "caller.h"
#include "clock.h"
#include "deprecation_census.h"
#include "deprecation_choice.h"
#include "kernel_version.h"
#include "message.h"
#include "prog_table.h"
#include "program_watch.h"

/* How long a signal may wait. */
#define LOOK_INTERVAL_NS (NS_PER_S / 10)

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec + (double)now.tv_nsec / NS_PER_S;
}

/* --- counting --------------------------------------------------------------------------------- */

static void count_for_program(struct deprecation_survey *survey, struct reported_kfunc *kfunc,
			      const struct usage_row *row, double until)
{
	struct caller caller = caller__of_key(survey->session.counters, &row->key);
	struct reported_use *use = deprecation_survey__use(survey, kfunc, row->key.prog_id);
	struct reported_program *program;

	/* Without memory for its name the call still counts. */
	if (!use) {
		kfunc->unknown_calls += row->counts.calls;
		return;
	}
	use->calls += row->counts.calls;
	use->last_call = (struct reported_time){ .after = survey->drained_at, .before = until };
	program = &survey->report.programs[use->program];
	/* A census knows better. */
	if (program->has_uid || !caller.prog)
		return;
	snprintf(program->name, sizeof(program->name), "%s", caller.prog->name);
	program->type = libbpf_bpf_prog_type_str(caller.prog->type) ?: "?";
	memcpy(program->tag, caller.prog->tag, sizeof(program->tag));
	program->loaded = !kft_prog__is_unloaded(caller.prog);
}

/* Adds what has been called since the last drain. */
static int take_calls(struct deprecation_survey *survey)
{
	struct usage change = { 0 }, swap = survey->older;
	int err = usage__difference(&change, &survey->newer, &survey->older);
	double until = now_seconds();

	for (size_t i = 0; i < change.nr && !err; i++) {
		const struct usage_row *row = &change.rows[i];
		int idx = survey->by_index[row->key.subject];
		struct reported_kfunc *kfunc = &survey->report.kfuncs[idx];

		/* A NULL of a call that was counted before is no call. */
		if (!row->counts.calls)
			continue;
		if (row->key.kind == CALLER_PROGRAM)
			count_for_program(survey, kfunc, row, until);
		else if (row->key.kind == CALLER_KERNEL)
			kfunc->kernel_calls += row->counts.calls;
		else
			kfunc->unknown_calls += row->counts.calls;
	}
	usage__free(&change);
	survey->older = survey->newer;
	survey->newer = swap;
	survey->drained_at = until;
	return err;
}

static int drain(void *arg)
{
	struct deprecation_survey *survey = arg;
	int err;

	if (!survey->counting)
		return 0;
	err = tracing_session__drain(&survey->session, &survey->newer);
	return err ?: take_calls(survey);
}

/* Signals are looked at in between. */
static int look(void *arg, __u64 timeout_ns)
{
	return deprecation_census__watch(arg, timeout_ns < LOOK_INTERVAL_NS ? timeout_ns
									    : LOOK_INTERVAL_NS);
}

static void refuse_counts(struct deprecation_survey *survey, const char *why)
{
	struct deprecation_report *report = &survey->report;

	report->no_counts = why;
	for (size_t i = 0; i < report->nr_kfuncs; i++)
		report->kfuncs[i].no_counts = why;
}

/* Those that can be counted. Returns how many. */
static int choose_targets(struct deprecation_survey *survey, struct probe_target *targets)
{
	int nr = 0;

	for (size_t i = 0; i < survey->report.nr_kfuncs; i++) {
		if (!survey->report.kfuncs[i].no_counts)
			targets[nr++] = probe_target__of_kfunc(survey->kfuncs[i], true);
	}
	return nr;
}

/* The probes that failed, one by one. */
static void take_failures(struct deprecation_survey *survey)
{
	const struct probe_set *set = survey->session.set;

	for (int i = 0; i < probe_set__nr(set); i++) {
		const struct probe *probe = probe_set__at(set, i);

		if (probe->error)
			survey->report.kfuncs[survey->by_index[probe->target.subject]].no_counts =
				probe__explain(probe);
	}
}

static int attach(struct deprecation_survey *survey)
{
	const struct counters_options opts = { .nr_slots = KFT_MAX_SLOTS };
	struct probe_target *targets = calloc(survey->report.nr_kfuncs + 1, sizeof(*targets));
	int nr, err;

	if (!targets)
		return -ENOMEM;
	nr = choose_targets(survey, targets);
	err = nr ? tracing_session__prepare(&survey->session, &opts) : 0;
	if (nr && !err)
		err = tracing_session__attach(&survey->session, targets, nr);
	free(targets);
	survey->counting = nr && !err;
	if (survey->counting)
		take_failures(survey);
	if (!err || err == -EINTR || err == -ENOMEM)
		return err;
	/* Which programs contain what can be told all the same. */
	refuse_counts(survey, *survey->session.failure ? survey->session.failure : strerror(-err));
	return 0;
}

/* --- the run ---------------------------------------------------------------------------------- */

static int compare_with_target(struct deprecation_survey *survey)
{
	int err;

	if (!survey->opts->target)
		return 0;
	err = snapshot__open(survey->opts->target, &survey->target);
	if (err)
		return err;
	err = snapshot__of_live(&survey->session.kernel, &survey->live);
	if (!err)
		err = snapshot_diff__make(&survey->diff, &survey->live, &survey->target,
					  survey->session.kernel.deprecations);
	if (err)
		msg__error("cannot compare this kernel with %s: %s", survey->opts->target,
			   strerror(-err));
	survey->report.target = survey->target.release;
	return err;
}

static int prepare(struct deprecation_survey *survey)
{
	int err = tracing_session__open(&survey->session);

	if (!err)
		err = live_kernel__need_deprecations(&survey->session.kernel);
	if (!err)
		err = compare_with_target(survey);
	if (err)
		return err;
	if (gethostname(survey->host, sizeof(survey->host) - 1))
		strcpy(survey->host, "?");
	survey->report.host = survey->host;
	survey->report.release = kernel_release();
	return deprecation_survey__choose(survey);
}

static int begin(struct deprecation_survey *survey)
{
	int err = 0;

	if (survey->opts->census_only)
		refuse_counts(survey, "not asked for");
	else
		err = attach(survey);
	/* What was called while the rest was being attached is not of this run. */
	if (!err && survey->counting)
		err = tracing_session__drain_patiently(&survey->session, &survey->older);
	survey->drained_at = survey->report.begin = now_seconds();
	if (err)
		return err;
	/* First, so that no program falls between the two. */
	deprecation_census__begin_watch(survey);
	return deprecation_census__take(survey);
}

static int finish(struct deprecation_survey *survey)
{
	int err = deprecation_census__watch(survey, 0);

	if (!err && survey->counting)
		err = tracing_session__drain_patiently(&survey->session, &survey->newer)
			      ?: take_calls(survey);
	if (!err)
		err = deprecation_census__take(survey);
	survey->report.end = survey->counting ? survey->drained_at : now_seconds();
	if (survey->watch && program_watch__lost(survey->watch))
		survey->report.may_miss_programs = true;
	survey->report.tracer_was_off = survey->session.tracer_was_off;
	return err;
}

int deprecation_survey__run(struct deprecation_survey *survey,
			    const struct deprecation_survey_options *opts)
{
	static const struct run_window_calls calls = { .drain = drain, .poll = look };
	int err;

	memset(survey, 0, sizeof(*survey));
	survey->opts = opts;
	err = prepare(survey);
	if (err)
		return err;
	err = run_window__open(&survey->window, &opts->window);
	if (!err)
		err = begin(survey);
	if (!err)
		err = run_window__wait(&survey->window, &calls, survey);
	if (!err)
		err = finish(survey);
	if (err == -ENOMEM)
		msg__error("not enough memory");
	run_window__close(&survey->window);
	return err;
}

static void free_kfunc(struct reported_kfunc *kfunc)
{
	for (size_t i = 0; i < kfunc->nr_problems; i++)
		free(kfunc->problems[i]);
	free(kfunc->problems);
	free(kfunc->uses);
}

void deprecation_survey__close(struct deprecation_survey *survey)
{
	struct deprecation_report *report = &survey->report;

	for (size_t i = 0; i < report->nr_kfuncs; i++)
		free_kfunc(&report->kfuncs[i]);
	for (size_t i = 0; i < report->nr_programs; i++)
		reported_program__clear(&report->programs[i]);
	free(report->kfuncs);
	free(report->programs);
	free(survey->kfuncs);
	free(survey->by_index);
	program_watch__free(survey->watch);
	usage__free(&survey->older);
	usage__free(&survey->newer);
	snapshot_diff__free(&survey->diff);
	snapshot__free(&survey->live);
	snapshot__free(&survey->target);
	tracing_session__close(&survey->session);
}
