// SPDX-License-Identifier: GPL-2.0-only
#include "text_pool.h"

#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"

struct text_pool {
	void *root; /* of tsearch(3): the texts themselves */
};

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct text_pool *text_pool__new(void)
{
	return calloc(1, sizeof(struct text_pool));
}

void text_pool__free(struct text_pool *pool)
{
	if (pool)
		tdestroy(pool->root, free);
	free(pool);
}

const char *text_pool__keep(struct text_pool *pool, const char *text)
{
	char **found, *copy;

	if (!text)
		return NULL;
	found = tfind(text, &pool->root, compare);
	if (found)
		return *found;
	copy = strdup(text);
	if (!copy)
		return NULL;
	if (!printable__is(copy)) {
		printable__make(copy);
		found = tfind(copy, &pool->root, compare);
		if (found) {
			free(copy);
			return *found;
		}
	}
	found = tsearch(copy, &pool->root, compare);
	if (found)
		return *found;
	free(copy);
	return NULL;
}

const char *text_pool__format(struct text_pool *pool, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return text_pool__keep(pool, text);
}
