// SPDX-License-Identifier: GPL-2.0-only
#include "holders_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "json_values.h"
#include "program_holders.h"

/* Text that grows, separated by commas. */
struct joined {
	FILE *out;
	char *text;
	size_t size, nr;
};

static void join(struct joined *joined)
{
	if (!joined->out)
		joined->out = open_memstream(&joined->text, &joined->size);
	if (joined->out && joined->nr++)
		fputs(", ", joined->out);
}

static char *finish(struct joined *joined)
{
	if (!joined->out)
		joined->out = open_memstream(&joined->text, &joined->size);
	if (!joined->out)
		return NULL;
	if (!joined->nr)
		fputc('-', joined->out);
	if (!fclose(joined->out))
		return joined->text;
	free(joined->text);
	return NULL;
}

/* A process is named once, though it may have the program and links of it. */
static bool is_first(const struct program_process *first, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (first[i].pid == first[at].pid)
			return false;
	}
	return true;
}

char *holders_text__processes(const struct program_holders *holders, __u32 prog_id)
{
	struct joined joined = { 0 };
	const struct program_process *first;
	size_t nr = program_holders__processes(holders, prog_id, &first);

	for (size_t i = 0; i < nr; i++) {
		if (!is_first(first, i))
			continue;
		join(&joined);
		if (!joined.out)
			return NULL;
		fprintf(joined.out, "%s/%d", first[i].comm, first[i].pid);
		if (first[i].unit)
			fprintf(joined.out, " (%s)", first[i].unit);
	}
	return finish(&joined);
}

char *holders_text__pins(const struct program_holders *holders, __u32 prog_id)
{
	struct joined joined = { 0 };
	const struct program_pin *first;
	size_t nr = program_holders__pins(holders, prog_id, &first);

	for (size_t i = 0; i < nr; i++) {
		join(&joined);
		if (!joined.out)
			return NULL;
		fprintf(joined.out, "%s%s", first[i].path, first[i].link_id ? " (link)" : "");
	}
	return finish(&joined);
}

char *holders_text__attachments(const struct program_holders *holders, __u32 prog_id)
{
	struct joined joined = { 0 };
	const struct program_attachment *first;
	size_t nr = program_holders__attachments(holders, prog_id, &first);

	for (size_t i = 0; i < nr; i++) {
		join(&joined);
		if (!joined.out)
			return NULL;
		fprintf(joined.out, "%s%s%s", first[i].how, first[i].target[0] ? " " : "",
			first[i].target);
	}
	return finish(&joined);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *id_or_null(__u32 id)
{
	return id ? json_integer(id) : json_null();
}

static json_t *json_processes(const struct program_holders *holders, __u32 prog_id)
{
	const struct program_process *first;
	size_t nr = program_holders__processes(holders, prog_id, &first);
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++) {
		json_t *object = json_object();

		json_object_set_new(object, "pid", json_integer(first[i].pid));
		json_object_set_new(object, "comm", json_text(first[i].comm));
		json_object_set_new(object, "unit", json_text(first[i].unit));
		json_object_set_new(object, "link_id", id_or_null(first[i].link_id));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_pins(const struct program_holders *holders, __u32 prog_id)
{
	const struct program_pin *first;
	size_t nr = program_holders__pins(holders, prog_id, &first);
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++) {
		json_t *object = json_object();

		json_object_set_new(object, "path", json_text(first[i].path));
		json_object_set_new(object, "link_id", id_or_null(first[i].link_id));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_attachments(const struct program_holders *holders, __u32 prog_id)
{
	const struct program_attachment *first;
	size_t nr = program_holders__attachments(holders, prog_id, &first);
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++) {
		json_t *object = json_object();

		json_object_set_new(object, "how", json_text(first[i].how));
		json_object_set_new(object, "target",
				    json_text(first[i].target[0] ? first[i].target : NULL));
		json_object_set_new(object, "link_id", id_or_null(first[i].link_id));
		json_array_append_new(array, object);
	}
	return array;
}

void holders_text__add_json(const struct program_holders *holders, __u32 prog_id, json_t *object)
{
	json_object_set_new(object, "holders", json_processes(holders, prog_id));
	json_object_set_new(object, "pins", json_pins(holders, prog_id));
	json_object_set_new(object, "attached", json_attachments(holders, prog_id));
}
