// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace users: which loaded programs contain calls of which kfuncs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "common_options.h"
#include "live_kernel.h"
#include "message.h"
#include "option_values.h"
#include "output.h"
#include "pattern.h"
#include "program_holders.h"
#include "users.h"
#include "users_report.h"
#include "users_watch.h"

struct users_options {
	struct pattern_list patterns;
	bool json;
	bool watch;
	double duration; /* of the watch, seconds; 0: until Ctrl-C */
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace users [OPTIONS] [PATTERN...]\n"
	      "Lists the loaded BPF programs that contain calls of kfuncs.\n\n"
	      "  PATTERN               shell glob on the kfunc's name; several: any of them\n"
	      "      --watch           instead, programs as they are loaded and unloaded\n"
	      "  -d, --duration SECONDS\n"
	      "                        end --watch after so long; otherwise at Ctrl-C\n"
	      "      --json            an array of objects; with --watch, an object a line\n"
	      "  -v, --verbose         program by program, with each call site\n"
	      "  -h, --help\n",
	      out);
}

static int parse_options(int argc, char **argv, struct users_options *opts)
{
	enum { OPT_JSON = 256, OPT_WATCH };
	static const struct option longs[] = {
		{ "watch", no_argument, NULL, OPT_WATCH },
		{ "duration", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, OPT_JSON },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "d:vh", longs, NULL)) != -1) {
		switch (c) {
		case OPT_JSON:
			opts->json = true;
			break;
		case OPT_WATCH:
			opts->watch = true;
			break;
		case 'd':
			if (option__seconds(optarg, "-d", &opts->duration))
				return -1;
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
	if (opts->duration && !opts->watch) {
		msg__error("-d is for --watch: the list is read at once");
		return -1;
	}
	return 0;
}

static int print(const struct users_options *opts, const struct users_report *report)
{
	if (opts->json)
		return users_report__print_json(report, stdout);
	if (msg__verbosity())
		return users_report__print_details(report, stdout);
	return users_report__print_table(report, stdout);
}

/* What is loaded now. */
static int census(const struct users_options *opts, struct live_kernel *kernel)
{
	struct program_holders *holders = NULL;
	struct users users;
	int err;

	if (live_kernel__load_deprecations(kernel))
		return -ENOMEM;
	err = users__read(kernel, &users);
	if (!err)
		err = program_holders__read(kernel->btfs, &holders);
	if (!err)
		err = print(opts,
			    &(struct users_report){ &users, &opts->patterns, holders, kernel });
	if (err)
		msg__error("cannot read which programs call what: %s", strerror(-err));
	users__free(&users);
	program_holders__free(holders);
	return err;
}

int cmd_users(int argc, char **argv)
{
	struct users_options opts = { 0 };
	struct live_kernel kernel;
	int err;

	if (parse_options(argc, argv, &opts) || live_kernel__open(&kernel)) {
		pattern_list__free(&opts.patterns);
		return EXIT_TROUBLE;
	}
	if (opts.watch)
		err = users_watch__run(&kernel, &(struct users_watch_options){
							&opts.patterns, opts.json, opts.duration });
	else
		err = census(&opts, &kernel);
	live_kernel__close(&kernel);
	pattern_list__free(&opts.patterns);
	return output__finish(stdout, "standard output") || err ? EXIT_TROUBLE : EXIT_FINE;
}
