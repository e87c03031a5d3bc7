// SPDX-License-Identifier: GPL-2.0-only
/* Acquires that failed because the count was already zero, and those that failed otherwise. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "caller.h"
#include "counters.h"
#include "event_stream.h"
#include "event_text.h"
#include "output.h"
#include "pairing.h"
#include "probe_set.h"
#include "prog_table.h"
#include "references.h"
#include "refs_report.h"
#include "table.h"
#include "tracing_session.h"

/* A function and who called it. */
struct zero_row {
	int function; /* in the pairing */
	struct caller caller;
	__u64 calls;
	__u64 zeros;   /* the count was zero */
	__u64 unclear; /* that, or something else */
	__u64 nulls;   /* all that failed */
};

struct zero_rows {
	struct zero_row *rows;
	size_t nr;
};

/* Calls of the kernel's own are told apart by the function that makes them. */
static bool is_same(const struct refs_report *report, const struct caller *a,
		    const struct caller *b)
{
	const struct counters *counters = report->session->counters;
	const char *left, *right;
	__u64 offset;

	if (a->kind != b->kind || a->prog != b->prog)
		return false;
	if (a->kind != CALLER_KERNEL)
		return true;
	left = counters__kernel_site(counters, a->site, &offset);
	right = counters__kernel_site(counters, b->site, &offset);
	return left == right || (left && right && strcmp(left, right) == 0);
}

static struct zero_row *row_for(const struct refs_report *report, struct zero_rows *rows,
				int function, const struct caller *caller)
{
	struct zero_row *row;

	for (size_t i = 0; i < rows->nr; i++) {
		row = &rows->rows[i];
		if (row->function == function && is_same(report, &row->caller, caller))
			return row;
	}
	row = &rows->rows[rows->nr++];
	row->function = function;
	row->caller = *caller;
	return row;
}

static void add_sites(const struct refs_report *report, struct zero_rows *rows)
{
	for (__u32 i = 1; i < KFT_MAX_REFERENCE_SITES; i++) {
		const struct kft_reference_site *site = references__site(report->references, i);
		const struct probe_set *set = report->session->set;
		__u32 probe = i < KFT_FIRST_REFERENCE_SITE ? i - 1 : site->probe;
		struct caller caller;
		struct zero_row *row;

		if ((!site->zeros && !site->unclear) || (int)probe >= probe_set__nr(set))
			continue;
		caller = refs_report__caller_at(report, i);
		row = row_for(report, rows, probe_set__at(set, probe)->target.subject, &caller);
		row->zeros += site->zeros;
		row->unclear += site->unclear;
	}
}

static int compare_zeros(const void *a, const void *b)
{
	const struct zero_row *left = a, *right = b;

	if (left->zeros != right->zeros)
		return left->zeros > right->zeros ? -1 : 1;
	if (left->nulls != right->nulls)
		return left->nulls > right->nulls ? -1 : 1;
	return left->function - right->function;
}

static int make(const struct refs_report *report, struct zero_rows *rows)
{
	rows->nr = 0;
	rows->rows = calloc(report->usage->nr + KFT_MAX_REFERENCE_SITES, sizeof(*rows->rows));
	if (!rows->rows)
		return -ENOMEM;
	for (size_t i = 0; i < report->usage->nr; i++) {
		const struct usage_row *usage = &report->usage->rows[i];
		struct caller caller = caller__of_key(report->session->counters, &usage->key);
		struct zero_row *row = row_for(report, rows, usage->key.subject, &caller);

		row->calls += usage->counts.calls;
		row->nulls += usage->counts.nulls;
	}
	add_sites(report, rows);
	if (rows->nr)
		qsort(rows->rows, rows->nr, sizeof(*rows->rows), compare_zeros);
	return 0;
}

/* What failed and is neither: read a moment apart, the parts may be more than the whole. */
static __u64 others(const struct zero_row *row)
{
	__u64 known = row->zeros + row->unclear;

	return row->nulls > known ? row->nulls - known : 0;
}

static const struct reference_function *function_of(const struct refs_report *report,
						    const struct zero_row *row)
{
	return pairing__function(report->pairing, row->function);
}

/* A name for the caller: the kernel's is that of its function. */
static const char *name_of(const struct refs_report *report, const struct caller *caller, char *buf,
			   size_t size)
{
	const char *function = NULL;
	__u64 offset;

	if (caller->kind == CALLER_KERNEL)
		function = counters__kernel_site(report->session->counters, caller->site, &offset);
	if (function)
		snprintf(buf, size, "kernel: %s", function);
	else
		snprintf(buf, size, "%s", caller__name(caller));
	return buf;
}

static int print_table(const struct refs_report *report, const struct zero_rows *rows, FILE *out)
{
	static const struct table_column columns[] = {
		{ .title = "KFUNC", .min = TABLE_WHOLE },
		{ .title = "CALLER" },
		{ .title = "ID", .right = true, .drop = 1 },
		{ .title = "CALLS", .right = true, .drop = 2 },
		{ .title = "COUNT ZERO", .right = true },
		{ .title = "UNCLEAR", .right = true, .drop = 3 },
		{ .title = "OTHER NULL", .right = true },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	char name[160];
	int err;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < rows->nr; i++) {
		const struct zero_row *row = &rows->rows[i];

		table__row(table);
		table__cell(table, "%s", function_of(report, row)->name);
		table__cell(table, "%s", name_of(report, &row->caller, name, sizeof(name)));
		if (row->caller.prog)
			table__cell(table, "%u", row->caller.prog->id);
		else
			table__cell(table, "-");
		table__number(table, row->calls);
		if (function_of(report, row)->null_means == NULL_IS_OTHER)
			table__cell(table, "-");
		else
			table__number(table, row->zeros);
		table__number(table, row->unclear);
		table__number(table, others(row));
	}
	err = table__print(table, out, terminal_width(out));
	table__free(table);
	return err;
}

/* Neither sent by the kernel, which sends so many a second, nor kept, of those that came. */
static __u64 left_out(const struct refs_report *report)
{
	const struct event_sample *sample = report->events;

	return references__state(report->references)->events_left_out + sample->nr_seen -
	       sample->nr;
}

static void print_summary(const struct refs_report *report, const struct zero_rows *rows, FILE *out)
{
	const struct kft_reference_state *state = references__state(report->references);
	__u64 zeros = 0;
	char buf[32];

	for (size_t i = 0; i < rows->nr; i++)
		zeros += rows->rows[i].zeros;
	fprintf(out, "\n %s acquires failed because the count was zero, in %.3f seconds\n",
		format_thousands(zeros, buf, sizeof(buf)), report->seconds);
	if (!zeros)
		return;
	fprintf(out, " of them shown: %zu", report->events->nr);
	if (left_out(report))
		fprintf(out, ", left out: %s",
			format_thousands(left_out(report), buf, sizeof(buf)));
	if (state->events_dropped)
		fprintf(out, ", dropped: %s",
			format_thousands(state->events_dropped, buf, sizeof(buf)));
	fputs("\n\n", out);
	for (size_t i = 0; i < report->events->nr; i++)
		event_text__print(report, &report->events->events[i], NULL, out);
}

static int print_json(const struct refs_report *report, const struct zero_rows *rows, FILE *out)
{
	const struct kft_reference_state *state = references__state(report->references);
	json_t *root = json_object(), *zeros = json_array(), *events = json_array();
	char name[160];

	for (size_t i = 0; i < rows->nr; i++) {
		const struct zero_row *row = &rows->rows[i];
		const struct reference_function *function = function_of(report, row);
		json_t *json = json_object();

		json_object_set_new(json, "kfunc", json_string(function->name));
		json_object_set_new(
			json, "type",
			json_string(pairing__type(report->pairing, function->type)->name));
		caller__add_json(&row->caller, json);
		json_object_set_new(json, "name",
				    json_string(name_of(report, &row->caller, name, sizeof(name))));
		json_object_set_new(json, "calls", json_integer(row->calls));
		json_object_set_new(json, "refcount_zero",
				    function->null_means == NULL_IS_OTHER
					    ? json_null()
					    : json_integer(row->zeros));
		json_object_set_new(json, "unclear", json_integer(row->unclear));
		json_object_set_new(json, "other_nulls", json_integer(others(row)));
		json_array_append_new(zeros, json);
	}
	for (size_t i = 0; i < report->events->nr; i++)
		json_array_append_new(events, event_text__json(report, &report->events->events[i]));
	json_object_set_new(root, "seconds", json_real(report->seconds));
	json_object_set_new(root, "zero", zeros);
	json_object_set_new(root, "events", events);
	json_object_set_new(root, "events_left_out", json_integer(left_out(report)));
	json_object_set_new(root, "events_dropped", json_integer(state->events_dropped));
	json_object_set_new(root, "losses", refs_report__json_losses(report));
	return output__json(out, root, report->pretty);
}

int zero_report__print(const struct refs_report *report, FILE *out, bool json)
{
	struct zero_rows rows;
	int err = make(report, &rows);

	if (err)
		return err;
	if (json) {
		err = print_json(report, &rows, out);
	} else {
		if (rows.nr)
			err = print_table(report, &rows, out);
		if (!err)
			print_summary(report, &rows, out);
		refs_report__print_losses(report, out);
	}
	free(rows.rows);
	return err;
}
