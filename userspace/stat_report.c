// SPDX-License-Identifier: GPL-2.0-only
#include "stat_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "caller.h"
#include "deprecations.h"
#include "live_kernel.h"
#include "output.h"
#include "probe_set.h"
#include "site_table.h"
#include "table.h"
#include "usage.h"

/* What is printed as one row: one or many rows of the usage model. */
struct row {
	const struct kfunc *kfunc;
	struct caller caller;
	int nr_progs; /* programs gone by now that are shown as one */
	__u32 last_prog_id;
	struct usage_counts counts;
};

struct rows {
	struct row *rows;
	size_t nr;
};

/* Call sites of one source line, which the compiler has made several of. */
static bool same_line(const struct stat_report *report, const struct caller *one,
		      const struct caller *other)
{
	const struct kft_site *a = caller__line(one, report->sites);
	const struct kft_site *b = caller__line(other, report->sites);

	return a && b && a->line && a->line == b->line && strcmp(a->file, b->file) == 0 &&
	       strcmp(a->function, b->function) == 0;
}

static bool belongs(const struct stat_report *report, const struct row *row,
		    const struct usage_key *key, const struct caller *caller, bool merge_alike)
{
	if (row->kfunc->index != (int)key->subject)
		return false;
	if (report->by == STAT_BY_KFUNC)
		return true;
	if (row->caller.kind != caller->kind)
		return false;
	if (merge_alike ? !caller__is_alike(&row->caller, caller)
			: row->caller.prog != caller->prog)
		return false;
	if (report->by == STAT_BY_CALLER ||
	    (row->caller.subprog == caller->subprog && row->caller.site == caller->site))
		return true;
	return merge_alike && same_line(report, &row->caller, caller);
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->counts.calls != right->counts.calls)
		return left->counts.calls > right->counts.calls ? -1 : 1;
	if (left->kfunc != right->kfunc)
		return left->kfunc->index - right->kfunc->index;
	if (left->caller.kind != right->caller.kind)
		return (int)left->caller.kind - (int)right->caller.kind;
	if (left->caller.site != right->caller.site)
		return left->caller.site < right->caller.site ? -1 : 1;
	return 0;
}

/*
 * `merge_alike`: programs that are gone and alike, and call sites of one source line, become one row
 * (for people); without it every program id and every site has its own (for programs). Rows are
 * sorted by calls. Returns 0 or -ENOMEM.
 */
static int make_rows(const struct stat_report *report, const struct usage *usage, bool merge_alike,
		     struct rows *rows)
{
	size_t kfunc_begin = 0;

	rows->nr = 0;
	rows->rows = calloc(usage->nr ?: 1, sizeof(*rows->rows));
	if (!rows->rows)
		return -ENOMEM;
	/* The model is sorted by kfunc, so only rows since the kfunc began can be the same. */
	for (size_t i = 0; i < usage->nr; i++) {
		const struct usage_key *key = &usage->rows[i].key;
		struct caller caller = caller__of_key(report->counters, key);
		struct row *row = NULL;

		if (rows->nr && rows->rows[rows->nr - 1].kfunc->index != (int)key->subject)
			kfunc_begin = rows->nr;
		for (size_t j = kfunc_begin; j < rows->nr && !row; j++) {
			if (belongs(report, &rows->rows[j], key, &caller, merge_alike))
				row = &rows->rows[j];
		}
		if (!row) {
			row = &rows->rows[rows->nr++];
			row->kfunc = registry__at(report->kernel->registry, key->subject);
			row->caller = caller;
		}
		if (caller.prog && row->last_prog_id != key->prog_id) {
			row->nr_progs++;
			row->last_prog_id = key->prog_id;
		}
		usage_counts__add(&row->counts, &usage->rows[i].counts);
	}
	qsort(rows->rows, rows->nr, sizeof(*rows->rows), compare_rows);
	return 0;
}

static bool nulls_counted(const struct probe_set *set, const struct kfunc *kfunc)
{
	for (int i = 0; i < probe_set__nr(set); i++) {
		const struct probe *probe = probe_set__at(set, i);

		if ((int)probe->target.subject == kfunc->index && probe->was_attached)
			return probe->target.kind == PROBE_COUNT_EXIT;
	}
	return false;
}

/* --- text ------------------------------------------------------------------------------------- */

static void print_loss(FILE *out, int *nr, __u64 count, const char *what)
{
	char buf[32];

	if (!count)
		return;
	fprintf(out, "%s%s %s",
		(*nr)++ ? ", " : " losses: ", format_thousands(count, buf, sizeof(buf)), what);
}

/* What the kernel itself counts: there was no room to follow a call to its return. */
static void print_missed(const struct stat_report *report, FILE *out)
{
	char buf[32];

	if (!report->missed)
		return;
	format_thousands(report->missed, buf, sizeof(buf));
	if (report->missed_are_counted)
		fprintf(out,
			" losses: returns of %s calls not followed by the kernel, for want of room: "
			"NULLs are missing\n",
			buf);
	else
		fprintf(out,
			" losses: %s calls not followed by the kernel, for want of room: not counted, of "
			"kfuncs that may return NULL\n",
			buf);
}

static void print_losses(const struct stat_report *report, const struct usage_counts *total,
			 __u64 total_missed_returns, FILE *out)
{
	char buf[32];
	int nr = 0;

	print_loss(out, &nr, total->recursion_misses,
		   "calls while the probe was running on that CPU (recursion misses)");
	print_loss(out, &nr, total->table_full, "calls from more call sites than --slots holds");
	print_loss(out, &nr, total->no_caller, "calls whose return address is nobody's");
	print_loss(out, &nr, total->orphaned, "calls of programs that were gone unrecorded");
	if (nr)
		fputs(": all counted, as unknown\n", out);
	if (total_missed_returns)
		fprintf(out, " losses: returns of %s calls not seen (yet): NULLs may be missing\n",
			format_thousands(total_missed_returns, buf, sizeof(buf)));
	print_missed(report, out);
	if (!nr && !total_missed_returns && !report->missed)
		fputs(" losses: none\n", out);
}

static void print_omission(FILE *out, int *nr, int count, const char *what)
{
	if (count)
		fprintf(out, "%s%d kfuncs %s", (*nr)++ ? ", " : " not counted: ", count, what);
}

static void print_omissions(const struct stat_omissions *omissions, FILE *out)
{
	int nr = 0;

	print_omission(out, &nr, omissions->untraceable, "that cannot be traced");
	print_omission(out, &nr, omissions->hot_in_kernel, "that the kernel calls all the time");
	print_omission(out, &nr, omissions->failed, "whose probe could not be attached");
	if (nr)
		fputs("\n", out);
	if (omissions->tracer_was_off)
		fputs(" incomplete: the kernel's function tracer was off in between; calls are "
		      "missing\n",
		      out);
}

static void add_row(struct table *table, const struct stat_report *report, const struct row *row,
		    struct deprecation_notes *notes)
{
	char site[256];

	table__row(table);
	table__cell(table, "%s%s", row->kfunc->name,
		    deprecation_notes__mark(notes, row->kfunc->name,
					    live_kernel__deprecation(report->kernel, row->kfunc)));
	if (report->by != STAT_BY_KFUNC) {
		table__cell(table, "%s", caller__name(&row->caller));
		table__cell(table, "%s", caller__type(&row->caller) ?: "-");
		if (!row->caller.prog)
			table__cell(table, "-");
		else if (row->nr_progs > 1)
			table__cell(table, "%d gone", row->nr_progs);
		else
			table__cell(table, "%u", row->caller.prog->id);
	}
	if (report->by == STAT_BY_SITE)
		table__cell(table, "%s",
			    caller__format_site(&row->caller, report->counters, report->sites, site,
						sizeof(site)));
	table__number(table, row->counts.calls);
	if (nulls_counted(report->set, row->kfunc))
		table__number(table, row->counts.nulls);
	else
		table__cell(table, "-");
	if (report->seconds > 0)
		table__number(table, row->counts.calls / report->seconds + 0.5);
	else
		table__cell(table, "-");
}

int stat_report__print_table(const struct stat_report *report, const struct usage *usage, FILE *out)
{
	struct table_column columns[8];
	struct usage_counts total = { 0 };
	int nr = 0, nr_kfuncs = 0, err;
	const struct kfunc *last = NULL;
	struct deprecation_notes notes = { 0 };
	struct table *table;
	struct rows rows;
	__u64 missed = 0;
	char calls[32];

	columns[nr++] = (struct table_column){ .title = "KFUNC", .min = TABLE_WHOLE };
	if (report->by != STAT_BY_KFUNC) {
		columns[nr++] = (struct table_column){ .title = "CALLER" };
		columns[nr++] = (struct table_column){ .title = "TYPE", .drop = 3 };
		columns[nr++] = (struct table_column){ .title = "ID", .right = true, .drop = 2 };
	}
	if (report->by == STAT_BY_SITE)
		columns[nr++] = (struct table_column){ .title = "SITE", .min = 20 };
	columns[nr++] = (struct table_column){ .title = "CALLS", .right = true };
	columns[nr++] = (struct table_column){ .title = "NULL", .right = true, .drop = 1 };
	columns[nr++] = (struct table_column){ .title = "CALLS/S", .right = true, .drop = 4 };

	err = make_rows(report, usage, true, &rows);
	if (err)
		return err;
	table = table__new(columns, nr);
	if (!table) {
		free(rows.rows);
		return -ENOMEM;
	}
	for (size_t i = 0; i < rows.nr; i++)
		add_row(table, report, &rows.rows[i], &notes);
	for (size_t i = 0; i < usage->nr; i++) {
		const struct kfunc *kfunc =
			registry__at(report->kernel->registry, usage->rows[i].key.subject);

		usage_counts__add(&total, &usage->rows[i].counts);
		missed += usage_counts__missed_returns(&usage->rows[i].counts);
		nr_kfuncs += kfunc != last;
		last = kfunc;
	}
	if (rows.nr)
		err = table__print(table, out, terminal_width(out));
	else
		fputs(" no calls\n", out);
	fprintf(out, "\n %s calls of %d kfuncs in %.3f seconds%s\n",
		format_thousands(total.calls, calls, sizeof(calls)), nr_kfuncs, report->seconds,
		strcmp(report->engine, "bpf") == 0 ? "" : ", counted by the module");
	print_losses(report, &total, missed, out);
	print_omissions(&report->omissions, out);
	deprecation_notes__print(&notes, out);
	table__free(table);
	free(rows.rows);
	return err;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_losses(const struct usage_counts *counts)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "recursion_misses",
			 (json_int_t)counts->recursion_misses, "table_full",
			 (json_int_t)counts->table_full, "no_caller", (json_int_t)counts->no_caller,
			 "orphaned", (json_int_t)counts->orphaned, "missed_returns",
			 (json_int_t)usage_counts__missed_returns(counts));
}

static json_t *json_row(const struct stat_report *report, const struct row *row)
{
	json_t *object = json_object();

	json_object_set_new(object, "kfunc", json_string(row->kfunc->name));
	json_object_set_new(object, "module", json_string(row->kfunc->module));
	if (report->by != STAT_BY_KFUNC)
		caller__add_json(&row->caller, object);
	if (report->by == STAT_BY_SITE)
		caller__add_json_site(&row->caller, report->counters, report->sites,
				      report->addresses, object);
	json_object_set_new(object, "calls", json_integer(row->counts.calls));
	json_object_set_new(object, "null_returns",
			    nulls_counted(report->set, row->kfunc) ? json_integer(row->counts.nulls)
								   : json_null());
	json_object_set_new(object, "calls_per_second",
			    report->seconds > 0 ? json_real(row->counts.calls / report->seconds)
						: json_null());
	json_object_set_new(object, "seconds", json_real(report->seconds));
	json_object_set_new(object, "engine", json_string(report->engine));
	json_object_set_new(object, "losses", json_losses(&row->counts));
	deprecation__add_json(live_kernel__deprecation(report->kernel, row->kfunc), object);
	return object;
}

int stat_report__print_json(const struct stat_report *report, const struct usage *usage, FILE *out,
			    bool pretty)
{
	json_t *array = json_array();
	struct rows rows;
	int err;

	err = make_rows(report, usage, false, &rows);
	if (err) {
		json_decref(array);
		return err;
	}
	for (size_t i = 0; i < rows.nr; i++)
		json_array_append_new(array, json_row(report, &rows.rows[i]));
	free(rows.rows);
	return output__json(out, array, pretty);
}
