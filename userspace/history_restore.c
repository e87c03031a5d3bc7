// SPDX-License-Identifier: GPL-2.0-only
/* Totals out of the file, so that counters go on where they were. */
#include <errno.h>
#include <string.h>

#include <jansson.h>
#include <sqlite3.h>

#include "history_private.h"

/* Calls `take` for each row of a query; what it returns below 0 ends it. */
static int for_each(sqlite3 *db, const char *query,
		    int (*take)(struct aggregate *aggregate, sqlite3_stmt *row),
		    struct aggregate *aggregate)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db, query, -1, &statement, NULL), err = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	while (rc == SQLITE_ROW && !err) {
		err = take(aggregate, statement);
		rc = sqlite3_step(statement);
	}
	if (!err && rc != SQLITE_DONE)
		err = history_file__errno(db) ?: -EIO;
	sqlite3_finalize(statement);
	return err;
}

static int take_counter(struct aggregate *aggregate, sqlite3_stmt *row)
{
	const char *name = history_column_text(row, 0);

	for (size_t i = 0; i < nr_history_counters; i++) {
		char *state = (char *)aggregate__state(aggregate);

		if (!strcmp(history_counters[i].name, name))
			*(__u64 *)(state + history_counters[i].offset) = history_column(row, 1, 0);
	}
	return 0;
}

static int take_kfunc(struct aggregate *aggregate, sqlite3_stmt *row)
{
	__u32 idx;
	struct aggregate_kfunc *kfunc;

	idx = aggregate__kfunc(aggregate, history_column_text(row, 0), history_column_text(row, 1));
	if (idx == AGGREGATE_NONE)
		return -ENOMEM;
	kfunc = aggregate__kfunc_for(aggregate, idx);
	kfunc->run_time_ns = history_column(row, 2, 0);
	kfunc->runs = history_column(row, 3, 0);
	return 0;
}

static __u64 number_in(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 ? value : 0;
}

static int take_held(struct aggregate_row *row, const char *text)
{
	json_t *json = *text ? json_loads(text, 0, NULL) : NULL;
	const json_t *buckets = json_object_get(json, "buckets");
	struct kft_hold hold = {
		.count = number_in(json, "count"),
		.sum = number_in(json, "sum"),
		.max = number_in(json, "max"),
	};
	int err = 0;

	for (size_t i = 0; i < json_array_size(buckets) && i < KFT_BUCKETS; i++) {
		json_int_t value = json_integer_value(json_array_get(buckets, i));

		hold.buckets[i] = value > 0 ? value : 0;
	}
	if (json) {
		__u64 unknown = row->held ? row->held->unknown : 0;

		err = aggregate_row__add_held(row, &hold);
		/* Not what count and buckets leave: they were not read in one moment. */
		if (!err)
			row->held->unknown = unknown + number_in(json, "unknown");
	}
	json_decref(json);
	return err;
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

/* Its time is when it was last seen, so that those that were not for long give their place first. */
static int take_total(struct aggregate *aggregate, sqlite3_stmt *row)
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
	__u32 kfunc = aggregate__kfunc(aggregate, history_column_text(row, 0),
				       history_column_text(row, 1));

	if (kfunc == AGGREGATE_NONE)
		return -ENOMEM;
	take_program(&program, row, 11);
	total = aggregate__add(aggregate, kfunc, &program, &counts, last);
	if (!total)
		return -ENOMEM;
	if (first && (!total->first_seen || first < total->first_seen))
		total->first_seen = first;
	return take_held(total, history_column_text(row, 10));
}

static int take_type(struct aggregate *aggregate, sqlite3_stmt *row)
{
	__u32 idx = aggregate__type(aggregate, history_column_text(row, 0));
	struct aggregate_type *type;

	if (idx == AGGREGATE_NONE)
		return -ENOMEM;
	type = aggregate__type_for(aggregate, idx);
	/* What is beyond the bound is `other` together. */
	type->acquired += history_column(row, 1, 0);
	type->released += history_column(row, 2, 0);
	type->untracked += history_column(row, 3, 0);
	return 0;
}

static int read_all(sqlite3 *db, struct aggregate *aggregate)
{
	int err;

	err = for_each(db, "SELECT name, module, run_time_ns, runs FROM kfuncs", take_kfunc,
		       aggregate);
	/* Those that were seen last get a row of their own, should there be too many. */
	err = err
		      ?: for_each(
				 db,
				 "SELECT k.name, k.module, calls, nulls, zeros, unclear, acquired, "
				 "released, first_seen, t.last_seen, held, p.kind, p.name, p.type, p.tag, "
				 "p.loader, p.prog_id FROM totals t JOIN kfuncs k ON k.id = t.kfunc "
				 "JOIN programs p ON p.id = t.program "
				 "ORDER BY t.last_seen DESC",
				 take_total, aggregate);
	err = err
		      ?: for_each(db, "SELECT name, acquired, released, untracked FROM types",
				  take_type, aggregate);
	/* Last, because rows that go to `other` for want of room are counted there. */
	return err ?: for_each(db, "SELECT name, value FROM counters", take_counter, aggregate);
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
	/* Their ids, and what had no row of its own, the first save finds. */
	history->rewrite_totals = true;
	return 0;
}

int history__restore(struct history *history, struct aggregate *aggregate)
{
	sqlite3 *db = history->file.db, *reading = NULL;
	int err = 0;

	/* On a full disk it may be that it cannot be written, and yet be read. */
	if (!db && !history__bytes(history))
		return 0;
	if (!db)
		err = history_file__open_reading(history->path, &reading);
	err = err ?: read_all(db ?: reading, aggregate);
	/* Even of a file that is corrupt: what could be read is in the aggregate. */
	if (history__adopt(history, aggregate))
		err = -ENOMEM;
	sqlite3_close(reading);
	return err ? history__failed(history, "restoring", err) : 0;
}
