// SPDX-License-Identifier: GPL-2.0-only
#include "name_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -1: it is not there. */
static int find(const struct name_list *list, const char *name)
{
	for (int i = 0; i < list->nr; i++) {
		if (strcmp(list->names[i], name) == 0)
			return i;
	}
	return -1;
}

bool name_list__has(const struct name_list *list, const char *name)
{
	return find(list, name) >= 0;
}

int name_list__add(struct name_list *list, const char *name)
{
	char **grown;

	if (name_list__has(list, name))
		return 0;
	grown = realloc(list->names, (list->nr + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->names = grown;
	list->names[list->nr] = strdup(name);
	if (!list->names[list->nr])
		return -ENOMEM;
	list->nr++;
	return 0;
}

void name_list__drop(struct name_list *list, const char *name)
{
	int idx = find(list, name);

	if (idx < 0)
		return;
	free(list->names[idx]);
	list->names[idx] = list->names[--list->nr];
}

void name_list__free(struct name_list *list)
{
	for (int i = 0; i < list->nr; i++)
		free(list->names[i]);
	free(list->names);
	memset(list, 0, sizeof(*list));
}
