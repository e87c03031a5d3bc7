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
#include "output.h"
#include "pattern.h"
#include "registry.h"
#include "table.h"
#include "users.h"

/* When a program was loaded; the kernel counts from boot. */
static time_t loaded_at(const struct user *user)
{
	struct timespec boot, real;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	return real.tv_sec - boot.tv_sec + (time_t)(user->prog.load_time_ns / NS_PER_S);
}

static const char *format_time(time_t when, const char *format, char *buf, size_t size)
{
	struct tm parts;

	if (!localtime_r(&when, &parts) || !strftime(buf, size, format, &parts))
		snprintf(buf, size, "-");
	return buf;
}

static const char *user_name(__u32 uid, char *buf, size_t size)
{
	const struct passwd *entry = getpwuid(uid);

	if (entry)
		snprintf(buf, size, "%s", entry->pw_name);
	else
		snprintf(buf, size, "%u", uid);
	return buf;
}

static bool is_wanted(const struct users_report *report, const struct kfunc *kfunc)
{
	return pattern_list__match(report->patterns, kfunc ? kfunc->name : "");
}

/* The function that is called: a specialised kfunc's twin where the verifier has put that. */
static const char *name_of(const struct used_kfunc *used)
{
	if (!used->kfunc)
		return "?";
	return used->is_twin ? used->kfunc->twin : used->kfunc->name;
}

int users_report__print_table(const struct users_report *report, FILE *out)
{
	static const struct table_column columns[] = {
		{ .title = "KFUNC", .min = TABLE_WHOLE },
		{ .title = "MODULE", .drop = 4 },
		{ .title = "PROGRAM", .min = TABLE_WHOLE },
		{ .title = "TYPE", .drop = 3 },
		{ .title = "ID", .right = true, .drop = 1 },
		{ .title = "SITES", .right = true },
		{ .title = "LOADED", .drop = 2 },
		{ .title = "BY", .drop = 5 },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	size_t nr_rows = 0, nr_programs = 0;
	char text[64];
	int err = 0;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < report->users->nr; i++) {
		const struct user *user = &report->users->users[i];
		size_t before = nr_rows;

		for (int j = 0; j < user->nr_kfuncs; j++) {
			const struct used_kfunc *used = &user->kfuncs[j];
			const struct kfunc *kfunc = used->kfunc;

			if (!is_wanted(report, kfunc))
				continue;
			nr_rows++;
			table__row(table);
			table__cell(table, "%s", name_of(used));
			table__cell(table, "%s", kfunc ? kfunc->module : "?");
			table__cell(table, "%s", user->prog.name);
			table__cell(table, "%s", libbpf_bpf_prog_type_str(user->prog.type) ?: "?");
			table__cell(table, "%u", user->prog.prog_id);
			table__number(table, used->nr_sites);
			table__cell(
				table, "%s",
				format_time(loaded_at(user), "%Y-%m-%d %H:%M", text, sizeof(text)));
			table__cell(table, "%s", user_name(user->prog.uid, text, sizeof(text)));
		}
		nr_programs += nr_rows > before;
	}
	if (nr_rows)
		err = table__print(table, out, terminal_width(out));
	table__free(table);
	fprintf(out, "%s %zu loaded programs contain calls of %s\n", nr_rows ? "\n" : "",
		nr_programs, report->patterns->nr ? "them" : "kfuncs");
	return err;
}

static json_t *json_row(const struct user *user, const struct used_kfunc *used)
{
	const struct kfunc *kfunc = used->kfunc;
	char text[64], tag[sizeof(user->prog.tag) * 2 + 1];
	json_t *json = json_object();

	for (size_t i = 0; i < sizeof(user->prog.tag); i++)
		snprintf(tag + i * 2, 3, "%02x", user->prog.tag[i]);
	json_object_set_new(json, "kfunc", kfunc ? json_string(kfunc->name) : json_null());
	json_object_set_new(json, "function", json_string(name_of(used)));
	json_object_set_new(json, "module", kfunc ? json_string(kfunc->module) : json_null());
	json_object_set_new(json, "program", json_string(user->prog.name) ?: json_null());
	json_object_set_new(json, "program_id", json_integer(user->prog.prog_id));
	json_object_set_new(json, "program_type",
			    json_string(libbpf_bpf_prog_type_str(user->prog.type) ?: "?"));
	json_object_set_new(json, "program_tag", json_string(tag));
	json_object_set_new(json, "sites", json_integer(used->nr_sites));
	json_object_set_new(json, "loaded",
			    json_string(format_time(loaded_at(user), "%Y-%m-%dT%H:%M:%S%z", text,
						    sizeof(text))));
	json_object_set_new(json, "uid", json_integer(user->prog.uid));
	return json;
}

int users_report__print_json(const struct users_report *report, FILE *out)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < report->users->nr; i++) {
		const struct user *user = &report->users->users[i];

		for (int j = 0; j < user->nr_kfuncs; j++) {
			if (is_wanted(report, user->kfuncs[j].kfunc))
				json_array_append_new(rows, json_row(user, &user->kfuncs[j]));
		}
	}
	return output__json(out, rows, true);
}
