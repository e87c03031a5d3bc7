// SPDX-License-Identifier: GPL-2.0-only
#include "json_values.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "kfunc_flags.h"
#include "printable.h"

json_t *json_text(const char *text)
{
	json_t *json;
	char *copy;

	if (!text)
		return json_null();
	json = json_string(text);
	if (json)
		return json;
	copy = strdup(text);
	if (!copy)
		return NULL;
	printable__make(copy);
	json = json_string(copy);
	free(copy);
	return json;
}

json_t *json_text_unless_empty(const char *text)
{
	return json_text(*text ? text : NULL);
}

json_t *json_time(double when)
{
	time_t seconds = (time_t)when;
	struct tm parts;
	char text[64];

	if (when <= 0 || !localtime_r(&seconds, &parts) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &parts))
		return json_null();
	return json_string(text);
}

json_t *json_kfunc_flags(unsigned int flags, unsigned int version)
{
	json_t *array = json_array();
	char unnamed[16];

	for (unsigned int bit = 0; bit < sizeof(flags) * CHAR_BIT; bit++) {
		if (!(flags & (1u << bit)))
			continue;
		json_array_append_new(array, json_string(kfunc_flag__name(bit, version, unnamed,
									  sizeof(unnamed))));
	}
	return array;
}
