/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_DEPRECATION_CHOICE_H
#define KFUNCTRACE_DEPRECATION_CHOICE_H

#include "deprecation_survey.h"

/*
 * Fills the kfuncs of a survey whose session is open, and what is the matter with each; survey->diff is
 * the way to the target, or empty. Returns 0 or -ENOMEM.
 */
int deprecation_survey__choose(struct deprecation_survey *survey);

#endif
