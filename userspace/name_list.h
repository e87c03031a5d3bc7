/* SPDX-License-Identifier: GPL-2.0-only */
/* A handful of names, each once, of which it has copies. */
#ifndef KFUNCTRACE_NAME_LIST_H
#define KFUNCTRACE_NAME_LIST_H

#include <stdbool.h>

struct name_list {
	char **names;
	int nr;
};

bool name_list__has(const struct name_list *list, const char *name);
/* Returns 0, also when it was there, or -ENOMEM. */
int name_list__add(struct name_list *list, const char *name);
void name_list__drop(struct name_list *list, const char *name);
/* It is empty afterwards, and may be used again. */
void name_list__free(struct name_list *list);

#endif
