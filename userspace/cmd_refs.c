// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace refs: the references that programs hold. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "live_kernel.h"
#include "message.h"
#include "output.h"
#include "pairing.h"
#include "pairs_report.h"

struct refs_options {
	bool pairs;
	bool json;
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace refs --pairs [OPTIONS]\n"
	      "Shows which functions of the running kernel take references, on what, and which\n"
	      "give them back.\n\n"
	      "      --pairs           what acquires and what releases, type by type\n"
	      "      --json            an object\n"
	      "  -v, --verbose\n"
	      "  -h, --help\n",
	      out);
}

static int parse_options(int argc, char **argv, struct refs_options *opts)
{
	static const struct option longs[] = {
		{ "pairs", no_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		switch (c) {
		case 'p':
			opts->pairs = true;
			break;
		case 'j':
			opts->json = true;
			break;
		case 'v':
			msg__set_verbosity(msg__verbosity() + 1);
			break;
		case 'h':
			print_usage(stdout);
			exit(output__finish(stdout, "standard output") ? EXIT_TROUBLE : EXIT_FINE);
		default:
			print_usage(stderr);
			return EXIT_TROUBLE;
		}
	}
	if (optind < argc) {
		msg__error("refs takes no arguments: '%s'", argv[optind]);
		return EXIT_TROUBLE;
	}
	if (!opts->pairs) {
		msg__error("refs needs --pairs");
		return EXIT_TROUBLE;
	}
	return EXIT_FINE;
}

static int print_pairs(bool json)
{
	struct live_kernel kernel;
	struct pairing *pairing;
	int err;

	if (live_kernel__open(&kernel))
		return EXIT_TROUBLE;
	err = pairing__open(&kernel, &pairing);
	if (err) {
		msg__error("cannot find out what this kernel's kfuncs acquire and release: %s",
			   strerror(-err));
	} else {
		err = pairs_report__print(pairing, json);
		if (err)
			msg__error("cannot print the pairs: %s", strerror(-err));
		pairing__free(pairing);
	}
	live_kernel__close(&kernel);
	return output__finish(stdout, "standard output") || err ? EXIT_TROUBLE : EXIT_FINE;
}

int cmd_refs(int argc, char **argv)
{
	struct refs_options opts = { 0 };
	int status = parse_options(argc, argv, &opts);

	return status == EXIT_FINE ? print_pairs(opts.json) : status;
}
