// SPDX-License-Identifier: GPL-2.0-only
#include "counting.h"
#include "counting_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "counters.h"
#include "deprecations.h"
#include "ftrace_state.h"
#include "message.h"
#include "notices.h"
#include "pairing.h"
#include "probe_set.h"
#include "registry.h"
#include "serve_config.h"

/* How many events a second the kernel sends. */
#define EVENTS_A_SECOND 200
/* Clients are not served meanwhile, and the next drain has what this one has not. */
#define DRAIN_NS (NS_PER_S / 10)

static struct live_kernel *kernel_of(struct counting *counting)
{
	return &counting->session.tracing.kernel;
}

__u64 counting__kernel_memory(const struct counting *counting)
{
	const struct references *references = counting->session.references;

	if (!counting->session.tracing.counters)
		return 0;
	return counters__memory(counting->session.tracing.counters) +
	       (references ? references__memory(references) : 0);
}

const char *counting__obstacle(const struct counting *counting)
{
	const char *why;

	if (counting->is_off)
		return NULL;
	why = ftrace_state__obstacle();
	if (why || probe_set__nr_attached(counting->session.tracing.set))
		return why;
	return counting->governed.nr
		       ? "no kfunc is traced: all cost too much (max_overhead)"
		       : "no kfunc is traced: none of this kernel is chosen, or can be";
}

struct live_kernel *counting__kernel(struct counting *counting)
{
	return kernel_of(counting);
}

/* --- numbers in the aggregate ---------------------------------------------------------------------- */

__u32 counting__number_of(const struct counting *counting, __u32 subject)
{
	return subject >= FIRST_OTHER ? counting->kfunc_numbers[subject - FIRST_OTHER]
				      : counting->function_numbers[subject];
}

int counting__function_of(__u32 subject)
{
	return subject >= FIRST_OTHER ? -1 : (int)subject;
}

static int set_deprecation(struct counting *counting, const struct kfunc *kfunc, __u32 number)
{
	const struct deprecation *deprecation =
		live_kernel__deprecation(kernel_of(counting), kfunc);
	char since[32] = "";

	if (!deprecation)
		return 0;
	if (deprecation->since)
		snprintf(since, sizeof(since), "%u.%u", deprecation->since >> 16,
			 deprecation->since & 0xffff);
	return aggregate__set_deprecation(
		counting->aggregate, number, deprecation_kind__name(deprecation->kind),
		deprecation__replacement(deprecation), *since ? since : NULL);
}

static __u32 *grow(__u32 **numbers, int nr)
{
	__u32 *grown = realloc(*numbers, (nr + 1) * sizeof(*grown));

	if (grown)
		*numbers = grown;
	return grown;
}

static int number_kfuncs(struct counting *counting)
{
	const struct registry *registry = kernel_of(counting)->registry;
	int nr = registry__nr(registry), err = 0;

	if (!grow(&counting->kfunc_numbers, nr))
		return -ENOMEM;
	for (; counting->nr_kfuncs < nr && !err; counting->nr_kfuncs++) {
		const struct kfunc *kfunc = registry__at(registry, counting->nr_kfuncs);
		__u32 number = aggregate__kfunc(counting->aggregate, kfunc->name, kfunc->module);

		if (number == AGGREGATE_NONE)
			return -ENOMEM;
		counting->kfunc_numbers[counting->nr_kfuncs] = number;
		err = set_deprecation(counting, kfunc, number);
	}
	return err;
}

/* The other function of a specialised kfunc is that kfunc; a destructor need not be one. */
static int number_functions(struct counting *counting)
{
	const struct pairing *pairing = counting->session.pairing;
	int nr = pairing__nr_functions(pairing);

	if (!grow(&counting->function_numbers, nr))
		return -ENOMEM;
	for (; counting->nr_functions < nr; counting->nr_functions++) {
		const struct reference_function *function =
			pairing__function(pairing, counting->nr_functions);
		__u32 number;

		if (function->kfunc)
			number = counting->kfunc_numbers[function->kfunc->index];
		else
			number = aggregate__kfunc(counting->aggregate, function->name,
						  function->kbtf->name);
		if (number == AGGREGATE_NONE)
			return -ENOMEM;
		counting->function_numbers[counting->nr_functions] = number;
	}
	return 0;
}

/* --- what became of it ---------------------------------------------------------------------------- */

/* What a probe tells besides calls. */
static unsigned int measured_by(const struct counting *counting, const struct probe *probe)
{
	int idx = counting__function_of(probe->target.subject);
	const struct reference_function *function;
	unsigned int measured = 0;

	if (idx < 0)
		return probe->target.kind == PROBE_COUNT_EXIT ? AGGREGATE_NULLS : 0;
	function = pairing__function(counting->session.pairing, idx);
	if (function->failure == FAILS_WITH_NULL)
		measured |= AGGREGATE_NULLS;
	if (counting->with_objects && function->null_means != NULL_IS_OTHER)
		measured |= AGGREGATE_ZEROS;
	if (function->acquires >= 0 || function->releases >= 0)
		measured |= AGGREGATE_REFERENCES;
	return measured;
}

/* Counts kfuncs, not probes: of one there may be several functions. */
static __u64 count_governed(const struct counting *counting)
{
	const struct aggregate *aggregate = counting->aggregate;
	__u64 nr = 0;

	for (size_t i = 0; i < aggregate__nr_kfuncs(aggregate); i++) {
		const char *why = aggregate__kfunc_at(aggregate, i)->untraced;

		nr += why && strcmp(why, COUNTING_GOVERNED) == 0;
	}
	return nr;
}

int counting__note_states(struct counting *counting)
{
	const struct registry *registry = kernel_of(counting)->registry;
	const struct probe_set *set = counting->session.tracing.set;
	int err = 0;

	for (int i = 0; i < registry__nr(registry) && !err; i++) {
		const char *why = counting__why_not(counting, registry__at(registry, i));

		err = aggregate__set_traced(counting->aggregate, counting->kfunc_numbers[i], false,
					    why && *why ? why : NULL);
	}
	for (int i = 0; i < probe_set__nr(set) && !err; i++) {
		const struct probe *probe = probe_set__at(set, i);
		__u32 number = counting__number_of(counting, probe->target.subject);

		if (probe->is_twin)
			continue;
		aggregate__kfunc_for(counting->aggregate, number)->measured =
			measured_by(counting, probe);
		if (probe->state == PROBE_ATTACHED)
			err = aggregate__set_traced(counting->aggregate, number, true, NULL);
		else if (probe->state == PROBE_FAILED)
			err = aggregate__set_traced(counting->aggregate, number, false,
						    probe__explain(probe));
		else if (counting__is_governed(counting, probe))
			err = aggregate__set_traced(counting->aggregate, number, false,
						    COUNTING_GOVERNED);
	}
	aggregate__state(counting->aggregate)->cost.detached_kfuncs = count_governed(counting);
	counting__forget_unwatched(counting);
	return err;
}

/* --- opening ------------------------------------------------------------------------------------------- */

static struct reference_session_options session_options(struct counting *counting)
{
	static const struct pattern_list all;
	const struct serve_config *config = counting->config;
	static const enum reference_mode modes[] = {
		[SERVE_REFERENCES_OFF] = REFERENCES_NONE,
		[SERVE_REFERENCES_BALANCE] = REFERENCES_BALANCE,
		[SERVE_REFERENCES_OBJECTS] = REFERENCES_OBJECTS,
	};

	return (struct reference_session_options){
		.plan = {
			.mode = modes[config->references],
			.types = &all,
			.kfuncs = &config->kfuncs,
			.modules = &counting->plan_modules,
			.no_modules = config->no_modules,
			.without_types = &counting->governed,
			.without_modules = &counting->let_go,
			.zero_events = counting->with_objects,
			.may_be_empty = true,
		},
		.references = {
			.max_objects = counting->with_objects ? config->max_objects : 0,
			.ring_bytes = counting->with_objects ? COUNTING_RING_BYTES : 0,
			.events_a_second = EVENTS_A_SECOND,
			.recycle = true,
		},
		.no_lines = true,
		.event = counting->with_objects ? counting__take_zero : NULL,
		.event_arg = counting,
	};
}

static int attach(struct counting *counting)
{
	struct reference_session_options opts = session_options(counting);
	struct probe_target *others = NULL;
	int nr, err;

	err = reference_session__plan(&counting->session, &opts);
	nr = err ? err : counting__choose_others(counting, &others);
	if (nr >= 0) {
		opts.others = others;
		opts.nr_others = nr;
		if (!nr && !counting->session.plan.nr)
			msg__warn("no kfunc of this kernel is chosen: only those of modules that "
				  "come may be counted");
		err = reference_session__attach(&counting->session, &opts);
	} else {
		err = nr;
	}
	free(others);
	if (err)
		return err;
	counters__set_patience(counting->session.tracing.counters, DRAIN_NS);
	return counting__note_states(counting);
}

/* Nothing is attached: whether the kernel would let us is not asked. */
static int stay_off(struct counting *counting)
{
	int err = 0;

	aggregate__state(counting->aggregate)->only_looks = true;
	for (int i = 0; i < counting->nr_kfuncs && !err; i++)
		err = aggregate__set_traced(counting->aggregate, counting->kfunc_numbers[i], false,
					    "count = off");
	return err;
}

static int make_room(struct counting *counting)
{
	counting->types = calloc(KFT_MAX_REFERENCE_TYPES, sizeof(*counting->types));
	counting->costs = calloc(KFT_MAX_PROBES, sizeof(*counting->costs));
	return counting->types && counting->costs ? counting__choose_modules(counting) : -ENOMEM;
}

int counting__open(const struct counting_options *opts, struct counting **result)
{
	struct counting *counting = calloc(1, sizeof(*counting));
	int err;

	if (!counting)
		return -ENOMEM;
	counting->config = opts->config;
	counting->aggregate = opts->aggregate;
	counting->notices = opts->notices;
	counting->loaders = opts->loaders;
	counting->pause = opts->pause;
	counting->pause_arg = opts->pause_arg;
	counting->is_off = opts->config->no_counting;
	counting->with_references =
		!counting->is_off && opts->config->references != SERVE_REFERENCES_OFF;
	counting->with_objects =
		!counting->is_off && opts->config->references == SERVE_REFERENCES_OBJECTS;
	err = make_room(counting);
	if (!err)
		err = reference_session__open(&counting->session);
	if (!err)
		err = live_kernel__load_deprecations(kernel_of(counting));
	if (!err)
		err = number_kfuncs(counting) ?: number_functions(counting);
	if (!err)
		err = counting->is_off ? stay_off(counting) : attach(counting);
	if (err == -ENOMEM)
		msg__error("not enough memory");
	if (err) {
		counting__close(counting);
		return err;
	}
	*result = counting;
	return 0;
}

void counting__close(struct counting *counting)
{
	if (!counting)
		return;
	reference_session__close(&counting->session);
	free(counting->function_numbers);
	free(counting->kfunc_numbers);
	name_list__free(&counting->let_go);
	name_list__free(&counting->governed);
	pattern_list__free(&counting->plan_modules);
	free(counting->units);
	usage__free(&counting->before);
	usage__free(&counting->now);
	usage__free(&counting->change);
	free(counting->types);
	free(counting->stale);
	free(counting->costs);
	free(counting);
}

int counting__events_fd(const struct counting *counting)
{
	return counting->session.stream ? event_stream__fd(counting->session.stream) : -1;
}

int counting__take_events(struct counting *counting)
{
	return counting->session.stream ? event_stream__poll(counting->session.stream, 0) : 0;
}

/* --- probes that come and go ----------------------------------------------------------------------------- */

static void tell(struct counting *counting, enum notice_kind kind, const char *module, int nr,
		 const char *message)
{
	notices__tell(counting->notices,
		      &(struct notice){
			      .kind = kind, .module = module, .number = nr, .message = message },
		      clock_ns());
}

bool counting__must_wait(struct counting *counting)
{
	const char *why = ftrace_state__obstacle();

	if (why && !counting->is_waiting)
		msg__warn("what is traced stays as it is for now: %s", why);
	counting->is_waiting = why;
	return counting->is_waiting;
}

/* Everything that is chosen and has no probe. Returns how many came, or a negative errno. */
static int attach_missing(struct counting *counting)
{
	struct reference_session_options opts = session_options(counting);
	struct probe_target *others = NULL;
	int err, came, nr;

	if (counting->is_off || counting->session.tracing.module)
		return 0;
	came = reference_session__add(&counting->session, &opts, &counting->plan_modules);
	if (came < 0)
		return came;
	err = number_functions(counting);
	nr = err ? err : counting__choose_others(counting, &others);
	if (nr > 0)
		nr = probe_set__add(counting->session.tracing.set, others, nr);
	free(others);
	return nr < 0 ? nr : came + nr;
}

/* Of a module that has gone nothing is let go any more: it may come back. */
static void forgive(struct counting *counting, const struct registry_changes *changes)
{
	for (int i = 0; i < changes->nr_went; i++)
		name_list__drop(
			&counting->let_go,
			registry__at(kernel_of(counting)->registry, changes->went[i])->module);
}

/* Of probes at a time, on an older kernel 0.14 s each. */
#define DETACH_AT_ONCE 16

int counting__detach(struct counting *counting, const int *idxs, int nr)
{
	int nr_detached = 0;

	for (int i = 0; i < nr; i += DETACH_AT_ONCE) {
		int some = nr - i < DETACH_AT_ONCE ? nr - i : DETACH_AT_ONCE;

		some = probe_set__detach(counting->session.tracing.set, &idxs[i], some);
		if (some < 0)
			return some;
		nr_detached += some;
		counting__take_events(counting);
		counting->pause(counting->pause_arg);
	}
	return nr_detached;
}

/* Returns how many, or a negative errno. */
static int detach_unwanted(struct counting *counting)
{
	const struct probe_set *set = counting->session.tracing.set;
	int nr = 0, *idxs = calloc(probe_set__nr(set) + 1, sizeof(*idxs));

	if (!idxs)
		return -ENOMEM;
	for (int i = 0; i < probe_set__nr(set); i++) {
		if (counting__is_unwanted(counting, probe_set__at(set, i)))
			idxs[nr++] = i;
	}
	nr = counting__detach(counting, idxs, nr);
	free(idxs);
	return nr;
}

/*
 * Probes that are missing come, those that are no longer wanted are taken off. Returns how many, or a
 * negative errno; told with why.
 */
static int catch_up(struct counting *counting)
{
	int went = detach_unwanted(counting), came = went < 0 ? went : attach_missing(counting);
	char message[128];

	if (came < 0)
		return came;
	if (came || went) {
		snprintf(message, sizeof(message), "%s: %d probes came, %d were taken off",
			 counting->behind, came, went);
		tell(counting, came ? NOTICE_ATTACHED : NOTICE_DETACHED, NULL, came + went,
		     message);
	}
	counting->behind = NULL;
	return came + went;
}

bool counting__is_behind(const struct counting *counting)
{
	return counting->behind;
}

int counting__follow_modules(struct counting *counting)
{
	struct registry_changes changes;
	int err = live_kernel__refresh(kernel_of(counting), &changes), nr = 0;
	bool waits = false;

	if (!err) {
		forgive(counting, &changes);
		err = number_kfuncs(counting);
	}
	if (changes.nr_came && !counting->is_off)
		counting->behind = "modules were loaded";
	if (!err && counting->behind) {
		waits = counting__must_wait(counting);
		err = nr = waits ? 0 : catch_up(counting);
	}
	if (err >= 0 && !counting->is_off && (nr || changes.nr_came || changes.nr_went)) {
		counters__forget_symbols(counting->session.tracing.counters);
		err = counting__note_states(counting);
	}
	registry_changes__free(&changes);
	if (err < 0) {
		msg__error("cannot follow modules that came or went: %s", strerror(-err));
		return err;
	}
	return waits ? -EBUSY : 0;
}

static bool has_module(struct counting *counting, const char *module)
{
	const struct registry *registry = kernel_of(counting)->registry;

	for (int i = 0; i < registry__nr(registry); i++) {
		const struct kfunc *kfunc = registry__at(registry, i);

		if (!kfunc->is_gone && strcmp(kfunc->module, module) == 0)
			return true;
	}
	return false;
}

int counting__release_module(struct counting *counting, const char *module)
{
	char message[128];
	int nr, err;

	if (counting->is_off)
		return 0;
	if (!has_module(counting, module) || strcmp(module, "vmlinux") == 0)
		return -ENOENT;
	if (counting__must_wait(counting))
		return -EBUSY;
	err = name_list__add(&counting->let_go, module);
	if (err)
		return err;
	nr = detach_unwanted(counting);
	if (nr < 0)
		return nr;
	err = counting__note_states(counting);
	if (nr) {
		snprintf(message, sizeof(message), "let go of module %s: %d probes taken off",
			 module, nr);
		tell(counting, NOTICE_DETACHED, module, nr, message);
	}
	return err ?: nr;
}

static bool same_modules(const struct serve_config *a, const struct serve_config *b)
{
	if (a->no_modules != b->no_modules || a->modules.nr != b->modules.nr)
		return false;
	for (int i = 0; i < a->modules.nr; i++) {
		if (strcmp(a->modules.patterns[i], b->modules.patterns[i]) != 0)
			return false;
	}
	return true;
}

/* What is traced becomes what is to be: now, or as soon as it may. */
static int follow_choice(struct counting *counting)
{
	int err = counting__choose_modules(counting);

	counting->behind = "configuration read anew";
	if (!err && !counting__must_wait(counting))
		err = catch_up(counting);
	return err < 0 ? err : counting__note_states(counting);
}

int counting__reconfigure(struct counting *counting, const struct serve_config *config)
{
	const struct serve_config *before = counting->config;
	struct name_list let_go = counting->let_go, governed = counting->governed;
	bool lets_go = same_modules(before, config);
	int err;

	counting->config = config;
	if (counting->is_off)
		return 0;
	/* Whoever is about to unload a module does not lose it to a reload for another reason. */
	if (!lets_go)
		counting->let_go = (struct name_list){ 0 };
	counting->governed = (struct name_list){ 0 };
	err = follow_choice(counting);
	if (err) {
		msg__error("cannot change what is traced: %s", strerror(-err));
		counting->config = before;
		counting->let_go = let_go;
		counting->governed = governed;
		if (follow_choice(counting))
			msg__error("nor can what was traced before be traced again");
		return err;
	}
	if (!lets_go)
		name_list__free(&let_go);
	name_list__free(&governed);
	return 0;
}
