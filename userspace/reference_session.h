/* SPDX-License-Identifier: GPL-2.0-only */
/* A tracing session whose probes account for references: what `refs` and `trace` stand on. */
#ifndef KFUNCTRACE_REFERENCE_SESSION_H
#define KFUNCTRACE_REFERENCE_SESSION_H

#include "event_stream.h"
#include "pairing.h"
#include "reference_plan.h"
#include "references.h"
#include "tracing_session.h"

struct reference_session {
	struct tracing_session tracing;
	struct pairing *pairing;
	struct reference_plan plan;
	struct references *references; /* NULL in REFERENCES_BALANCE: calls are counted, no more */
	struct event_stream *stream;   /* NULL without events */
};

struct reference_session_options {
	struct reference_plan_options plan;
	/* Probed as well, behind those of the plan: their subjects are the caller's affair. */
	const struct probe_target *others;
	int nr_others;
	struct references_options references;
	enum counting_engine engine; /* other than BPF only in REFERENCES_BALANCE, without events */
	bool no_lines;		     /* nobody asks for source lines of call sites */
	event_fn event;		     /* gets the events, with `event_arg` */
	void *event_arg;
};

/*
 * Opens the running kernel and finds out what belongs together. All of these say what failed and
 * what to do, and return 0 or a negative errno.
 */
int reference_session__open(struct reference_session *session);
/* Chooses what to probe for references, for whoever wants to know it before the rest is chosen. */
int reference_session__plan(struct reference_session *session,
			    const struct reference_session_options *opts);
/* Attaches what was chosen, choosing it if that was not done. */
int reference_session__attach(struct reference_session *session,
			      const struct reference_session_options *opts);
/*
 * Probes what modules brought that came later, or are to be probed again: those whose names match.
 * `opts` are those of reference_session__attach(). After live_kernel__refresh(); with no pattern in
 * `modules` nothing is probed, and only the pairing is brought up to date. Returns how many probes
 * were attached, or a negative errno.
 */
int reference_session__add(struct reference_session *session,
			   const struct reference_session_options *opts,
			   const struct pattern_list *modules);
/* Drains counters and records; to be called about once a second. */
int reference_session__drain(struct reference_session *session, struct usage *usage);
/* Takes everything off. A session that is all zeros may be closed. */
void reference_session__close(struct reference_session *session);

#endif
