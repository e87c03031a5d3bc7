// SPDX-License-Identifier: GPL-2.0-only
#include "reference_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../tracepoints/reference_records.h"
#include "counters.h"
#include "kernel_btf.h"
#include "kernel_version.h"
#include "message.h"
#include "name_list.h"
#include "pairing.h"
#include "probe_set.h"
#include "registry.h"

/* --- which functions -------------------------------------------------------------------------- */

static bool mode_wants(enum reference_mode mode, const struct pairing *pairing,
		       const struct reference_function *function)
{
	const struct reference_type *type = pairing__type(pairing, function->type);

	if (mode == REFERENCES_NONE || type->is_iterator != (mode == REFERENCES_ITERATORS))
		return false;
	switch (function->role) {
	case REFERENCE_ACQUIRE:
		return mode != REFERENCES_ZERO || function->failure == FAILS_WITH_NULL;
	case REFERENCE_RELEASE:
	case REFERENCE_CONVERT:
		return mode != REFERENCES_ZERO;
	case REFERENCE_DESTRUCTOR:
		/* The probe on the release sees what it releases. */
		return mode != REFERENCES_ZERO && !function->ends_in;
	case REFERENCE_MOVE_IN:
	case REFERENCE_MOVE_OUT:
		return false;
	case REFERENCE_ITER_NEW:
	case REFERENCE_ITER_NEXT:
	case REFERENCE_ITER_DESTROY:
		return true;
	}
	return false;
}

static bool is_chosen(const struct reference_plan_options *opts, const struct pairing *pairing,
		      const struct reference_function *function)
{
	const struct reference_type *type = pairing__type(pairing, function->type);

	if (opts->no_modules && !function->kbtf->is_vmlinux)
		return false;
	if ((opts->without_types && name_list__has(opts->without_types, type->name)) ||
	    (opts->without_modules && name_list__has(opts->without_modules, function->kbtf->name)))
		return false;
	if (opts->kfuncs && function->kfunc &&
	    !pattern_list__match(opts->kfuncs, function->kfunc->name))
		return false;
	return pattern_list__match(opts->types, type->name) &&
	       pattern_list__match(opts->modules, function->kbtf->name);
}

static bool is_untraceable(const struct reference_function *function)
{
	enum kfunc_coverage coverage;

	if (!function->address)
		return true;
	if (!function->kfunc)
		return false;
	coverage = function->kfunc->coverage;
	return coverage == COVERAGE_INLINED || coverage == COVERAGE_NO_SITE ||
	       coverage == COVERAGE_DENIED || coverage == COVERAGE_ELIDED;
}

/* A type asked for that cannot be watched is worth a word. */
static void say_untraceable(const struct reference_plan_options *opts,
			    const struct pairing *pairing,
			    const struct reference_function *function)
{
	const char *type = pairing__type(pairing, function->type)->name, *reason = NULL;

	if (function->kfunc)
		reason = function->kfunc->reason;
	if (!reason || !function->address)
		reason = "the compiler left no symbol of it";
	if (opts->types->nr)
		msg__warn("cannot watch %s: %s; the figures of %s lack it", function->name, reason,
			  type);
	else
		msg__detail("cannot watch %s: %s; the figures of %s lack it", function->name,
			    reason, type);
}

/* --- what its probe does ---------------------------------------------------------------------- */

static bool takes_away(enum reference_role role)
{
	return role == REFERENCE_RELEASE || role == REFERENCE_DESTRUCTOR;
}

/* Up to 6.1 a map that goes calls destructors for empty fields as well, with NULL. */
static bool maps_release_nothing(void)
{
	return kernel_version() < KVER(6, 2);
}

static enum probe_kind counting_kind(const struct reference_function *function)
{
	switch (function->failure) {
	case FAILS_WITH_NULL:
		return PROBE_COUNT_EXIT;
	case FAILS_WITH_NEGATIVE:
		return PROBE_COUNT_EXIT_NEGATIVE;
	case FAILS_NEVER:
		break;
	}
	if (takes_away(function->role) && maps_release_nothing())
		return PROBE_COUNT_RELEASE;
	return PROBE_COUNT_ENTRY;
}

static enum probe_kind accounting_kind(const struct reference_function *function)
{
	switch (function->role) {
	case REFERENCE_ACQUIRE:
		/* What fills an object that it is given is like a constructor. */
		return function->object_arg >= 0 ? PROBE_ITER_NEW : PROBE_ACQUIRE;
	case REFERENCE_CONVERT:
		return PROBE_CONVERT;
	case REFERENCE_ITER_NEW:
		return PROBE_ITER_NEW;
	case REFERENCE_ITER_NEXT:
		return PROBE_ITER_NEXT;
	case REFERENCE_ITER_DESTROY:
		return PROBE_ITER_DESTROY;
	default:
		return PROBE_RELEASE;
	}
}

static __u32 flags_of_null(const struct reference_function *function)
{
	switch (function->null_means) {
	case NULL_IS_ZERO:
		return KFT_ZERO_ALWAYS;
	case NULL_IS_MIXED:
		if (strcmp(function->name, "bpf_cgroup_ancestor") == 0)
			return KFT_ZERO_LEVEL;
		if (strcmp(function->name, "bpf_get_mem_cgroup") == 0)
			return KFT_ZERO_MEMCG;
		return KFT_ZERO_UNCLEAR;
	case NULL_IS_OTHER:
		break;
	}
	return 0;
}

static __u32 flags_of(const struct reference_plan_options *opts, const struct pairing *pairing,
		      const struct reference_function *function)
{
	enum kft_object object = pairing__type(pairing, function->type)->object;
	__u32 flags = flags_of_null(function);

	if (opts->mode == REFERENCES_OBJECTS || opts->mode == REFERENCES_ITERATORS)
		flags |= KFT_DO_OBJECTS;
	if (opts->mode == REFERENCES_EVENTS)
		flags |= KFT_DO_EVENTS | KFT_DO_ZERO;
	if (opts->mode == REFERENCES_ZERO || opts->zero_events)
		flags |= KFT_DO_ZERO;
	if (opts->stack)
		flags |= KFT_DO_STACK;
	if (function->is_new)
		flags |= KFT_IS_NEW;
	if (object == KFT_OBJECT_TASK)
		flags |= KFT_IS_TASK;
	if (object == KFT_OBJECT_CGROUP)
		flags |= KFT_IS_CGROUP;
	return flags;
}

static void add_target(struct reference_plan *plan, const struct pairing *pairing, int idx,
		       const struct reference_plan_options *opts)
{
	const struct reference_function *function = pairing__function(pairing, idx);
	bool counts_only = (opts->mode == REFERENCES_BALANCE && !opts->trace_events) ||
			   (opts->mode == REFERENCES_ZERO && function->null_means == NULL_IS_OTHER);

	plan->targets[plan->nr++] = (struct probe_target){
		.function = function->name,
		.kbtf = function->kbtf,
		.generation = function->generation,
		.btf_id = function->btf_id,
		.abi_id = function->abi_id,
		.address = function->address,
		.subject = idx,
		.kind = counts_only ? counting_kind(function) : accounting_kind(function),
		.object_arg = function->object_arg,
		.type = function->acquires >= 0 ? function->acquires : function->type,
		.released = function->releases >= 0 ? function->releases : function->type,
		.flags = flags_of(opts, pairing, function),
		.event_type = pairing__type(pairing, function->type)->name,
	};
}

/* What gives references back is attached first: no release of what was seen acquired is missed. */
static void put_releases_first(struct reference_plan *plan, const struct pairing *pairing)
{
	int nr_first = 0;

	for (int i = 0; i < plan->nr; i++) {
		struct probe_target target = plan->targets[i];
		const struct reference_function *function =
			pairing__function(pairing, target.subject);

		if (function->releases < 0)
			continue;
		memmove(&plan->targets[nr_first + 1], &plan->targets[nr_first],
			(i - nr_first) * sizeof(target));
		plan->targets[nr_first++] = target;
	}
}

void reference_plan__say_what_is_held(const struct reference_plan *plan)
{
	for (int i = 0; i < plan->nr; i++) {
		const struct kernel_btf *kbtf = plan->targets[i].kbtf;
		bool said = kbtf->is_vmlinux;

		for (int j = 0; j < i && !said; j++)
			said = plan->targets[j].kbtf == kbtf;
		if (!said)
			msg__warn("module %s cannot be unloaded while its kfuncs are watched "
				  "(--no-modules leaves it alone)",
				  kbtf->name);
	}
}

int reference_plan__make(struct reference_plan *plan, const struct pairing *pairing,
			 const struct reference_plan_options *opts)
{
	int nr = pairing__nr_functions(pairing);

	memset(plan, 0, sizeof(*plan));
	plan->targets = calloc(nr ?: 1, sizeof(*plan->targets));
	if (!plan->targets)
		return -ENOMEM;
	for (int i = 0; i < nr; i++) {
		const struct reference_function *function = pairing__function(pairing, i);

		if (function->is_gone || !mode_wants(opts->mode, pairing, function) ||
		    !is_chosen(opts, pairing, function))
			continue;
		if (is_untraceable(function)) {
			say_untraceable(opts, pairing, function);
			plan->nr_untraceable++;
			continue;
		}
		add_target(plan, pairing, i, opts);
	}
	if (!plan->nr && !opts->may_be_empty) {
		msg__error("no function of this kernel that %s matches these types and modules; "
			   "`kfunctrace refs --pairs` shows all",
			   opts->mode == REFERENCES_ITERATORS ? "belongs to an iterator"
							      : "acquires or releases references");
		return -ENOENT;
	}
	put_releases_first(plan, pairing);
	return 0;
}

void reference_plan__free(struct reference_plan *plan)
{
	free(plan->targets);
	memset(plan, 0, sizeof(*plan));
}

/* --- calls that are nobody's ---------------------------------------------------------------------- */

/*
 * Whether calls of `inner` out of `outer` are part of what outer does: an acquire that calls another
 * one (bpf_task_from_pid), a release that calls what maps call as well (bpf_obj_drop_impl). What a
 * destructor calls is different: no probe is on those that end in a release.
 */
static bool is_part_of(const struct reference_function *inner,
		       const struct reference_function *outer)
{
	if (inner == outer || inner->type != outer->type)
		return false;
	if (inner->role == REFERENCE_ACQUIRE)
		return outer->role == REFERENCE_ACQUIRE;
	return takes_away(inner->role) && outer->role == REFERENCE_RELEASE;
}

bool reference_plan__is_inner(const struct pairing *pairing, int function, const char *caller)
{
	const struct reference_function *inner = pairing__function(pairing, function);
	const struct reference_function *outer = pairing__find(pairing, caller);

	return outer && is_part_of(inner, outer);
}

static int find_inner(struct kft_reference_probe *probe, const struct pairing *pairing,
		      const struct reference_function *inner, const struct counters *counters)
{
	int nr = 0;

	memset(probe, 0, sizeof(*probe));
	for (int i = 0; i < pairing__nr_functions(pairing); i++) {
		const struct reference_function *outer = pairing__function(pairing, i);
		struct kft_code_range range = { .start = outer->address };

		if (!is_part_of(inner, outer) || !outer->address)
			continue;
		if (nr == KFT_MAX_INNER) {
			msg__error("more functions call %s than there is room for", inner->name);
			return -E2BIG;
		}
		range.end = counters__kernel_function_end(counters, outer->address);
		probe->inner[nr++] = range;
	}
	return 0;
}

/* The probe may be running: at no moment is there a range that is none. */
static void change_range(struct kft_code_range *range, const struct kft_code_range *now)
{
	if (range->start == now->start && range->end == now->end)
		return;
	__atomic_store_n(&range->end, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&range->start, now->start, __ATOMIC_SEQ_CST);
	__atomic_store_n(&range->end, now->end, __ATOMIC_SEQ_CST);
}

static int set_inner(const struct pairing *pairing, const struct counters *counters, int idx,
		     const struct probe_target *target)
{
	struct kft_reference_probe *probe = &counters__reference_state(counters)->probes[idx], now;
	int err = find_inner(&now, pairing, pairing__function(pairing, target->subject), counters);

	for (int i = 0; i < KFT_MAX_INNER && !err; i++)
		change_range(&probe->inner[i], &now.inner[i]);
	return err;
}

int reference_plan__set_inner(const struct reference_plan *plan, const struct pairing *pairing,
			      const struct counters *counters)
{
	int err = 0;

	for (int i = 0; i < plan->nr && !err; i++)
		err = set_inner(pairing, counters, i, &plan->targets[i]);
	return err;
}

int reference_plan__set_inner_of(const struct reference_plan *plan, const struct pairing *pairing,
				 const struct counters *counters, struct probe_set *set)
{
	int err = 0;

	for (int i = 0; i < plan->nr && err >= 0; i++)
		err = probe_set__reserve(set, &plan->targets[i]);
	for (int i = 0; i < probe_set__nr(set) && err >= 0; i++) {
		const struct probe_target *target = &probe_set__at(set, i)->target;

		/* The set may have others, whose subjects are no functions of the pairing. */
		if (target->subject < (__u32)pairing__nr_functions(pairing))
			err = set_inner(pairing, counters, i, target);
	}
	return err < 0 ? err : 0;
}
