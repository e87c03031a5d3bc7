// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace diff: what changes for programs from one kernel to another. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "commands.h"
#include "common_options.h"
#include "deprecations.h"
#include "json_values.h"
#include "message.h"
#include "output.h"
#include "snapshot.h"
#include "snapshot_diff.h"
#include "table.h"

struct diff_options {
	bool json;
	bool stat;
	bool breaking_only;
	const char *old, *new;
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace diff [OPTIONS] OLD NEW\n"
	      "Shows what changes for BPF programs from one kernel to another. OLD and NEW are files\n"
	      "that `kfunctrace snapshot` has written, kernels that come with the program (6.12, 7.x),\n"
	      "or `live`, the running kernel.\n\n"
	      "      --breaking        only what breaks programs that work on OLD\n"
	      "      --stat            numbers of changes, a line a kind\n"
	      "      --json            an object\n"
	      "  -v, --verbose\n"
	      "  -h, --help\n\n"
	      "Exit status: 0 nothing breaks, 1 something does, 2 trouble.\n",
	      out);
}

static int parse_options(int argc, char **argv, struct diff_options *opts)
{
	enum { OPT_JSON = 256, OPT_STAT, OPT_BREAKING };
	static const struct option longs[] = {
		{ "breaking", no_argument, NULL, OPT_BREAKING },
		{ "stat", no_argument, NULL, OPT_STAT },
		{ "json", no_argument, NULL, OPT_JSON },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		switch (c) {
		case OPT_BREAKING:
			opts->breaking_only = true;
			break;
		case OPT_STAT:
			opts->stat = true;
			break;
		case OPT_JSON:
			opts->json = true;
			break;
		default:
			if (common_option__take(c, print_usage))
				return -1;
		}
	}
	if (argc - optind != 2) {
		msg__error(
			"diff compares two kernels, OLD and NEW: files of `kfunctrace snapshot`, "
			"versions such as 6.12, or `live`");
		return -1;
	}
	opts->old = argv[optind];
	opts->new = argv[optind + 1];
	return 0;
}

static bool is_wanted(const struct diff_options *opts, const struct change *change)
{
	return change->breaks || !opts->breaking_only;
}

/* Of a new name or a deprecation, `what` says already what to call. */
static void print_meaning(struct table *table, const struct change *change)
{
	if (change->kind == CHANGE_REMOVED && change->replacement)
		table__cell(table, "%s; use %s", change->means, change->replacement);
	else
		table__cell(table, "%s", change->means ?: "");
}

static int print_changes(const struct diff_options *opts, const struct snapshot_diff *diff)
{
	static const struct table_column columns[] = {
		{ .title = "KFUNC", .min = TABLE_WHOLE }, { .title = "CHANGE", .drop = 2 },
		{ .title = "BREAKS", .drop = 1 },	  { .title = "WHAT", .min = 20 },
		{ .title = "FOR PROGRAMS", .drop = 3 },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	int err;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < diff->nr; i++) {
		const struct change *change = &diff->changes[i];

		if (!is_wanted(opts, change))
			continue;
		table__row(table);
		table__cell(table, "%s", change->kfunc);
		table__cell(table, "%s", change_kind__name(change->kind));
		table__cell(table, "%s", change->breaks ? "yes" : "-");
		table__cell(table, "%s", change->what);
		print_meaning(table, change);
	}
	err = table__print(table, stdout, terminal_width(stdout));
	table__free(table);
	return err;
}

static int print_stat(const struct diff_options *opts, const struct snapshot_diff *diff)
{
	static const struct table_column columns[] = {
		{ .title = "CHANGE" },
		{ .title = "CHANGES", .right = true },
		{ .title = "BREAKING", .right = true },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	int err;

	if (!table)
		return -ENOMEM;
	for (int kind = 0; kind < CHANGE_NR_KINDS; kind++) {
		size_t nr = 0, breaking = 0;

		for (size_t i = 0; i < diff->nr; i++) {
			if ((int)diff->changes[i].kind != kind ||
			    !is_wanted(opts, &diff->changes[i]))
				continue;
			nr++;
			breaking += diff->changes[i].breaks;
		}
		if (!nr)
			continue;
		table__row(table);
		table__cell(table, "%s", change_kind__name(kind));
		table__number(table, nr);
		table__number(table, breaking);
	}
	err = table__print(table, stdout, terminal_width(stdout));
	table__free(table);
	return err;
}

static json_t *json_kernel(const struct snapshot *snapshot)
{
	return json_pack("{s:s, s:s, s:i}", "release", snapshot->release, "arch", snapshot->arch,
			 "kfuncs", snapshot->nr);
}

static int print_json(const struct diff_options *opts, const struct snapshot_diff *diff,
		      const struct snapshot *old, const struct snapshot *new)
{
	json_t *root = json_object(), *changes = json_array();

	for (size_t i = 0; i < diff->nr; i++) {
		const struct change *change = &diff->changes[i];
		json_t *json;

		if (!is_wanted(opts, change))
			continue;
		json = json_object();
		json_object_set_new(json, "kfunc", json_string(change->kfunc));
		json_object_set_new(json, "module", json_string(change->module));
		json_object_set_new(json, "change", json_string(change_kind__name(change->kind)));
		json_object_set_new(json, "breaking", json_boolean(change->breaks));
		json_object_set_new(json, "what", json_string(change->what));
		json_object_set_new(json, "means", json_text(change->means));
		json_object_set_new(json, "replacement",
				    change->replacement ? json_string(change->replacement)
							: json_null());
		json_array_append_new(changes, json);
	}
	json_object_set_new(root, "old", json_kernel(old));
	json_object_set_new(root, "new", json_kernel(new));
	json_object_set_new(root, "changes", changes);
	json_object_set_new(root, "not_compared",
			    json_pack("{s:I, s:I}", "hooks", (json_int_t)diff->nr_hooks_unknown,
				      "coverage", (json_int_t)diff->nr_coverage_unknown));
	return output__json(stdout, root, true);
}

/* A snapshot out of a file does not tell all. */
static void print_not_compared(const struct snapshot_diff *diff)
{
	if (diff->nr_hooks_unknown)
		printf(" hooks of %zu kfuncs not compared: a kernel's file does not tell them\n",
		       diff->nr_hooks_unknown);
	if (diff->nr_coverage_unknown)
		printf(" coverage of %zu kfuncs not compared: unknown in one of the kernels\n",
		       diff->nr_coverage_unknown);
}

static int print(const struct diff_options *opts, const struct snapshot_diff *diff,
		 const struct snapshot *old, const struct snapshot *new)
{
	int err = 0;

	if (opts->json)
		return print_json(opts, diff, old, new);
	if (opts->stat)
		err = print_stat(opts, diff);
	else if (opts->breaking_only ? diff->nr_breaking : diff->nr)
		err = print_changes(opts, diff);
	printf("%s %zu changes from %s (%d kfuncs)\n to %s (%d kfuncs), %zu of them breaking\n",
	       (opts->breaking_only ? diff->nr_breaking : diff->nr) ? "\n" : "", diff->nr,
	       old->release, old->nr, new->release, new->nr, diff->nr_breaking);
	print_not_compared(diff);
	return err;
}

int cmd_diff(int argc, char **argv)
{
	struct snapshot old = { 0 }, new = { 0 };
	struct diff_options opts = { 0 };
	struct snapshot_diff diff = { 0 };
	struct deprecations *deprecations = NULL;
	int err;

	if (parse_options(argc, argv, &opts))
		return EXIT_TROUBLE;
	err = snapshot__open(opts.old, &old);
	if (!err)
		err = snapshot__open(opts.new, &new);
	if (!err) {
		err = deprecations__load(&deprecations)
			      ?: snapshot_diff__make(&diff, &old, &new, deprecations)
			      ?: print(&opts, &diff, &old, &new);
		if (err)
			msg__error("cannot compare: %s", strerror(-err));
		err = output__finish(stdout, "standard output") ?: err;
	}
	if (!err)
		err = diff.nr_breaking ? EXIT_FOUND : EXIT_FINE;
	else
		err = EXIT_TROUBLE;
	snapshot_diff__free(&diff);
	deprecations__free(deprecations);
	snapshot__free(&old);
	snapshot__free(&new);
	return err;
}
