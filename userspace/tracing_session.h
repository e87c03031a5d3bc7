/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Probes at work: the kernel that they are on, the counters that they fill, and what is to be said
 * when the kernel refuses. What every command that attaches something stands on.
 */
#ifndef KFUNCTRACE_TRACING_SESSION_H
#define KFUNCTRACE_TRACING_SESSION_H

#include <stdbool.h>
#include <linux/types.h>

#include "counters.h"
#include "live_kernel.h"
#include "probe_set.h"

struct module_events;
struct module_engine;
struct usage;

struct tracing_session {
	struct live_kernel kernel;
	struct module_engine *module; /* it counts, NULL: BPF programs do */
	bool keep;
	struct counters *counters;
	struct probe_template *tmpl;
	struct probe_set *set;
	struct module_events *events; /* NULL without trace events */
	__u64 drained_ns;	      /* when the last drain was through */
	bool tracer_was_off;	      /* the function tracer was switched off in between */
	char failure[256];	      /* why nothing can be counted, once that was said */
};

/*
 * Opens the kernel (live_kernel__open()), for what is to be chosen of its registry. All of these
 * say what failed and what to do, and return 0 or a negative errno.
 */
int tracing_session__open(struct tracing_session *session);
/*
 * Makes the counters and the template; then the probes can be attached. With want_events all of
 * them make trace events as well (module_events.h).
 * Chooses the engine and makes the counters and what else it needs; then the probes can be attached.
 */
int tracing_session__prepare(struct tracing_session *session, const struct counters_options *opts);
/* "bpf" or "module". */
const char *tracing_session__engine(const struct tracing_session *session);
/* The module has been counting since before us: what it counts is chosen. */
bool tracing_session__reads_on(const struct tracing_session *session);
/* Leaves only what it counts, of an array; returns how many these are. */
int tracing_session__keep_counted(const struct tracing_session *session,
				  struct probe_target *targets, int nr_targets);
/* -EINTR: interrupted. Fails when none of several probes could be attached. */
int tracing_session__attach(struct tracing_session *session, const struct probe_target *targets,
			    int nr_targets);
/*
 * More of them (probe_set__add()), once some are attached. Says nothing that -v does not ask for.
 * Returns how many were attached, or a negative errno.
 */
int tracing_session__add(struct tracing_session *session, const struct probe_target *targets,
			 int nr_targets);
/*
 * Lets go of a module: none of its functions is probed any more, and it can be unloaded a moment
 * later. Returns how many probes were detached, or a negative errno.
 */
int tracing_session__release(struct tracing_session *session, const char *module);
/* Returns how many of the probes could not be attached, having said so. */
int tracing_session__say_what_failed(const struct tracing_session *session);

/* counters__drain(), and a look whether the function tracer is still on. */
int tracing_session__drain(struct tracing_session *session, struct usage *usage);
/*
 * A drain that counting cannot go on, or end, without: tries again as long as it takes. Signals are
 * blocked, so it has to ask for them: -EINTR.
 */
int tracing_session__drain_patiently(struct tracing_session *session, struct usage *usage);

/* When counting began, that the module has done since before us; as of the last drain. */
__u64 tracing_session__kept_since_ns(const struct tracing_session *session);
/* Ends what the module counts on; says when that fails. */
int tracing_session__end_kept(struct tracing_session *session);

/* Programs that could not be followed. Their calls are counted, as unknown. */
void tracing_session__say_losses(const struct tracing_session *session);
/* Before 7.2 detaching takes long, and the user is told so. */
void tracing_session__announce_detaching(const struct tracing_session *session);
/* Takes the probes off. */
void tracing_session__detach(struct tracing_session *session);
/* Takes everything off. A session that is all zeros may be closed. */
void tracing_session__close(struct tracing_session *session);

#endif
