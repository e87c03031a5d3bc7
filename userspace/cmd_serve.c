// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace serve: counts day and night. */
#include <stdio.h>

#include "aggregator.h"
#include "commands.h"
#include "common_options.h"
#include "message.h"
#include "serve_config.h"
#include "version.h"

struct serve_options {
	struct aggregator_options aggregator;
	bool check_config;
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace serve [OPTIONS]\n"
	      "Counts day and night who calls which kfuncs, keeps a history, and serves metrics to\n"
	      "Prometheus. Runs in the foreground until it is told to end.\n\n"
	      "  -c, --config FILE      instead of " SERVE_CONFIG_PATH "\n"
	      "      --history FILE     instead of what the configuration says; off: keep none\n"
	      "      --listen ADDRESS   instead of what the configuration says; HOST:PORT, unix:/PATH\n"
	      "                         or off\n"
	      "      --check-config     say what is wrong with the configuration, and end\n"
	      "  -v, --verbose\n"
	      "  -h, --help\n\n"
	      "Exit status: 0 ended as it was told to, 2 trouble.\n",
	      out);
}

static int parse_options(struct serve_options *opts, int argc, char **argv)
{
	enum { OPT_HISTORY = 256, OPT_LISTEN, OPT_CHECK };
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "history", required_argument, NULL, OPT_HISTORY },
		{ "listen", required_argument, NULL, OPT_LISTEN },
		{ "check-config", no_argument, NULL, OPT_CHECK },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c, err = 0;

	while (!err && (c = getopt_long(argc, argv, "c:vh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			opts->aggregator.config = optarg;
			opts->aggregator.config_must_exist = true;
			break;
		case OPT_HISTORY:
			opts->aggregator.history = optarg;
			break;
		case OPT_LISTEN:
			opts->aggregator.listen = optarg;
			break;
		case OPT_CHECK:
			opts->check_config = true;
			break;
		default:
			err = common_option__take(c, print_usage);
		}
	}
	if (!err && optind < argc) {
		msg__error("serve takes no arguments, and '%s' is one", argv[optind]);
		err = -1;
	}
	return err;
}

int cmd_serve(int argc, char **argv)
{
	struct serve_options opts = {
		.aggregator = { .config = SERVE_CONFIG_PATH, .version = kfunctrace_version() },
	};
	int err;

	if (parse_options(&opts, argc, argv))
		return EXIT_TROUBLE;
	if (opts.check_config)
		err = aggregator__check_config(&opts.aggregator);
	else
		err = aggregator__run(&opts.aggregator);
	return err ? EXIT_TROUBLE : EXIT_FINE;
}
