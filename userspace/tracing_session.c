// SPDX-License-Identifier: GPL-2.0-only
#include "tracing_session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tracepoints/reference_records.h"
#include "clock.h"
#include "deprecations.h"
#include "file_limit.h"
#include "ftrace_state.h"
#include "kernel_version.h"
#include "counters_module.h"
#include "message.h"
#include "module_engine.h"
#include "module_events.h"
#include "probe_template.h"
#include "run_window.h"

static void say_failure(struct tracing_session *session, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say_failure(struct tracing_session *session, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(session->failure, sizeof(session->failure), fmt, args);
	va_end(args);
	msg__error("%s", session->failure);
}

static void explain_tracing_failure(struct tracing_session *session, int err)
{
	switch (-err) {
	case EPERM:
	case EACCES:
		say_failure(
			session,
			"this kernel refuses fentry programs (%s): counting needs them; not root, "
			"or locked down. `kfunctrace doctor` tells what is missing",
			strerror(-err));
		break;
	case EOPNOTSUPP:
		say_failure(
			session,
			"callers can be told on x86-64 only so far, so nothing is counted on this "
			"architecture; `kfunctrace list` works");
		break;
	case EBUSY:
		say_failure(session,
			    "this kernel cannot attach fentry programs (%s): it must be built with "
			    "CONFIG_FUNCTION_TRACER and CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS. "
			    "`kfunctrace doctor` tells more",
			    strerror(-err));
		break;
	case ENODEV:
	case ENODATA:
		say_failure(
			session,
			"the kernel does not run what is attached (%s): its function tracer has "
			"been shut down after a fault of its own, until the next boot",
			strerror(-err));
		break;
	case ENOMEM:
		say_failure(session,
			    "not enough memory for the counters: raise the memory limit of this "
			    "cgroup");
		break;
	default:
		say_failure(session, "cannot begin to count: %s; `kfunctrace doctor` may tell why",
			    strerror(-err));
	}
}

/* ftrace_state.h says what would happen. */
static int refuse_without_ftrace(struct tracing_session *session)
{
	const char *obstacle = ftrace_state__obstacle();

	if (!obstacle)
		return 0;
	say_failure(session, "%s", obstacle);
	return -EBUSY;
}

int tracing_session__open(struct tracing_session *session)
{
	memset(session, 0, sizeof(*session));
	file_limit__raise();
	return live_kernel__open(&session->kernel);
}

/* Probes that make trace events work on the tables of call sites, as those of references do. */
static int open_events(struct tracing_session *session)
{
	struct counters_reference_maps shared = counters__reference_maps(session->counters);
	const struct probe_template_maps maps = {
		.site_ids_fd = shared.site_ids_fd,
		.transient_pages_fd = shared.transient_pages_fd,
		.site_caches_fd = shared.site_caches_fd,
		.state_fd = shared.state_fd,
	};
	struct probe_template_module module;
	int err = module_events__open(session->kernel.btfs, session->counters, &session->events);

	if (!err)
		err = live_kernel__load_deprecations(&session->kernel);
	if (err)
		return err;
	module = module_events__template(session->events);
	probe_template__set_maps(session->tmpl, &maps);
	probe_template__set_module(session->tmpl, &module);
	return 0;
}

static int prepare_bpf(struct tracing_session *session, const struct counters_options *opts)
{
	int err = counters__open(opts, session->kernel.reader, &session->counters);

	if (err)
		return err;
	err = probe_template__open(session->kernel.btfs, session->kernel.reader,
				   counters__regions_fd(session->counters),
				   counters__nr_cpus(session->counters),
				   counters__nr_slots(session->counters), &session->tmpl);
	if (err) {
		counters__free(session->counters);
		session->counters = NULL;
	}
	return err;
}

static void explain_module_failure(struct tracing_session *session, int err)
{
	switch (-err) {
	case ENOENT:
		say_failure(session,
			    "the module kfunctrace is not loaded, there is no " MODULE_ENGINE_PATH
			    ": modprobe kfunctrace");
		break;
	case EPROTO:
		say_failure(session,
			    "the module kfunctrace that is loaded is of another version than this "
			    "program: install both from the same source, and load it anew");
		break;
	case EPERM:
	case EACCES:
		say_failure(session, "not allowed to open " MODULE_ENGINE_PATH ": run as root");
		break;
	case EBUSY:
		say_failure(session,
			    "the module is counting for somebody else: it has one counting at a "
			    "time");
		break;
	case ENOMEM:
		say_failure(session, "not enough memory in the kernel for the module's counters");
		break;
	default:
		say_failure(session, "cannot count with the module (" MODULE_ENGINE_PATH "): %s",
			    strerror(-err));
	}
}

/* What the kernel tells nobody: Documentation/module.rst. */
static void say_what_is_never_seen(void)
{
	msg__detail("calls that are made from within another tracer's handler may be left out by "
		    "the kernel, uncounted: of functions that this tracer is on too%s",
		    kernel_version() >= KVER(6, 14) ? ", and of those that may fail" : "");
}

static int begin_with_module(struct tracing_session *session, const struct counters_options *opts)
{
	struct module_engine *module = session->module;
	int nr_unseen, err;

	if (module_engine__is_kept(module) && opts->keep) {
		msg__error(
			"the module counts on already: `kfunctrace stat --stop` reads it for the "
			"last time and ends it");
		return -EBUSY;
	}
	if (module_engine__is_kept(module) && !opts->reads_on) {
		msg__error(
			"the module counts on for `kfunctrace stat --keep`, and has one counting at "
			"a time: `kfunctrace stat --stop` reads that for the last time and ends it");
		return -EBUSY;
	}
	if (!module_engine__is_kept(module)) {
		err = module_engine__is_busy(module)
			      ? -EBUSY
			      : module_engine__begin(module, opts->nr_slots, &nr_unseen);
		if (err) {
			explain_module_failure(session, err);
			return err;
		}
		if (nr_unseen)
			msg__warn("%d programs could not be shown to the module: what they call "
				  "has unknown callers",
				  nr_unseen);
	}
	if (opts->want_lines) {
		err = module_engine__want_lines(module);
		if (err) {
			explain_module_failure(session, err);
			return err;
		}
	}
	session->keep = opts->keep;
	return counters__open_module(module, opts->nr_slots,
				     opts->keep || module_engine__is_kept(module),
				     session->kernel.reader, &session->counters);
}

static int prepare_module(struct tracing_session *session, const struct counters_options *opts)
{
	int err = module_engine__open(&session->module);

	if (!err)
		return begin_with_module(session, opts);
	explain_module_failure(session, err);
	return err;
}

static bool is_refusal(int err)
{
	return err == -EPERM || err == -EACCES || err == -EBUSY || err == -EOPNOTSUPP ||
	       err == -ENOTSUP;
}

/* `err` is what BPF has failed with. */
static int fall_back(struct tracing_session *session, const struct counters_options *opts, int err)
{
	if (!is_refusal(err) || module_engine__open(&session->module)) {
		explain_tracing_failure(session, err);
		return err;
	}
	msg__warn("this kernel refuses fentry programs (%s): the module counts instead",
		  strerror(-err));
	return begin_with_module(session, opts);
}

int tracing_session__prepare(struct tracing_session *session, const struct counters_options *opts)
{
	int err = refuse_without_ftrace(session);

	if (err)
		return err;
	if (opts->engine == ENGINE_MODULE)
		err = prepare_module(session, opts);
	else
		err = prepare_bpf(session, opts);
	if (err && opts->engine == ENGINE_BPF)
		explain_tracing_failure(session, err);
	if (err && opts->engine == ENGINE_AUTO)
		err = fall_back(session, opts, err);
	if (!err)
		msg__detail("engine: %s", tracing_session__engine(session));
	if (!err && session->module)
		say_what_is_never_seen();
	if (!err && opts->want_events && session->module) {
		say_failure(session, "trace events are made by BPF programs, which --engine=module "
				     "does without");
		return -EOPNOTSUPP;
	}
	if (!err && opts->want_events)
		err = open_events(session);
	return err;
}

const char *tracing_session__engine(const struct tracing_session *session)
{
	return session->module ? "module" : "bpf";
}

bool tracing_session__reads_on(const struct tracing_session *session)
{
	return session->module && module_engine__is_kept(session->module);
}

int tracing_session__keep_counted(const struct tracing_session *session,
				  struct probe_target *targets, int nr_targets)
{
	int nr = 0;

	for (int i = 0; i < nr_targets; i++) {
		if (module_engine__has(session->module, targets[i].function, targets[i].address))
			targets[nr++] = targets[i];
	}
	return nr;
}

struct module_attacher {
	struct probe_attacher attacher;
	struct tracing_session *session;
};

static int load_into_module(const struct probe_attacher *attacher, struct probe *probe, int idx)
{
	struct tracing_session *session = ((const struct module_attacher *)attacher)->session;

	return module_engine__add(session->module, probe->target.function, probe->target.address,
				  &probe->target.kind, idx);
}

static int start_module(const struct probe_attacher *attacher)
{
	struct tracing_session *session = ((const struct module_attacher *)attacher)->session;
	int err = 0;

	if (!tracing_session__reads_on(session))
		err = module_engine__start(session->module);
	/* Now, so that it counts on however we end. */
	if (!err && session->keep)
		err = module_engine__keep(session->module);
	return err;
}

/* What to call in place of a deprecated kfunc, NULL when it is none. */
static const char *replacement_of(const struct live_kernel *kernel, const char *name)
{
	const struct kfunc *kfunc = registry__find(kernel->registry, name);
	const struct deprecation *deprecation =
		kfunc ? live_kernel__deprecation(kernel, kfunc) : NULL;

	return deprecation ? deprecation__replacement(deprecation) ?: "-" : NULL;
}

/* The same targets, with probes that make trace events. */
static struct probe_target *with_events(const struct live_kernel *kernel,
					const struct probe_target *targets, int nr)
{
	struct probe_target *own = calloc(nr ?: 1, sizeof(*own));

	for (int i = 0; own && i < nr; i++) {
		own[i] = targets[i];
		own[i].flags |= KFT_DO_TRACE;
		own[i].event_replacement = replacement_of(kernel, targets[i].function);
		if (own[i].event_replacement)
			own[i].flags |= KFT_IS_OLD;
		if (own[i].kind <= PROBE_COUNT_EXIT_NEGATIVE)
			own[i].kind += PROBE_CALL_ENTRY;
	}
	return own;
}

static int attach_all(struct tracing_session *session, const struct probe_target *targets,
		      int nr_targets)
{
	const struct module_attacher attacher = {
		.attacher = { .load = load_into_module, .finish = start_module },
		.session = session,
	};
	struct probe_target *own;
	int err;

	if (session->module)
		return probe_set__attach_by(&session->kernel, &attacher.attacher, targets,
					    nr_targets, run_window__interrupted, &session->set);
	if (!session->events)
		return probe_set__attach(&session->kernel, session->tmpl, targets, nr_targets,
					 run_window__interrupted, NULL, &session->set);
	own = with_events(&session->kernel, targets, nr_targets);
	if (!own)
		return -ENOMEM;
	err = probe_set__attach(&session->kernel, session->tmpl, own, nr_targets,
				run_window__interrupted, session->events, &session->set);
	free(own);
	return err;
}

int tracing_session__attach(struct tracing_session *session, const struct probe_target *targets,
			    int nr_targets)
{
	__u64 load_ns, attach_ns;
	int err = attach_all(session, targets, nr_targets);

	if (err == -EINTR) {
		msg__error("interrupted before counting began");
		return err;
	}
	if (err) {
		if (session->module)
			explain_module_failure(session, err);
		else
			explain_tracing_failure(session, err);
		return err;
	}
	probe_set__times(session->set, &load_ns, &attach_ns);
	msg__detail("%d of %d probes attached; loading took %.2f s, attaching %.2f s; counters "
		    "take %llu KiB",
		    probe_set__nr_attached(session->set), probe_set__nr(session->set),
		    (double)load_ns / NS_PER_S, (double)attach_ns / NS_PER_S,
		    (unsigned long long)counters__memory(session->counters) / 1024);
	if (nr_targets && !probe_set__nr_attached(session->set)) {
		const struct probe *first = probe_set__at(session->set, 0);

		say_failure(session,
			    "cannot attach to any of %d functions, the first of them: %s: %s",
			    nr_targets, first->target.function, probe__explain(first));
		return -EBUSY;
	}
	return 0;
}

int tracing_session__add(struct tracing_session *session, const struct probe_target *targets,
			 int nr_targets)
{
	struct probe_target *own;
	int nr;

	if (!session->events)
		return probe_set__add(session->set, targets, nr_targets);
	own = with_events(&session->kernel, targets, nr_targets);
	if (!own)
		return -ENOMEM;
	nr = probe_set__add(session->set, own, nr_targets);
	free(own);
	return nr;
}

int tracing_session__release(struct tracing_session *session, const char *module)
{
	return probe_set__detach_module(session->set, module);
}

int tracing_session__say_what_failed(const struct tracing_session *session)
{
	int nr = probe_set__nr(session->set), failed = nr - probe_set__nr_attached(session->set);

	if (failed)
		msg__warn("%d of %d probes could not be attached (-v tells which and why)", failed,
			  nr);
	return failed;
}

int tracing_session__drain(struct tracing_session *session, struct usage *usage)
{
	int err;

	/* Off, probes stay attached and are not run: nothing else tells that calls are missing. */
	if (ftrace_state() == 0 && !session->tracer_was_off) {
		session->tracer_was_off = true;
		msg__error("the kernel's function tracer was switched off "
			   "(kernel.ftrace_enabled=0): calls are missing from here on");
	}
	err = counters__drain(session->counters, session->set, usage);
	/* A drain may have to wait: what it returns is of its end, not of when it was asked for. */
	session->drained_ns = clock_ns();
	if (err && err != -EAGAIN)
		msg__error("cannot read the counters: %s", strerror(-err));
	return err;
}

int tracing_session__drain_patiently(struct tracing_session *session, struct usage *usage)
{
	int err;

	while ((err = tracing_session__drain(session, usage)) == -EAGAIN) {
		if (run_window__interrupted()) {
			msg__error("interrupted: the counters could not be read while programs "
				   "were being unloaded without pause");
			return -EINTR;
		}
		msg__warn("programs are being unloaded without pause: reading again");
	}
	return err;
}

__u64 tracing_session__kept_since_ns(const struct tracing_session *session)
{
	return session->drained_ns - counters__module_state(session->counters).counting_ns;
}

int tracing_session__end_kept(struct tracing_session *session)
{
	int err = module_engine__end(session->module);

	if (err)
		msg__error("cannot end what the module counts: %s", strerror(-err));
	return err;
}

void tracing_session__say_losses(const struct tracing_session *session)
{
	struct counters_losses losses;

	counters__losses(session->counters, &losses);
	if (session->module && counters__module_state(session->counters).missed)
		msg__warn("the kernel had no room to follow %llu calls of kfuncs that may return "
			  "NULL: %s",
			  (unsigned long long)counters__module_state(session->counters).missed,
			  counters__module_state(session->counters).missed_are_counted
				  ? "whether they returned NULL is not known"
				  : "they are not counted");
	if (losses.programs || losses.images)
		msg__warn("%llu programs and %llu images were more than there is room for: what "
			  "they call has unknown callers",
			  (unsigned long long)losses.programs, (unsigned long long)losses.images);
	if (losses.retired)
		msg__warn("%llu records of ended programs were more than there is room for: their "
			  "calls are unknown (a shorter -i makes room sooner)",
			  (unsigned long long)losses.retired);
	if (losses.missed_loads || losses.missed_frees)
		msg__warn("the loading of up to %llu programs and the end of up to %llu images "
			  "went by unseen: what they call may have unknown callers",
			  (unsigned long long)losses.missed_loads,
			  (unsigned long long)losses.missed_frees);
}

/* Before 7.2 the kernel waits for two grace periods for each probe that is taken off. */
void tracing_session__announce_detaching(const struct tracing_session *session)
{
	double seconds = probe_set__nr_attached(session->set) * 0.14;

	if (session->module || kernel_version() >= KVER(7, 2) || seconds < 2)
		return;
	msg__warn("detaching %d probes, which takes this kernel about %.0f s (Ctrl-C is safe: the "
		  "kernel finishes it)",
		  probe_set__nr_attached(session->set), seconds);
}

void tracing_session__detach(struct tracing_session *session)
{
	__u64 begin = clock_ns();
	int nr;

	if (!session->set)
		return;
	nr = probe_set__nr_attached(session->set);
	probe_set__free(session->set);
	session->set = NULL;
	msg__detail("detaching %d probes took %.2f s", nr, (double)(clock_ns() - begin) / NS_PER_S);
}

void tracing_session__close(struct tracing_session *session)
{
	tracing_session__detach(session);
	probe_template__free(session->tmpl);
	module_events__free(session->events);
	counters__free(session->counters);
	module_engine__close(session->module);
	live_kernel__close(&session->kernel);
	memset(session, 0, sizeof(*session));
}
