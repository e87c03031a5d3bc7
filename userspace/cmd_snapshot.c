// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace snapshot: the registry of the running kernel in a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "common_options.h"
#include "live_kernel.h"
#include "message.h"
#include "output.h"
#include "snapshot.h"

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace snapshot [OPTIONS]\n"
	      "Writes what the kfuncs of the running kernel look like to programs, as JSON that is "
	      "the\n"
	      "same for the same kernel and that `kfunctrace diff` compares.\n\n"
	      "  -o, --output FILE     to a file; otherwise to standard output\n"
	      "  -v, --verbose\n"
	      "  -h, --help\n",
	      out);
}

static int parse_options(int argc, char **argv, const char **output)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "o:vh", longs, NULL)) != -1) {
		switch (c) {
		case 'o':
			*output = optarg;
			break;
		default:
			if (common_option__take(c, print_usage))
				return -1;
		}
	}
	if (optind < argc) {
		msg__error("snapshot takes no arguments: '%s'", argv[optind]);
		return -1;
	}
	return 0;
}

int cmd_snapshot(int argc, char **argv)
{
	const char *output = NULL;
	struct snapshot snapshot;
	struct live_kernel kernel;
	struct results results;
	int err;

	if (parse_options(argc, argv, &output) || live_kernel__open(&kernel))
		return EXIT_TROUBLE;
	err = snapshot__of_live(&kernel, &snapshot);
	if (err == -ENOMEM)
		msg__error("not enough memory for the snapshot");
	if (!err) {
		err = results__open(&results, output, NULL);
		if (!err) {
			err = snapshot__write(&snapshot, results__begin(&results));
			err = results__close(&results) ?: err;
		}
		snapshot__free(&snapshot);
	}
	live_kernel__close(&kernel);
	return err ? EXIT_TROUBLE : EXIT_FINE;
}
