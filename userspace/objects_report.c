// SPDX-License-Identifier: GPL-2.0-only
/* Each object on which references are held, and for how long references were held. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "caller.h"
#include "counters.h"
#include "histogram.h"
#include "json_values.h"
#include "module_events.h"
#include "output.h"
#include "pairing.h"
#include "prog_table.h"
#include "references.h"
#include "refs_report.h"
#include "table.h"
#include "tracing_session.h"
#include "usage.h"

static bool is_wanted(const struct refs_report *report, const struct object_row *row)
{
	if (report->stale_only && !row->is_stale)
		return false;
	return row->age_ns >= report->min_age_ns;
}

/* --- how long --------------------------------------------------------------------------------- */

/* References on a type that were acquired at one site, by function and program. */
struct holding {
	const struct reference_function *acquired_by; /* NULL: it cannot be told who did */
	struct caller caller;
	int type;
	struct histogram histogram;
	/* Who gave them back, those that gave back most first. */
	struct releaser {
		const struct reference_function *function;
		struct caller caller;
		__u64 count;
	} *releasers;
	int nr_releasers;
};

struct holdings {
	struct holding *rows;
	size_t nr;
};

static struct holding *holding_for(struct holdings *holdings, const struct reference_function *by,
				   const struct caller *caller, int type)
{
	struct holding *row;

	for (size_t i = 0; i < holdings->nr; i++) {
		row = &holdings->rows[i];
		if (row->acquired_by == by && row->type == type &&
		    row->caller.kind == caller->kind && row->caller.prog == caller->prog &&
		    row->caller.subprog == caller->subprog && row->caller.site == caller->site)
			return row;
	}
	row = &holdings->rows[holdings->nr++];
	row->acquired_by = by;
	row->caller = *caller;
	row->type = type;
	return row;
}

static int add_releaser(struct holding *row, const struct reference_function *function,
			const struct caller *caller, __u64 count)
{
	struct releaser *grown;

	for (int i = 0; i < row->nr_releasers; i++) {
		struct releaser *known = &row->releasers[i];

		if (known->function == function && known->caller.kind == caller->kind &&
		    known->caller.prog == caller->prog) {
			known->count += count;
			return 0;
		}
	}
	grown = realloc(row->releasers, (row->nr_releasers + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	row->releasers = grown;
	row->releasers[row->nr_releasers++] =
		(struct releaser){ .function = function, .caller = *caller, .count = count };
	return 0;
}

static int compare_releasers(const void *a, const void *b)
{
	const struct releaser *left = a, *right = b;

	return left->count > right->count ? -1 : left->count < right->count;
}

static int compare_holdings(const void *a, const void *b)
{
	const struct holding *left = a, *right = b;

	if (left->type != right->type)
		return left->type - right->type;
	if (left->histogram.count != right->histogram.count)
		return left->histogram.count > right->histogram.count ? -1 : 1;
	return 0;
}

static int add_hold(const struct refs_report *report, struct holdings *holdings,
		    const struct kft_hold_key *key, const struct kft_hold *hold)
{
	const struct reference_function *by = NULL, *released;
	struct caller caller = { .kind = CALLER_UNKNOWN }, releaser;
	struct holding *row;

	released = refs_report__function_at(report, key->released_at);
	if (!released || released->releases < 0)
		return 0;
	if (key->acquired_at != KFT_AMBIGUOUS_SITE) {
		by = refs_report__function_at(report, key->acquired_at);
		caller = refs_report__caller_at(report, key->acquired_at);
	}
	releaser = refs_report__caller_at(report, key->released_at);
	row = holding_for(holdings, by, &caller, released->releases);
	histogram__add(&row->histogram, hold);
	return add_releaser(row, released, &releaser, hold->count);
}

static void free_holdings(struct holdings *holdings)
{
	for (size_t i = 0; i < holdings->nr; i++)
		free(holdings->rows[i].releasers);
	free(holdings->rows);
}

static int read_holdings(const struct refs_report *report, struct holdings *holdings)
{
	struct kft_hold_key *keys;
	struct kft_hold *holds;
	size_t nr;
	int err = references__read_holds(report->references, &keys, &holds, &nr);

	memset(holdings, 0, sizeof(*holdings));
	if (err)
		return err;
	holdings->rows = calloc(nr ?: 1, sizeof(*holdings->rows));
	if (!holdings->rows)
		err = -ENOMEM;
	for (size_t i = 0; i < nr && !err; i++)
		err = add_hold(report, holdings, &keys[i], &holds[i]);
	free(keys);
	free(holds);
	for (size_t i = 0; i < holdings->nr; i++)
		qsort(holdings->rows[i].releasers, holdings->rows[i].nr_releasers,
		      sizeof(struct releaser), compare_releasers);
	if (holdings->nr)
		qsort(holdings->rows, holdings->nr, sizeof(*holdings->rows), compare_holdings);
	return err;
}

/* --- text ------------------------------------------------------------------------------------- */

static const char *attribution_of(const struct object_row *row)
{
	if (!row->is_ambiguous && !row->more_holders)
		return "exact";
	return row->is_one_program ? "program" : "ambiguous";
}

static const char *use_of(const struct object_row *row)
{
	if (row->is_parked)
		return "parked";
	return row->is_in_use ? "in use" : "in use or parked";
}

static const char *state_of(const struct object_row *row, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", use_of(row), row->is_stale ? ", stale" : "",
		 strcmp(attribution_of(row), "ambiguous") == 0 ? ", ambiguous" : "");
	return buf;
}

/* "a or b": which of them it was cannot be told. */
static void add_alternative(char *list, size_t size, const char *name)
{
	size_t len = strlen(list);

	if (len)
		len += snprintf(list + len, size - len, " or ");
	if (len < size)
		snprintf(list + len, size - len, "%s", name);
}

static void cell_place(struct table *table, const struct object_row *row)
{
	if (row->parked_in)
		table__cell(table, "%s (%u)", row->parked_in->name, row->parked_in->id);
	else
		table__cell(table, "%s",
			    row->is_in_deleted_element ? "deleted element"
			    : row->is_parked	       ? "no element"
						       : "-");
}

/* The sites from `first` on that are of the same program, as one row. */
static int add_holder(struct table *table, const struct refs_report *report,
		      const struct object_row *row, int first)
{
	char what[640], age[32], state[48], functions[256] = "", sites[512] = "", site[256];
	__u32 number = row->nr_holders ? row->holders[first].site : KFT_NO_SITE;
	struct caller caller = refs_report__caller_at(report, number), other = caller;
	int next = first;

	do {
		const struct reference_function *function;

		number = row->nr_holders ? row->holders[next].site : KFT_NO_SITE;
		function = refs_report__function_at(report, number);
		other = refs_report__caller_at(report, number);
		if (other.kind != caller.kind || other.prog != caller.prog)
			break;
		add_alternative(functions, sizeof(functions), function ? function->name : "?");
		add_alternative(sites, sizeof(sites),
				caller__format_site(&other, report->session->counters,
						    report->sites, site, sizeof(site)));
		next++;
	} while (next < row->nr_holders);

	table__row(table);
	table__cell(table, "%s", pairing__type(report->pairing, row->type)->name);
	table__cell(table, "%s", object_row__describe(row, report->pairing, what, sizeof(what)));
	/* Of several that may hold it, the first row has the number. */
	if (first)
		table__cell(table, "%s", "");
	else
		table__number(table, row->references);
	table__cell(table, "%s", format_ns(row->age_ns, age, sizeof(age)));
	table__cell(table, "%s", state_of(row, state, sizeof(state)));
	cell_place(table, row);
	table__cell(table, "%s", functions);
	table__cell(table, "%s", caller__name(&caller));
	if (caller.prog)
		table__cell(table, "%u", caller.prog->id);
	else
		table__cell(table, "-");
	table__cell(table, "%s", sites);
	return next;
}

/* A line for each program that may hold it. */
static void add_object(struct table *table, const struct refs_report *report,
		       const struct object_row *row)
{
	int next = 0;

	do {
		next = add_holder(table, report, row, next);
	} while (next < row->nr_holders);
}

static int print_objects(const struct refs_report *report, const struct reference_objects *objects,
			 size_t *nr_shown, FILE *out)
{
	static const struct table_column columns[] = {
		{ .title = "TYPE", .drop = 2 },
		{ .title = "OBJECT", .min = 20 },
		{ .title = "REFS", .right = true, .drop = 3 },
		{ .title = "AGE", .right = true },
		{ .title = "STATE", .min = 13 },
		{ .title = "PARKED IN", .drop = 4 },
		{ .title = "ACQUIRED BY", .min = 16 },
		{ .title = "PROGRAM", .min = TABLE_WHOLE },
		{ .title = "ID", .right = true, .drop = 5 },
		{ .title = "SITE", .drop = 6, .min = 20 },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	int err = 0;

	if (!table)
		return -ENOMEM;
	*nr_shown = 0;
	for (size_t i = 0; i < objects->nr; i++) {
		if (!is_wanted(report, &objects->rows[i]))
			continue;
		add_object(table, report, &objects->rows[i]);
		(*nr_shown)++;
	}
	if (*nr_shown)
		err = table__print(table, out, terminal_width(out));
	table__free(table);
	return err;
}

static void print_site(const struct refs_report *report, const struct caller *caller,
		       const char *what, const struct reference_function *function, FILE *out)
{
	char site[256];

	if (caller->kind == CALLER_KERNEL)
		fprintf(out, "%s by the kernel, for a map (%s)", what, function->name);
	else
		fprintf(out, "%s by %s (%s at %s)", what, caller__name(caller), function->name,
			caller__format_site(caller, report->session->counters, report->sites, site,
					    sizeof(site)));
}

static void print_holding(const struct refs_report *report, const struct holding *row, FILE *out)
{
	const char *type = pairing__type(report->pairing, row->type)->name;
	char p50[32], p99[32], max[32], count[32];

	fprintf(out, "\n %s ", type);
	if (row->acquired_by)
		print_site(report, &row->caller, "acquired", row->acquired_by, out);
	else
		fputs("of which it cannot be told where it was acquired: several sites had taken "
		      "references on the object",
		      out);
	fputc('\n', out);
	for (int i = 0; i < row->nr_releasers; i++) {
		fprintf(out, "   %s ",
			format_thousands(row->releasers[i].count, count, sizeof(count)));
		print_site(report, &row->releasers[i].caller, "given back",
			   row->releasers[i].function, out);
		fputc('\n', out);
	}
	if (row->histogram.unknown)
		fprintf(out, "   %s for an unknown time: several references on the same object\n",
			format_thousands(row->histogram.unknown, count, sizeof(count)));
	if (row->histogram.count == row->histogram.unknown)
		return;
	fprintf(out, "   held: p50 %s, p99 %s, max %s; in ns:\n",
		format_ns(histogram__percentile(&row->histogram, 50), p50, sizeof(p50)),
		format_ns(histogram__percentile(&row->histogram, 99), p99, sizeof(p99)),
		format_ns(row->histogram.max, max, sizeof(max)));
	histogram__print(&row->histogram, out, "   ");
}

static __u64 missed_releases(const struct refs_report *report)
{
	__u64 missed = 0;

	for (size_t i = 0; i < report->usage->nr; i++) {
		const struct usage_row *row = &report->usage->rows[i];

		if (pairing__function(report->pairing, row->key.subject)->releases >= 0)
			missed += row->counts.recursion_misses;
	}
	return missed;
}

static void print_summary(const struct refs_report *report, const struct reference_objects *objects,
			  size_t nr_shown, FILE *out)
{
	size_t nr_stale = 0, nr_parked = 0;
	char buf[32];

	for (size_t i = 0; i < objects->nr; i++) {
		nr_stale += objects->rows[i].is_stale;
		nr_parked += objects->rows[i].is_parked;
	}
	fprintf(out, "%s %zu objects are held: %zu parked, %zu stale; watched for %.3f seconds\n",
		nr_shown ? "\n" : "", objects->nr, nr_parked, nr_stale, report->seconds);
	if (missed_releases(report))
		fprintf(out,
			" some may be held by nobody, and REFS too many: up to %s releases were "
			"missed\n",
			format_thousands(missed_releases(report), buf, sizeof(buf)));
	if (objects->nr_gone)
		fprintf(out,
			" %zu more were: their release was not seen, their memory is another's\n",
			objects->nr_gone);
	if (objects->nr_unsearched)
		fprintf(out,
			" not searched for what is parked: %zu maps, of types whose elements "
			"cannot be looked through\n",
			objects->nr_unsearched);
	if (nr_shown < objects->nr)
		fprintf(out, " not shown: %zu%s%s\n", objects->nr - nr_shown,
			report->stale_only ? ", not stale" : "",
			report->min_age_ns ? ", too young" : "");
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_what(const struct refs_report *report, const struct object_row *row)
{
	const struct kft_object_report *object = &row->held->report;
	json_t *what = json_object();
	char text[640];

	switch (pairing__type(report->pairing, row->type)->object) {
	case KFT_OBJECT_TASK:
		json_object_set_new(what, "pid", json_integer(object->pid));
		json_object_set_new(what, "tgid", json_integer(object->tgid));
		json_object_set_new(what, "comm", json_text(object->text));
		json_object_set_new(what, "exited", json_boolean(object->exit_state));
		break;
	case KFT_OBJECT_CGROUP:
	case KFT_OBJECT_MEM_CGROUP:
		json_object_set_new(what, "cgroup_id", json_integer(object->id));
		json_object_set_new(what, "path",
				    json_string(held_object__path(row->held, text, sizeof(text)))
					    ?: json_null());
		json_object_set_new(what, "removed", json_boolean(object->dying));
		break;
	default:
		break;
	}
	object_row__describe(row, report->pairing, text, sizeof(text));
	json_object_set_new(what, "description", json_text(text));
	return what;
}

static json_t *json_holders(const struct refs_report *report, const struct object_row *row)
{
	json_t *holders = json_array();

	for (int i = 0; i < row->nr_holders; i++) {
		json_t *holder = json_object();

		refs_report__add_site_json(report, row->holders[i].site, holder);
		json_object_set_new(holder, "taken", json_integer(row->holders[i].taken));
		json_array_append_new(holders, holder);
	}
	return holders;
}

static json_t *json_of_object(const struct refs_report *report, const struct object_row *row)
{
	const struct kft_reference_object *object = &row->held->report.object;
	json_t *json = json_object();

	json_object_set_new(json, "type",
			    json_string(pairing__type(report->pairing, row->type)->name));
	json_object_set_new(json, "object", json_what(report, row));
	json_object_set_new(json, "references", json_integer(row->references));
	json_object_set_new(json, "age_ns", json_integer(row->age_ns));
	json_object_set_new(json, "state", json_string(use_of(row)));
	json_object_set_new(json, "stale", json_boolean(row->is_stale));
	json_object_set_new(json, "map",
			    row->parked_in ? json_string(row->parked_in->name) : json_null());
	json_object_set_new(json, "map_id",
			    row->parked_in ? json_integer(row->parked_in->id) : json_null());
	json_object_set_new(json, "deleted_element", json_boolean(row->is_in_deleted_element));
	json_object_set_new(json, "attribution", json_string(attribution_of(row)));
	json_object_set_new(json, "holders", json_holders(report, row));
	json_object_set_new(json, "acquired_by_tid", json_integer(object->tid));
	json_object_set_new(json, "acquired_by_tgid", json_integer(object->tgid));
	return json;
}

static json_t *json_releasers(const struct holding *row)
{
	json_t *array = json_array();

	for (int i = 0; i < row->nr_releasers; i++) {
		json_t *json = json_object();

		json_object_set_new(json, "kfunc", json_string(row->releasers[i].function->name));
		caller__add_json(&row->releasers[i].caller, json);
		json_object_set_new(json, "count", json_integer(row->releasers[i].count));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *json_of_holding(const struct refs_report *report, const struct holding *row)
{
	json_t *json = json_object(), *acquired = json_null();

	if (row->acquired_by) {
		acquired = json_object();
		json_object_set_new(acquired, "kfunc", json_string(row->acquired_by->name));
		caller__add_json(&row->caller, acquired);
		caller__add_json_site(&row->caller, report->session->counters, report->sites,
				      report->addresses, acquired);
	}
	json_object_set_new(json, "type",
			    json_string(pairing__type(report->pairing, row->type)->name));
	json_object_set_new(json, "acquired_by", acquired);
	json_object_set_new(json, "released_by", json_releasers(row));
	json_object_set_new(json, "held", histogram__json(&row->histogram, "_ns"));
	return json;
}

static int print_json(const struct refs_report *report, const struct reference_objects *objects,
		      const struct holdings *holdings, FILE *out)
{
	json_t *root = json_object(), *held = json_array(), *holding = json_array();
	int err;

	for (size_t i = 0; i < objects->nr; i++) {
		if (is_wanted(report, &objects->rows[i]))
			json_array_append_new(held, json_of_object(report, &objects->rows[i]));
	}
	for (size_t i = 0; i < holdings->nr; i++)
		json_array_append_new(holding, json_of_holding(report, &holdings->rows[i]));
	json_object_set_new(root, "objects", held);
	json_object_set_new(root, "objects_gone", json_integer(objects->nr_gone));
	json_object_set_new(root, "holding", holding);
	err = balance_report__add_json(report, root);
	if (err) {
		json_decref(root);
		return err;
	}
	return output__json(out, root, report->pretty);
}

/* Trace events of what is dead and held, a finding an object. */
static int fire_stale(const struct refs_report *report, const struct reference_objects *objects)
{
	struct kft_module_finding *findings = calloc(objects->nr ?: 1, sizeof(*findings));
	__u32 nr = 0;
	int err;

	if (!findings)
		return -ENOMEM;
	for (size_t i = 0; i < objects->nr; i++) {
		const struct object_row *row = &objects->rows[i];
		/* One of several that may hold it is not named. */
		bool is_known = row->nr_holders == 1 || row->is_one_program;
		__u32 number = is_known ? row->holders[0].site : KFT_NO_SITE;
		const struct reference_function *function =
			refs_report__function_at(report, number);
		struct caller caller = refs_report__caller_at(report, number);
		struct kft_module_finding *finding = &findings[nr];

		if (!row->is_stale)
			continue;
		finding->event = (struct kft_module_event){
			.kind = KFT_MODULE_STALE,
			.object = row->held->report.address,
			.count = row->references,
			.duration_ns = row->age_ns,
		};
		snprintf(finding->site.kfunc, sizeof(finding->site.kfunc), "%s",
			 function ? function->name : "unknown");
		snprintf(finding->site.program, sizeof(finding->site.program), "%s",
			 caller__name(&caller));
		snprintf(finding->site.type, sizeof(finding->site.type), "%s",
			 pairing__type(report->pairing, row->type)->name);
		finding->site.prog_id = caller.prog ? caller.prog->id : 0;
		nr++;
	}
	err = module_events__fire(findings, nr);
	free(findings);
	return err;
}

int objects_report__print(const struct refs_report *report, FILE *out, bool json)
{
	struct reference_objects objects;
	struct holdings holdings = { 0 };
	size_t nr_shown = 0;
	int err = reference_objects__read(report->references, report->session->counters,
					  report->pairing, report->order, &objects);

	/* What cannot be told to others is no reason to print nothing. */
	if (!err && report->session->events)
		fire_stale(report, &objects);
	if (!err)
		err = read_holdings(report, &holdings);
	if (err)
		goto out;
	if (json) {
		err = print_json(report, &objects, &holdings, out);
		goto out;
	}
	err = print_objects(report, &objects, &nr_shown, out);
	if (err)
		goto out;
	print_summary(report, &objects, nr_shown, out);
	/* Whoever asks for dead objects is not after the living. */
	for (size_t i = 0; i < holdings.nr && !report->stale_only; i++)
		print_holding(report, &holdings.rows[i], out);
	if (holdings.nr && !report->stale_only)
		fputc('\n', out);
	refs_report__print_losses(report, out);
out:
	free_holdings(&holdings);
	reference_objects__free(&objects);
	return err;
}
