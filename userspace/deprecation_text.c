// SPDX-License-Identifier: GPL-2.0-only
/* Deprecated kfuncs in print. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "deprecations.h"
#include "json_values.h"
#include "kernel_version.h"

const char *deprecation__format(const struct deprecation *deprecation, char *buf, size_t size)
{
	const char *replacement = deprecation__replacement(deprecation);
	char since[32] = "";

	if (deprecation->since)
		snprintf(since, sizeof(since), " since %u.%u", deprecation->since >> 16,
			 deprecation->since & 0xffff);
	snprintf(buf, size, "%s%s, %s%s", deprecation_kind__name(deprecation->kind), since,
		 replacement ? "use " : "no replacement is known", replacement ?: "");
	return buf;
}

void deprecation__add_json(const struct deprecation *deprecation, json_t *object)
{
	const char *replacement = deprecation ? deprecation__replacement(deprecation) : NULL;

	json_object_set_new(object, "deprecated",
			    deprecation ? json_string(deprecation_kind__name(deprecation->kind))
					: json_null());
	json_object_set_new(object, "replacement", json_text(replacement));
}

const char *deprecation_notes__mark(struct deprecation_notes *notes, const char *kfunc,
				    const struct deprecation *deprecation)
{
	struct deprecation_note *grown;

	if (!deprecation || !notes)
		return "";
	for (size_t i = 0; i < notes->nr; i++) {
		if (strcmp(notes->notes[i].kfunc, kfunc) == 0)
			return DEPRECATED_MARK;
	}
	grown = realloc(notes->notes, (notes->nr + 1) * sizeof(*grown));
	/* Without memory for the note the mark is still true. */
	if (!grown)
		return DEPRECATED_MARK;
	notes->notes = grown;
	grown[notes->nr++] =
		(struct deprecation_note){ .kfunc = kfunc, .deprecation = deprecation };
	return DEPRECATED_MARK;
}

void deprecation_notes__free(struct deprecation_notes *notes)
{
	free(notes->notes);
	memset(notes, 0, sizeof(*notes));
}

void deprecation_notes__print(struct deprecation_notes *notes, FILE *out)
{
	char text[512];

	for (size_t i = 0; i < notes->nr; i++)
		fprintf(out, " " DEPRECATED_MARK " %s: %s\n", notes->notes[i].kfunc,
			deprecation__format(notes->notes[i].deprecation, text, sizeof(text)));
	deprecation_notes__free(notes);
}
