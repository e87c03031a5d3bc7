/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fills a report of deprecated kfuncs on the running kernel: looks into all loaded programs, again
 * whenever there are new ones, and counts calls meanwhile where the kernel allows tracing.
 */
#ifndef KFUNCTRACE_DEPRECATION_SURVEY_H
#define KFUNCTRACE_DEPRECATION_SURVEY_H

#include "deprecation_report.h"
#include "run_window.h"
#include "snapshot.h"
#include "snapshot_diff.h"
#include "tracing_session.h"
#include "usage.h"

struct pattern_list;
struct program_watch;

struct deprecation_survey_options {
	const struct pattern_list *patterns; /* only these kfuncs */
	const char *target; /* also what breaks on this kernel (snapshot__open()), or NULL */
	bool census_only;   /* attach nothing */
	struct run_window_options window;
};

struct deprecation_survey {
	const struct deprecation_survey_options *opts;
	struct deprecation_report report; /* as of the end */
	/* The rest is its own. */
	struct tracing_session session;
	struct snapshot live, target;
	struct snapshot_diff diff;
	const struct kfunc **kfuncs; /* of the registry, as in the report */
	int *by_index;		     /* by index in the registry: index in the report, or -1 */
	struct run_window window;
	bool counting;
	struct usage older, newer; /* the last two drains */
	double drained_at;	   /* when `older` was */
	struct program_watch *watch;
	bool has_newcomers;    /* programs of the report that nobody has looked behind yet */
	__u64 next_holders_ns; /* not earlier */
	char host[256];
};

/* Returns 0 or a negative errno, having said why. To be closed in any case. */
int deprecation_survey__run(struct deprecation_survey *survey,
			    const struct deprecation_survey_options *opts);
/* Before it, the report can be printed. On kernels before 7.2 it takes a while. */
void deprecation_survey__close(struct deprecation_survey *survey);

#endif
