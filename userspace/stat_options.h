/* SPDX-License-Identifier: GPL-2.0-only */
/* What `kfunctrace stat` was asked to do. */
#ifndef KFUNCTRACE_STAT_OPTIONS_H
#define KFUNCTRACE_STAT_OPTIONS_H

#include <stdbool.h>

#include "counters.h"
#include "pattern.h"
#include "run_options.h"
#include "stat_report.h"

struct stat_options {
	struct pattern_list kfuncs;
	bool all;
	bool no_nulls;
	enum stat_by by;
	int nr_slots;
	enum counting_engine engine;
	bool keep; /* the module counts on */
	bool stop; /* what it counts on is ended */
	struct run_options run;
};

/*
 * Takes the command line. On a mistake says what is wrong and returns a negative number; --help
 * prints and exits. The strings stay the command line's.
 */
int stat_options__parse(struct stat_options *opts, int argc, char **argv);
void stat_options__free(struct stat_options *opts);

#endif
