// SPDX-License-Identifier: GPL-2.0-only
#include "pattern.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

int pattern_list__add(struct pattern_list *list, const char *pattern)
{
	const char **grown = realloc(list->patterns, (list->nr + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->patterns = grown;
	list->patterns[list->nr++] = pattern;
	return 0;
}

void pattern_list__free(struct pattern_list *list)
{
	free(list->patterns);
	memset(list, 0, sizeof(*list));
}

bool pattern_list__match(const struct pattern_list *list, const char *name)
{
	for (int i = 0; i < list->nr; i++) {
		if (fnmatch(list->patterns[i], name, 0) == 0)
			return true;
	}
	return list->nr == 0;
}

bool pattern_list__has(const struct pattern_list *list, const char *name)
{
	for (int i = 0; i < list->nr; i++) {
		if (strcmp(list->patterns[i], name) == 0)
			return true;
	}
	return false;
}
