// SPDX-License-Identifier: GPL-2.0-only
#include "reference_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../tracepoints/counter_records.h"
#include "message.h"

int reference_session__open(struct reference_session *session)
{
	int err;

	memset(session, 0, sizeof(*session));
	err = tracing_session__open(&session->tracing);
	if (err)
		return err;
	err = pairing__open(&session->tracing.kernel, &session->pairing);
	if (err)
		msg__error("cannot find out what this kernel's kfuncs acquire and release: %s",
			   strerror(-err));
	return err;
}

static int open_records(struct reference_session *session,
			const struct reference_session_options *opts)
{
	struct tracing_session *tracing = &session->tracing;
	int err = references__open(&opts->references, tracing->counters, tracing->kernel.btfs,
				   session->pairing, &session->references);

	if (!err)
		references__tell_template(session->references, tracing->tmpl);
	if (!err && opts->event)
		err = event_stream__open(session->references, opts->event, opts->event_arg,
					 &session->stream);
	if (err == -ENOMEM || err == -E2BIG)
		msg__error("not enough memory for the records of references: lower --max-objects, "
			   "or raise the memory limit of this cgroup");
	else if (err)
		msg__error("cannot make the records of references: %s (-vv shows the kernel's own "
			   "words)",
			   strerror(-err));
	if (err)
		return err;
	msg__detail("records of references take %llu KiB before the first, and no more later",
		    (unsigned long long)references__memory(session->references) / 1024);
	return reference_plan__set_inner(&session->plan, session->pairing, tracing->counters);
}

/* Those of the plan first: the probes in the kernel know them by their place. */
static int attach_all(struct reference_session *session,
		      const struct reference_session_options *opts)
{
	const struct reference_plan *plan = &session->plan;
	struct probe_target *targets;
	int err;

	targets = calloc(plan->nr + opts->nr_others + 1, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	memcpy(targets, plan->targets, plan->nr * sizeof(*targets));
	if (opts->nr_others)
		memcpy(targets + plan->nr, opts->others, opts->nr_others * sizeof(*targets));
	err = tracing_session__attach(&session->tracing, targets, plan->nr + opts->nr_others);
	free(targets);
	return err;
}

int reference_session__plan(struct reference_session *session,
			    const struct reference_session_options *opts)
{
	return reference_plan__make(&session->plan, session->pairing, &opts->plan);
}

int reference_session__attach(struct reference_session *session,
			      const struct reference_session_options *opts)
{
	const struct counters_options counters = {
		.nr_slots = KFT_MAX_SLOTS,
		.want_lines = !opts->no_lines,
		.want_references = (opts->plan.mode != REFERENCES_BALANCE &&
				    opts->plan.mode != REFERENCES_NONE) ||
				   opts->plan.trace_events,
		.want_events = opts->plan.trace_events,
		.engine = opts->engine,
	};
	int err = session->plan.targets ? 0 : reference_session__plan(session, opts);

	if (!err)
		err = tracing_session__prepare(&session->tracing, &counters);
	if (!err && !opts->plan.may_be_empty && !session->tracing.module)
		reference_plan__say_what_is_held(&session->plan);
	if (!err && counters.want_references)
		err = open_records(session, opts);
	if (!err)
		err = attach_all(session, opts);
	if (!err)
		tracing_session__say_what_failed(&session->tracing);
	return err;
}

/* Probes what is planned, next to what is probed already. */
static int attach_more(struct reference_session *session, const struct reference_plan *plan)
{
	int err = 0;

	if (session->references)
		err = reference_plan__set_inner_of(plan, session->pairing,
						   session->tracing.counters, session->tracing.set);
	return err ?: tracing_session__add(&session->tracing, plan->targets, plan->nr);
}

int reference_session__add(struct reference_session *session,
			   const struct reference_session_options *opts,
			   const struct pattern_list *modules)
{
	struct reference_plan_options choice = opts->plan;
	struct reference_plan plan = { 0 };
	int err = pairing__extend(session->pairing);

	if (err == -E2BIG)
		msg__warn("modules have brought more types of objects than there is room for: "
			  "references on the last of them are not accounted for");
	if (err && err != -E2BIG)
		return err;
	counters__forget_symbols(session->tracing.counters);
	if (session->references)
		references__know_types(session->references, session->pairing);
	choice.modules = modules;
	choice.may_be_empty = true;
	err = modules->nr ? reference_plan__make(&plan, session->pairing, &choice) : 0;
	/* Also without a plan: code of modules that have gone is to be forgotten. */
	if (!err)
		err = attach_more(session, &plan);
	reference_plan__free(&plan);
	return err;
}

int reference_session__drain(struct reference_session *session, struct usage *usage)
{
	int err = tracing_session__drain(&session->tracing, usage);

	if (!err && session->references) {
		err = references__tend(session->references);
		if (err)
			msg__error("cannot tend the records of references: %s", strerror(-err));
	}
	return err;
}

void reference_session__close(struct reference_session *session)
{
	/* Before the maps that they work on. */
	tracing_session__detach(&session->tracing);
	event_stream__free(session->stream);
	references__free(session->references);
	reference_plan__free(&session->plan);
	pairing__free(session->pairing);
	tracing_session__close(&session->tracing);
	memset(session, 0, sizeof(*session));
}
