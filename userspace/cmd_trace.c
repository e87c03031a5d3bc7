// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace trace: events as they happen. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "commands.h"
#include "deprecations.h"
#include "event_text.h"
#include "message.h"
#include "option_values.h"
#include "output.h"
#include "reference_session.h"
#include "refs_report.h"
#include "run_options.h"
#include "usage.h"

#define DEFAULT_RING_KIB 4096
#define MOST_RING_KIB	 (1u << 20)

struct trace_options {
	bool references;
	struct pattern_list types;
	bool stack;
	__u32 ring_kib;
	struct run_options run;
};

struct trace_run {
	const struct trace_options *opts;
	struct reference_session session;
	struct run_window window;
	struct results results;
	struct usage usage; /* drained so that records of ended programs do not pile up */
	__u64 nr_events;
	__u64 nr_dropped;		/* said so far */
	const struct site_table *lines; /* source lines of the sites that were met; may be NULL */
	struct deprecation_notes notes;
	bool met[KFT_MAX_REFERENCE_SITES];
};

/* --- options ---------------------------------------------------------------------------------- */

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace trace --refs [OPTIONS] [-- COMMAND [ARGUMENTS]]\n"
	      "Prints each acquire, release and refcount-zero as it happens, until COMMAND ends,\n"
	      "-d passes or Ctrl-C.\n\n"
	      "      --refs             references (nothing else can be traced so far)\n"
	      "  -t, --type PATTERN     only these types of objects, a shell glob; several: any of "
	      "them\n"
	      "  -m, --module MODULE    only functions of this module; vmlinux is one; a glob\n"
	      "      --no-modules       only those of vmlinux: holds no module\n"
	      "  -d, --duration SECONDS\n"
	      "      --stack            with the stack\n"
	      "      --ring-size KIB    room for events that wait to be printed (default 4096, a\n"
	      "                         power of two); what does not fit is dropped, and counted\n"
	      "      --addresses        kernel addresses in place of numbers of objects\n"
	      "      --json             an object a line\n"
	      "      --events           trace events for perf and others as well (kernel module)\n"
	      "  -o, --output FILE      events go there; otherwise to standard output, with a "
	      "COMMAND\n"
	      "                         to standard error\n"
	      "  -v, --verbose          what is attached and how long it took\n"
	      "  -h, --help\n",
	      out);
}

static int parse_ring_size(const char *text, __u32 *kib)
{
	if (option__number(text, "--ring-size", 4, MOST_RING_KIB, kib))
		return -1;
	if (*kib & (*kib - 1)) {
		msg__error("--ring-size takes a power of two, not '%s'", text);
		return -1;
	}
	return 0;
}

static int parse_options(struct trace_options *opts, int argc, char **argv)
{
	enum { OPT_REFS = OPT_OWN, OPT_STACK, OPT_RING_SIZE };
	static const struct option longs[] = {
		{ "refs", no_argument, NULL, OPT_REFS },
		{ "type", required_argument, NULL, 't' },
		{ "stack", no_argument, NULL, OPT_STACK },
		{ "ring-size", required_argument, NULL, OPT_RING_SIZE },
		RUN_LONG_OPTIONS,
		{ 0 },
	};
	int c, err = 0;

	opts->ring_kib = DEFAULT_RING_KIB;
	while (!err && (c = getopt_long(argc, argv, RUN_SHORT_OPTIONS "t:", longs, NULL)) != -1) {
		switch (c) {
		case OPT_REFS:
			opts->references = true;
			break;
		case 't':
			err = pattern_list__add(&opts->types, optarg);
			break;
		case OPT_STACK:
			opts->stack = true;
			break;
		case OPT_RING_SIZE:
			err = parse_ring_size(optarg, &opts->ring_kib);
			break;
		default:
			err = run_options__take(&opts->run, c, print_usage);
		}
	}
	if (!err && !opts->references) {
		msg__error("trace needs to know what: --refs");
		err = -1;
	}
	return err ?: run_options__finish(&opts->run, argc, argv);
}

/* --- events ----------------------------------------------------------------------------------- */

/*
 * Finds out who is behind a call site when it is first met: its program may have come since the last
 * drain, and may be gone when the next event is read.
 */
static void meet_site(struct trace_run *run, __u32 site)
{
	const struct site_table *lines;

	if (site >= KFT_MAX_REFERENCE_SITES || run->met[site])
		return;
	run->met[site] = true;
	reference_session__drain(&run->session, &run->usage);
	lines = counters__sites(run->session.tracing.counters);
	if (lines)
		run->lines = lines;
}

static void print_event(struct trace_run *run, const struct kft_reference_event *event)
{
	const struct refs_report report = {
		.session = &run->session.tracing,
		.pairing = run->session.pairing,
		.references = run->session.references,
		.usage = &run->usage,
		.sites = run->lines,
		.addresses = run->opts->run.addresses,
	};
	FILE *out = results__begin(&run->results);

	if (run->opts->run.json)
		output__json(out, event_text__json(&report, event), false);
	else
		event_text__print(&report, event, &run->notes, out);
}

static int take_event(const struct kft_reference_event *event, void *arg)
{
	struct trace_run *run = arg;

	run->nr_events++;
	meet_site(run, event->site);
	print_event(run, event);
	return 0;
}

static void say_dropped(struct trace_run *run)
{
	__u64 dropped = references__state(run->session.references)->events_dropped;
	FILE *out = results__begin(&run->results);

	if (dropped == run->nr_dropped)
		return;
	if (run->opts->run.json)
		output__json(out,
			     json_pack("{s:s, s:I}", "event", "dropped", "count",
				       (json_int_t)(dropped - run->nr_dropped)),
			     false);
	else
		fprintf(out, "dropped %llu events: the ring buffer was full\n",
			(unsigned long long)(dropped - run->nr_dropped));
	run->nr_dropped = dropped;
}

static int flush(struct trace_run *run)
{
	say_dropped(run);
	fflush(results__begin(&run->results));
	return results__failed(&run->results) ? -EPIPE : 0;
}

static int poll_events(void *arg, __u64 timeout_ns)
{
	struct trace_run *run = arg;
	/* A child that has ended, or Ctrl-C, does not wake the ring buffer up. */
	const __u64 most_ns = 100 * 1000000;
	int err = event_stream__poll(run->session.stream,
				     timeout_ns < most_ns ? timeout_ns : most_ns);

	return err ?: flush(run);
}

static int drain(void *arg)
{
	struct trace_run *run = arg;

	return reference_session__drain(&run->session, &run->usage);
}

static int attach(struct trace_run *run)
{
	const struct trace_options *opts = run->opts;
	const struct reference_session_options session = {
		.plan = {
			.mode = REFERENCES_EVENTS,
			.types = &opts->types,
			.modules = &opts->run.modules,
			.no_modules = opts->run.no_modules,
			.stack = opts->stack,
			.trace_events = opts->run.events,
		},
		.references = { .ring_bytes = opts->ring_kib * 1024 },
		.event = take_event,
		.event_arg = run,
	};

	return reference_session__attach(&run->session, &session);
}

static int run_trace(struct trace_run *run)
{
	static const struct run_window_calls calls = { .drain = drain, .poll = poll_events };
	int err = run_window__open(&run->window, &run->opts->run.window);

	if (!err)
		err = attach(run);
	if (!err)
		err = run_window__wait(&run->window, &calls, run);
	/* What is still in the buffer. */
	if (!err)
		err = poll_events(run, 0);
	if (!err) {
		deprecation_notes__print(&run->notes, results__begin(&run->results));
		if (run->nr_dropped)
			msg__warn(
				"%llu of %llu events were dropped: a larger --ring-size, or fewer "
				"types (-t), may help",
				(unsigned long long)run->nr_dropped,
				(unsigned long long)(run->nr_dropped + run->nr_events));
		tracing_session__say_losses(&run->session.tracing);
		tracing_session__announce_detaching(&run->session.tracing);
	}
	run_window__close(&run->window);
	return err;
}

int cmd_trace(int argc, char **argv)
{
	struct trace_options opts = { 0 };
	static struct trace_run run;
	int status = EXIT_TROUBLE, err;

	run.opts = &opts;
	if (parse_options(&opts, argc, argv) || reference_session__open(&run.session) ||
	    live_kernel__load_deprecations(&run.session.tracing.kernel) ||
	    results__open(&run.results, opts.run.output, opts.run.window.command))
		goto out;
	err = run_trace(&run);
	if (!err && run.session.tracing.tracer_was_off)
		err = -ENODATA;
	if (results__close(&run.results))
		err = -EIO;
	if (!err)
		status = run_window__exit_status(&run.window);
out:
	deprecation_notes__free(&run.notes);
	reference_session__close(&run.session);
	usage__free(&run.usage);
	pattern_list__free(&opts.types);
	run_options__free(&opts.run);
	return status;
}
