// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace refs: the references that programs hold. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "commands.h"
#include "counters_module.h"
#include "message.h"
#include "output.h"
#include "pairs_report.h"
#include "reference_balance.h"
#include "reference_session.h"
#include "refs_options.h"
#include "refs_report.h"
#include "run_window.h"
#include "usage.h"

/* Room for events between two looks at them, and how many of them a second the kernel sends. */
#define RING_BYTES	(256 * 1024)
#define EVENTS_A_SECOND 200

/* Everything that is open during a run. */
struct refs_run {
	const struct refs_options *opts;
	struct reference_session session;
	struct run_window window;
	struct results results;
	struct event_sample sample;
	struct usage before; /* when watching began */
	struct usage now;    /* last drain */
	__u64 not_followed_before;
};

static int attach(struct refs_run *run)
{
	const struct refs_options *opts = run->opts;
	bool zero = opts->mode == REFERENCES_ZERO;
	bool objects = opts->mode == REFERENCES_OBJECTS || opts->mode == REFERENCES_ITERATORS;
	const struct reference_session_options session = {
		.plan = {
			.mode = opts->mode,
			.types = &opts->types,
			.modules = &opts->run.modules,
			.no_modules = opts->run.no_modules,
			.stack = opts->stack,
			.trace_events = opts->run.events,
		},
		.references = {
			.max_objects = objects ? opts->max_objects : 0,
			.ring_bytes = zero ? RING_BYTES : 0,
			.events_a_second = EVENTS_A_SECOND,
		},
		.event = zero ? event_sample__take : NULL,
		.event_arg = &run->sample,
		.engine = opts->engine,
	};
	int err = event_sample__make(&run->sample, opts->max_events);

	return err ?: reference_session__attach(&run->session, &session);
}

static int drain(void *arg)
{
	struct refs_run *run = arg;
	int err = reference_session__drain(&run->session, &run->now);

	if (!err && run->session.stream)
		err = event_stream__poll(run->session.stream, 0);
	return err;
}

/* Calls that the module could not see; those of which it only misses the return are in the rows. */
static __u64 not_followed(const struct refs_run *run)
{
	const struct tracing_session *tracing = &run->session.tracing;
	struct counters_module_state module;

	if (!tracing->module)
		return 0;
	module = counters__module_state(tracing->counters);
	return module.missed_are_counted ? 0 : module.missed;
}

static int print(void *arg)
{
	struct refs_run *run = arg;
	const struct refs_options *opts = run->opts;
	struct tracing_session *tracing = &run->session.tracing;
	struct usage change = { 0 };
	struct refs_report report = {
		.session = tracing,
		.pairing = run->session.pairing,
		.references = run->session.references,
		.usage = &change,
		.sites = counters__sites(tracing->counters),
		.seconds = (double)(tracing->drained_ns - run->window.begin_ns) / NS_PER_S,
		.nr_untraceable = run->session.plan.nr_untraceable,
		.not_followed = not_followed(run) - run->not_followed_before,
		.addresses = opts->run.addresses,
		.pretty = !opts->run.window.interval,
		.stale_only = opts->stale_only,
		.min_age_ns = opts->min_age_ns,
		.order = opts->order,
		.events = &run->sample,
	};
	FILE *out = results__begin(&run->results);
	int err = usage__difference(&change, &run->now, &run->before);

	if (err) {
		usage__free(&change);
		return err;
	}
	reference_balance__drop_hidden(&change, run->session.pairing, tracing->counters);
	switch (opts->mode) {
	case REFERENCES_OBJECTS:
		err = objects_report__print(&report, out, opts->run.json);
		break;
	case REFERENCES_ZERO:
		err = zero_report__print(&report, out, opts->run.json);
		break;
	case REFERENCES_ITERATORS:
		err = iterators_report__print(&report, out, opts->run.json);
		break;
	default:
		err = balance_report__print(&report, out, opts->run.json);
	}
	usage__free(&change);
	fflush(out);
	return err;
}

static int print_interval(void *arg)
{
	struct refs_run *run = arg;
	int err;

	if (!run->opts->run.json)
		fprintf(results__begin(&run->results), "\n after %.3f seconds:\n\n",
			(double)(run->session.tracing.drained_ns - run->window.begin_ns) /
				NS_PER_S);
	err = print(run);
	return err ?: results__failed(&run->results);
}

static int finish(struct refs_run *run)
{
	int err = tracing_session__drain_patiently(&run->session.tracing, &run->now);

	if (!err && run->session.stream)
		err = event_stream__poll(run->session.stream, 0);
	if (err)
		return err;
	if (run->opts->run.window.interval && !run->opts->run.json)
		fputs("\n in all:\n\n", results__begin(&run->results));
	err = results__print_last(&run->results, print, run);
	if (err)
		msg__error("cannot print the references: %s", strerror(-err));
	if (run->session.references && references__max_objects(run->session.references))
		msg__detail(
			"%llu records are in use, of objects that are held or were a short "
			"time ago; there is room for %u that are held",
			(unsigned long long)references__state(run->session.references)->nr_objects,
			references__max_objects(run->session.references));
	tracing_session__say_losses(&run->session.tracing);
	return err;
}

static int run_refs(struct refs_run *run)
{
	static const struct run_window_calls calls = { .drain = drain, .interval = print_interval };
	int err = run_window__open(&run->window, &run->opts->run.window);

	if (!err)
		err = attach(run);
	/*
	 * When only calls are counted, what was released while the rest was being attached is not
	 * told from what was acquired since. When each object is known, it is.
	 */
	if (!err && run->opts->mode == REFERENCES_BALANCE) {
		err = tracing_session__drain_patiently(&run->session.tracing, &run->before);
		run->not_followed_before = not_followed(run);
	}
	if (!err)
		err = run_window__wait(&run->window, &calls, run);
	if (!err)
		err = finish(run);
	if (!err)
		tracing_session__announce_detaching(&run->session.tracing);
	run_window__close(&run->window);
	return err;
}

static int print_pairs(const struct pairing *pairing, bool json)
{
	int err = pairs_report__print(pairing, json);

	if (err)
		msg__error("cannot print the pairs: %s", strerror(-err));
	return output__finish(stdout, "standard output") || err ? EXIT_TROUBLE : EXIT_FINE;
}

static int watch(struct refs_run *run)
{
	const struct refs_options *opts = run->opts;
	int err;

	if (results__open(&run->results, opts->run.output, opts->run.window.command))
		return EXIT_TROUBLE;
	err = run_refs(run);
	if (!err && run->session.tracing.tracer_was_off)
		err = -ENODATA;
	if (results__close(&run->results))
		err = -EIO;
	return err ? EXIT_TROUBLE : run_window__exit_status(&run->window);
}

int cmd_refs(int argc, char **argv)
{
	struct refs_options opts = { 0 };
	struct refs_run run = { .opts = &opts };
	int status = EXIT_TROUBLE;

	if (!refs_options__parse(&opts, argc, argv) && !reference_session__open(&run.session))
		status = opts.pairs ? print_pairs(run.session.pairing, opts.run.json) : watch(&run);
	reference_session__close(&run.session);
	event_sample__free(&run.sample);
	usage__free(&run.before);
	usage__free(&run.now);
	refs_options__free(&opts);
	return status;
}
