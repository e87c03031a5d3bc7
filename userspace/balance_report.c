// SPDX-License-Identifier: GPL-2.0-only
/* What was acquired, given back and is left: by type, and by function and caller. */
#include <errno.h>

#include <jansson.h>

#include "caller.h"
#include "output.h"
#include "pairing.h"
#include "prog_table.h"
#include "reference_balance.h"
#include "refs_report.h"
#include "table.h"
#include "tracing_session.h"

/* "12", or "12 (9..13)" when calls were missed. */
static void cell_outstanding(struct table *table, const struct balance_type *type)
{
	char middle[32], low[32], high[32];

	format_thousands(type->outstanding, middle, sizeof(middle));
	if (type->at_least == type->at_most)
		table__cell(table, "%s", middle);
	else
		table__cell(table, "%s (%s..%s)", middle,
			    format_thousands(type->at_least, low, sizeof(low)),
			    format_thousands(type->at_most, high, sizeof(high)));
}

static int print_types(const struct refs_report *report, const struct reference_balance *balance,
		       FILE *out)
{
	static const struct table_column columns[] = {
		{ .title = "TYPE", .min = TABLE_WHOLE },
		{ .title = "ACQUIRED", .right = true },
		{ .title = "FAILED", .right = true, .drop = 2 },
		{ .title = "RELEASED", .right = true },
		{ .title = "BY MAPS", .right = true },
		{ .title = "BEFORE START", .right = true, .drop = 1 },
		{ .title = "OUTSTANDING", .right = true },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	int err;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < balance->nr_types; i++) {
		const struct balance_type *row = &balance->types[i];
		const struct reference_type *type = pairing__type(report->pairing, row->type);

		table__row(table);
		table__cell(table, "%s", type->name);
		if (type->acquired_elsewhere) {
			table__cell(table, "-");
			table__cell(table, "-");
		} else {
			table__number(table, row->counts.acquired);
			table__number(table, row->counts.failed);
		}
		table__number(table, row->counts.released);
		table__number(table, row->counts.by_maps);
		if (type->acquired_elsewhere) {
			table__cell(table, "-");
			table__cell(table, "-");
			continue;
		}
		table__number(table, row->before_start);
		cell_outstanding(table, row);
	}
	err = table__print(table, out, terminal_width(out));
	table__free(table);
	return err;
}

static void cell_if(struct table *table, bool applies, __u64 number)
{
	if (applies)
		table__number(table, number);
	else
		table__cell(table, "-");
}

static int print_rows(const struct refs_report *report, const struct reference_balance *balance,
		      FILE *out)
{
	static const struct table_column columns[] = {
		{ .title = "FUNCTION", .min = TABLE_WHOLE },
		{ .title = "CALLER" },
		{ .title = "TYPE", .drop = 3 },
		{ .title = "ID", .right = true, .drop = 2 },
		{ .title = "ACQUIRED", .right = true },
		{ .title = "FAILED", .right = true, .drop = 1 },
		{ .title = "RELEASED", .right = true },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	int err;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < balance->nr; i++) {
		const struct balance_row *row = &balance->rows[i];
		const struct reference_function *function =
			pairing__function(report->pairing, row->function);
		bool acquires = function->acquires >= 0;

		table__row(table);
		table__cell(table, "%s", function->name);
		table__cell(table, "%s", caller__name(&row->caller));
		table__cell(table, "%s", caller__type(&row->caller) ?: "-");
		if (row->caller.prog)
			table__cell(table, "%u", row->caller.prog->id);
		else
			table__cell(table, "-");
		cell_if(table, acquires, row->counts.acquired);
		cell_if(table, acquires && function->failure != FAILS_NEVER, row->counts.failed);
		cell_if(table, function->releases >= 0, row->counts.released + row->counts.by_maps);
	}
	err = table__print(table, out, terminal_width(out));
	table__free(table);
	return err;
}

static void print_summary(const struct refs_report *report, const struct reference_balance *balance,
			  FILE *out)
{
	__u64 outstanding = 0, least = 0, most = 0;
	char middle[32], low[32], high[32];

	for (size_t i = 0; i < balance->nr_types; i++) {
		outstanding += balance->types[i].outstanding;
		least += balance->types[i].at_least;
		most += balance->types[i].at_most;
	}
	fprintf(out, "\n %s references outstanding after %.3f seconds%s",
		format_thousands(outstanding, middle, sizeof(middle)), report->seconds,
		report->session->module ? ", counted by the module" : "");
	if (least != most)
		fprintf(out, "; with what was missed, between %s and %s",
			format_thousands(least, low, sizeof(low)),
			format_thousands(most, high, sizeof(high)));
	if (least)
		fputs(": acquired and not given back yet. That is no leak: programs park them in "
		      "maps (--objects shows each)",
		      out);
	fputc('\n', out);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_of_type(const struct refs_report *report, const struct balance_type *row)
{
	const struct reference_type *type = pairing__type(report->pairing, row->type);
	json_t *object = json_object();

	json_object_set_new(object, "type", json_string(type->name));
	json_object_set_new(object, "acquired", json_integer(row->counts.acquired));
	json_object_set_new(object, "null_returns", json_integer(row->counts.failed));
	json_object_set_new(object, "released", json_integer(row->counts.released));
	json_object_set_new(object, "released_by_maps", json_integer(row->counts.by_maps));
	json_object_set_new(object, "before_start", json_integer(row->before_start));
	json_object_set_new(object, "outstanding",
			    type->acquired_elsewhere ? json_null()
						     : json_integer(row->outstanding));
	json_object_set_new(object, "outstanding_at_least", json_integer(row->at_least));
	json_object_set_new(object, "outstanding_at_most", json_integer(row->at_most));
	json_object_set_new(object, "missed_acquires", json_integer(row->counts.missed_acquires));
	json_object_set_new(object, "missed_releases", json_integer(row->counts.missed_releases));
	json_object_set_new(object, "untracked",
			    report->references ? json_integer(row->counts.untracked) : json_null());
	return object;
}

static json_t *json_of_row(const struct refs_report *report, const struct balance_row *row)
{
	const struct reference_function *function =
		pairing__function(report->pairing, row->function);
	json_t *object = json_object();

	json_object_set_new(object, "type",
			    json_string(pairing__type(report->pairing, function->type)->name));
	json_object_set_new(object, "kfunc", json_string(function->name));
	json_object_set_new(object, "role", json_string(reference_role__name(function->role)));
	caller__add_json(&row->caller, object);
	json_object_set_new(object, "acquired", json_integer(row->counts.acquired));
	json_object_set_new(object, "null_returns", json_integer(row->counts.failed));
	json_object_set_new(object, "released", json_integer(row->counts.released));
	json_object_set_new(object, "released_by_maps", json_integer(row->counts.by_maps));
	json_object_set_new(
		object, "missed",
		json_integer(row->counts.missed_acquires ?: row->counts.missed_releases));
	return object;
}

static void add_json(const struct refs_report *report, const struct reference_balance *balance,
		     json_t *root)
{
	json_t *types = json_array(), *callers = json_array();

	for (size_t i = 0; i < balance->nr_types; i++)
		json_array_append_new(types, json_of_type(report, &balance->types[i]));
	for (size_t i = 0; i < balance->nr; i++)
		json_array_append_new(callers, json_of_row(report, &balance->rows[i]));
	json_object_set_new(root, "engine", json_string(tracing_session__engine(report->session)));
	json_object_set_new(root, "seconds", json_real(report->seconds));
	json_object_set_new(root, "types", types);
	json_object_set_new(root, "callers", callers);
	json_object_set_new(root, "losses", refs_report__json_losses(report));
}

int balance_report__add_json(const struct refs_report *report, json_t *root)
{
	struct reference_balance balance;
	int err = reference_balance__make(&balance, report->usage, report->pairing,
					  report->session->counters, report->session->set,
					  report->references, report->not_followed);

	if (err)
		return err;
	add_json(report, &balance, root);
	reference_balance__free(&balance);
	return 0;
}

int balance_report__print(const struct refs_report *report, FILE *out, bool json)
{
	struct reference_balance balance;
	json_t *root;
	int err;

	err = reference_balance__make(&balance, report->usage, report->pairing,
				      report->session->counters, report->session->set,
				      report->references, report->not_followed);
	if (err)
		return err;
	if (json) {
		root = json_object();
		add_json(report, &balance, root);
		err = output__json(out, root, report->pretty);
	} else if (!balance.nr) {
		fprintf(out, " nothing was acquired or released in %.3f seconds\n",
			report->seconds);
		refs_report__print_losses(report, out);
	} else {
		err = print_types(report, &balance, out);
		fputs("\n", out);
		err = err ?: print_rows(report, &balance, out);
		print_summary(report, &balance, out);
		refs_report__print_losses(report, out);
	}
	reference_balance__free(&balance);
	return err;
}
