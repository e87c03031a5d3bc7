// SPDX-License-Identifier: GPL-2.0-only
/* A report out of the history that the aggregator writes. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "hash_index.h"
#include "history_file.h"
#include "message.h"
#include "printable.h"
#include "usage_report.h"

/* A chart of more is no easier to read. */
#define MAX_STEPS 100

/* Indices in the report by the ids of a table, which are looked up when they are first seen. */
struct id_map {
	struct hash_index index;
	struct known_id {
		__s64 id;
		__u32 idx; /* USAGE_ALL: not asked for */
	} *known;
	size_t nr, room;
	sqlite3_stmt *look_up;
};

struct reading {
	struct usage_report *report;
	const struct usage_query *query;
	sqlite3 *db;
	__u32 host;
	__s64 first, last; /* the hours that are asked for, and the first one beyond */
	struct id_map kfuncs, programs;
	__s64 known_till; /* of the host's runs so far */
};

/* --- rows ---------------------------------------------------------------------------------------------- */

static int step(struct reading *reading, sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : history_file__errno(reading->db) ?: -EIO;
}

/*
 * Calls `take` for each row. The query's two parameters, if it has them, are the hours asked for. 0, or
 * a negative errno.
 */
static int for_each(struct reading *reading, const char *query,
		    int (*take)(struct reading *reading, sqlite3_stmt *row))
{
	sqlite3_stmt *statement = NULL;
	int err;

	if (sqlite3_prepare_v2(reading->db, query, -1, &statement, NULL) != SQLITE_OK)
		return history_file__errno(reading->db) ?: -EIO;
	if (sqlite3_bind_parameter_count(statement))
		history_statement__bind(statement, "ii", reading->first, reading->last);
	while ((err = step(reading, statement)) == 1) {
		err = take(reading, statement);
		if (err)
			break;
	}
	sqlite3_finalize(statement);
	return err;
}

static int set_text(char **text, sqlite3_stmt *row, int column)
{
	const char *value = (const char *)sqlite3_column_text(row, column);
	int err = usage_report__set(text, value);

	if (!err && *text)
		printable__make(*text);
	return err;
}

/* --- names --------------------------------------------------------------------------------------------- */

static struct known_id *find_id(const struct id_map *map, __s64 id)
{
	__u64 hash = hash_number(HASH_START, id);
	size_t at;

	for (__u32 i = hash_index__first(&map->index, hash, &at); i != HASH_NONE;
	     i = hash_index__next(&map->index, hash, &at)) {
		if (map->known[i].id == id)
			return &map->known[i];
	}
	return NULL;
}

static int remember_id(struct id_map *map, __s64 id, __u32 idx)
{
	if (map->nr == map->room) {
		size_t room = map->room ? map->room * 2 : 64;
		struct known_id *grown = realloc(map->known, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		map->known = grown;
		map->room = room;
	}
	map->known[map->nr] = (struct known_id){ .id = id, .idx = idx };
	if (hash_index__add(&map->index, hash_number(HASH_START, id), map->nr))
		return -ENOMEM;
	map->nr++;
	return 0;
}

/* 1: `map->look_up` has the row with that id. */
static int look_up(struct reading *reading, struct id_map *map, const char *query, __s64 id)
{
	if (!map->look_up &&
	    sqlite3_prepare_v2(reading->db, query, -1, &map->look_up, NULL) != SQLITE_OK)
		return history_file__errno(reading->db) ?: -EIO;
	history_statement__bind(map->look_up, "i", id);
	return step(reading, map->look_up);
}

/* Makes the kfunc of a row; USAGE_ALL in *idx: it is not asked for. */
static int make_kfunc(struct reading *reading, sqlite3_stmt *row, __u32 *idx)
{
	bool is_deprecated = sqlite3_column_type(row, 2) != SQLITE_NULL;
	struct usage_kfunc *kfunc;
	char name[512], module[512];

	history_column_copy(row, 0, name, sizeof(name));
	history_column_copy(row, 1, module, sizeof(module));
	*idx = USAGE_ALL;
	if ((reading->query->deprecated_only && !is_deprecated) ||
	    (reading->query->kfuncs && !pattern_list__match(reading->query->kfuncs, name)))
		return 0;
	*idx = usage_report__kfunc(reading->report, name, module);
	if (*idx == USAGE_ALL)
		return -ENOMEM;
	kfunc = &reading->report->kfuncs[*idx];
	kfunc->measured |= history_column(row, 6, 0) & (AGGREGATE_NULLS | AGGREGATE_ZEROS);
	return set_text(&kfunc->deprecation, row, 2) ?: set_text(&kfunc->replacement, row, 3) ?:
	       set_text(&kfunc->since, row, 4) ?: set_text(&kfunc->untraced, row, 5);
}

static int kfunc_of(struct reading *reading, __s64 id, __u32 *idx)
{
	const struct known_id *known = find_id(&reading->kfuncs, id);
	int err;

	if (known) {
		*idx = known->idx;
		return 0;
	}
	err = look_up(reading, &reading->kfuncs,
		      "SELECT name, module, deprecation, replacement, since, untraced, measured "
		      "FROM kfuncs WHERE id = ?",
		      id);
	if (err == 1)
		err = make_kfunc(reading, reading->kfuncs.look_up, idx);
	else
		err = err ?: -EBADMSG;
	sqlite3_reset(reading->kfuncs.look_up);
	return err ?: remember_id(&reading->kfuncs, id, *idx);
}

/* One whose row is gone is not known. */
static int make_program(struct reading *reading, sqlite3_stmt *row, __u32 *idx)
{
	struct known_program program = { .kind = KNOWN_UNKNOWN };

	if (row) {
		int kind = known_kind__parse(history_column_text(row, 0));

		program.kind = kind < 0 ? KNOWN_UNKNOWN : kind;
		history_column_copy(row, 1, program.name, sizeof(program.name));
		history_column_copy(row, 2, program.type, sizeof(program.type));
		history_column_copy(row, 3, program.tag, sizeof(program.tag));
		history_column_copy(row, 4, program.loader, sizeof(program.loader));
		program.id = history_column(row, 5, 0);
	}
	*idx = usage_report__program(reading->report, &program);
	return *idx == USAGE_ALL ? -ENOMEM : 0;
}

static int program_of(struct reading *reading, __s64 id, __u32 *idx)
{
	const struct known_id *known = find_id(&reading->programs, id);
	int found, err;

	if (known) {
		*idx = known->idx;
		return 0;
	}
	found = look_up(reading, &reading->programs,
			"SELECT kind, name, type, tag, loader, prog_id FROM programs WHERE id = ?",
			id);
	err = found < 0 ? found
			: make_program(reading, found ? reading->programs.look_up : NULL, idx);
	sqlite3_reset(reading->programs.look_up);
	return err ?: remember_id(&reading->programs, id, *idx);
}

/* Of a column that may be NULL: USAGE_ALL. *asked: false when its kfunc is none that is asked for. */
static int names_of(struct reading *reading, sqlite3_stmt *row, int column, __u32 *kfunc,
		    __u32 *program, bool *asked)
{
	int err = 0;

	*asked = true;
	*kfunc = *program = USAGE_ALL;
	if (sqlite3_column_type(row, column) != SQLITE_NULL) {
		err = kfunc_of(reading, sqlite3_column_int64(row, column), kfunc);
		*asked = *kfunc != USAGE_ALL;
	} else {
		*asked = !reading->query->deprecated_only &&
			 (!reading->query->kfuncs || !reading->query->kfuncs->nr);
	}
	if (!err && *asked && sqlite3_column_type(row, column + 1) != SQLITE_NULL)
		err = program_of(reading, sqlite3_column_int64(row, column + 1), program);
	return err;
}

/* In columns 0 and 1, which are never NULL unless the file is damaged. */
static int both_names_of(struct reading *reading, sqlite3_stmt *row, __u32 *kfunc, __u32 *program,
			 bool *asked)
{
	int err = names_of(reading, row, 0, kfunc, program, asked);

	if (!err && *asked && (*kfunc == USAGE_ALL || *program == USAGE_ALL))
		err = -EBADMSG;
	return err;
}

/* That somebody does not use what is deprecated is worth knowing. */
static int take_deprecated(struct reading *reading, sqlite3_stmt *row)
{
	__u32 idx;

	return kfunc_of(reading, sqlite3_column_int64(row, 0), &idx);
}

/* --- uses ---------------------------------------------------------------------------------------------- */

static int take_use(struct reading *reading, sqlite3_stmt *row)
{
	struct usage_use *use;
	__u32 kfunc, program;
	bool asked;
	int err = both_names_of(reading, row, &kfunc, &program, &asked);

	if (err || !asked)
		return err;
	use = usage_report__add_use(reading->report);
	if (!use)
		return -ENOMEM;
	*use = (struct usage_use){
		.host = reading->host,
		.kfunc = kfunc,
		.program = program,
		.calls = history_column(row, 2, 0),
		.nulls = history_column(row, 3, 0),
		.zeros = history_column(row, 4, 0),
		.first_seen = history_column(row, 5, 0),
		.last_seen = history_column(row, 6, 0),
		.outstanding = history_column(row, 7, -1),
	};
	return 0;
}

static int read_uses(struct reading *reading)
{
	/* And those that have called nothing in that time, but hold references. */
	static const char query[] =
		"WITH used AS (SELECT kfunc, program, sum(calls) AS calls, sum(nulls) AS nulls, "
		"sum(zeros) AS zeros, min(first_seen) AS first_seen, max(last_seen) AS last_seen "
		"FROM hours WHERE hour >= ?1 AND hour < ?2 GROUP BY kfunc, program) "
		"SELECT u.kfunc, u.program, u.calls, u.nulls, u.zeros, u.first_seen, u.last_seen, "
		"t.outstanding FROM used u LEFT JOIN totals t ON t.kfunc = u.kfunc "
		"AND t.program = u.program "
		"WHERE u.calls > 0 OR u.nulls > 0 OR u.zeros > 0 OR t.outstanding > 0 "
		"UNION ALL SELECT kfunc, program, 0, 0, 0, NULL, NULL, outstanding FROM totals "
		"WHERE outstanding > 0 "
		"AND (kfunc, program) NOT IN (SELECT kfunc, program FROM used)";

	return for_each(reading, query, take_use);
}

/* --- time ----------------------------------------------------------------------------------------------- */

static __s64 choose_step(__s64 time)
{
	static const __s64 hours[] = { 1, 3, 6, 12, 24, 168 };
	__s64 step = 0;

	for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
		step = hours[i] * HISTORY_HOUR;
		if (time / step <= MAX_STEPS)
			break;
	}
	/* Years. */
	while (time / step > MAX_STEPS)
		step *= 2;
	return step;
}

static int add_point(struct reading *reading, __s64 hour, __u32 kfunc, __u32 program, __u64 calls)
{
	struct usage_point *point = usage_report__add_point(reading->report);

	if (!point)
		return -ENOMEM;
	*point = (struct usage_point){
		.time = hour,
		.kfunc = kfunc,
		.program = program,
		.calls = calls,
	};
	return 0;
}

static int take_point(struct reading *reading, sqlite3_stmt *row)
{
	__s64 step = reading->report->step, number = history_column(row, 2, 0);
	__u32 kfunc, program;
	bool asked;
	int err = both_names_of(reading, row, &kfunc, &program, &asked);

	if (err || !asked)
		return err;
	return add_point(reading, reading->first + number * step, kfunc, program,
			 history_column(row, 3, 0));
}

/* A damaged file can have any number there. */
static __s64 time_column(sqlite3_stmt *row, int column)
{
	const __s64 far_away = 1ll << 40;
	__s64 time = history_column(row, column, 0);

	return time < far_away ? time : far_away;
}

/* Steps in which the aggregator ran and counted nothing have a point too. */
static int take_run(struct reading *reading, sqlite3_stmt *row)
{
	__s64 step = reading->report->step, first = reading->first;
	__s64 begin = time_column(row, 0), end = time_column(row, 1);
	int err = 0;

	if (begin < first)
		begin = first;
	if (end >= reading->last)
		end = reading->last - 1;
	for (__s64 time = first + (begin - first) / step * step; time <= end && !err; time += step)
		err = add_point(reading, time, USAGE_ALL, USAGE_ALL, 0);
	return err;
}

static int read_points(struct reading *reading)
{
	struct usage_report *report = reading->report;
	char query[512];
	int err;

	report->step = choose_step(reading->last - reading->first);
	snprintf(query, sizeof(query),
		 "SELECT kfunc, program, (hour - ?1) / %lld AS step, sum(calls) FROM hours "
		 "WHERE hour >= ?1 AND hour < ?2 GROUP BY kfunc, program, step",
		 (long long)report->step);
	err = for_each(reading, query, take_point);
	/* Each adds a hundred points at most; so many runs are too many. */
	err = err
		      ?: for_each(reading,
				  "SELECT min(started, last_save), last_save FROM runs "
				  "WHERE last_save >= ?1 AND min(started, last_save) < ?2 "
				  "ORDER BY id DESC LIMIT 10000",
				  take_run);
	if (!err)
		usage_report__finish_points(report);
	return err;
}

/* --- references, objects and problems ----------------------------------------------------------------- */

static int take_references(struct reading *reading, sqlite3_stmt *row)
{
	struct usage_references *references = usage_report__add_references(reading->report);

	if (!references)
		return -ENOMEM;
	references->host = reading->host;
	references->acquired = history_column(row, 1, 0);
	references->released = history_column(row, 2, 0);
	references->outstanding = history_column(row, 3, -1);
	references->parked = history_column(row, 4, -1);
	references->stale = history_column(row, 5, -1);
	references->oldest_s = history_column(row, 6, 0);
	return set_text(&references->type, row, 0);
}

static int take_object(struct reading *reading, sqlite3_stmt *row)
{
	struct usage_object *object;
	__u32 kfunc, program;
	bool asked;
	int err = names_of(reading, row, 0, &kfunc, &program, &asked);

	if (err || !asked)
		return err;
	object = usage_report__add_object(reading->report);
	if (!object)
		return -ENOMEM;
	object->host = reading->host;
	object->kfunc = kfunc;
	object->program = program;
	object->references = history_column(row, 4, 0);
	object->age_s = history_column(row, 5, 0);
	object->parked = history_column(row, 6, 0);
	object->stale = history_column(row, 7, 0);
	return set_text(&object->type, row, 2) ?: set_text(&object->what, row, 3);
}

/* Without a target it is the running kernel on which it is deprecated. */
static int take_problem(struct reading *reading, sqlite3_stmt *row)
{
	struct usage_problem *problem;
	__u32 kfunc, program;
	bool asked;
	int err = names_of(reading, row, 0, &kfunc, &program, &asked);

	if (err || !asked || kfunc == USAGE_ALL)
		return err;
	if (program == USAGE_ALL)
		err = make_program(reading, NULL, &program);
	if (err)
		return err;
	problem = usage_report__add_problem(reading->report);
	if (!problem)
		return -ENOMEM;
	problem->host = reading->host;
	problem->kfunc = kfunc;
	problem->program = program;
	return set_text(&problem->target, row, 2) ?:
	       set_text(&problem->problem, row, 3) ?:
	       set_text(&problem->replacement, row, 4);
}

static int read_references(struct reading *reading)
{
	return for_each(reading,
			"SELECT name, ifnull(h.acquired, 0), ifnull(h.released, 0), t.outstanding, "
			"t.parked, t.stale, t.oldest_s FROM types t LEFT JOIN (SELECT type, "
			"sum(acquired) AS acquired, sum(released) AS released FROM type_hours "
			"WHERE hour >= ? AND hour < ? GROUP BY type) h ON h.type = t.id "
			"WHERE h.acquired > 0 OR h.released > 0 OR t.outstanding > 0 ORDER BY name",
			take_references) ?:
	       for_each(reading,
			"SELECT kfunc, program, type, what, held, age_s, parked, stale "
			"FROM objects ORDER BY age_s DESC",
			take_object) ?:
	       for_each(reading,
			"SELECT kfunc, program, target, problem, replacement FROM problems",
			take_problem);
}

/* --- the host and the time ------------------------------------------------------------------------------ */

static int take_host(struct reading *reading, sqlite3_stmt *row)
{
	struct usage_host *host;
	char name[256];

	history_column_copy(row, 0, name, sizeof(name));
	reading->host = usage_report__host(reading->report, name);
	if (reading->host == USAGE_ALL)
		return -ENOMEM;
	host = &reading->report->hosts[reading->host];
	return set_text(&host->release, row, 1) ?: set_text(&host->target, row, 2);
}

/* What is known at all. */
static int take_time(struct reading *reading, sqlite3_stmt *row)
{
	struct usage_report *report = reading->report;
	struct usage_host *host = &report->hosts[reading->host];
	/* An hour was counted from its begin, or since the aggregator was started in it. */
	__s64 first = time_column(row, 0), saved = time_column(row, 1);
	__s64 started = time_column(row, 2);

	if (!reading->query->begin)
		report->begin = reading->first = first;
	/* The last hour is counted as a whole, as far as it is known. */
	if (report->end < saved)
		report->end = reading->last < saved ? reading->last : saved;
	if (started > first && started < first + HISTORY_HOUR)
		first = started;
	host->begin = first > report->begin ? first : report->begin;
	host->end = saved < report->end ? saved : report->end;
	if (host->begin > host->end)
		host->begin = host->end = 0;
	return 0;
}

/* Runs come in order of their begins; of one whose file was opened anew there are two. */
static int take_known(struct reading *reading, sqlite3_stmt *row)
{
	struct usage_host *host = &reading->report->hosts[reading->host];
	__s64 begin = time_column(row, 0), end = time_column(row, 1);

	if (begin < reading->known_till)
		begin = reading->known_till;
	if (begin < host->begin)
		begin = host->begin;
	if (end > host->end)
		end = host->end;
	if (begin >= end)
		return 0;
	host->known_s += end - begin;
	reading->known_till = end;
	return 0;
}

static int take_lost(struct reading *reading, sqlite3_stmt *row)
{
	reading->report->hosts[reading->host].lost = history_column(row, 0, 0);
	return 0;
}

static __s64 round_up(__s64 time)
{
	return (time + HISTORY_HOUR - 1) / HISTORY_HOUR * HISTORY_HOUR;
}

static int read_host(struct reading *reading)
{
	const struct usage_query *query = reading->query;
	int err;

	reading->first = query->begin - query->begin % HISTORY_HOUR;
	reading->report->begin = reading->first;
	reading->report->end = query->end;
	reading->last = round_up(query->end);
	reading->host = USAGE_ALL;
	err = for_each(reading, "SELECT host, release, target FROM runs ORDER BY id DESC LIMIT 1",
		       take_host);
	/* Nothing was saved so far. */
	if (!err && reading->host == USAGE_ALL)
		return -ENODATA;
	err = err
		      ?: for_each(reading,
				  "SELECT (SELECT min(h) FROM (SELECT min(hour) AS h FROM hours "
				  "UNION ALL SELECT min(started) / 3600 * 3600 FROM runs)), "
				  "max(last_save), min(started) FROM runs",
				  take_time);
	err = err
		      ?: for_each(
				 reading,
				 "SELECT min(started, last_save), last_save FROM runs "
				 "WHERE last_save >= ?1 AND min(started, last_save) < ?2 ORDER BY 1",
				 take_known);
	return err
		       ?: for_each(reading,
				   "SELECT sum(count) FROM loss_hours WHERE hour >= ? AND hour < ? "
				   "AND kind IN ('recursion_misses', 'table_full', 'no_caller', "
				   "'orphaned', 'events_dropped')",
				   take_lost);
}

static int read_all(struct reading *reading)
{
	return read_host(reading) ?:
	       for_each(reading, "SELECT id FROM kfuncs WHERE deprecation IS NOT NULL ORDER BY name",
			take_deprecated) ?:
	       read_uses(reading) ?: read_references(reading) ?:
	       (reading->query->want_points ? read_points(reading) : 0);
}

static void free_map(struct id_map *map)
{
	sqlite3_finalize(map->look_up);
	hash_index__free(&map->index);
	free(map->known);
}

static void say_why(const char *path, int err)
{
	if (err == -ENODATA)
		msg__error(
			"the history %s is empty so far: `kfunctrace serve` has saved nothing yet",
			path);
	else if (err == -EBADMSG)
		msg__error(
			"the history %s is damaged: `kfunctrace serve` moves it aside and begins "
			"a new one",
			path);
	else
		msg__error("cannot read the history %s: %s", path, strerror(-err));
}

int usage_from_history(struct usage_report *report, const char *path,
		       const struct usage_query *query)
{
	struct reading reading = { .report = report, .query = query };
	char source[PATH_MAX + 16];
	int err;

	memset(report, 0, sizeof(*report));
	report->deprecated_only = query->deprecated_only;
	snprintf(source, sizeof(source), "history %s", path);
	err = usage_report__set(&report->source, source);
	if (err)
		return err;
	err = history_file__open_reading(path, &reading.db);
	if (err)
		return err;
	/* All of it as of one moment, while it is written. */
	if (sqlite3_exec(reading.db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		err = history_file__errno(reading.db);
	err = err ?: read_all(&reading);
	if (err)
		say_why(path, err);
	free_map(&reading.kfuncs);
	free_map(&reading.programs);
	sqlite3_close(reading.db);
	return err;
}
