// SPDX-License-Identifier: GPL-2.0-only
#include "stat_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <jansson.h>

#include "counters.h"
#include "output.h"
#include "probe_set.h"
#include "prog_table.h"
#include "registry.h"
#include "site_table.h"
#include "table.h"
#include "usage.h"

/* What is printed as one row: one or many rows of the usage model. */
struct row {
	const struct kfunc *kfunc;
	enum caller_kind kind;
	const struct kft_prog *prog; /* CALLER_PROGRAM */
	int nr_progs;		     /* programs gone by now that are shown as one */
	__u32 last_prog_id;
	__u32 subprog;
	__u64 site;
	struct usage_counts counts;
};

struct rows {
	struct row *rows;
	size_t nr;
};

static bool same_program(const struct kft_prog *a, const struct kft_prog *b)
{
	if (a == b)
		return true;
	/*
	 * The same program loaded and unloaded over and over is one line, not hundreds. Its tag
	 * does not tell: it depends on where the maps and kfuncs of each load happened to be.
	 */
	return a && b && kft_prog__is_unloaded(a) && kft_prog__is_unloaded(b) &&
	       a->type == b->type && strcmp(a->name, b->name) == 0;
}

static const struct kft_site *site_of(const struct stat_report *report, enum caller_kind kind,
				      const struct kft_prog *prog, __u32 subprog, __u64 site)
{
	if (kind != CALLER_PROGRAM || !prog)
		return NULL;
	return site_table__find(report->sites, prog->id, subprog, site);
}

/* Call sites of one source line, which the compiler has made several of. */
static bool same_line(const struct stat_report *report, const struct row *row,
		      const struct usage_key *key)
{
	const struct kft_site *a, *b;

	a = site_of(report, row->kind, row->prog, row->subprog, row->site);
	b = site_of(report, key->kind, row->prog, key->subprog, key->site);
	return a && b && a->line && a->line == b->line && strcmp(a->file, b->file) == 0 &&
	       strcmp(a->function, b->function) == 0;
}

static bool belongs(const struct stat_report *report, const struct row *row,
		    const struct usage_key *key, const struct kft_prog *prog, bool merge_alike)
{
	if (row->kfunc->index != (int)key->subject)
		return false;
	if (report->by == STAT_BY_KFUNC)
		return true;
	if (row->kind != key->kind)
		return false;
	if (merge_alike ? !same_program(row->prog, prog) : row->prog != prog)
		return false;
	if (report->by == STAT_BY_CALLER ||
	    (row->subprog == key->subprog && row->site == key->site))
		return true;
	return merge_alike && same_line(report, row, key);
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->counts.calls != right->counts.calls)
		return left->counts.calls > right->counts.calls ? -1 : 1;
	if (left->kfunc != right->kfunc)
		return left->kfunc->index - right->kfunc->index;
	if (left->kind != right->kind)
		return (int)left->kind - (int)right->kind;
	if (left->site != right->site)
		return left->site < right->site ? -1 : 1;
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
	const struct prog_table *programs = counters__programs(report->counters);
	size_t kfunc_begin = 0;

	rows->nr = 0;
	rows->rows = calloc(usage->nr ?: 1, sizeof(*rows->rows));
	if (!rows->rows)
		return -ENOMEM;
	/* The model is sorted by kfunc, so only rows since the kfunc began can be the same. */
	for (size_t i = 0; i < usage->nr; i++) {
		const struct usage_key *key = &usage->rows[i].key;
		const struct kft_prog *prog = key->kind == CALLER_PROGRAM
						      ? prog_table__find(programs, key->prog_id)
						      : NULL;
		struct row *row = NULL;

		if (rows->nr && rows->rows[rows->nr - 1].kfunc->index != (int)key->subject)
			kfunc_begin = rows->nr;
		for (size_t j = kfunc_begin; j < rows->nr && !row; j++) {
			if (belongs(report, &rows->rows[j], key, prog, merge_alike))
				row = &rows->rows[j];
		}
		if (!row) {
			row = &rows->rows[rows->nr++];
			row->kfunc = registry__at(report->registry, key->subject);
			row->kind = key->kind;
			row->prog = prog;
			row->subprog = key->subprog;
			row->site = key->site;
		}
		if (prog && row->last_prog_id != key->prog_id) {
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

		if ((int)probe->target.subject == kfunc->index && !probe->error)
			return probe->target.kind == PROBE_COUNT_EXIT;
	}
	return false;
}

static const char *caller_name(const struct row *row)
{
	switch (row->kind) {
	case CALLER_PROGRAM:
		return row->prog ? row->prog->name : "?";
	case CALLER_KERNEL:
		return "kernel";
	case CALLER_UNKNOWN:
		break;
	}
	return "unknown";
}

static const char *type_name(const struct row *row)
{
	if (row->kind != CALLER_PROGRAM || !row->prog)
		return NULL;
	return libbpf_bpf_prog_type_str(row->prog->type) ?: "?";
}

/* The subprogram that a site lies in, or NULL. A program without BTF has its own name only. */
static const char *function_name(const struct row *row, const struct kft_site *site)
{
	if (site && site->function[0])
		return site->function;
	return row->prog && row->subprog == 0 ? row->prog->name : NULL;
}

/* "bpf_prog.c:12 in check()", "check+0x2f", "nf_hook+0x10". */
static const char *format_site(const struct stat_report *report, const struct row *row, char *buf,
			       size_t size)
{
	const struct kft_site *site =
		site_of(report, row->kind, row->prog, row->subprog, row->site);
	const char *symbol, *file;
	__u64 offset = row->site;

	if (row->kind == CALLER_UNKNOWN)
		return "-";
	if (site && site->line) {
		file = strrchr(site->file, '/');
		snprintf(buf, size, "%s:%u in %s()", file ? file + 1 : site->file, site->line,
			 site->function);
		return buf;
	}
	if (row->kind == CALLER_KERNEL)
		symbol = counters__kernel_site(report->counters, row->site, &offset);
	else
		symbol = function_name(row, site);
	if (symbol && !offset)
		snprintf(buf, size, "%s", symbol);
	else if (symbol)
		snprintf(buf, size, "%s+%#llx", symbol, (unsigned long long)offset);
	else
		snprintf(buf, size, "subprogram %u+%#llx", row->subprog,
			 (unsigned long long)offset);
	return buf;
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

static void print_losses(const struct usage_counts *total, FILE *out)
{
	int nr = 0;

	print_loss(out, &nr, total->recursion_misses,
		   "calls while the probe was running on that CPU (recursion misses)");
	print_loss(out, &nr, total->table_full, "calls from more call sites than --slots holds");
	print_loss(out, &nr, total->no_caller, "calls whose return address is nobody's");
	print_loss(out, &nr, total->orphaned, "calls of programs that were gone unrecorded");
	if (nr)
		fputs(": all counted, as unknown\n", out);
	else
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

static void add_row(struct table *table, const struct stat_report *report, const struct row *row)
{
	char site[256];

	table__row(table);
	table__cell(table, "%s", row->kfunc->name);
	if (report->by != STAT_BY_KFUNC) {
		table__cell(table, "%s", caller_name(row));
		table__cell(table, "%s", type_name(row) ?: "-");
		if (!row->prog)
			table__cell(table, "-");
		else if (row->nr_progs > 1)
			table__cell(table, "%d gone", row->nr_progs);
		else
			table__cell(table, "%u", row->prog->id);
	}
	if (report->by == STAT_BY_SITE)
		table__cell(table, "%s", format_site(report, row, site, sizeof(site)));
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
	struct table *table;
	struct rows rows;
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
		add_row(table, report, &rows.rows[i]);
	for (size_t i = 0; i < usage->nr; i++) {
		const struct kfunc *kfunc =
			registry__at(report->registry, usage->rows[i].key.subject);

		usage_counts__add(&total, &usage->rows[i].counts);
		nr_kfuncs += kfunc != last;
		last = kfunc;
	}
	if (rows.nr)
		err = table__print(table, out, terminal_width(out));
	else
		fputs(" no calls\n", out);
	fprintf(out, "\n %s calls of %d kfuncs in %.3f seconds\n",
		format_thousands(total.calls, calls, sizeof(calls)), nr_kfuncs, report->seconds);
	print_losses(&total, out);
	print_omissions(&report->omissions, out);
	table__free(table);
	free(rows.rows);
	return err;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_losses(const struct usage_counts *counts)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "recursion_misses",
			 (json_int_t)counts->recursion_misses, "table_full",
			 (json_int_t)counts->table_full, "no_caller", (json_int_t)counts->no_caller,
			 "orphaned", (json_int_t)counts->orphaned);
}

static json_t *json_tag(const struct kft_prog *prog)
{
	char tag[sizeof(prog->tag) * 2 + 1];

	for (size_t i = 0; i < sizeof(prog->tag); i++)
		snprintf(tag + i * 2, 3, "%02x", prog->tag[i]);
	return json_string(tag);
}

static void json_add_caller(json_t *object, const struct row *row)
{
	static const char *const kinds[] = { "program", "kernel", "unknown" };

	json_object_set_new(object, "caller", json_string(kinds[row->kind]));
	json_object_set_new(object, "program",
			    row->prog ? json_string(row->prog->name) : json_null());
	json_object_set_new(object, "program_id",
			    row->prog ? json_integer(row->prog->id) : json_null());
	json_object_set_new(object, "program_type",
			    type_name(row) ? json_string(type_name(row)) : json_null());
	json_object_set_new(object, "program_tag", row->prog ? json_tag(row->prog) : json_null());
	json_object_set_new(object, "program_gone",
			    row->prog ? json_boolean(kft_prog__is_unloaded(row->prog))
				      : json_null());
}

/* The path may have been cut in the middle of a character, or be none that JSON can hold. */
static json_t *json_file(const char *file)
{
	while ((*file & 0xc0) == 0x80)
		file++;
	return json_string(file) ?: json_null();
}

static void json_add_site(json_t *object, const struct stat_report *report, const struct row *row)
{
	const struct kft_site *site =
		site_of(report, row->kind, row->prog, row->subprog, row->site);
	const char *symbol = function_name(row, site);
	bool has_line = site && site->line;
	__u64 offset = row->site;

	if (row->kind == CALLER_KERNEL)
		symbol = counters__kernel_site(report->counters, row->site, &offset);
	json_object_set_new(object, row->kind == CALLER_KERNEL ? "function" : "subprogram",
			    symbol ? json_string(symbol) : json_null());
	json_object_set_new(object, "offset",
			    row->kind == CALLER_UNKNOWN ? json_null() : json_integer(offset));
	json_object_set_new(object, "file", has_line ? json_file(site->file) : json_null());
	json_object_set_new(object, "line", has_line ? json_integer(site->line) : json_null());
	if (report->addresses && row->kind == CALLER_KERNEL) {
		char address[32];

		snprintf(address, sizeof(address), "0x%" PRIx64, (uint64_t)row->site);
		json_object_set_new(object, "address", json_string(address));
	}
}

static json_t *json_row(const struct stat_report *report, const struct row *row)
{
	json_t *object = json_object();

	json_object_set_new(object, "kfunc", json_string(row->kfunc->name));
	json_object_set_new(object, "module", json_string(row->kfunc->module));
	if (report->by != STAT_BY_KFUNC)
		json_add_caller(object, row);
	if (report->by == STAT_BY_SITE)
		json_add_site(object, report, row);
	json_object_set_new(object, "calls", json_integer(row->counts.calls));
	json_object_set_new(object, "null_returns",
			    nulls_counted(report->set, row->kfunc) ? json_integer(row->counts.nulls)
								   : json_null());
	json_object_set_new(object, "calls_per_second",
			    report->seconds > 0 ? json_real(row->counts.calls / report->seconds)
						: json_null());
	json_object_set_new(object, "seconds", json_real(report->seconds));
	json_object_set_new(object, "losses", json_losses(&row->counts));
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
