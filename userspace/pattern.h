/* SPDX-License-Identifier: GPL-2.0-only */
/* Shell globs that users choose kfuncs with. */
#ifndef KFUNCTRACE_PATTERN_H
#define KFUNCTRACE_PATTERN_H

#include <stdbool.h>

/* Patterns as they came from the command line; not owned. */
struct pattern_list {
	const char **patterns;
	int nr;
};

/* Returns 0 or -ENOMEM. */
int pattern_list__add(struct pattern_list *list, const char *pattern);
void pattern_list__free(struct pattern_list *list);
/* True when `name` matches one of them, or when there are none. */
bool pattern_list__match(const struct pattern_list *list, const char *name);
/* True when one of them is just this name. */
bool pattern_list__has(const struct pattern_list *list, const char *name);

#endif
