/* SPDX-License-Identifier: GPL-2.0-only */
/* Which kfuncs `stat` counts, and which it leaves out. */
#ifndef KFUNCTRACE_STAT_CHOICE_H
#define KFUNCTRACE_STAT_CHOICE_H

#include "stat_report.h"

struct kfunc;
struct registry;
struct stat_options;

struct stat_choice {
	const struct kfunc **kfuncs; /* of the registry */
	int nr;
	struct stat_omissions omissions;
};

/*
 * Chooses by the options, and says what is left out. Returns 0 or a negative errno,
 * having said why: -ENOENT when there is nothing to count. To be freed in any case.
 */
int stat_choice__make(struct stat_choice *choice, const struct registry *registry,
		      const struct stat_options *opts);
/* Modules that cannot be unloaded as long as BPF programs are on their kfuncs. */
void stat_choice__say_what_is_held(const struct stat_choice *choice);
void stat_choice__free(struct stat_choice *choice);

#endif
