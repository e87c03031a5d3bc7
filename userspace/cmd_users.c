// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace users: which loaded programs contain calls of which kfuncs. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/libbpf.h>
#include <jansson.h>

#include "clock.h"
#include "commands.h"
#include "common_options.h"
#include "live_kernel.h"
#include "message.h"
#include "output.h"
#include "pattern.h"
#include "table.h"
#include "users.h"

struct users_options {
	struct pattern_list patterns;
	bool json;
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace users [OPTIONS] [PATTERN...]\n"
	      "Lists the loaded BPF programs that contain calls of kfuncs.\n\n"
	      "  PATTERN               shell glob on the kfunc's name; several: any of them\n"
	      "      --json            an array of objects\n"
	      "  -v, --verbose\n"
	      "  -h, --help\n",
	      out);
}

static int parse_options(int argc, char **argv, struct users_options *opts)
{
	enum { OPT_JSON = 256 };
	static const struct option longs[] = {
		{ "json", no_argument, NULL, OPT_JSON },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		switch (c) {
		case OPT_JSON:
			opts->json = true;
			break;
		default:
			if (common_option__take(c, print_usage))
				return -1;
		}
	}
	for (; optind < argc; optind++) {
		if (pattern_list__add(&opts->patterns, argv[optind]))
			return -1;
	}
	return 0;
}

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

static bool is_wanted(const struct users_options *opts, const struct kfunc *kfunc)
{
	return pattern_list__match(&opts->patterns, kfunc ? kfunc->name : "");
}

/* The function that is called: a specialised kfunc's twin where the verifier has put that. */
static const char *name_of(const struct used_kfunc *used)
{
	if (!used->kfunc)
		return "?";
	return used->is_twin ? used->kfunc->twin : used->kfunc->name;
}

static int print_table(const struct users_options *opts, const struct users *users)
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
	for (size_t i = 0; i < users->nr; i++) {
		const struct user *user = &users->users[i];
		size_t before = nr_rows;

		for (int j = 0; j < user->nr_kfuncs; j++) {
			const struct used_kfunc *used = &user->kfuncs[j];
			const struct kfunc *kfunc = used->kfunc;

			if (!is_wanted(opts, kfunc))
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
		err = table__print(table, stdout, terminal_width(stdout));
	table__free(table);
	printf("%s %zu loaded programs contain calls of %s\n", nr_rows ? "\n" : "", nr_programs,
	       opts->patterns.nr ? "them" : "kfuncs");
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

static int print_json(const struct users_options *opts, const struct users *users)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < users->nr; i++) {
		const struct user *user = &users->users[i];

		for (int j = 0; j < user->nr_kfuncs; j++) {
			if (is_wanted(opts, user->kfuncs[j].kfunc))
				json_array_append_new(rows, json_row(user, &user->kfuncs[j]));
		}
	}
	return output__json(stdout, rows, true);
}

int cmd_users(int argc, char **argv)
{
	struct users_options opts = { 0 };
	struct live_kernel kernel;
	struct users users;
	int err;

	if (parse_options(argc, argv, &opts) || live_kernel__open(&kernel)) {
		pattern_list__free(&opts.patterns);
		return EXIT_TROUBLE;
	}
	err = users__read(&kernel, &users);
	if (!err)
		err = opts.json ? print_json(&opts, &users) : print_table(&opts, &users);
	if (err)
		msg__error("cannot read which programs call what: %s", strerror(-err));
	users__free(&users);
	live_kernel__close(&kernel);
	pattern_list__free(&opts.patterns);
	return output__finish(stdout, "standard output") || err ? EXIT_TROUBLE : EXIT_FINE;
}
