/* SPDX-License-Identifier: GPL-2.0-only */
/* The options that all commands have which watch for a while: stat, refs, trace. */
#ifndef KFUNCTRACE_RUN_OPTIONS_H
#define KFUNCTRACE_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "common_options.h"
#include "counters.h"
#include "pattern.h"
#include "run_window.h"

struct run_options {
	struct pattern_list modules; /* -m */
	bool no_modules;
	bool addresses;
	bool events; /* trace events as well */
	bool json;
	struct run_window_options window; /* -d, -i, COMMAND */
	const char *output;		  /* -o, or NULL */
};

/* A command's own long options begin at OPT_OWN. */
enum { OPT_NO_MODULES = 256, OPT_ADDRESSES, OPT_JSON, OPT_EVENTS, OPT_OWN };

/* Options end at COMMAND, which has its own: hence '+'. */
#define RUN_SHORT_OPTIONS "+m:d:o:vh"
#define RUN_LONG_OPTIONS                                                                           \
	{ "module", required_argument, NULL, 'm' },                                                \
		{ "no-modules", no_argument, NULL, OPT_NO_MODULES },                               \
		{ "duration", required_argument, NULL, 'd' },                                      \
		{ "addresses", no_argument, NULL, OPT_ADDRESSES },                                 \
		{ "json", no_argument, NULL, OPT_JSON },                                           \
		{ "events", no_argument, NULL, OPT_EVENTS },                                       \
		{ "output", required_argument, NULL, 'o' }, COMMON_LONG_OPTIONS

/*
 * Takes the option `c` that getopt_long() has returned. 0: taken; -1: it is wrong, and it was said
 * why. --help prints and exits.
 */
int run_options__take(struct run_options *opts, int c, void (*print_usage)(FILE *out));
/* The value of --engine, of those commands that have it. 0, or -1 having said what is wrong. */
int run_options__engine(const char *text, enum counting_engine *engine);
/* After the last option: takes COMMAND. Returns 0, or -1 having said what is wrong. */
int run_options__finish(struct run_options *opts, int argc, char **argv);
void run_options__free(struct run_options *opts);

#endif
