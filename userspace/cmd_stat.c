// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace stat: count calls for a while, or while a command runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tracepoints/counter_records.h"
#include "clock.h"
#include "commands.h"
#include "counters_module.h"
#include "message.h"
#include "output.h"
#include "run_window.h"
#include "stat_choice.h"
#include "stat_options.h"
#include "stat_report.h"
#include "tracing_session.h"
#include "usage.h"

/* Everything that is open during a run. */
struct stat_run {
	const struct stat_options *opts;
	struct tracing_session session;
	struct run_window window;
	struct stat_choice choice;
	struct results results;
	__u64 printed_ns;     /* when `printed` was read */
	struct usage before;  /* when counting began: everything was attached */
	struct usage now;     /* last drain */
	struct usage printed; /* last interval's drain */
	__u64 missed_before;  /* by the module, when counting began */
	__u64 missed_printed; /* and at the last interval's drain */
};

static int attach(struct stat_run *run)
{
	const struct counters_options opts = {
		.nr_slots = run->opts->nr_slots,
		.want_lines = run->opts->by == STAT_BY_SITE,
		.want_references = run->opts->run.events,
		.want_events = run->opts->run.events,
		.engine = run->opts->engine,
		.keep = run->opts->keep,
		.reads_on = true,
	};
	struct probe_target *targets;
	int nr = run->choice.nr;
	int err = tracing_session__prepare(&run->session, &opts);

	if (err)
		return err;
	if (run->opts->stop && !tracing_session__reads_on(&run->session)) {
		msg__error("the module does not count on: nothing was begun with --keep, or it was "
			   "ended");
		return -ESRCH;
	}
	if (!run->session.module)
		stat_choice__say_what_is_held(&run->choice);
	targets = calloc(nr, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	for (int i = 0; i < nr; i++)
		targets[i] = probe_target__of_kfunc(run->choice.kfuncs[i], run->opts->no_nulls);
	/* What was chosen when it began is all there is; of that -k may name some. */
	if (tracing_session__reads_on(&run->session) && !run->opts->kfuncs.nr)
		nr = tracing_session__keep_counted(&run->session, targets, nr);
	if (nr) {
		err = tracing_session__attach(&run->session, targets, nr);
	} else {
		msg__error("the module counts none of these kfuncs");
		err = -ENODATA;
	}
	free(targets);
	return err;
}

static int drain(void *arg)
{
	struct stat_run *run = arg;

	return tracing_session__drain(&run->session, &run->now);
}

/* What the module could not see; with BPF programs there is no such thing. */
static struct counters_module_state module_state(const struct stat_run *run)
{
	return run->session.module ? counters__module_state(run->session.counters)
				   : (struct counters_module_state){ 0 };
}

static int print(struct stat_run *run, const struct usage *older, __u64 older_missed,
		 double seconds)
{
	struct counters_module_state module = module_state(run);
	struct stat_report report = {
		.kernel = &run->session.kernel,
		.counters = run->session.counters,
		.set = run->session.set,
		.omissions = run->choice.omissions,
		.by = run->opts->by,
		.engine = tracing_session__engine(&run->session),
		.missed = module.missed - older_missed,
		.missed_are_counted = module.missed_are_counted,
		.addresses = run->opts->run.addresses,
		.seconds = seconds,
	};
	struct usage change = { 0 };
	int err = usage__difference(&change, &run->now, older);
	FILE *out = results__begin(&run->results);

	report.omissions.tracer_was_off = run->session.tracer_was_off;
	if (!err && run->opts->by == STAT_BY_SITE) {
		report.sites = counters__sites(run->session.counters);
		err = report.sites ? 0 : -errno;
	}
	if (!err && run->opts->run.json)
		err = stat_report__print_json(&report, &change, out,
					      !run->opts->run.window.interval);
	else if (!err)
		err = stat_report__print_table(&report, &change, out);
	usage__free(&change);
	fflush(out);
	return err;
}

/* When what is printed as all began: when the module did, if that was before us. */
static __u64 begin_ns(const struct stat_run *run)
{
	if (tracing_session__reads_on(&run->session))
		return tracing_session__kept_since_ns(&run->session);
	return run->window.begin_ns;
}

/* From a moment to the last drain: what the counts are of. */
static double seconds_since(const struct stat_run *run, __u64 since_ns)
{
	return (double)(run->session.drained_ns - since_ns) / NS_PER_S;
}

static int print_interval(void *arg)
{
	struct stat_run *run = arg;
	struct usage swap = run->printed;
	int err;

	if (!run->opts->run.json)
		fprintf(results__begin(&run->results), "\n at %.3f seconds:\n\n",
			seconds_since(run, run->window.begin_ns));
	err = print(run, &run->printed, run->missed_printed, seconds_since(run, run->printed_ns));
	run->printed_ns = run->session.drained_ns;
	run->missed_printed = module_state(run).missed;
	/* `now` is the next interval's `printed`; the buffer goes round. */
	run->printed = run->now;
	run->now = swap;
	return err ?: results__failed(&run->results);
}

/* Everything since counting began; as JSON with intervals, what came after the last of them. */
static int print_total(void *arg)
{
	struct stat_run *run = arg;

	if (run->opts->run.window.interval && run->opts->run.json)
		return print(run, &run->printed, run->missed_printed,
			     seconds_since(run, run->printed_ns));
	if (run->opts->run.window.interval)
		fputs("\n in all:\n\n", results__begin(&run->results));
	return print(run, &run->before, run->missed_before, seconds_since(run, begin_ns(run)));
}

/* Prints what was counted altogether, while everything is still attached. */
static int finish(struct stat_run *run)
{
	int err = tracing_session__drain_patiently(&run->session, &run->now);

	if (err)
		return err;
	err = results__print_last(&run->results, print_total, run);
	if (err)
		msg__error("cannot print what was counted: %s", strerror(-err));
	tracing_session__say_losses(&run->session);
	return err;
}

/* What has been counted already can be read at once. */
static bool waits(const struct stat_run *run)
{
	const struct run_window_options *window = &run->opts->run.window;

	return !tracing_session__reads_on(&run->session) || window->command || window->duration ||
	       window->interval;
}

static int run_stat(struct stat_run *run)
{
	static const struct run_window_calls calls = { .drain = drain, .interval = print_interval };
	int err = run_window__open(&run->window, &run->opts->run.window);

	if (!err)
		err = stat_choice__make(&run->choice, run->session.kernel.registry, run->opts);
	if (!err)
		err = attach(run);
	if (err)
		goto out;
	run->choice.omissions.failed = tracing_session__say_what_failed(&run->session);

	err = tracing_session__drain_patiently(&run->session, &run->now);
	if (err)
		goto out;
	/* What was called while the rest was being attached is not of this run. */
	if (!tracing_session__reads_on(&run->session)) {
		run->before = run->now;
		memset(&run->now, 0, sizeof(run->now));
		run->missed_before = run->missed_printed = module_state(run).missed;
	}
	err = usage__copy(&run->printed, &run->before);
	if (err)
		goto out;
	run->printed_ns = tracing_session__reads_on(&run->session) ? begin_ns(run) : clock_ns();
	if (waits(run))
		err = run_window__wait(&run->window, &calls, run);
	if (!err)
		err = finish(run);
	if (!err && run->opts->stop)
		err = tracing_session__end_kept(&run->session);
	if (!err)
		tracing_session__announce_detaching(&run->session);
out:
	run_window__close(&run->window);
	return err;
}

int cmd_stat(int argc, char **argv)
{
	struct stat_options opts = { 0 };
	struct stat_run run = { .opts = &opts };
	int status = EXIT_TROUBLE, err;

	if (stat_options__parse(&opts, argc, argv))
		goto out;
	if (results__open(&run.results, opts.run.output, opts.run.window.command) ||
	    tracing_session__open(&run.session) ||
	    live_kernel__load_deprecations(&run.session.kernel))
		goto out;
	err = run_stat(&run);
	if (!err && run.session.tracer_was_off)
		err = -ENODATA;
	if (results__close(&run.results))
		err = -EIO;
	if (!err)
		status = run_window__exit_status(&run.window);
out:
	tracing_session__close(&run.session);
	stat_choice__free(&run.choice);
	usage__free(&run.before);
	usage__free(&run.now);
	usage__free(&run.printed);
	stat_options__free(&opts);
	return status;
}
