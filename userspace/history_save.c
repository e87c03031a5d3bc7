// SPDX-License-Identifier: GPL-2.0-only
/* Writes what has changed since the last time, in one transaction. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <sqlite3.h>

#include "hash_index.h"
#include "history_private.h"

/* A transaction that does not fit into max_bytes is tried again when the oldest hours are gone. */
#define MAX_ROOM_TRIES 16

/* A save under way. */
struct saving {
	struct history *history;
	const struct aggregate *aggregate;
	__s64 now;
};

static __s64 hour_of(__s64 time)
{
	return time - time % HISTORY_HOUR;
}

/*
 * What is new was counted between the last save and now: at last_seen, unless the clock was set, and
 * then now.
 */
static __s64 time_of_new(const struct saving *saving, __s64 last_seen)
{
	bool likely = last_seen > saving->history->saved.last_save && last_seen <= saving->now;

	return likely ? last_seen : saving->now;
}

/* --- names ------------------------------------------------------------------------------------------ */

/* NULL: it is traced. */
static const char *why_untraced(const struct aggregate_kfunc *kfunc)
{
	return kfunc->traced ? NULL : kfunc->untraced ?: "not traced";
}

static __u64 hash_kfunc(const struct aggregate_kfunc *kfunc)
{
	__u64 hash = hash_text(HASH_START, kfunc->deprecation ?: "");

	hash = hash_text(hash, kfunc->replacement ?: "");
	hash = hash_text(hash, kfunc->since ?: "");
	hash = hash_text(hash, why_untraced(kfunc) ?: "");
	hash = hash_number(hash, kfunc->measured);
	return hash_number(hash_number(hash, kfunc->run_time_ns), kfunc->runs);
}

static int save_kfunc(const struct saving *saving, size_t idx)
{
	const struct aggregate_kfunc *kfunc = aggregate__kfunc_at(saving->aggregate, idx);
	struct kfunc_slot *slot = slots__at(&saving->history->kfuncs, idx, sizeof(*slot));
	__u64 hash = hash_kfunc(kfunc);
	int err;

	if (!slot)
		return -ENOMEM;
	if (slot->id && slot->hash == hash)
		return 0;
	err = history__number(saving->history, STATEMENT_KFUNC, 0, &slot->id, "ttttttiii",
			      kfunc->name, kfunc->module, kfunc->deprecation, kfunc->replacement,
			      kfunc->since, why_untraced(kfunc), (__s64)kfunc->measured,
			      (__s64)kfunc->run_time_ns, (__s64)kfunc->runs);
	slot->hash = hash;
	return err;
}

/* All of them have been saved. */
static __s64 kfunc_id(const struct saving *saving, __u32 kfunc)
{
	const struct kfunc_slot *slots = saving->history->kfuncs.array;

	return kfunc == AGGREGATE_NONE ? 0 : slots[kfunc].id;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static bool same_details(const struct known_program *a, const struct known_program *b)
{
	return known_program__equal(a, b) && !strcmp(a->tag, b->tag) &&
	       !strcmp(a->loader, b->loader) && a->id == b->id;
}

/* 0 for none. `hour` is one in which it was there. */
static int program_id(const struct saving *saving, __u32 caller, __s64 hour, __s64 *id)
{
	const struct known_program *program;
	struct caller_slot *slot;
	int err;

	*id = 0;
	if (caller == AGGREGATE_NONE)
		return 0;
	program = aggregate__caller_at(saving->aggregate, caller);
	slot = slots__at(&saving->history->callers, caller, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	*id = slot->id;
	if (*id && slot->last_hour >= hour && same_details(&slot->program, program))
		return 0;
	err = history__number(saving->history, STATEMENT_PROGRAM, 0, id, "tttttzi",
			      known_kind__name(program->kind), program->name, program->type,
			      or_null(program->tag), or_null(program->loader), (__s64)program->id,
			      hour);
	*slot = (struct caller_slot){ .program = *program, .id = *id, .last_hour = hour };
	return err;
}

/* --- rows ------------------------------------------------------------------------------------------- */

static __u64 difference(__u64 now, __u64 before)
{
	return now > before ? now - before : 0;
}

/* False: nothing is new. */
static bool subtract(struct aggregate_counts *new, const struct aggregate_counts *now,
		     const struct aggregate_counts *before)
{
	*new = (struct aggregate_counts){
		.calls = difference(now->calls, before->calls),
		.nulls = difference(now->nulls, before->nulls),
		.zeros = difference(now->zeros, before->zeros),
		.unclear = difference(now->unclear, before->unclear),
		.acquired = difference(now->acquired, before->acquired),
		.released = difference(now->released, before->released),
	};
	return new->calls || new->nulls || new->zeros || new->unclear || new->acquired ||
	       new->released;
}

/* {"count":3,"unknown":0,"sum":70,"max":40,"buckets":[0,0,0,1,1,0,1]} */
static void format_held(const struct histogram *held, char *buf, size_t size)
{
	int nr = KFT_BUCKETS, length;

	while (nr && !held->buckets[nr - 1])
		nr--;
	length = snprintf(buf, size,
			  "{\"count\":%llu,\"unknown\":%llu,\"sum\":%llu,\"max\":%llu,"
			  "\"buckets\":[",
			  (unsigned long long)held->count, (unsigned long long)held->unknown,
			  (unsigned long long)held->sum, (unsigned long long)held->max);
	for (int i = 0; i < nr; i++)
		length += snprintf(buf + length, size - length, "%s%llu", i ? "," : "",
				   (unsigned long long)held->buckets[i]);
	snprintf(buf + length, size - length, "]}");
}

static int save_total(const struct saving *saving, const struct aggregate_row *row,
		      const struct saved_row *written)
{
	const struct aggregate_counts *counts = &row->counts;
	char held[KFT_BUCKETS * 21 + 160];

	if (row->held)
		format_held(row->held, held, sizeof(held));
	return history__run(saving->history, STATEMENT_TOTAL, "iiiiiiiiuzzt", written->kfunc,
			    written->program, (__s64)counts->calls, (__s64)counts->nulls,
			    (__s64)counts->zeros, (__s64)counts->unclear, (__s64)counts->acquired,
			    (__s64)counts->released, row->outstanding, row->first_seen,
			    row->last_seen, row->held ? held : NULL);
}

/* `last` is when the last of what is new was counted, if there is anything. */
static int save_hour(const struct saving *saving, const struct aggregate_row *row,
		     const struct saved_row *written, const struct aggregate_counts *new,
		     bool counted, __s64 last)
{
	__s64 hour = hour_of(last), first = row->first_seen;

	if (first < hour || first > last)
		first = last;
	return history__run(saving->history, STATEMENT_HOUR, "iiiiiiiiiuzz", hour, written->kfunc,
			    written->program, (__s64) new->calls, (__s64) new->nulls,
			    (__s64) new->zeros, (__s64) new->unclear, (__s64) new->acquired,
			    (__s64) new->released, row->outstanding, counted ? first : 0,
			    counted ? last : 0);
}

static int save_row(const struct saving *saving, size_t idx)
{
	static const struct saved_row nothing = { .outstanding = -1 };
	const struct aggregate_row *row = aggregate__row_at(saving->aggregate, idx);
	struct row_slot *slot = slots__at(&saving->history->rows, idx, sizeof(*slot));
	const struct saved_row *saved = &nothing;
	struct aggregate_counts new;
	bool counted, held, changed;
	__s64 last;
	int err;

	if (!slot)
		return -ENOMEM;
	if (slot->saved.serial == row->serial)
		saved = &slot->saved;
	counted = subtract(&new, &row->counts, &saved->counts);
	held = row->held && row->held->count != saved->held;
	changed = counted || row->outstanding != saved->outstanding;
	if (!changed && !held && !saving->history->rewrite_totals)
		return 0;
	last = time_of_new(saving, counted ? row->last_seen : saving->now);
	slot->written = (struct saved_row){
		.serial = row->serial,
		.kfunc = kfunc_id(saving, row->kfunc),
		.counts = row->counts,
		.outstanding = row->outstanding,
		.held = row->held ? row->held->count : 0,
	};
	slot->dirty = true;
	err = program_id(saving, row->caller, hour_of(last), &slot->written.program);
	err = err ?: save_total(saving, row, &slot->written);
	if (!err && changed)
		err = save_hour(saving, row, &slot->written, &new, counted, last);
	return err;
}

/* Rows whose place was given to another pair: these are written afterwards, so that of a pair that
   is back in another place the new one stays. */
static int forget_row(const struct saving *saving, size_t idx)
{
	const struct row_slot *slots = saving->history->rows.array;
	const struct aggregate_row *row = aggregate__row_at(saving->aggregate, idx);

	if (idx >= saving->history->rows.nr || !slots[idx].saved.kfunc ||
	    slots[idx].saved.serial == row->serial)
		return 0;
	return history__run(saving->history, STATEMENT_FORGET, "ii", slots[idx].saved.kfunc,
			    slots[idx].saved.program);
}

static int save_rows(const struct saving *saving)
{
	size_t nr_kfuncs = aggregate__nr_kfuncs(saving->aggregate);
	size_t nr_rows = aggregate__nr_rows(saving->aggregate);
	int err = 0;

	if (saving->history->rewrite_totals)
		err = history__run(saving->history, STATEMENT_FORGET_ALL, "");
	for (size_t i = 0; i < nr_rows && !err; i++)
		err = forget_row(saving, i);
	for (size_t i = 0; i < nr_kfuncs && !err; i++)
		err = save_kfunc(saving, i);
	for (size_t i = 0; i < nr_rows && !err; i++)
		err = save_row(saving, i);
	return err;
}

/* --- types and losses --------------------------------------------------------------------------------- */

static bool same_type(const struct aggregate_type *a, const struct aggregate_type *b)
{
	return a->acquired == b->acquired && a->released == b->released &&
	       a->untracked == b->untracked && a->outstanding == b->outstanding &&
	       a->parked == b->parked && a->stale == b->stale &&
	       a->oldest_ns / 1000000000 == b->oldest_ns / 1000000000;
}

static int save_type(const struct saving *saving, size_t idx)
{
	const struct aggregate_type *type = aggregate__type_at(saving->aggregate, idx), *saved;
	struct type_slot *slot = slots__at(&saving->history->types, idx, sizeof(*slot));
	struct saved_type *written;
	int err = 0;

	if (!slot)
		return -ENOMEM;
	saved = &slot->saved.type;
	written = &slot->written;
	if (slot->saved.id && same_type(type, saved))
		return 0;
	*written = (struct saved_type){ .id = slot->saved.id, .type = *type };
	slot->dirty = true;
	if (!written->id)
		err = history__number(saving->history, STATEMENT_TYPE_ID, 0, &written->id, "t",
				      type->name);
	err = err
		      ?: history__run(saving->history, STATEMENT_TYPE, "iiiuuuii",
				      (__s64)type->acquired, (__s64)type->released,
				      (__s64)type->untracked, type->outstanding, type->parked,
				      type->stale, (__s64)(type->oldest_ns / 1000000000),
				      written->id);
	return err
		       ?: history__run(saving->history, STATEMENT_TYPE_HOUR, "iiiiiuuu",
				       hour_of(saving->now), written->id,
				       (__s64)difference(type->acquired, saved->acquired),
				       (__s64)difference(type->released, saved->released),
				       (__s64)difference(type->untracked, saved->untracked),
				       type->outstanding, type->parked, type->stale);
}

static int save_counter(const struct saving *saving, size_t idx)
{
	const struct history_counter *counter = &history_counters[idx];
	const struct aggregate_state *state = aggregate__read_state(saving->aggregate);
	__u64 value = *(const __u64 *)((const char *)state + counter->offset), new;
	int err;

	saving->history->written.counters[idx] = value;
	err = history__run(saving->history, STATEMENT_COUNTER, "ti", counter->name, (__s64)value);
	new = difference(value, saving->history->saved.counters[idx]);
	if (!err && counter->by_hour && new)
		err = history__run(saving->history, STATEMENT_LOSS_HOUR, "iti",
				   hour_of(saving->now), counter->name, (__s64) new);
	return err;
}

static int save_types_and_counters(const struct saving *saving)
{
	int err = 0;

	for (size_t i = 0; i < aggregate__nr_types(saving->aggregate) && !err; i++)
		err = save_type(saving, i);
	for (size_t i = 0; i < nr_history_counters && !err; i++)
		err = save_counter(saving, i);
	return err;
}

/* --- objects and problems ------------------------------------------------------------------------------ */

static __u64 hash_objects(const struct aggregate_object *objects, size_t nr)
{
	__u64 hash = hash_number(HASH_START, nr);

	for (size_t i = 0; i < nr; i++) {
		const struct aggregate_object *object = &objects[i];

		hash = hash_text(hash_number(hash, object->type), object->what);
		hash = hash_number(hash, (__u64)object->kfunc << 32 | object->caller);
		hash = hash_number(hash, object->age_ns);
		hash = hash_number(hash,
				   object->references << 2 | object->parked << 1 | object->stale);
	}
	return hash;
}

static int save_object(const struct saving *saving, const struct aggregate_object *object)
{
	__s64 program;
	int err = program_id(saving, object->caller, hour_of(saving->now), &program);

	return err
		       ?: history__run(saving->history, STATEMENT_OBJECT, "ttzziiii",
				       aggregate__type_at(saving->aggregate, object->type)->name,
				       object->what, kfunc_id(saving, object->kfunc), program,
				       (__s64)object->references,
				       (__s64)(object->age_ns / 1000000000), (__s64)object->parked,
				       (__s64)object->stale);
}

static int save_objects(const struct saving *saving)
{
	size_t nr;
	const struct aggregate_object *objects = aggregate__objects(saving->aggregate, &nr);
	__u64 hash = hash_objects(objects, nr);
	int err;

	saving->history->written.objects_hash = hash;
	if (hash == saving->history->saved.objects_hash)
		return 0;
	err = history__run(saving->history, STATEMENT_NO_OBJECTS, "");
	for (size_t i = 0; i < nr && !err; i++)
		err = save_object(saving, &objects[i]);
	return err;
}

static __u64 hash_problems(const struct aggregate_problem *problems, size_t nr)
{
	__u64 hash = hash_number(HASH_START, nr);

	for (size_t i = 0; i < nr; i++) {
		const struct aggregate_problem *problem = &problems[i];

		hash = hash_number(hash, (__u64)problem->kfunc << 32 | problem->caller);
		hash = hash_text(hash, problem->target ?: "");
		hash = hash_text(hash, problem->problem ?: "");
		hash = hash_text(hash, problem->replacement ?: "");
		hash = hash_number(hash, problem->programs);
	}
	return hash;
}

static int save_problem(const struct saving *saving, const struct aggregate_problem *problem)
{
	__s64 program;
	int err = program_id(saving, problem->caller, hour_of(saving->now), &program);

	return err
		       ?: history__run(saving->history, STATEMENT_PROBLEM, "zzttti",
				       kfunc_id(saving, problem->kfunc), program, problem->target,
				       problem->problem ?: "", problem->replacement,
				       (__s64)problem->programs);
}

static int save_problems(const struct saving *saving)
{
	size_t nr;
	const struct aggregate_problem *problems = aggregate__problems(saving->aggregate, &nr);
	__u64 hash = hash_problems(problems, nr);
	int err;

	saving->history->written.problems_hash = hash;
	if (hash == saving->history->saved.problems_hash)
		return 0;
	err = history__run(saving->history, STATEMENT_NO_PROBLEMS, "");
	for (size_t i = 0; i < nr && !err; i++)
		err = save_problem(saving, &problems[i]);
	return err;
}

/* --- the transaction ----------------------------------------------------------------------------------- */

static int save_run(const struct saving *saving)
{
	const struct aggregate_state *state = aggregate__read_state(saving->aggregate);
	struct history_saved *written = &saving->history->written;
	const char *target = or_null(state->target);
	struct utsname host;
	int err = 0;

	uname(&host);
	written->saves = saving->history->saved.saves + 1;
	written->last_save = saving->now;
	written->run = 0;
	if (saving->history->saved.run)
		err = history__number(saving->history, STATEMENT_RUN, 0, &written->run, "iitttii",
				      state->started, saving->now, host.nodename, state->release,
				      target, written->saves, saving->history->saved.run);
	/* None yet, or somebody has deleted it. */
	if (!err && !written->run)
		err = history__number(saving->history, STATEMENT_NEW_RUN, 0, &written->run,
				      "iittti", state->started, saving->now, host.nodename,
				      state->release, target, written->saves);
	return err;
}

/* What the transaction has written is what the file has, or (not `committed`) it is not. */
static void settle(struct history *history, bool committed)
{
	struct row_slot *rows = history->rows.array;
	struct type_slot *types = history->types.array;

	for (size_t i = 0; i < history->rows.nr; i++) {
		if (rows[i].dirty && committed)
			rows[i].saved = rows[i].written;
		rows[i].dirty = false;
	}
	for (size_t i = 0; i < history->types.nr; i++) {
		if (types[i].dirty && committed)
			types[i].saved = types[i].written;
		types[i].dirty = false;
	}
	if (committed) {
		history->saved = history->written;
		/* The file may have been opened again in between. */
		history->rewrite_totals &= history->uncertain;
	} else {
		history__forget_ids(history);
	}
	history->uncertain = false;
}

/*
 * A commit can fail when everything is written, and then it is found in the file after all. So the file
 * tells how many saves it has seen.
 */
static int settle_uncertain(struct history *history)
{
	__s64 saves;
	int err;

	if (!history->uncertain)
		return 0;
	err = history__number(history, STATEMENT_SAVES, 0, &saves, "ii", history->written.run,
			      history->written.last_save);
	if (!err)
		settle(history, saves == history->written.saves);
	return err;
}

static int write_all(const struct saving *saving)
{
	return save_run(saving) ?: save_rows(saving) ?: save_types_and_counters(saving) ?:
	       save_objects(saving) ?: save_problems(saving);
}

static int transaction(const struct saving *saving)
{
	struct history *history = saving->history;
	int err = settle_uncertain(history) ?: history__run(history, STATEMENT_BEGIN, "");

	if (err)
		return err;
	err = write_all(saving);
	if (!err) {
		err = history__run(history, STATEMENT_COMMIT, "");
		history->uncertain = err;
	}
	/* SQLite may have rolled it back already. */
	if (err && !sqlite3_get_autocommit(history->file.db))
		history__run(history, STATEMENT_ROLLBACK, "");
	if (!history->uncertain)
		settle(history, !err);
	return err;
}

static int try_save(const struct saving *saving, struct aggregate *aggregate, const char **what)
{
	struct history *history = saving->history;
	int err = history__reopen(history, saving->now);

	*what = "opening it";
	if (err)
		return err;
	*what = "reading what was counted before";
	if (history->unread)
		err = history__read(history, history->file.db, aggregate);
	if (err)
		return err;
	*what = "saving";
	err = history__check_wal(history) ?: transaction(saving);
	for (int i = 0; err == -EFBIG && i < MAX_ROOM_TRIES; i++) {
		int room = history__check_wal(history) ?: history__make_room(history);

		if (room != 1)
			return room ?: err;
		err = transaction(saving);
	}
	return err;
}

int history__save(struct history *history, struct aggregate *aggregate, __s64 now)
{
	const struct saving saving = { .history = history, .aggregate = aggregate, .now = now };
	const char *what;
	int err = try_save(&saving, aggregate, &what);

	if (err == -EBADMSG) {
		history__failed(history, what, err);
		err = try_save(&saving, aggregate, &what);
	}
	if (err)
		return history__failed(history, what, err);
	history->trouble[0] = '\0';
	return 0;
}
