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
#include "output.h"
#include "pattern.h"
#include "users.h"
#include "users_report.h"

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

int cmd_users(int argc, char **argv)
{
	struct users_options opts = { 0 };
	struct live_kernel kernel;
	struct users users;
	struct users_report report = { .users = &users, .patterns = &opts.patterns };
	int err;

	if (parse_options(argc, argv, &opts) || live_kernel__open(&kernel)) {
		pattern_list__free(&opts.patterns);
		return EXIT_TROUBLE;
	}
	err = users__read(&kernel, &users);
	if (!err)
		err = opts.json ? users_report__print_json(&report, stdout)
				: users_report__print_table(&report, stdout);
	if (err)
		msg__error("cannot read which programs call what: %s", strerror(-err));
	users__free(&users);
	live_kernel__close(&kernel);
	pattern_list__free(&opts.patterns);
	return output__finish(stdout, "standard output") || err ? EXIT_TROUBLE : EXIT_FINE;
}
