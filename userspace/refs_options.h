/* SPDX-License-Identifier: GPL-2.0-only */
/* What `kfunctrace refs` was asked to do. */
#ifndef KFUNCTRACE_REFS_OPTIONS_H
#define KFUNCTRACE_REFS_OPTIONS_H

#include <stdbool.h>

#include "pattern.h"
#include "reference_objects.h"
#include "reference_plan.h"
#include "run_options.h"

struct refs_options {
	bool pairs;
	enum reference_mode mode;
	struct pattern_list types;
	bool stack;
	bool stale_only;
	__u64 min_age_ns;
	enum object_order order;
	__u32 max_objects;
	__u32 max_events;
	enum counting_engine engine;
	struct run_options run;
};

/*
 * Takes the command line. On a mistake says what is wrong and returns a negative number; --help
 * prints and exits. The strings stay the command line's.
 */
int refs_options__parse(struct refs_options *opts, int argc, char **argv);
void refs_options__free(struct refs_options *opts);

#endif
