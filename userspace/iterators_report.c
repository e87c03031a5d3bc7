// SPDX-License-Identifier: GPL-2.0-only
/* Open-coded iterators: how many were made and destroyed, and how many elements each returned. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "caller.h"
#include "histogram.h"
#include "output.h"
#include "pairing.h"
#include "prog_table.h"
#include "references.h"
#include "refs_report.h"
#include "table.h"
#include "tracing_session.h"
#include "usage.h"

/* Iterators of one type that one program uses. */
struct iterator_row {
	int type;
	struct caller caller;
	__u64 made;
	__u64 failed;	 /* constructors; what they left has to be destroyed all the same */
	__u64 destroyed; /* of both kinds */
	__u64 missed;	 /* calls that the probes did not see */
	struct histogram elements; /* of those that are destroyed and had not failed */
};

struct iterators {
	struct iterator_row *rows;
	size_t nr;
};

static struct iterator_row *row_for(struct iterators *iterators, int type,
				    const struct caller *caller)
{
	struct iterator_row *row;

	for (size_t i = 0; i < iterators->nr; i++) {
		row = &iterators->rows[i];
		if (row->type == type && row->caller.kind == caller->kind &&
		    row->caller.prog == caller->prog)
			return row;
	}
	row = &iterators->rows[iterators->nr++];
	row->type = type;
	row->caller = *caller;
	return row;
}

static void add_usage(struct iterators *iterators, const struct refs_report *report,
		      const struct usage_row *usage)
{
	const struct reference_function *function =
		pairing__function(report->pairing, usage->key.subject);
	struct caller caller = caller__of_key(report->session->counters, &usage->key);
	struct iterator_row *row = row_for(iterators, function->type, &caller);
	__u64 seen = usage->counts.calls - usage->counts.recursion_misses;

	row->missed += usage->counts.recursion_misses;
	if (function->role == REFERENCE_ITER_NEW) {
		row->made += seen > usage->counts.nulls ? seen - usage->counts.nulls : 0;
		row->failed += usage->counts.nulls;
	} else if (function->role == REFERENCE_ITER_DESTROY) {
		row->destroyed += seen;
	}
}

static int add_elements(struct iterators *iterators, const struct refs_report *report)
{
	struct kft_hold_key *keys;
	struct kft_hold *holds;
	size_t nr;
	int err = references__read_holds(report->references, &keys, &holds, &nr);

	for (size_t i = 0; i < nr && !err; i++) {
		const struct reference_function *made_by =
			refs_report__function_at(report, keys[i].acquired_at);
		struct caller caller = refs_report__caller_at(report, keys[i].acquired_at);

		if (made_by)
			histogram__add(&row_for(iterators, made_by->type, &caller)->elements,
				       &holds[i]);
	}
	if (!err) {
		free(keys);
		free(holds);
	}
	return err;
}

static int compare_iterators(const void *a, const void *b)
{
	const struct iterator_row *left = a, *right = b;

	if (left->made != right->made)
		return left->made > right->made ? -1 : 1;
	return left->type - right->type;
}

/* Never below 0: what was made before the start is destroyed after it. */
static __u64 still_open(const struct iterator_row *row)
{
	__u64 all = row->made + row->failed;

	return all > row->destroyed ? all - row->destroyed : 0;
}

static int print_table(const struct refs_report *report, const struct iterators *iterators,
		       FILE *out)
{
	static const struct table_column columns[] = {
		{ .title = "ITERATOR", .min = TABLE_WHOLE },
		{ .title = "PROGRAM" },
		{ .title = "ID", .right = true, .drop = 1 },
		{ .title = "MADE", .right = true },
		{ .title = "FAILED", .right = true },
		{ .title = "DESTROYED", .right = true },
		{ .title = "OPEN", .right = true },
		{ .title = "ELEMENTS", .right = true },
		{ .title = "P50", .right = true, .drop = 2 },
		{ .title = "P99", .right = true, .drop = 2 },
		{ .title = "MAX", .right = true, .drop = 2 },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	int err;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < iterators->nr; i++) {
		const struct iterator_row *row = &iterators->rows[i];

		table__row(table);
		table__cell(table, "%s", pairing__type(report->pairing, row->type)->name);
		table__cell(table, "%s", caller__name(&row->caller));
		if (row->caller.prog)
			table__cell(table, "%u", row->caller.prog->id);
		else
			table__cell(table, "-");
		table__number(table, row->made);
		table__number(table, row->failed);
		table__number(table, row->destroyed);
		table__number(table, still_open(row));
		table__number(table, row->elements.sum);
		table__number(table, histogram__percentile(&row->elements, 50));
		table__number(table, histogram__percentile(&row->elements, 99));
		table__number(table, row->elements.max);
	}
	err = table__print(table, out, terminal_width(out));
	table__free(table);
	return err;
}

static void print_histograms(const struct refs_report *report, const struct iterators *iterators,
			     FILE *out)
{
	for (size_t i = 0; i < iterators->nr; i++) {
		const struct iterator_row *row = &iterators->rows[i];

		if (!row->elements.count)
			continue;
		fprintf(out, "\n elements of each %s iterator of %s:\n",
			pairing__type(report->pairing, row->type)->name,
			caller__name(&row->caller));
		histogram__print(&row->elements, out, "   ");
	}
}

static json_t *json_of_row(const struct refs_report *report, const struct iterator_row *row)
{
	json_t *json = json_object();

	json_object_set_new(json, "type",
			    json_string(pairing__type(report->pairing, row->type)->name));
	caller__add_json(&row->caller, json);
	json_object_set_new(json, "made", json_integer(row->made));
	json_object_set_new(json, "failed", json_integer(row->failed));
	json_object_set_new(json, "destroyed", json_integer(row->destroyed));
	json_object_set_new(json, "open", json_integer(still_open(row)));
	json_object_set_new(json, "missed", json_integer(row->missed));
	json_object_set_new(json, "elements", json_integer(row->elements.sum));
	json_object_set_new(json, "per_iteration", histogram__json(&row->elements, ""));
	return json;
}

static int print_json(const struct refs_report *report, const struct iterators *iterators,
		      FILE *out)
{
	json_t *root = json_object(), *rows = json_array();

	for (size_t i = 0; i < iterators->nr; i++)
		json_array_append_new(rows, json_of_row(report, &iterators->rows[i]));
	json_object_set_new(root, "seconds", json_real(report->seconds));
	json_object_set_new(root, "iterators", rows);
	json_object_set_new(root, "losses", refs_report__json_losses(report));
	return output__json(out, root, report->pretty);
}

int iterators_report__print(const struct refs_report *report, FILE *out, bool json)
{
	struct iterators iterators = { 0 };
	int err = 0;

	iterators.rows = calloc(report->usage->nr + KFT_MAX_HOLDS, sizeof(*iterators.rows));
	if (!iterators.rows)
		return -ENOMEM;
	for (size_t i = 0; i < report->usage->nr; i++)
		add_usage(&iterators, report, &report->usage->rows[i]);
	err = add_elements(&iterators, report);
	if (iterators.nr)
		qsort(iterators.rows, iterators.nr, sizeof(*iterators.rows), compare_iterators);
	if (!err && json) {
		err = print_json(report, &iterators, out);
	} else if (!err) {
		if (iterators.nr)
			err = print_table(report, &iterators, out);
		else
			fprintf(out, " no iterator was made in %.3f seconds\n", report->seconds);
		print_histograms(report, &iterators, out);
		fputc('\n', out);
		refs_report__print_losses(report, out);
	}
	free(iterators.rows);
	return err;
}
