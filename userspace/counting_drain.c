// SPDX-License-Identifier: GPL-2.0-only
/* What a drain brings, added to the aggregate. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "clock.h"
#include "counters.h"
#include "counting_private.h"
#include "message.h"
#include "notices.h"
#include "pairing.h"
#include "probe_set.h"
#include "prog_table.h"
#include "program_loaders.h"
#include "reference_balance.h"
#include "references.h"
#include "serve_config.h"
#include "site_numbers.h"

struct known_program counting__known(const struct counting *counting, const struct caller *caller)
{
	const struct kft_prog *prog = caller->prog;

	switch (caller->kind) {
	case CALLER_KERNEL:
		return (struct known_program){ .kind = KNOWN_KERNEL };
	case CALLER_PROGRAM:
		return known_program__of(caller__name(caller), caller__type(caller),
					 prog ? prog->tag : NULL, prog ? prog->id : 0,
					 prog ? program_loaders__of(counting->loaders, prog->id)
					      : "");
	case CALLER_UNKNOWN:
		break;
	}
	return (struct known_program){ .kind = KNOWN_UNKNOWN };
}

struct aggregate_type *counting__type(const struct counting *counting, int type)
{
	__u32 number = aggregate__type(counting->aggregate,
				       pairing__type(counting->session.pairing, type)->name);

	return number == AGGREGATE_NONE ? NULL : aggregate__type_for(counting->aggregate, number);
}

/* --- calls ------------------------------------------------------------------------------------ */

static void tell_deprecated(struct counting *counting, const struct aggregate_kfunc *kfunc,
			    const struct known_program *caller, __u64 calls)
{
	char message[512];
	int len = snprintf(message, sizeof(message), "%s%s%s%s calls %s, which is %s",
			   known_program__title(caller), *caller->type ? " (" : "", caller->type,
			   *caller->type ? ")" : "", kfunc->name, kfunc->deprecation);

	if (kfunc->since && len < (int)sizeof(message))
		len += snprintf(message + len, sizeof(message) - len, " since %s", kfunc->since);
	if (kfunc->replacement && len < (int)sizeof(message))
		snprintf(message + len, sizeof(message) - len, ": use %s", kfunc->replacement);
	notices__tell(counting->notices,
		      &(struct notice){ .kind = NOTICE_DEPRECATED_CALL,
					.kfunc = kfunc->name,
					.module = kfunc->module,
					.caller = known_program__title(caller),
					.program_type = *caller->type ? caller->type : NULL,
					.program_id = caller->id,
					.replacement = kfunc->replacement,
					.number = calls,
					.message = message },
		      clock_ns());
}

/*
 * A program that had not called it before, not even in an earlier run that the history knows. `row` has
 * the calls by now; of all those for which there is no row it is one, and only the first is told of.
 */
static void look_for_deprecated(struct counting *counting, const struct aggregate_row *row,
				const struct known_program *caller, __u64 calls)
{
	const struct aggregate_kfunc *kfunc = aggregate__kfunc_at(counting->aggregate, row->kfunc);

	if (kfunc->deprecation && caller->kind != KNOWN_KERNEL && calls &&
	    row->counts.calls == calls)
		tell_deprecated(counting, kfunc, caller, calls);
}

/*
 * The kernel counts a call, and then that it has returned NULL. Of a drain in between, so many calls
 * were taken for others that have acquired or released something.
 */
static __u64 late_nulls(const struct usage_counts *counts)
{
	__u64 seen = counts->calls - counts->recursion_misses;

	return counts->nulls > seen ? counts->nulls - seen : 0;
}

/* Returns what the aggregate is told of: what was told too often is left out of what comes later. */
static __u64 take_late(__s64 *sum, __u64 *owed, __u64 came, __u64 late)
{
	__u64 paid;

	*sum += came - late;
	*owed += late;
	paid = came < *owed ? came : *owed;
	*owed -= paid;
	return came - paid;
}

static void add_to_types(struct counting *counting, const struct reference_function *function,
			 const struct usage_row *row, struct aggregate_counts *counts)
{
	const int types[] = { function->acquires, function->releases };
	const struct pairing *pairing = counting->session.pairing;
	/* A conversion releases also when it returns NULL. */
	bool may_fail = function->role != REFERENCE_CONVERT;
	__u64 late = late_nulls(&row->counts);

	for (int i = 0; i < 2; i++) {
		struct aggregate_type *type;
		struct balance_counts balance;
		struct type_sums *sums;
		__u64 acquired, released;

		if (types[i] < 0 || (i && types[i] == types[0]) ||
		    !pairing__type(pairing, types[i])->has_count)
			continue;
		sums = &counting->types[types[i]];
		balance = balance_counts__of(function, types[i], &row->key, &row->counts);
		acquired = take_late(&sums->acquired, &sums->owed_acquires, balance.acquired,
				     function->acquires == types[i] ? late : 0);
		released = take_late(&sums->released, &sums->owed_releases,
				     balance.released + balance.by_maps,
				     may_fail && function->releases == types[i] ? late : 0);
		counts->acquired += acquired;
		counts->released += released;
		type = counting__type(counting, types[i]);
		if (!type)
			continue;
		type->acquired += acquired;
		type->released += released;
	}
}

static void add_losses(struct counting *counting, const struct usage_counts *counts)
{
	struct aggregate_losses *losses = &aggregate__state(counting->aggregate)->losses;

	losses->recursion_misses += counts->recursion_misses;
	losses->table_full += counts->table_full;
	losses->no_caller += counts->no_caller;
	losses->orphaned += counts->orphaned;
}

static int take_row(struct counting *counting, const struct usage_row *row)
{
	struct caller caller = caller__of_key(counting->session.tracing.counters, &row->key);
	struct known_program known = counting__known(counting, &caller);
	struct aggregate_counts counts = { .calls = row->counts.calls };
	const struct aggregate_row *added;
	int function = counting__function_of(row->key.subject);
	__u32 number = counting__number_of(counting, row->key.subject);

	if (aggregate__kfunc_at(counting->aggregate, number)->measured & AGGREGATE_NULLS)
		counts.nulls = row->counts.nulls;

	if (function >= 0 && !balance__is_inner(counting->session.pairing,
						counting->session.tracing.counters, &row->key))
		add_to_types(counting, pairing__function(counting->session.pairing, function), row,
			     &counts);
	if (caller.prog && caller.prog->id > program_loaders__newest(counting->loaders))
		counting->has_newcomers = true;
	add_losses(counting, &row->counts);
	added = aggregate__add(counting->aggregate, number, &known, &counts, counting->now_s);
	if (!added)
		return -ENOMEM;
	look_for_deprecated(counting, added, &known, counts.calls);
	return 0;
}

/* --- by call sites: counts of zero, and how long references were held ------------------------------- */

static struct known_program known_at(const struct counting *counting,
				     const struct numbered_site *site)
{
	struct caller caller = caller__of(counting->session.tracing.counters, &site->caller);

	return counting__known(counting, &caller);
}

/* The row of the function that is called there; made if need be. NULL: out of memory. */
static struct aggregate_row *row_at(struct counting *counting, const struct numbered_site *site,
				    const struct aggregate_counts *counts)
{
	const struct probe *probe = probe_set__at(counting->session.tracing.set, site->probe);
	struct known_program known = known_at(counting, site);

	return aggregate__add(counting->aggregate,
			      counting__number_of(counting, probe->target.subject), &known, counts,
			      counting->now_s);
}

static void add_untracked(struct counting *counting, const struct site_change *change)
{
	const struct probe *probe =
		probe_set__at(counting->session.tracing.set, change->site.probe);
	int function = counting__function_of(probe->target.subject);
	const struct reference_function *acquire;
	struct aggregate_type *type;

	aggregate__state(counting->aggregate)->losses.untracked += change->untracked;
	if (function < 0)
		return;
	acquire = pairing__function(counting->session.pairing, function);
	type = counting__type(counting, acquire->acquires >= 0 ? acquire->acquires : acquire->type);
	if (type)
		type->untracked += change->untracked;
}

static int take_site(struct counting *counting, const struct site_change *change)
{
	const struct aggregate_counts counts = {
		.zeros = change->zeros,
		.unclear = change->unclear,
	};

	if (change->untracked)
		add_untracked(counting, change);
	if (!counts.zeros && !counts.unclear)
		return 0;
	return row_at(counting, &change->site, &counts) ? 0 : -ENOMEM;
}

/* Whoever acquired them: the time belongs to that row. */
static int take_hold(struct counting *counting, const struct hold_change *change)
{
	const struct aggregate_counts none = { 0 };
	struct aggregate_row *row;

	if (change->is_ambiguous) {
		aggregate__state(counting->aggregate)->losses.lost_holds += change->hold.count;
		return 0;
	}
	row = row_at(counting, &change->acquired, &none);
	return row ? aggregate_row__add_held(row, &change->hold) : -ENOMEM;
}

/* Events name call sites by numbers, which may be another's afterwards. */
static int take_changes(struct counting *counting)
{
	struct site_changes changes;
	int err = references__take_changes(counting->session.references, &changes);

	for (size_t i = 0; i < changes.nr_sites && !err; i++)
		err = take_site(counting, &changes.sites[i]);
	for (size_t i = 0; i < changes.nr_holds && !err; i++)
		err = take_hold(counting, &changes.holds[i]);
	site_changes__free(&changes);
	return err;
}

/* --- events ------------------------------------------------------------------------------------- */

static void describe_zero(const struct kft_reference_event *event, char *buf, size_t size)
{
	*buf = 0;
	if (event->object_pid)
		snprintf(buf, size, "pid %d (%.16s)", event->object_pid, event->object_comm);
	else if (event->object_id)
		snprintf(buf, size, "cgroup %llu", (unsigned long long)event->object_id);
}

static void tell_zero(struct counting *counting, const struct kft_reference_event *event,
		      const struct caller *caller)
{
	const struct probe *probe = probe_set__at(counting->session.tracing.set, event->probe);
	const struct aggregate_kfunc *kfunc = aggregate__kfunc_at(
		counting->aggregate, counting__number_of(counting, probe->target.subject));
	struct known_program known = counting__known(counting, caller);
	char object[64], message[512];

	describe_zero(event, object, sizeof(object));
	snprintf(message, sizeof(message),
		 "%s got nothing from %s: the count of the %s was already zero%s%s (on CPU %u, in "
		 "%.16s[%u])",
		 known_program__title(&known), kfunc->name, probe->target.event_type ?: "object",
		 *object ? ": " : "", object, event->cpu, event->comm, event->tid);
	notices__tell(counting->notices,
		      &(struct notice){ .kind = NOTICE_REFCOUNT_ZERO,
					.kfunc = kfunc->name,
					.module = kfunc->module,
					.caller = known_program__title(&known),
					.program_type = *known.type ? known.type : NULL,
					.program_id = known.id,
					.object_type = probe->target.event_type,
					.object = *object ? object : NULL,
					.number = 1,
					.message = message },
		      clock_ns());
}

/* A program that has come since the last drain is known after the next one. */
static bool is_late(const struct counting *counting, const struct caller *caller)
{
	return caller->kind == CALLER_UNKNOWN ||
	       (caller->kind == CALLER_PROGRAM && !caller->prog) || counting->now_s == 0;
}

static struct caller caller_of_event(const struct counting *counting,
				     const struct kft_reference_event *event)
{
	const struct kft_reference_site *site =
		references__site(counting->session.references, event->site);

	return site ? caller__of_site(counting->session.tracing.counters, site)
		    : (struct caller){ .kind = CALLER_UNKNOWN };
}

static __attribute__((noinline)) void look_at_zero(struct counting *counting,
						   const struct kft_reference_event *event)
{
	struct caller caller;

	if ((int)event->probe >= probe_set__nr(counting->session.tracing.set))
		return;
	caller = caller_of_event(counting, event);
	if (is_late(counting, &caller) && counting->nr_late < MAX_LATE_EVENTS)
		counting->late[counting->nr_late++] = *event;
	else
		tell_zero(counting, event, &caller);
}

/* In a flood there is time for no more than this: what needs more registers is not inlined. */
int counting__take_zero(const struct kft_reference_event *event, void *arg)
{
	struct counting *counting = arg;

	if (event->site >= KFT_MAX_REFERENCE_SITES ||
	    counting->site_events[event->site] >= MAX_SITE_EVENTS) {
		counting->events_passed_over++;
		return 0;
	}
	counting->site_events[event->site]++;
	look_at_zero(counting, event);
	return 0;
}

static void tell_late(struct counting *counting)
{
	for (int i = 0; i < counting->nr_late; i++) {
		struct caller caller = caller_of_event(counting, &counting->late[i]);

		tell_zero(counting, &counting->late[i], &caller);
	}
	counting->nr_late = 0;
	memset(counting->site_events, 0, sizeof(counting->site_events));
	/* They were counted with their call sites; only the notices are missing. */
	aggregate__state(counting->aggregate)->losses.events_left_out +=
		counting->events_passed_over;
	counting->events_passed_over = 0;
}

/* --- losses --------------------------------------------------------------------------------------- */

/* A sum of this run's, added to that of all runs. */
static void take_sum(__u64 *all, __u64 *before, __u64 now)
{
	*all += now > *before ? now - *before : 0;
	*before = now;
}

static void take_kernel_losses(struct counting *counting)
{
	const struct references *references = counting->session.references;
	struct aggregate_losses *all = &aggregate__state(counting->aggregate)->losses;
	struct aggregate_losses *before = &counting->kernel_losses;
	struct counters_losses losses;

	counters__losses(counting->session.tracing.counters, &losses);
	take_sum(&all->programs, &before->programs,
		 losses.programs + losses.images + losses.retired);
	if (!references)
		return;
	take_sum(&all->events_dropped, &before->events_dropped,
		 references__state(references)->events_dropped);
	take_sum(&all->events_left_out, &before->events_left_out,
		 references__state(references)->events_left_out);
	take_sum(&all->lost_releases, &before->lost_releases,
		 references__state(references)->lost_releases);
	take_sum(&all->lost_sites, &before->lost_sites, references__state(references)->lost_sites);
	take_sum(&all->lost_holds, &before->lost_holds, references__state(references)->lost_holds);
}

/* What is missing altogether, or has no caller. */
static __u64 all_lost(const struct aggregate_losses *losses)
{
	return losses->recursion_misses + losses->table_full + losses->no_caller +
	       losses->orphaned + losses->events_dropped + losses->untracked +
	       losses->lost_releases;
}

static void tell_losses(struct counting *counting)
{
	const struct aggregate_losses *losses = &aggregate__state(counting->aggregate)->losses;
	__u64 now_ns = clock_ns(), lost = all_lost(losses) - counting->lost_before;
	double seconds = (double)(now_ns - counting->drained_before_ns) / NS_PER_S;
	bool is_first = !counting->drained_before_ns;
	char message[256];

	counting->lost_before += lost;
	counting->drained_before_ns = now_ns;
	if (is_first || lost <= counting->config->loss_rate * seconds)
		return;
	snprintf(message, sizeof(message),
		 "%llu calls, events or references in %.0f s without a caller, or lost: "
		 "kfunctrace_unattributed_calls_total and kfunctrace_lost_total tell of what kind",
		 (unsigned long long)lost, seconds);
	notices__tell(counting->notices,
		      &(struct notice){ .kind = NOTICE_LOSSES, .number = lost, .message = message },
		      now_ns);
}

/* --- the drain -------------------------------------------------------------------------------------- */

static int take_change(struct counting *counting)
{
	int err = usage__difference(&counting->change, &counting->now, &counting->before);
	struct usage swap = counting->before;

	for (size_t i = 0; i < counting->change.nr && !err; i++)
		err = take_row(counting, &counting->change.rows[i]);
	counting->before = counting->now;
	counting->now = swap;
	return err;
}

int counting__drain_calls(struct counting *counting)
{
	int err = reference_session__drain(&counting->session, &counting->now);

	if (!err)
		return take_change(counting);
	aggregate__state(counting->aggregate)->losses.drains_failed++;
	return err;
}

int counting__drain(struct counting *counting, __s64 now)
{
	int err;

	if (counting->is_off) {
		aggregate__state(counting->aggregate)->last_drain = now;
		return 0;
	}
	counting->now_s = now;
	counting->has_newcomers = false;
	err = counting__drain_calls(counting);
	if (err)
		return err;
	err = counting__take_events(counting);
	tell_late(counting);
	if (!err && counting->session.references)
		err = take_changes(counting);
	if (!err)
		err = counters__forget_ended(counting->session.tracing.counters, &counting->before);
	take_kernel_losses(counting);
	tell_losses(counting);
	if (!err)
		aggregate__state(counting->aggregate)->last_drain = now;
	return err;
}

bool counting__has_newcomers(const struct counting *counting)
{
	return counting->has_newcomers;
}
