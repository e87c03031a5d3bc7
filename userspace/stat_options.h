/* SPDX-License-Identifier: GPL-2.0-only */
/* What `kfunctrace stat` was asked to do. */
#ifndef KFUNCTRACE_STAT_OPTIONS_H
#define KFUNCTRACE_STAT_OPTIONS_H

#include <stdbool.h>

#include "pattern.h"
#include "run_window.h"
#include "stat_report.h"

struct stat_options {
	struct pattern_list kfuncs;
	struct pattern_list modules;
	bool no_modules;
	bool all;
	bool no_nulls;
	bool json;
	bool addresses;
	enum stat_by by;
	struct run_window_options window;
	int nr_slots;
	const char *output; /* or NULL */
};

/*
 * Takes the command line. On a mistake says what is wrong and returns a negative number; --help
 * prints and exits. The strings stay the command line's.
 */
int stat_options__parse(struct stat_options *opts, int argc, char **argv);
void stat_options__free(struct stat_options *opts);

#endif
