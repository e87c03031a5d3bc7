// SPDX-License-Identifier: GPL-2.0-only
#include "run_options.h"

#include <stdlib.h>

#include "message.h"
#include "option_values.h"
#include "output.h"

int run_options__take(struct run_options *opts, int c, void (*print_usage)(FILE *out))
{
	switch (c) {
	case 'm':
		return pattern_list__add(&opts->modules, optarg);
	case OPT_NO_MODULES:
		opts->no_modules = true;
		return 0;
	case 'd':
		return option__seconds(optarg, "--duration", &opts->window.duration);
	case OPT_ADDRESSES:
		opts->addresses = true;
		return 0;
	case OPT_JSON:
		opts->json = true;
		return 0;
	case 'o':
		opts->output = optarg;
		return 0;
	case 'v':
		msg__set_verbosity(msg__verbosity() + 1);
		return 0;
	case 'h':
		print_usage(stdout);
		exit(output__finish(stdout, "standard output") ? EXIT_TROUBLE : EXIT_FINE);
	default:
		print_usage(stderr);
		return -1;
	}
}

int run_options__finish(struct run_options *opts, int argc, char **argv)
{
	if (optind < argc)
		opts->window.command = argv + optind;
	return opts->addresses ? option__may_see_addresses() : 0;
}

void run_options__free(struct run_options *opts)
{
	pattern_list__free(&opts->modules);
}
