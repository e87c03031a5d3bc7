// SPDX-License-Identifier: GPL-2.0-only
#include "pairs_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "json_values.h"
#include "kernel_btf.h"
#include "output.h"
#include "pairing.h"
#include "table.h"

static const char *failure_word(enum reference_failure failure)
{
	switch (failure) {
	case FAILS_WITH_NULL:
		return "null";
	case FAILS_WITH_NEGATIVE:
		return "negative";
	case FAILS_NEVER:
		break;
	}
	return "never";
}

static const char *null_word(const struct reference_function *function)
{
	if (function->failure != FAILS_WITH_NULL)
		return "never";
	switch (function->null_means) {
	case NULL_IS_ZERO:
		return "zero";
	case NULL_IS_MIXED:
		return "mixed";
	case NULL_IS_OTHER:
		break;
	}
	return "other";
}

/* --- text ------------------------------------------------------------------------------------- */

/* What a NULL of the function says, in a word or two; nothing where it has none to return. */
static const char *null_text(const struct reference_function *function)
{
	if (function->role == REFERENCE_ITER_NEXT)
		return "no more";
	if (function->acquires < 0 || function->role == REFERENCE_ITER_NEW)
		return "";
	if (function->failure != FAILS_WITH_NULL)
		return "never";
	switch (function->null_means) {
	case NULL_IS_ZERO:
		return "count zero";
	case NULL_IS_MIXED:
		return "zero or other";
	case NULL_IS_OTHER:
		break;
	}
	return "other";
}

static void add_note(char *buf, size_t size, const char *what, const char *note)
{
	size_t len = strlen(buf);

	if (note && len < size)
		snprintf(buf + len, size - len, "%s%s%s", len ? "; " : "", what, note);
}

/* What is peculiar about a type stands in its first row. */
static const char *notes(const struct pairing *pairing, const struct reference_function *function,
			 bool first, char *buf, size_t size)
{
	const struct reference_type *type = pairing__type(pairing, function->type);

	buf[0] = '\0';
	if (function->role == REFERENCE_CONVERT)
		add_note(buf, size, "from ", pairing__type(pairing, function->releases)->name);
	if (function->is_new && function->role == REFERENCE_ACQUIRE)
		add_note(buf, size, "", "creates it");
	add_note(buf, size, "", function->note);
	add_note(buf, size, "ends in ", function->ends_in);
	if (first && !type->has_count && !type->is_iterator)
		add_note(buf, size, "", "no count");
	if (first)
		add_note(buf, size, "", type->note);
	if (first && type->acquired_elsewhere && !type->note)
		add_note(buf, size, "", "no kfunc acquires it");
	return buf;
}

static int print_table(const struct pairing *pairing)
{
	static const struct table_column columns[] = {
		{ .title = "TYPE", .min = TABLE_WHOLE },
		{ .title = "DOES", .min = TABLE_WHOLE },
		{ .title = "FUNCTION", .min = TABLE_WHOLE },
		{ .title = "NULL MEANS", .drop = 1, .min = TABLE_WHOLE },
		{ .title = "NOTE", .drop = 2, .min = 20 },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	int last = -1, err;
	char buf[256];

	if (!table)
		return -ENOMEM;
	for (int i = 0; i < pairing__nr_functions(pairing); i++) {
		const struct reference_function *function = pairing__function(pairing, i);
		const struct reference_type *type = pairing__type(pairing, function->type);

		table__row(table);
		table__cell(table, "%s%s", type->is_iterator ? "iterator " : "", type->name);
		table__cell(table, "%s", reference_role__name(function->role));
		table__cell(table, "%s", function->name);
		table__cell(table, "%s", null_text(function));
		table__cell(table, "%s",
			    notes(pairing, function, function->type != last, buf, sizeof(buf)));
		last = function->type;
	}
	err = table__print(table, stdout, terminal_width(stdout));
	table__free(table);
	return err;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_of_function(const struct pairing *pairing,
				const struct reference_function *function)
{
	bool is_destructor = function->role == REFERENCE_DESTRUCTOR;
	json_t *object = json_object();

	json_object_set_new(object, is_destructor ? "function" : "kfunc",
			    json_string(function->name));
	json_object_set_new(object, "module", json_string(function->kbtf->name));
	if (function->role == REFERENCE_CONVERT)
		json_object_set_new(object, "from",
				    json_string(pairing__type(pairing, function->releases)->name));
	json_object_set_new(object, "fails", json_string(failure_word(function->failure)));
	if (function->acquires >= 0) {
		json_object_set_new(object, "null_means", json_string(null_word(function)));
		json_object_set_new(object, "creates", json_boolean(function->is_new));
	}
	json_object_set_new(object, "ends_in", json_text(function->ends_in));
	json_object_set_new(object, "note", json_text(function->note));
	return object;
}

/* The list of a type in which functions of a role stand. */
static const char *list_name(enum reference_role role)
{
	switch (role) {
	case REFERENCE_ACQUIRE:
	case REFERENCE_ITER_NEW:
		return "acquires";
	case REFERENCE_RELEASE:
	case REFERENCE_ITER_DESTROY:
		return "releases";
	case REFERENCE_CONVERT:
		return "converts";
	case REFERENCE_DESTRUCTOR:
		return "destructors";
	case REFERENCE_MOVE_IN:
		return "moves_in";
	case REFERENCE_MOVE_OUT:
		return "moves_out";
	case REFERENCE_ITER_NEXT:
		break;
	}
	return "steps";
}

static json_t *json_of_type(const struct reference_type *type)
{
	static const char *const lists[] = {
		"acquires", "releases", "converts", "destructors", "moves_in", "moves_out", "steps",
	};
	json_t *object = json_object();

	json_object_set_new(object, "type", json_string(type->name));
	json_object_set_new(object, "iterator", json_boolean(type->is_iterator));
	json_object_set_new(object, "counted", json_boolean(type->has_count));
	json_object_set_new(object, "acquired_elsewhere", json_boolean(type->acquired_elsewhere));
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		json_object_set_new(object, lists[i], json_array());
	json_object_set_new(object, "note", json_text(type->note));
	return object;
}

static int print_json(const struct pairing *pairing)
{
	json_t *root = json_object(), *types = json_array();

	for (int i = 0; i < pairing__nr_types(pairing); i++)
		json_array_append_new(types, json_of_type(pairing__type(pairing, i)));
	for (int i = 0; i < pairing__nr_functions(pairing); i++) {
		const struct reference_function *function = pairing__function(pairing, i);
		json_t *type = json_array_get(types, function->type);

		json_array_append_new(json_object_get(type, list_name(function->role)),
				      json_of_function(pairing, function));
	}
	json_object_set_new(root, "types", types);
	return output__json(stdout, root, true);
}

int pairs_report__print(const struct pairing *pairing, bool json)
{
	return json ? print_json(pairing) : print_table(pairing);
}
