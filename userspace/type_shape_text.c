// SPDX-License-Identifier: GPL-2.0-only
/* Shapes out of the text of types, as prototype.c writes it and snapshots have it. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"
#include "type_shape_private.h"

struct parser {
	const char *at, *end;
	const struct snapshot *snapshot;
	int depth;
};

static struct type_shape *parse_type(struct parser *parser);

static void skip_blanks(struct parser *parser)
{
	while (parser->at < parser->end && *parser->at == ' ')
		parser->at++;
}

static char next(struct parser *parser)
{
	skip_blanks(parser);
	return parser->at < parser->end ? *parser->at : '\0';
}

/* The word at the cursor, which goes behind it; empty when there is none. */
static size_t word(struct parser *parser, char *buf, size_t size)
{
	size_t len = 0;

	skip_blanks(parser);
	while (parser->at + len < parser->end &&
	       (isalnum((unsigned char)parser->at[len]) || parser->at[len] == '_'))
		len++;
	snprintf(buf, size, "%.*s", (int)len, parser->at);
	parser->at += len;
	return len;
}

static bool is_qualifier(const char *text)
{
	return strcmp(text, "const") == 0 || strcmp(text, "volatile") == 0 ||
	       strcmp(text, "restrict") == 0;
}

/* Where the bracket at the cursor is closed; the end when it is not. */
static const char *closing(const struct parser *parser)
{
	int open = 0;

	for (const char *c = parser->at; c < parser->end; c++) {
		open += *c == '(' || *c == '[';
		open -= *c == ')' || *c == ']';
		if (!open)
			return c;
	}
	return parser->end;
}

static int size_of_number(const char *words)
{
	if (strstr(words, "__int128"))
		return 16;
	if (strstr(words, "char") || strstr(words, "_Bool"))
		return 1;
	if (strstr(words, "short"))
		return 2;
	/* 8 bytes on all machines that have kfuncs. */
	return strstr(words, "long") ? 8 : 4;
}

static bool is_number(const char *text)
{
	static const char *const words[] = { "char",   "short",	   "int",   "long",
					     "signed", "unsigned", "_Bool", "__int128" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], text) == 0)
			return true;
	}
	return false;
}

/* "(anonymous)" stands for a name. */
static void tagged_name(struct parser *parser, struct type_shape *shape)
{
	if (next(parser) == '(') {
		const char *end = closing(parser);

		parser->at = end < parser->end ? end + 1 : end;
		return;
	}
	word(parser, shape->name, sizeof(shape->name));
}

/* Names that mean the same in every kernel, should the snapshot not say it. */
static const char *well_known(const char *name)
{
	static const char *const names[][2] = {
		{ "u8", "unsigned char" }, { "u16", "short unsigned int" },
		{ "u32", "unsigned int" }, { "u64", "long long unsigned int" },
		{ "s8", "signed char" },   { "s16", "short int" },
		{ "s32", "int" },	   { "s64", "long long int" },
		{ "bool", "_Bool" },	   { "size_t", "long unsigned int" },
		{ "ssize_t", "long int" },
	};

	name += strncmp(name, "__", 2) == 0 ? 2 : 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i][0], name) == 0)
			return names[i][1];
	}
	return NULL;
}

static struct type_shape *parse_typedef(struct parser *parser, const char *name)
{
	const char *text = (parser->snapshot ? snapshot__typedef(parser->snapshot, name) : NULL)
				   ?: well_known(name);
	struct parser inner = { .snapshot = parser->snapshot, .depth = parser->depth + 1 };
	struct type_shape *shape;

	if (!text || parser->depth > TYPE_MAX_DEPTH) {
		shape = type_shape__new(TYPE_UNKNOWN);
		if (shape)
			snprintf(shape->name, sizeof(shape->name), "%s", name);
		return shape;
	}
	inner.at = text;
	inner.end = text + strlen(text);
	return parse_type(&inner);
}

/* What stands before stars and brackets. */
static struct type_shape *parse_base(struct parser *parser)
{
	struct type_shape *shape;
	char text[64], numbers[128] = "";

	do {
		if (!word(parser, text, sizeof(text)))
			return type_shape__new(TYPE_UNKNOWN);
	} while (is_qualifier(text));
	if (is_number(text)) {
		const char *before;

		do {
			snprintf(numbers + strlen(numbers), sizeof(numbers) - strlen(numbers),
				 "%s%s", *numbers ? " " : "", text);
			before = parser->at;
		} while (word(parser, text, sizeof(text)) &&
			 (is_number(text) || is_qualifier(text)));
		parser->at = before;
		shape = type_shape__new(TYPE_INT);
		if (!shape)
			return NULL;
		shape->size = size_of_number(numbers);
		shape->is_signed = !strstr(numbers, "unsigned") && !strstr(numbers, "_Bool");
		snprintf(shape->name, sizeof(shape->name), "%.63s", numbers);
		return shape;
	}
	if (strcmp(text, "void") == 0)
		return type_shape__new(TYPE_VOID);
	if (strcmp(text, "float") == 0 || strcmp(text, "double") == 0)
		return type_shape__new(TYPE_FLOAT);
	if (strcmp(text, "struct") && strcmp(text, "union") && strcmp(text, "enum"))
		return parse_typedef(parser, text);
	shape = type_shape__new(*text == 's' ? TYPE_STRUCT : *text == 'u' ? TYPE_UNION : TYPE_ENUM);
	if (shape)
		tagged_name(parser, shape);
	return shape;
}

static bool parse_params(struct parser *parser, struct type_shape *function)
{
	if (next(parser) == '\0')
		return true;
	if (parser->end - parser->at == 4 && strncmp(parser->at, "void", 4) == 0)
		return true;
	while (next(parser)) {
		struct type_shape *param = type_shape__add_param(function);
		struct parser inner = *parser;
		int open = 0;

		for (inner.end = parser->at; inner.end < parser->end && (open || *inner.end != ',');
		     inner.end++)
			open += (*inner.end == '(') - (*inner.end == ')');
		if (!param || !type_shape__put(param, parse_type(&inner)))
			return false;
		parser->at = inner.end < parser->end ? inner.end + 1 : inner.end;
	}
	return true;
}

static struct type_shape *wrap(enum type_kind kind, struct type_shape *to)
{
	struct type_shape *shape = to ? type_shape__new(kind) : NULL;

	if (shape)
		shape->to = to;
	else
		type_shape__free(to);
	return shape;
}

/* Behind the name or what stands in its place: "[4]", "(u32, void *)". */
static struct type_shape *parse_suffixes(struct parser *parser, struct type_shape *base)
{
	while (base && (next(parser) == '[' || next(parser) == '(')) {
		const char *end = closing(parser);
		struct parser inner = *parser;

		base = wrap(*parser->at == '[' ? TYPE_ARRAY : TYPE_FUNCTION, base);
		inner.at++;
		inner.end = end;
		inner.depth++;
		if (base && base->kind == TYPE_FUNCTION && !parse_params(&inner, base)) {
			type_shape__free(base);
			return NULL;
		}
		parser->at = end < parser->end ? end + 1 : end;
	}
	return base;
}

/* Stars, a name, what is behind it; brackets around some of that. */
static struct type_shape *parse_declarator(struct parser *parser, struct type_shape *base)
{
	char text[64];

	if (++parser->depth > TYPE_MAX_DEPTH * 2) {
		type_shape__free(base);
		return type_shape__new(TYPE_UNKNOWN);
	}
	/* Qualifiers, tags ("__rcu") and the parameter's name, in any order. */
	while (base && (next(parser) == '*' || isalpha((unsigned char)next(parser)) ||
			next(parser) == '_')) {
		if (*parser->at == '*') {
			parser->at++;
			base = wrap(TYPE_POINTER, base);
		} else {
			const char *before = parser->at;

			word(parser, text, sizeof(text));
			/* A tag may have an argument: __address_space(1). */
			if (before[0] == '_' && before[1] == '_' && parser->at < parser->end &&
			    *parser->at == '(' && parser->at + 1 < parser->end &&
			    parser->at[1] != '*') {
				const char *end = closing(parser);

				parser->at = end < parser->end ? end + 1 : end;
			}
		}
	}
	if (next(parser) == '(' && parser->at + 1 < parser->end && parser->at[1] == '*') {
		struct parser inner = *parser;

		inner.at++;
		inner.end = closing(parser);
		parser->at = inner.end < parser->end ? inner.end + 1 : inner.end;
		base = parse_suffixes(parser, base);
		return base ? parse_declarator(&inner, base) : NULL;
	}
	return parse_suffixes(parser, base);
}

static struct type_shape *parse_type(struct parser *parser)
{
	struct type_shape *base;

	if (++parser->depth > TYPE_MAX_DEPTH * 2)
		return type_shape__new(TYPE_UNKNOWN);
	/* BTF has void in the place of "...". */
	if (parser->end - parser->at >= 3 && strncmp(parser->at, "...", 3) == 0)
		return type_shape__new(TYPE_VOID);
	base = parse_base(parser);
	return base ? parse_declarator(parser, base) : NULL;
}

struct type_shape *type_shape__parse(const char *text, const struct snapshot *snapshot)
{
	struct parser parser = { .at = text, .end = text + strlen(text), .snapshot = snapshot };

	return parse_type(&parser);
}

struct type_shape *type_shape__of_signature(const struct snapshot_signature *signature,
					    const struct snapshot *snapshot)
{
	struct type_shape *shape =
		wrap(TYPE_FUNCTION, type_shape__parse(signature->returns, snapshot));

	for (int i = 0; shape && i < signature->nr_params; i++) {
		struct type_shape *param = type_shape__add_param(shape);

		if (param &&
		    type_shape__put(param, type_shape__parse(signature->params[i].type, snapshot)))
			continue;
		type_shape__free(shape);
		return NULL;
	}
	return shape;
}
