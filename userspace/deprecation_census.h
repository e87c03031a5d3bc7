/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_DEPRECATION_CENSUS_H
#define KFUNCTRACE_DEPRECATION_CENSUS_H

#include "deprecation_survey.h"

/*
 * Looks into all loaded programs, and at what holds those that contain calls of the survey's kfuncs.
 * Where that does not work the report says so. Returns 0 or -ENOMEM.
 */
int deprecation_census__take(struct deprecation_survey *survey);
/*
 * From here on programs that are loaded are looked into at once. Where that does not work it is said.
 */
void deprecation_census__begin_watch(struct deprecation_survey *survey);
/* Takes programs that have come since; waits for at most so long. Returns 0 or a negative errno. */
int deprecation_census__watch(struct deprecation_survey *survey, __u64 timeout_ns);

/*
 * The use of a kfunc by a program, which may be new: then its name is to be filled in. NULL: no memory.
 */
struct reported_use *deprecation_survey__use(struct deprecation_survey *survey,
					     struct reported_kfunc *kfunc, __u32 prog_id);

#endif
