// SPDX-License-Identifier: GPL-2.0-only
#include "users_report.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/libbpf.h>
#include <jansson.h>

#include "clock.h"
#include "deprecations.h"
#include "holders_text.h"
#include "json_values.h"
#include "live_kernel.h"
#include "output.h"
#include "pattern.h"
#include "prog_tag.h"
#include "program_source.h"
#include "table.h"
#include "users.h"

static __s64 clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * (__s64)NS_PER_S + now.tv_nsec;
}

/* The kernel counts from boot. */
time_t user__loaded_at(const struct user *user)
{
	const __s64 boot_ns = clock_of(CLOCK_REALTIME) - clock_of(CLOCK_BOOTTIME);

	return (boot_ns + (__s64)user->prog.load_time_ns) / (__s64)NS_PER_S;
}

const char *user__format_time(time_t when, const char *format, char *buf, size_t size)
{
	struct tm parts;

	if (!localtime_r(&when, &parts) || !strftime(buf, size, format, &parts))
		snprintf(buf, size, "-");
	return buf;
}

const char *user__format_uid(const struct user *user, char *buf, size_t size)
{
	const struct passwd *entry = getpwuid(user->prog.uid);

	if (entry)
		snprintf(buf, size, "%s", entry->pw_name);
	else
		snprintf(buf, size, "%u", user->prog.uid);
	return buf;
}

bool users_report__wants(const struct users_report *report, const struct kfunc *kfunc)
{
	return pattern_list__match(report->patterns, kfunc ? kfunc->name : "");
}

const struct deprecation *users_report__deprecation(const struct users_report *report,
						    const struct used_kfunc *used)
{
	return used->kfunc ? live_kernel__deprecation(report->kernel, used->kfunc) : NULL;
}

void users_report__print_summary(const struct users_report *report, bool all, FILE *out)
{
	size_t nr_calling = 0, nr_declaring = 0;

	for (size_t i = 0; i < report->users->nr; i++) {
		const struct user *user = &report->users->users[i];
		bool is_calling = false, is_declaring = false;

		for (int j = 0; j < user->nr_kfuncs; j++) {
			if (!users_report__wants(report, user->kfuncs[j].kfunc))
				continue;
			if (user->kfuncs[j].declared)
				is_declaring = true;
			else
				is_calling = true;
		}
		nr_calling += is_calling;
		nr_declaring += is_declaring;
	}
	if (nr_calling || (nr_declaring && all))
		fputc('\n', out);
	fprintf(out, " %zu loaded programs contain calls of %s\n", nr_calling,
		report->patterns->nr ? "them" : "kfuncs");
	if (nr_declaring)
		fprintf(out, " %zu come from objects that declare kfuncs which are inlined%s\n",
			nr_declaring, all ? "" : " (-v names them)");
}

/* --- a row for each program and kfunc ----------------------------------------------------------- */

static void add_text(struct table *table, char *text)
{
	table__cell(table, "%s", text ?: "?");
	free(text);
}

static void add_row(const struct users_report *report, struct table *table, const struct user *user,
		    const struct used_kfunc *used, struct deprecation_notes *notes)
{
	const __u32 id = user->prog.prog_id;
	char text[64];

	table__row(table);
	table__cell(table, "%s%s", used_kfunc__name(used),
		    deprecation_notes__mark(notes, used_kfunc__name(used),
					    users_report__deprecation(report, used)));
	table__cell(table, "%s", used->kfunc ? used->kfunc->module : "?");
	table__cell(table, "%s", user->prog.name);
	table__cell(table, "%s", libbpf_bpf_prog_type_str(user->prog.type) ?: "?");
	table__cell(table, "%u", id);
	if (used->declared)
		table__cell(table, "-");
	else
		table__number(table, used->nr_sites);
	table__cell(table, "%s",
		    user__format_time(user__loaded_at(user), "%Y-%m-%d %H:%M", text, sizeof(text)));
	table__cell(table, "%s", user__format_uid(user, text, sizeof(text)));
	table__cell(table, "%s", format_prog_tag(user->prog.tag, text));
	add_text(table, holders_text__attachments(report->holders, id));
	add_text(table, holders_text__processes(report->holders, id));
	add_text(table, holders_text__pins(report->holders, id));
}

/* All programs of an object declare the same: rows without end, of little use if not asked for. */
static bool is_row(const struct users_report *report, const struct used_kfunc *used)
{
	return users_report__wants(report, used->kfunc) &&
	       (!used->declared || report->patterns->nr || !used->kfunc ||
		used->kfunc->coverage != COVERAGE_INLINED);
}

int users_report__print_table(const struct users_report *report, FILE *out)
{
	static const struct table_column columns[] = {
		{ .title = "KFUNC", .min = TABLE_WHOLE },
		{ .title = "MODULE", .drop = 7 },
		{ .title = "PROGRAM", .min = TABLE_WHOLE },
		{ .title = "TYPE", .drop = 6 },
		{ .title = "ID", .right = true, .drop = 1 },
		{ .title = "SITES", .right = true },
		{ .title = "LOADED", .drop = 5, .min = TABLE_WHOLE },
		{ .title = "BY", .drop = 8 },
		{ .title = "TAG", .drop = 9, .min = TABLE_WHOLE },
		{ .title = "ATTACHED TO", .drop = 2 },
		{ .title = "HELD BY", .drop = 3 },
		{ .title = "PINNED", .drop = 4 },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	struct deprecation_notes notes = { 0 };
	size_t nr_rows = 0;
	int err = 0;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < report->users->nr; i++) {
		const struct user *user = &report->users->users[i];

		for (int j = 0; j < user->nr_kfuncs; j++) {
			if (!is_row(report, &user->kfuncs[j]))
				continue;
			add_row(report, table, user, &user->kfuncs[j], &notes);
			nr_rows++;
		}
	}
	if (nr_rows)
		err = table__print(table, out, terminal_width(out));
	table__free(table);
	users_report__print_summary(report, report->patterns->nr, out);
	deprecation_notes__print(&notes, out);
	return err;
}

/* --- JSON --------------------------------------------------------------------------------------- */

static json_t *json_sites(const struct used_kfunc *used, const struct program_source *source)
{
	json_t *array = json_array();

	for (int i = 0; i < used->nr_sites; i++) {
		json_t *object = json_object();
		const char *file;
		__u32 line = 0;

		file = program_source__file(source, used->sites[i], &line);
		json_object_set_new(object, "subprogram",
				    json_text(program_source__function(source, used->sites[i])));
		json_object_set_new(object, "file", json_text(file));
		json_object_set_new(object, "line", file ? json_integer(line) : json_null());
		json_object_set_new(object, "instruction", json_integer(used->sites[i]));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_row(const struct users_report *report, const struct user *user,
			const struct used_kfunc *used, const struct program_source *source)
{
	const struct kfunc *kfunc = used->kfunc;
	json_t *json = json_object();
	char text[64];

	json_object_set_new(json, "kfunc", kfunc ? json_string(kfunc->name) : json_null());
	json_object_set_new(json, "function", json_string(used_kfunc__name(used)));
	json_object_set_new(json, "module", kfunc ? json_string(kfunc->module) : json_null());
	json_object_set_new(json, "program", json_text(user->prog.name));
	json_object_set_new(json, "program_id", json_integer(user->prog.prog_id));
	json_object_set_new(json, "program_type",
			    json_string(libbpf_bpf_prog_type_str(user->prog.type) ?: "?"));
	json_object_set_new(json, "program_tag",
			    json_string(format_prog_tag(user->prog.tag, text)));
	json_object_set_new(json, "declared", json_boolean(used->declared));
	json_object_set_new(json, "sites",
			    used->declared ? json_null() : json_integer(used->nr_sites));
	json_object_set_new(json, "sites_list",
			    used->declared ? json_null() : json_sites(used, source));
	json_object_set_new(
		json, "loaded",
		json_string(user__format_time(user__loaded_at(user), "%Y-%m-%dT%H:%M:%S%z", text,
					      sizeof(text))));
	json_object_set_new(json, "uid", json_integer(user->prog.uid));
	deprecation__add_json(users_report__deprecation(report, used), json);
	holders_text__add_json(report->holders, user->prog.prog_id, json);
	return json;
}

int users_report__print_json(const struct users_report *report, FILE *out)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < report->users->nr; i++) {
		const struct user *user = &report->users->users[i];
		struct program_source *source;

		if (program_source__open(user->prog.prog_id, &source))
			source = NULL;
		for (int j = 0; j < user->nr_kfuncs; j++) {
			if (users_report__wants(report, user->kfuncs[j].kfunc))
				json_array_append_new(
					rows, json_row(report, user, &user->kfuncs[j], source));
		}
		program_source__free(source);
	}
	return output__json(out, rows, true);
}
