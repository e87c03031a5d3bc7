// SPDX-License-Identifier: GPL-2.0-only
/* Totals out of the file, so that counters go on where they were. */
#include <errno.h>
#include <string.h>

#include <jansson.h>
#include <sqlite3.h>

#include "history_private.h"

/* Takes a row of a query; 0, or a negative errno when nothing of it was taken. */
typedef int (*take_fn)(struct history *history, struct aggregate *aggregate, sqlite3_stmt *row);

/* Those behind the first `*taken`, which grows with them. */
static int for_each(struct history *history, sqlite3 *db, const char *query, take_fn take,
		    struct aggregate *aggregate, __u64 *taken)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db, query, -1, &statement, NULL), err = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	for (__u64 i = 0; rc == SQLITE_ROW && !err; i++) {
		if (i >= *taken) {
			err = take(history, aggregate, statement);
			*taken += !err;
		}
		rc = sqlite3_step(statement);
	}
	if (!err && rc != SQLITE_DONE)
		err = history_file__errno(db) ?: -EIO;
	sqlite3_finalize(statement);
	return err;
}

/* Adds to what was counted since, and to what the file is known to have. */
static int take_counter(struct history *history, struct aggregate *aggregate, sqlite3_stmt *row)
{
	struct aggregate_state *state = aggregate__state(aggregate);
	const char *name = history_column_text(row, 0);
	__u64 value = history_column(row, 1, 0);

	/* A time, and not a sum. */
	if (!strcmp(name, "counting_since")) {
		if (value && (!state->counting_since || (__s64)value < state->counting_since))
			state->counting_since = value;
		return 0;
	}
	for (size_t i = 0; i < nr_history_counters; i++) {
		if (strcmp(history_counters[i].name, name) != 0)
			continue;
		*(__u64 *)((char *)state + history_counters[i].offset) += value;
		history->saved.counters[i] += value;
	}
	return 0;
}

static int take_kfunc(struct history *history, struct aggregate *aggregate, sqlite3_stmt *row)
{
	__u32 idx;
	struct aggregate_kfunc *kfunc;

	(void)history;
	idx = aggregate__kfunc(aggregate, history_column_text(row, 0), history_column_text(row, 1));
	if (idx == AGGREGATE_NONE)
		return -ENOMEM;
	kfunc = aggregate__kfunc_for(aggregate, idx);
	kfunc->run_time_ns += history_column(row, 2, 0);
	kfunc->runs += history_column(row, 3, 0);
	return 0;
}

static __u64 number_in(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 ? value : 0;
}

/* Without memory for them, times are lost, and no counts. */
static void take_held(struct aggregate_row *row, const char *text)
{
	json_t *json = *text ? json_loads(text, 0, NULL) : NULL;
	const json_t *buckets = json_object_get(json, "buckets");
	struct kft_hold hold = {
		.count = number_in(json, "count"),
		.sum = number_in(json, "sum"),
		.max = number_in(json, "max"),
	};
	__u64 unknown = row->held ? row->held->unknown : 0;

	for (size_t i = 0; i < json_array_size(buckets) && i < KFT_BUCKETS; i++) {
		json_int_t value = json_integer_value(json_array_get(buckets, i));

		hold.buckets[i] = value > 0 ? value : 0;
	}
	/* Not what count and buckets leave: they were not read in one moment. */
	if (json && !aggregate_row__add_held(row, &hold))
		row->held->unknown = unknown + number_in(json, "unknown");
	json_decref(json);
}

static void take_program(struct known_program *program, sqlite3_stmt *row, int column)
{
	int kind = known_kind__parse(history_column_text(row, column));

	memset(program, 0, sizeof(*program));
	program->kind = kind < 0 ? KNOWN_UNKNOWN : kind;
	history_column_copy(row, column + 1, program->name, sizeof(program->name));
	history_column_copy(row, column + 2, program->type, sizeof(program->type));
	history_column_copy(row, column + 3, program->tag, sizeof(program->tag));
	history_column_copy(row, column + 4, program->loader, sizeof(program->loader));
	program->id = history_column(row, column + 5, 0);
}

static int take_total(struct history *history, struct aggregate *aggregate, sqlite3_stmt *row)
{
	const struct aggregate_counts counts = {
		.calls = history_column(row, 2, 0),
		.nulls = history_column(row, 3, 0),
		.zeros = history_column(row, 4, 0),
		.unclear = history_column(row, 5, 0),
		.acquired = history_column(row, 6, 0),
		.released = history_column(row, 7, 0),
	};
	__s64 first = history_column(row, 8, 0), last = history_column(row, 9, 0);
	struct known_program program;
	struct aggregate_row *total;
	struct row_slot *slot;
	__u32 kfunc = aggregate__kfunc(aggregate, history_column_text(row, 0),
				       history_column_text(row, 1));
	__u32 idx;

	/* First room for what cannot be undone. */
	if (kfunc == AGGREGATE_NONE ||
	    !slots__at(&history->rows, aggregate__nr_rows(aggregate), sizeof(*slot)))
		return -ENOMEM;
	take_program(&program, row, 11);
	idx = aggregate__add_past(aggregate, kfunc, &program, &counts, first, last);
	if (idx == AGGREGATE_NONE)
		return -ENOMEM;
	total = aggregate__row_for(aggregate, idx);
	slot = slots__at(&history->rows, idx, sizeof(*slot));
	if (slot->saved.serial != total->serial)
		slot->saved = (struct saved_row){ .serial = total->serial, .outstanding = -1 };
	aggregate_counts__add(&slot->saved.counts, &counts);
	take_held(total, history_column_text(row, 10));
	return 0;
}

static void add_type(struct aggregate_type *to, const struct aggregate_type *past)
{
	to->acquired += past->acquired;
	to->released += past->released;
	to->untracked += past->untracked;
}

static int take_type(struct history *history, struct aggregate *aggregate, sqlite3_stmt *row)
{
	const struct aggregate_type past = {
		.acquired = history_column(row, 1, 0),
		.released = history_column(row, 2, 0),
		.untracked = history_column(row, 3, 0),
	};
	__u32 idx = aggregate__type(aggregate, history_column_text(row, 0));
	struct type_slot *slot;

	if (idx == AGGREGATE_NONE)
		return -ENOMEM;
	slot = slots__at(&history->types, idx, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	/* What is beyond the bound is `other` together. */
	add_type(aggregate__type_for(aggregate, idx), &past);
	add_type(&slot->saved.type, &past);
	return 0;
}

int history__read(struct history *history, sqlite3 *db, struct aggregate *aggregate)
{
	static const struct {
		const char *query;
		take_fn take;
	} readings[HISTORY_NR_READINGS] = {
		{ "SELECT name, module, run_time_ns, runs FROM kfuncs ORDER BY id", take_kfunc },
		/* Those that were seen last get a row of their own, should there be too many. */
		{ "SELECT k.name, k.module, calls, nulls, zeros, unclear, acquired, released, "
		  "first_seen, t.last_seen, held, p.kind, p.name, p.type, p.tag, p.loader, "
		  "p.prog_id FROM totals t JOIN kfuncs k ON k.id = t.kfunc "
		  "JOIN programs p ON p.id = t.program "
		  "ORDER BY t.last_seen DESC, t.kfunc, t.program",
		  take_total },
		{ "SELECT name, acquired, released, untracked FROM types ORDER BY id", take_type },
		{ "SELECT name, value FROM counters ORDER BY name", take_counter },
	};
	int err = 0;

	for (int i = 0; i < HISTORY_NR_READINGS && !err; i++)
		err = for_each(history, db, readings[i].query, readings[i].take, aggregate,
			       &history->taken[i]);
	history->unread = err;
	/* Their ids, and what had no row of its own, the first save finds. */
	history->rewrite_totals = true;
	return err;
}

int history__adopt(struct history *history, const struct aggregate *aggregate)
{
	const char *state = (const char *)aggregate__read_state(aggregate);

	for (size_t i = 0; i < aggregate__nr_rows(aggregate); i++) {
		const struct aggregate_row *row = aggregate__row_at(aggregate, i);
		struct row_slot *slot = slots__at(&history->rows, i, sizeof(*slot));

		if (!slot)
			return -ENOMEM;
		slot->saved.serial = row->serial;
		slot->saved.counts = row->counts;
		slot->saved.outstanding = row->outstanding;
		slot->saved.held = row->held ? row->held->count : 0;
	}
	for (size_t i = 0; i < aggregate__nr_types(aggregate); i++) {
		struct type_slot *slot = slots__at(&history->types, i, sizeof(*slot));

		if (!slot)
			return -ENOMEM;
		slot->saved.type = *aggregate__type_at(aggregate, i);
	}
	for (size_t i = 0; i < nr_history_counters; i++)
		history->saved.counters[i] = *(const __u64 *)(state + history_counters[i].offset);
	history->rewrite_totals = true;
	return 0;
}

/* Of a file that could not be opened for writing: whether to read it may be possible, and is safe. */
static bool may_be_readable(int open_err)
{
	return open_err == -ENOSPC || open_err == -EFBIG || open_err == -EIO ||
	       open_err == -ENOMEM || open_err == -EROFS || open_err == -EACCES;
}

int history__restore(struct history *history, struct aggregate *aggregate)
{
	sqlite3 *db = history->file.db, *reading = NULL;
	int err = 0;

	history->unread = true;
	if (!db && (!may_be_readable(history->open_err) || !history__bytes(history)))
		return 0;
	if (!db)
		err = history_file__open_reading(history->path, &reading);
	/* Even of a file that is corrupt: what could be read is in the aggregate. */
	err = err ?: history__read(history, db ?: reading, aggregate);
	sqlite3_close(reading);
	return err ? history__failed(history, "reading what was counted before", err) : 0;
}
