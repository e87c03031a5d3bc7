// SPDX-License-Identifier: GPL-2.0-only
#include "run_options.h"

#include <string.h>

#include "common_options.h"
#include "message.h"
#include "option_values.h"

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
	case OPT_EVENTS:
		opts->events = true;
		return 0;
	case 'o':
		opts->output = optarg;
		return 0;
	default:
		return common_option__take(c, print_usage);
	}
}

int run_options__engine(const char *text, enum counting_engine *engine)
{
	if (strcmp(text, "bpf") == 0)
		*engine = ENGINE_BPF;
	else if (strcmp(text, "module") == 0)
		*engine = ENGINE_MODULE;
	else if (strcmp(text, "auto") == 0)
		*engine = ENGINE_AUTO;
	else {
		msg__error("--engine takes bpf, module or auto, not '%s'", text);
		return -1;
	}
	return 0;
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
