// SPDX-License-Identifier: GPL-2.0-only
/* All that the catalogue says of a kfunc, as JSON. */
#include <stdio.h>

#include <jansson.h>

#include "deprecations.h"
#include "json_values.h"

void deprecation__add_json_details(const struct deprecation *deprecation, json_t *object)
{
	char since[32] = "";

	deprecation__add_json(deprecation, object);
	if (deprecation && deprecation->since)
		snprintf(since, sizeof(since), "%u.%u", deprecation->since >> 16,
			 deprecation->since & 0xffff);
	json_object_set_new(object, "deprecated_since", json_text_unless_empty(since));
	json_object_set_new(object, "deprecated_words",
			    json_text(deprecation ? deprecation->words : NULL));
	json_object_set_new(object, "deprecated_source",
			    json_text(deprecation ? deprecation->source : NULL));
}
