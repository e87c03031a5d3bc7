// SPDX-License-Identifier: GPL-2.0-only
/* A look at the objects on which references are held. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "counters.h"
#include "counting_private.h"
#include "notices.h"
#include "pairing.h"
#include "probe_set.h"
#include "reference_objects.h"
#include "references.h"
#include "serve_config.h"

/* Who holds an object, as far as it can be told. */
struct holder {
	__u32 number; /* of the acquire, in the aggregate; AGGREGATE_NONE: not which of them it was */
	bool is_known; /* the caller is */
	struct known_program caller;
};

static struct holder holder_at(const struct counting *counting, __u32 site)
{
	const struct probe_set *set = counting->session.tracing.set;
	const struct kft_reference_site *record =
		references__site(counting->session.references, site);
	__u32 probe = site < KFT_FIRST_REFERENCE_SITE ? site - 1 : record ? record->probe : ~0u;
	struct holder holder = { .number = AGGREGATE_NONE };
	struct caller caller;

	if (!record || probe >= (__u32)probe_set__nr(set))
		return holder;
	caller = caller__of_site(counting->session.tracing.counters, record);
	holder.number = counting__number_of(counting, probe_set__at(set, probe)->target.subject);
	holder.caller = counting__known(counting, &caller);
	holder.is_known = true;
	return holder;
}

/* Of several call sites of one program it is known which program, and not by which of its kfuncs. */
static struct holder holder_of(const struct counting *counting, const struct object_row *row)
{
	struct holder holder = { .number = AGGREGATE_NONE };

	bool is_one = row->is_one_program || (row->nr_holders == 1 && !row->more_holders);

	if (!row->nr_holders || !is_one)
		return holder;
	holder = holder_at(counting, row->holders[0].site);
	for (int i = 1; i < row->nr_holders; i++) {
		if (holder_at(counting, row->holders[i].site).number != holder.number)
			holder.number = AGGREGATE_NONE;
	}
	if (row->more_holders)
		holder.number = AGGREGATE_NONE;
	return holder;
}

/* --- sums --------------------------------------------------------------------------------------- */

enum watched {
	NEVER_WATCHED,
	/* Its probes were taken off: what is acquired and given back since is not seen. */
	NO_LONGER_WATCHED,
	IS_WATCHED,
};

/* Types of the pairing that references are acquired on, by what becomes of the acquires' probes. */
static void find_watched(const struct counting *counting, enum watched *types)
{
	const struct probe_set *set = counting->session.tracing.set;
	const struct pairing *pairing = counting->session.pairing;

	memset(types, 0, KFT_MAX_REFERENCE_TYPES * sizeof(*types));
	for (int i = 0; i < probe_set__nr(set); i++) {
		const struct probe *probe = probe_set__at(set, i);
		int idx = counting__function_of(probe->target.subject), type;
		enum watched found =
			probe->state == PROBE_ATTACHED ? IS_WATCHED : NO_LONGER_WATCHED;

		type = idx < 0 ? -1 : pairing__function(pairing, idx)->acquires;
		if (type >= 0 && pairing__type(pairing, type)->has_count && types[type] < found)
			types[type] = found;
	}
}

/* Whether the type that a kfunc of the aggregate acquires is watched; malloc'ed, NULL: out of memory. */
static bool *find_watched_kfuncs(const struct counting *counting, const enum watched *types)
{
	bool *watched = calloc(aggregate__nr_kfuncs(counting->aggregate) + 1, sizeof(*watched));

	for (int i = 0; watched && i < counting->nr_functions; i++) {
		int type = pairing__function(counting->session.pairing, i)->acquires;

		if (type >= 0 && types[type] == IS_WATCHED)
			watched[counting->function_numbers[i]] = true;
	}
	return watched;
}

/*
 * Zero is what is known of each type and row that can hold references, until some are found. Of what is
 * no longer watched nothing is known. Returns 0 or -ENOMEM.
 */
static int begin(struct counting *counting, const enum watched *types)
{
	bool *watched = find_watched_kfuncs(counting, types);

	if (!watched)
		return -ENOMEM;
	for (int i = 0; i < pairing__nr_types(counting->session.pairing); i++) {
		struct aggregate_type *type = types[i] ? counting__type(counting, i) : NULL;

		if (!type)
			continue;
		type->outstanding = type->parked = type->stale = types[i] == IS_WATCHED ? 0 : -1;
		type->oldest_ns = 0;
	}
	for (size_t i = 0; i < aggregate__nr_rows(counting->aggregate); i++) {
		struct aggregate_row *row = aggregate__row_for(counting->aggregate, i);

		/* That of a call site without a number may have been acquired by nobody. */
		if (row->counts.acquired || row->outstanding >= 0)
			row->outstanding = watched[row->kfunc] ? 0 : -1;
	}
	free(watched);
	return 0;
}

static void add_to_row(struct counting *counting, const struct holder *holder, __u32 references)
{
	const struct aggregate_counts none = { 0 };
	struct aggregate_row *row;

	if (holder->number == AGGREGATE_NONE)
		return;
	row = aggregate__add(counting->aggregate, holder->number, &holder->caller, &none,
			     counting->now_s);
	if (row)
		row->outstanding = (row->outstanding < 0 ? 0 : row->outstanding) + references;
}

static void add_to_rows(struct counting *counting, const struct object_row *row,
			const struct holder *holder)
{
	if (holder->number != AGGREGATE_NONE) {
		add_to_row(counting, holder, row->references);
		return;
	}
	if (row->is_ambiguous || row->more_holders)
		return;
	for (int i = 0; i < row->nr_holders; i++) {
		struct holder one = holder_at(counting, row->holders[i].site);

		add_to_row(counting, &one, row->holders[i].taken);
	}
}

static void add_to_type(struct counting *counting, const struct object_row *row)
{
	struct aggregate_type *type = counting__type(counting, row->type);

	if (!type)
		return;
	type->outstanding = (type->outstanding < 0 ? 0 : type->outstanding) + row->references;
	type->parked += row->is_parked ? row->references : 0;
	type->stale += row->is_stale ? row->references : 0;
	if (row->age_ns > type->oldest_ns)
		type->oldest_ns = row->age_ns;
}

/* --- what is stale --------------------------------------------------------------------------------- */

/* What of an object is the same at each look while references are held on it. */
struct stale_object {
	__u64 address, since_ns;
};

static int compare_stale(const void *a, const void *b)
{
	const struct stale_object *left = a, *right = b;

	if (left->address != right->address)
		return left->address < right->address ? -1 : 1;
	if (left->since_ns != right->since_ns)
		return left->since_ns < right->since_ns ? -1 : 1;
	return 0;
}

static struct stale_object stale_object_of(const struct object_row *row)
{
	return (struct stale_object){
		.address = row->held->report.address,
		.since_ns = row->held->report.object.since_ns,
	};
}

static bool was_told(const struct counting *counting, const struct stale_object *object)
{
	return counting->nr_stale && bsearch(object, counting->stale, counting->nr_stale,
					     sizeof(*object), compare_stale);
}

static void tell_stale(struct counting *counting, const struct object_row *row,
		       const struct holder *holder, const char *what)
{
	const struct aggregate_kfunc *kfunc =
		holder->number == AGGREGATE_NONE
			? NULL
			: aggregate__kfunc_at(counting->aggregate, holder->number);
	const char *caller = holder->is_known ? known_program__title(&holder->caller) : NULL;
	const char *type = pairing__type(counting->session.pairing, row->type)->name;
	char message[512], age[32];

	snprintf(message, sizeof(message), "%s holds %u reference%s on a dead %s for %s: %s%s%s",
		 caller ?: "somebody", row->references, row->references == 1 ? "" : "s", type,
		 format_ns(row->age_ns, age, sizeof(age)), what, kfunc ? ", acquired by " : "",
		 kfunc ? kfunc->name : "");
	notices__tell(counting->notices,
		      &(struct notice){ .kind = NOTICE_STALE_REFERENCE,
					.kfunc = kfunc ? kfunc->name : NULL,
					.module = kfunc ? kfunc->module : NULL,
					.caller = caller,
					.program_type = caller && *holder->caller.type
								? holder->caller.type
								: NULL,
					.program_id = holder->caller.id,
					.object_type = type,
					.object = what,
					.number = row->references,
					.message = message },
		      clock_ns());
}

/* --- the look --------------------------------------------------------------------------------------- */

static struct aggregate_object object_of(struct counting *counting, const struct object_row *row,
					 const struct holder *holder)
{
	struct aggregate_object object = {
		.type = aggregate__type(counting->aggregate,
					pairing__type(counting->session.pairing, row->type)->name),
		.kfunc = holder->number,
		.caller = AGGREGATE_NONE,
		.references = row->references,
		.age_ns = row->age_ns,
		.parked = row->is_parked,
		.stale = row->is_stale,
	};

	if (holder->is_known)
		object.caller = aggregate__caller(counting->aggregate, &holder->caller);
	object_row__describe(row, counting->session.pairing, object.what, sizeof(object.what));
	return object;
}

static int take_objects(struct counting *counting, const struct reference_objects *found)
{
	struct aggregate_object *objects = calloc(found->nr + 1, sizeof(*objects));
	struct stale_object *stale = calloc(found->nr + 1, sizeof(*stale));
	enum watched types[KFT_MAX_REFERENCE_TYPES];
	size_t nr = 0, nr_stale = 0;
	int err;

	if (!objects || !stale) {
		free(objects);
		free(stale);
		return -ENOMEM;
	}
	find_watched(counting, types);
	err = begin(counting, types);
	for (size_t i = 0; i < found->nr && !err; i++) {
		const struct object_row *row = &found->rows[i];
		struct holder holder;

		if (types[row->type] != IS_WATCHED)
			continue;
		holder = holder_of(counting, row);
		add_to_type(counting, row);
		add_to_rows(counting, row, &holder);
		objects[nr] = object_of(counting, row, &holder);
		if (row->is_stale && row->age_ns >= counting->config->stale_age_ns) {
			stale[nr_stale] = stale_object_of(row);
			if (!was_told(counting, &stale[nr_stale++]))
				tell_stale(counting, row, &holder, objects[nr].what);
		}
		nr += objects[nr].type != AGGREGATE_NONE;
	}
	if (!err)
		err = aggregate__set_objects(counting->aggregate, objects, nr);
	free(objects);
	qsort(stale, nr_stale, sizeof(*stale), compare_stale);
	free(counting->stale);
	counting->stale = stale;
	counting->nr_stale = nr_stale;
	return err;
}

void counting__forget_unwatched(struct counting *counting)
{
	enum watched types[KFT_MAX_REFERENCE_TYPES];

	find_watched(counting, types);
	for (int i = 0; i < KFT_MAX_REFERENCE_TYPES; i++) {
		if (types[i] == NO_LONGER_WATCHED)
			counting->types[i] = (struct type_sums){ 0 };
	}
}

/* Without objects, what is left is what was acquired in this run and not given back. */
static void take_balance(struct counting *counting)
{
	const struct pairing *pairing = counting->session.pairing;
	enum watched types[KFT_MAX_REFERENCE_TYPES];

	find_watched(counting, types);
	for (int i = 0; i < pairing__nr_types(pairing); i++) {
		const struct type_sums *sums = &counting->types[i];
		struct aggregate_type *type;

		if ((!sums->acquired && !sums->released && types[i] != NO_LONGER_WATCHED) ||
		    pairing__type(pairing, i)->acquired_elsewhere)
			continue;
		type = counting__type(counting, i);
		if (!type)
			continue;
		type->outstanding =
			sums->acquired > sums->released ? sums->acquired - sums->released : 0;
		if (types[i] == NO_LONGER_WATCHED)
			type->outstanding = -1;
	}
}

int counting__look_at_objects(struct counting *counting)
{
	struct reference_objects objects;
	int err;

	if (!counting->with_objects) {
		if (counting->with_references)
			take_balance(counting);
		return 0;
	}
	err = reference_objects__read(counting->session.references,
				      counting->session.tracing.counters, counting->session.pairing,
				      ORDER_AGE, &objects);
	if (err)
		return err;
	/* Between the two: programs that acquired them may have come, or gone, since the last drain. */
	err = counting__drain_calls(counting);
	if (!err)
		err = take_objects(counting, &objects);
	reference_objects__free(&objects);
	return err;
}
