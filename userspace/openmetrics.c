// SPDX-License-Identifier: GPL-2.0-only
/* What is exposed, and under which names; Documentation/metrics.rst tells people. */
#include "openmetrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "metric_text.h"
#include "process_fds.h"

/* --- labels ------------------------------------------------------------------------------------ */

static struct metric_labels one_label(const char *name, const char *value)
{
	struct metric_labels labels = { .nr = 0 };

	metric_labels__add(&labels, name, value);
	return labels;
}

static struct metric_labels kfunc_labels(const struct aggregate_kfunc *kfunc)
{
	struct metric_labels labels = one_label("kfunc", kfunc->name);

	metric_labels__add(&labels, "module", kfunc->module);
	return labels;
}

static void add_caller(struct metric_labels *labels, const struct known_program *caller)
{
	metric_labels__add(labels, "caller", known_kind__name(caller->kind));
	metric_labels__add(labels, "program", caller->name);
	metric_labels__add(labels, "program_type", caller->type);
}

static const struct aggregate_kfunc *kfunc_of(const struct aggregate *aggregate,
					      const struct aggregate_row *row)
{
	return aggregate__kfunc_at(aggregate, row->kfunc);
}

static struct metric_labels row_labels(const struct aggregate *aggregate,
				       const struct aggregate_row *row)
{
	struct metric_labels labels = kfunc_labels(kfunc_of(aggregate, row));

	add_caller(&labels, aggregate__caller_at(aggregate, row->caller));
	return labels;
}

/* --- what it is ---------------------------------------------------------------------------------- */

static void write_info(struct metric_text *text, const struct aggregate_state *state,
		       const char *version)
{
	struct metric_labels labels = one_label("version", version);

	metric_text__family(text, METRIC_INFO, "kfunctrace_build", NULL,
			    "Which kfunctrace this is.");
	metric_text__info(text, &labels);
	labels = one_label("release", state->release);
	metric_labels__add(&labels, "target", state->target);
	metric_text__family(text, METRIC_INFO, "kfunctrace_kernel", NULL,
			    "The running kernel, and the one that programs are checked against.");
	metric_text__info(text, &labels);
}

/* --- calls --------------------------------------------------------------------------------------- */

static const struct row_counter {
	const char *name, *help;
	size_t offset;	       /* in struct aggregate_counts */
	unsigned int measured; /* without it a 0 is not known */
} row_counters[] = {
	{ "kfunctrace_kfunc_calls", "Calls of kfuncs.", offsetof(struct aggregate_counts, calls),
	  0 },
	{ "kfunctrace_kfunc_null_returns", "Calls of kfuncs that returned NULL.",
	  offsetof(struct aggregate_counts, nulls), AGGREGATE_NULLS },
	{ "kfunctrace_refcount_zero",
	  "Acquires that failed because the object's reference count was zero.",
	  offsetof(struct aggregate_counts, zeros), AGGREGATE_ZEROS },
	{ "kfunctrace_refcount_zero_unclear",
	  "Acquires that failed because the reference count was zero, or because of something else.",
	  offsetof(struct aggregate_counts, unclear), AGGREGATE_ZEROS },
};

static void write_row_counter(struct metric_text *text, const struct aggregate *aggregate,
			      const struct row_counter *counter)
{
	metric_text__family(text, METRIC_COUNTER, counter->name, NULL, counter->help);
	for (size_t i = 0; i < aggregate__nr_rows(aggregate); i++) {
		const struct aggregate_row *row = aggregate__row_at(aggregate, i);
		__u64 value = *(const __u64 *)((const char *)&row->counts + counter->offset);
		struct metric_labels labels;

		if (counter->measured && !value &&
		    !(kfunc_of(aggregate, row)->measured & counter->measured))
			continue;
		labels = row_labels(aggregate, row);
		metric_text__number(text, &labels, value);
	}
}

static void write_deprecated_calls(struct metric_text *text, const struct aggregate *aggregate)
{
	metric_text__family(text, METRIC_COUNTER, "kfunctrace_deprecated_calls", NULL,
			    "Calls of kfuncs that are deprecated on this kernel.");
	for (size_t i = 0; i < aggregate__nr_rows(aggregate); i++) {
		const struct aggregate_row *row = aggregate__row_at(aggregate, i);
		const struct aggregate_kfunc *kfunc = kfunc_of(aggregate, row);
		struct metric_labels labels;

		if (!kfunc->deprecation)
			continue;
		labels = kfunc_labels(kfunc);
		metric_labels__add(&labels, "deprecation", kfunc->deprecation);
		metric_labels__add(&labels, "since", kfunc->since);
		metric_labels__add(&labels, "replacement", kfunc->replacement);
		add_caller(&labels, aggregate__caller_at(aggregate, row->caller));
		metric_text__number(text, &labels, row->counts.calls);
	}
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ?: "", b ?: "");
}

/* Whether they are the same series. */
static bool same_problem(const struct aggregate_problem *a, const struct aggregate_problem *b)
{
	return a->kfunc == b->kfunc && a->caller == b->caller && same_text(a->target, b->target) &&
	       same_text(a->problem, b->problem);
}

/* Loaded programs of the first of those that are the same; 0: it is not the first. */
static __u64 programs_of(const struct aggregate_problem *problems, size_t nr, size_t idx)
{
	__u64 programs = 0;

	for (size_t i = 0; i < nr; i++) {
		if (!same_problem(&problems[i], &problems[idx]))
			continue;
		if (i < idx)
			return 0;
		programs += problems[i].programs;
	}
	return programs;
}

static void write_problems(struct metric_text *text, const struct aggregate *aggregate)
{
	size_t nr;
	const struct aggregate_problem *problems = aggregate__problems(aggregate, &nr);

	metric_text__family(
		text, METRIC_GAUGE, "kfunctrace_problem_programs", NULL,
		"Loaded programs that use what is deprecated, or what the target kernel "
		"has not, or has otherwise.");
	for (size_t i = 0; i < nr; i++) {
		const struct aggregate_problem *problem = &problems[i];
		const struct known_program *caller =
			aggregate__caller_at(aggregate, problem->caller);
		struct metric_labels labels =
			kfunc_labels(aggregate__kfunc_at(aggregate, problem->kfunc));
		__u64 programs = problem->programs;

		/* Several may have become `other`; each of the rest is one. */
		if (caller->kind == KNOWN_OTHER)
			programs = programs_of(problems, nr, i);
		if (!programs)
			continue;
		add_caller(&labels, caller);
		metric_labels__add(&labels, "target", problem->target);
		metric_labels__add(&labels, "problem", problem->problem);
		metric_labels__add(&labels, "replacement", problem->replacement);
		metric_text__number(text, &labels, programs);
	}
}

static void write_untraced(struct metric_text *text, const struct aggregate *aggregate)
{
	metric_text__family(text, METRIC_GAUGE, "kfunctrace_untraced_kfunc", NULL,
			    "1 for each kfunc whose calls are not counted at the moment, and why.");
	for (size_t i = 0; i < aggregate__nr_kfuncs(aggregate); i++) {
		const struct aggregate_kfunc *kfunc = aggregate__kfunc_at(aggregate, i);
		struct metric_labels labels = kfunc_labels(kfunc);

		/* Of one that a run before knew, nothing is known. */
		if (kfunc->traced || !kfunc->untraced)
			continue;
		metric_labels__add(&labels, "reason", kfunc->untraced);
		metric_text__number(text, &labels, 1);
	}
}

/* --- references ---------------------------------------------------------------------------------- */

/* Of a type; < 0: not known. */
enum type_value {
	TYPE_ACQUIRED,
	TYPE_RELEASED,
	TYPE_UNTRACKED,
	TYPE_OUTSTANDING,
	TYPE_PARKED,
	TYPE_STALE,
	NR_TYPE_VALUES,
};

static const struct type_family {
	enum metric_type type;
	const char *name, *help;
} type_families[NR_TYPE_VALUES] = {
	[TYPE_ACQUIRED] = { METRIC_COUNTER, "kfunctrace_references_acquired",
			    "References that kfuncs handed out." },
	[TYPE_RELEASED] = { METRIC_COUNTER, "kfunctrace_references_released",
			    "References that were given back." },
	[TYPE_UNTRACKED] = { METRIC_COUNTER, "kfunctrace_references_untracked",
			     "References that were acquired and are in no other figure of "
			     "references, for want of room." },
	[TYPE_OUTSTANDING] = { METRIC_GAUGE, "kfunctrace_references_outstanding",
			       "References that are held." },
	[TYPE_PARKED] = { METRIC_GAUGE, "kfunctrace_references_parked",
			  "References that are held after the program that acquired them has "
			  "returned." },
	[TYPE_STALE] = { METRIC_GAUGE, "kfunctrace_references_stale",
			 "References that are held on objects that are dead." },
};

static __s64 type_value(const struct aggregate_type *type, enum type_value which)
{
	switch (which) {
	case TYPE_ACQUIRED:
		return type->acquired;
	case TYPE_RELEASED:
		return type->released;
	case TYPE_UNTRACKED:
		return type->untracked;
	case TYPE_OUTSTANDING:
		return type->outstanding;
	case TYPE_PARKED:
		return type->parked;
	case TYPE_STALE:
		return type->stale;
	default:
		return -1;
	}
}

static void write_types(struct metric_text *text, const struct aggregate *aggregate)
{
	for (int value = 0; value < NR_TYPE_VALUES; value++) {
		const struct type_family *family = &type_families[value];

		metric_text__family(text, family->type, family->name, NULL, family->help);
		for (size_t i = 0; i < aggregate__nr_types(aggregate); i++) {
			const struct aggregate_type *type = aggregate__type_at(aggregate, i);
			struct metric_labels labels = one_label("type", type->name);
			__s64 number = type_value(type, value);

			if (number >= 0)
				metric_text__number(text, &labels, number);
		}
	}
	metric_text__family(text, METRIC_GAUGE, "kfunctrace_oldest_reference_seconds", "seconds",
			    "Age of the oldest reference that is held.");
	for (size_t i = 0; i < aggregate__nr_types(aggregate); i++) {
		const struct aggregate_type *type = aggregate__type_at(aggregate, i);
		struct metric_labels labels = one_label("type", type->name);

		if (type->oldest_ns)
			metric_text__seconds(text, &labels, type->oldest_ns);
	}
}

static void write_held(struct metric_text *text, const struct aggregate *aggregate)
{
	metric_text__family(text, METRIC_GAUGE, "kfunctrace_references_held", NULL,
			    "References that are held, by who acquired them.");
	for (size_t i = 0; i < aggregate__nr_rows(aggregate); i++) {
		const struct aggregate_row *row = aggregate__row_at(aggregate, i);
		struct metric_labels labels;

		/* Of what hands out no references nobody asks. */
		if (row->outstanding < 0 ||
		    (!row->outstanding && !row->counts.acquired && !row->counts.released))
			continue;
		labels = row_labels(aggregate, row);
		metric_text__number(text, &labels, row->outstanding);
	}
}

static void write_holding_times(struct metric_text *text, const struct aggregate *aggregate)
{
	metric_text__family(text, METRIC_HISTOGRAM, "kfunctrace_reference_holding_seconds",
			    "seconds",
			    "How long references were held that have been given back, by who "
			    "acquired them.");
	for (size_t i = 0; i < aggregate__nr_rows(aggregate); i++) {
		const struct aggregate_row *row = aggregate__row_at(aggregate, i);
		struct metric_labels labels;

		if (!row->held)
			continue;
		labels = row_labels(aggregate, row);
		metric_text__histogram(text, &labels, row->held);
	}
	metric_text__family(text, METRIC_COUNTER, "kfunctrace_reference_holding_unknown", NULL,
			    "References that have been given back and were held nobody knows how "
			    "long.");
	for (size_t i = 0; i < aggregate__nr_rows(aggregate); i++) {
		const struct aggregate_row *row = aggregate__row_at(aggregate, i);
		struct metric_labels labels;

		if (!row->held)
			continue;
		labels = row_labels(aggregate, row);
		metric_text__number(text, &labels, row->held->unknown);
	}
}

/* --- what is missing from all this --------------------------------------------------------------- */

struct reason {
	const char *name;
	size_t offset; /* in struct aggregate_losses */
};

static const struct reason unattributed[] = {
	{ "recursion", offsetof(struct aggregate_losses, recursion_misses) },
	{ "table_full", offsetof(struct aggregate_losses, table_full) },
	{ "no_caller", offsetof(struct aggregate_losses, no_caller) },
	{ "orphaned", offsetof(struct aggregate_losses, orphaned) },
	{ "max_callers", offsetof(struct aggregate_losses, other_rows) },
};

static const struct reason lost[] = {
	{ "events_dropped", offsetof(struct aggregate_losses, events_dropped) },
	{ "events_left_out", offsetof(struct aggregate_losses, events_left_out) },
	{ "references", offsetof(struct aggregate_losses, untracked) },
	{ "releases", offsetof(struct aggregate_losses, lost_releases) },
	{ "sites", offsetof(struct aggregate_losses, lost_sites) },
	{ "holding_times", offsetof(struct aggregate_losses, lost_holds) },
	{ "programs", offsetof(struct aggregate_losses, programs) },
	{ "drains", offsetof(struct aggregate_losses, drains_failed) },
};

static void write_reasons(struct metric_text *text, const struct aggregate_losses *losses,
			  const struct reason *reasons, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct metric_labels labels = one_label("reason", reasons[i].name);

		metric_text__number(text, &labels,
				    *(const __u64 *)((const char *)losses + reasons[i].offset));
	}
}

static void write_losses(struct metric_text *text, const struct aggregate_losses *losses)
{
	metric_text__family(text, METRIC_COUNTER, "kfunctrace_unattributed_calls", NULL,
			    "Calls that are counted, and not for the program that made them.");
	write_reasons(text, losses, unattributed, sizeof(unattributed) / sizeof(*unattributed));
	metric_text__family(text, METRIC_COUNTER, "kfunctrace_lost", NULL,
			    "What other figures lack.");
	write_reasons(text, losses, lost, sizeof(lost) / sizeof(*lost));
}

/* --- what it costs, and how it is ---------------------------------------------------------------- */

static void write_number(struct metric_text *text, enum metric_type type, const char *name,
			 const char *unit, const char *help, __u64 value)
{
	metric_text__family(text, type, name, unit, help);
	metric_text__number(text, NULL, value);
}

static void write_seconds(struct metric_text *text, enum metric_type type, const char *name,
			  const char *help, __u64 ns)
{
	metric_text__family(text, type, name, "seconds", help);
	metric_text__seconds(text, NULL, ns);
}

static void write_kfunc_cost(struct metric_text *text, const struct aggregate *aggregate)
{
	metric_text__family(text, METRIC_COUNTER, "kfunctrace_kfunc_probe_cpu_seconds", "seconds",
			    "CPU time in the probes of a kfunc, while it was measured.");
	for (size_t i = 0; i < aggregate__nr_kfuncs(aggregate); i++) {
		const struct aggregate_kfunc *kfunc = aggregate__kfunc_at(aggregate, i);
		struct metric_labels labels = kfunc_labels(kfunc);

		if (kfunc->runs)
			metric_text__seconds(text, &labels, kfunc->run_time_ns);
	}
	metric_text__family(text, METRIC_COUNTER, "kfunctrace_kfunc_probe_runs", NULL,
			    "Runs of the probes of a kfunc, while it was measured.");
	for (size_t i = 0; i < aggregate__nr_kfuncs(aggregate); i++) {
		const struct aggregate_kfunc *kfunc = aggregate__kfunc_at(aggregate, i);
		struct metric_labels labels = kfunc_labels(kfunc);

		if (kfunc->runs)
			metric_text__number(text, &labels, kfunc->runs);
	}
}

static void write_drains(struct metric_text *text, const struct aggregate_state *state)
{
	const struct aggregate_cost *cost = &state->cost;

	metric_text__family(text, METRIC_SUMMARY, "kfunctrace_drain_duration_seconds", "seconds",
			    "How long it took to collect the kernel's counters.");
	metric_text__summary(text, NULL, cost->drains, cost->drain_ns);
	if (cost->drains)
		write_seconds(text, METRIC_GAUGE, "kfunctrace_last_drain_duration_seconds",
			      "How long it took the last time.", cost->last_drain_ns);
	if (state->last_drain)
		write_number(text, METRIC_GAUGE, "kfunctrace_last_drain_timestamp_seconds",
			     "seconds", "When the kernel's counters were collected last.",
			     state->last_drain);
	if (state->last_look)
		write_number(text, METRIC_GAUGE, "kfunctrace_last_look_timestamp_seconds",
			     "seconds",
			     "When objects that are held and loaded programs were looked at last.",
			     state->last_look);
}

static void write_cost(struct metric_text *text, const struct aggregate *aggregate)
{
	const struct aggregate_cost *cost = &aggregate__read_state(aggregate)->cost;

	write_kfunc_cost(text, aggregate);
	if (cost->probe_ns)
		write_seconds(
			text, METRIC_COUNTER, "kfunctrace_probe_cpu_seconds",
			"CPU time in all probes, measured or worked out from measured samples.",
			cost->probe_ns);
	/* Before it is measured for the first time there is none. */
	if (cost->drains && isfinite(cost->share) && cost->share >= 0) {
		metric_text__family(text, METRIC_GAUGE, "kfunctrace_overhead_ratio", "ratio",
				    "Share of one CPU that the probes and this process took, when "
				    "it was measured last.");
		metric_text__ratio(text, NULL, cost->share);
	}
	write_number(text, METRIC_GAUGE, "kfunctrace_detached_kfuncs", NULL,
		     "Kfuncs whose probes were taken off because of their cost.",
		     cost->detached_kfuncs);
	if (cost->kernel_bytes)
		write_number(text, METRIC_GAUGE, "kfunctrace_kernel_memory_bytes", "bytes",
			     "Memory of the kernel for counters and references.",
			     cost->kernel_bytes);
}

static void write_state(struct metric_text *text, const struct aggregate *aggregate)
{
	const struct aggregate_state *state = aggregate__read_state(aggregate);

	write_number(text, METRIC_GAUGE, "kfunctrace_ready", NULL,
		     "1 when calls are being counted, 0 when they are not.", state->ready);
	if (state->counting_since)
		write_number(text, METRIC_GAUGE, "kfunctrace_counting_since_timestamp_seconds",
			     "seconds", "Since when calls are counted, restarts included.",
			     state->counting_since);
	write_number(text, METRIC_GAUGE, "kfunctrace_callers", NULL,
		     "Pairs of kfunc and caller that are told apart.",
		     aggregate__nr_rows(aggregate));
	write_number(text, METRIC_COUNTER, "kfunctrace_notices", NULL,
		     "Notable events that were told.", state->notices);
	write_number(text, METRIC_COUNTER, "kfunctrace_notices_suppressed", NULL,
		     "Notable events that were not told, as there were too many alike.",
		     state->notices_suppressed);
	write_number(text, METRIC_GAUGE, "kfunctrace_history_enabled", NULL,
		     "1 when counts are to be kept on disk.", state->history_on);
	if (state->history_on) {
		write_number(text, METRIC_GAUGE, "kfunctrace_history_bytes", "bytes",
			     "Size of the history on disk.", state->history_bytes);
		write_number(text, METRIC_GAUGE, "kfunctrace_history_last_save_timestamp_seconds",
			     "seconds", "When the history was written last; 0: not yet.",
			     state->history_save);
	}
	if (state->history_on || state->history_errors)
		write_number(text, METRIC_COUNTER, "kfunctrace_history_errors", NULL,
			     "Attempts to open or write the history that failed.",
			     state->history_errors);
}

/* By the names that Prometheus' own clients use. */
static void write_process(struct metric_text *text, const struct aggregate_state *state)
{
	int fds = process_fds__open(), limit = process_fds__limit();

	if (state->cost.process_ns)
		write_seconds(text, METRIC_COUNTER, "process_cpu_seconds",
			      "CPU time of this process.", state->cost.process_ns);
	if (state->cost.rss_bytes)
		write_number(text, METRIC_GAUGE, "process_resident_memory_bytes", "bytes",
			     "Resident memory of this process.", state->cost.rss_bytes);
	if (state->started)
		write_number(text, METRIC_GAUGE, "process_start_time_seconds", "seconds",
			     "When this process was started, in seconds since 1970.",
			     state->started);
	if (fds >= 0)
		write_number(text, METRIC_GAUGE, "process_open_fds", NULL,
			     "Open file descriptors of this process.", fds);
	if (limit >= 0)
		write_number(text, METRIC_GAUGE, "process_max_fds", NULL,
			     "How many file descriptors this process may have open.", limit);
}

int exposition__write(const struct aggregate *aggregate, enum exposition_format format,
		      const char *version, char **text, size_t *size)
{
	const struct aggregate_state *state = aggregate__read_state(aggregate);
	struct metric_text out;

	metric_text__init(&out, format);
	write_info(&out, state, version);
	for (size_t i = 0; i < sizeof(row_counters) / sizeof(*row_counters); i++)
		write_row_counter(&out, aggregate, &row_counters[i]);
	write_deprecated_calls(&out, aggregate);
	write_problems(&out, aggregate);
	write_untraced(&out, aggregate);
	write_types(&out, aggregate);
	write_held(&out, aggregate);
	write_holding_times(&out, aggregate);
	write_losses(&out, &state->losses);
	write_drains(&out, state);
	write_cost(&out, aggregate);
	write_state(&out, aggregate);
	write_process(&out, state);
	return metric_text__finish(&out, text, size);
}
