// SPDX-License-Identifier: GPL-2.0-only
#include "type_shape.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "snapshot.h"

/* Deeper and larger than any prototype: damaged input must not take the stack or the memory. */
#define MAX_DEPTH 24
#define MAX_NODES 4096

static struct type_shape *new_shape(enum type_kind kind)
{
	struct type_shape *shape = calloc(1, sizeof(*shape));

	if (shape)
		shape->kind = kind;
	return shape;
}

static void release(struct type_shape *shape)
{
	type_shape__free(shape->to);
	for (int i = 0; i < shape->nr_params; i++)
		release(&shape->params[i]);
	free(shape->params);
}

void type_shape__free(struct type_shape *shape)
{
	if (!shape)
		return;
	release(shape);
	free(shape);
}

/* Moves a shape into place; false without memory. */
static bool put(struct type_shape *place, struct type_shape *shape)
{
	if (!shape)
		return false;
	*place = *shape;
	free(shape);
	return true;
}

/* A new parameter, or NULL without memory. */
static struct type_shape *add_param(struct type_shape *function)
{
	struct type_shape *grown =
		realloc(function->params, (function->nr_params + 1) * sizeof(*grown));

	if (!grown)
		return NULL;
	function->params = grown;
	memset(&grown[function->nr_params], 0, sizeof(*grown));
	return &grown[function->nr_params++];
}

/* --- out of BTF ------------------------------------------------------------------------------- */

struct btf_walk {
	const struct btf *btf;
	int nr_nodes;
};

static struct type_shape *of_btf(struct btf_walk *walk, __u32 id, int depth);

static struct type_shape *of_btf_function(struct btf_walk *walk, const struct btf_type *type,
					  int depth)
{
	struct type_shape *shape = new_shape(TYPE_FUNCTION), *param;

	if (!shape)
		return NULL;
	shape->to = of_btf(walk, type->type, depth + 1);
	for (int i = 0; i < btf_vlen(type) && shape->to; i++) {
		param = add_param(shape);
		if (param && put(param, of_btf(walk, btf_params(type)[i].type, depth + 1)))
			continue;
		type_shape__free(shape);
		return NULL;
	}
	if (shape->to)
		return shape;
	type_shape__free(shape);
	return NULL;
}

static enum type_kind kind_of_btf(const struct btf_type *type)
{
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return TYPE_INT;
	case BTF_KIND_FLOAT:
		return TYPE_FLOAT;
	case BTF_KIND_STRUCT:
		return TYPE_STRUCT;
	case BTF_KIND_UNION:
		return TYPE_UNION;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return TYPE_ENUM;
	case BTF_KIND_FWD:
		return TYPE_FORWARD;
	case BTF_KIND_PTR:
		return TYPE_POINTER;
	case BTF_KIND_ARRAY:
		return TYPE_ARRAY;
	case BTF_KIND_FUNC_PROTO:
		return TYPE_FUNCTION;
	default:
		return TYPE_UNKNOWN;
	}
}

static const struct btf_type *skip_names(const struct btf *btf, __u32 *id)
{
	const struct btf_type *type = btf__type_by_id(btf, *id);

	for (int depth = 0;
	     type && (btf_is_mod(type) || btf_is_typedef(type) || btf_is_type_tag(type)); depth++) {
		if (depth > MAX_DEPTH)
			return NULL;
		*id = type->type;
		type = btf__type_by_id(btf, *id);
	}
	return type;
}

static struct type_shape *of_btf(struct btf_walk *walk, __u32 id, int depth)
{
	const struct btf_type *type = skip_names(walk->btf, &id);
	struct type_shape *shape;

	if (!id)
		return new_shape(TYPE_VOID);
	if (!type || depth > MAX_DEPTH || walk->nr_nodes++ > MAX_NODES)
		return new_shape(TYPE_UNKNOWN);
	if (btf_is_func_proto(type))
		return of_btf_function(walk, type, depth);
	shape = new_shape(kind_of_btf(type));
	if (!shape)
		return NULL;
	snprintf(shape->name, sizeof(shape->name), "%s",
		 btf__name_by_offset(walk->btf, type->name_off) ?: "");
	if (shape->kind == TYPE_INT) {
		shape->size = type->size;
		shape->is_signed = btf_int_encoding(type) & BTF_INT_SIGNED;
	}
	if (shape->kind == TYPE_POINTER || shape->kind == TYPE_ARRAY) {
		shape->to =
			of_btf(walk, shape->kind == TYPE_ARRAY ? btf_array(type)->type : type->type,
			       depth + 1);
		if (!shape->to) {
			type_shape__free(shape);
			return NULL;
		}
	}
	return shape;
}

struct type_shape *type_shape__of_btf(const struct btf *btf, __u32 type_id)
{
	struct btf_walk walk = { .btf = btf };

	return of_btf(&walk, type_id, 0);
}

/* --- out of text ------------------------------------------------------------------------------ */

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

	if (!text || parser->depth > MAX_DEPTH) {
		shape = new_shape(TYPE_UNKNOWN);
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
			return new_shape(TYPE_UNKNOWN);
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
		shape = new_shape(TYPE_INT);
		if (!shape)
			return NULL;
		shape->size = size_of_number(numbers);
		shape->is_signed = !strstr(numbers, "unsigned") && !strstr(numbers, "_Bool");
		snprintf(shape->name, sizeof(shape->name), "%.63s", numbers);
		return shape;
	}
	if (strcmp(text, "void") == 0)
		return new_shape(TYPE_VOID);
	if (strcmp(text, "float") == 0 || strcmp(text, "double") == 0)
		return new_shape(TYPE_FLOAT);
	if (strcmp(text, "struct") && strcmp(text, "union") && strcmp(text, "enum"))
		return parse_typedef(parser, text);
	shape = new_shape(*text == 's' ? TYPE_STRUCT : *text == 'u' ? TYPE_UNION : TYPE_ENUM);
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
		struct type_shape *param = add_param(function);
		struct parser inner = *parser;
		int open = 0;

		for (inner.end = parser->at; inner.end < parser->end && (open || *inner.end != ',');
		     inner.end++)
			open += (*inner.end == '(') - (*inner.end == ')');
		if (!param || !put(param, parse_type(&inner)))
			return false;
		parser->at = inner.end < parser->end ? inner.end + 1 : inner.end;
	}
	return true;
}

static struct type_shape *wrap(enum type_kind kind, struct type_shape *to)
{
	struct type_shape *shape = to ? new_shape(kind) : NULL;

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

	if (++parser->depth > MAX_DEPTH * 2) {
		type_shape__free(base);
		return new_shape(TYPE_UNKNOWN);
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

	if (++parser->depth > MAX_DEPTH * 2)
		return new_shape(TYPE_UNKNOWN);
	/* BTF has void in the place of "...". */
	if (parser->end - parser->at >= 3 && strncmp(parser->at, "...", 3) == 0)
		return new_shape(TYPE_VOID);
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
		struct type_shape *param = add_param(shape);

		if (param && put(param, type_shape__parse(signature->params[i].type, snapshot)))
			continue;
		type_shape__free(shape);
		return NULL;
	}
	return shape;
}

/* --- compared --------------------------------------------------------------------------------- */

const char *type_shape__format(const struct type_shape *shape, char *buf, size_t size)
{
	static const char *const words[] = {
		[TYPE_UNKNOWN] = "unknown",   [TYPE_VOID] = "void",
		[TYPE_INT] = "a number",      [TYPE_FLOAT] = "a float",
		[TYPE_STRUCT] = "struct",     [TYPE_UNION] = "union",
		[TYPE_ENUM] = "enum",	      [TYPE_FORWARD] = "forward",
		[TYPE_POINTER] = "pointer",   [TYPE_ARRAY] = "array",
		[TYPE_FUNCTION] = "function",
	};
	char inner[128];

	switch (shape->kind) {
	case TYPE_POINTER:
		snprintf(buf, size, shape->to->kind == TYPE_FUNCTION ? "a pointer to %s" : "%s *",
			 type_shape__format(shape->to, inner, sizeof(inner)));
		break;
	case TYPE_ARRAY:
		snprintf(buf, size, "an array of %s",
			 type_shape__format(shape->to, inner, sizeof(inner)));
		break;
	case TYPE_FUNCTION:
		snprintf(buf, size, "a function of %d parameter%s", shape->nr_params,
			 shape->nr_params == 1 ? "" : "s");
		break;
	case TYPE_FORWARD:
		snprintf(buf, size, "struct %s (declared, not defined)", shape->name);
		break;
	case TYPE_STRUCT:
	case TYPE_UNION:
	case TYPE_ENUM:
		snprintf(buf, size, "%s %s", words[shape->kind],
			 *shape->name ? shape->name : "(anonymous)");
		break;
	default:
		snprintf(buf, size, "%s",
			 shape->kind == TYPE_INT && *shape->name ? shape->name
								 : words[shape->kind]);
	}
	return buf;
}

static enum type_match say(enum type_match match, const struct type_shape *want,
			   const struct type_shape *have, char *why, size_t size)
{
	char left[160], right[160];

	snprintf(why, size, "%s in the program, %s in the kernel",
		 type_shape__format(want, left, sizeof(left)),
		 type_shape__format(have, right, sizeof(right)));
	return match;
}

/* A program may have more than one idea of a structure: "task_struct___old" is "task_struct". */
static bool is_same_name(const char *want, const char *have)
{
	const char *flavor = strstr(want, "___");

	if (strcmp(want, have) == 0)
		return true;
	return flavor && strlen(have) == (size_t)(flavor - want) &&
	       strncmp(want, have, flavor - want) == 0;
}

static enum type_match compare(const struct type_shape *want, const struct type_shape *have,
			       char *why, size_t size);

static enum type_match compare_part(const struct type_shape *want, const struct type_shape *have,
				    const char *part, enum type_match before, char *why,
				    size_t size)
{
	char inner[256] = "";
	enum type_match match = compare(want, have, inner, sizeof(inner));

	/* The worst is what counts, and of equals the first. */
	if (match >= before)
		return before;
	snprintf(why, size, "%s: %s", part, inner);
	return match;
}

static enum type_match compare_functions(const struct type_shape *want,
					 const struct type_shape *have, char *why, size_t size)
{
	enum type_match match = TYPES_SAME;
	char part[32];

	if (want->nr_params != have->nr_params) {
		snprintf(why, size, "%d parameter%s in the program, %d in the kernel",
			 want->nr_params, want->nr_params == 1 ? "" : "s", have->nr_params);
		return TYPES_DIFFER;
	}
	for (int i = 0; i < want->nr_params; i++) {
		snprintf(part, sizeof(part), "parameter %d", i + 1);
		match = compare_part(&want->params[i], &have->params[i], part, match, why, size);
	}
	return compare_part(want->to, have->to, "returns", match, why, size);
}

static enum type_match compare(const struct type_shape *want, const struct type_shape *have,
			       char *why, size_t size)
{
	enum type_match match;

	if (want->kind == TYPE_UNKNOWN || have->kind == TYPE_UNKNOWN)
		return TYPES_SAME;
	if (want->kind != have->kind || want->kind == TYPE_FLOAT)
		return say(TYPES_DIFFER, want, have, why, size);
	switch (want->kind) {
	case TYPE_POINTER:
	case TYPE_ARRAY:
		match = compare(want->to, have->to, why, size);
		/* The size of memory is the verifier's concern. */
		if (match == TYPES_CLOSE)
			match = TYPES_DOUBTFUL;
		/* Said as a whole: the star belongs to it. But of functions, what differs in them. */
		if (match == TYPES_SAME ||
		    (want->to->kind == TYPE_FUNCTION && have->to->kind == TYPE_FUNCTION))
			return match;
		return say(match, want, have, why, size);
	case TYPE_FUNCTION:
		return compare_functions(want, have, why, size);
	case TYPE_STRUCT:
	case TYPE_UNION:
	case TYPE_ENUM:
		return is_same_name(want->name, have->name)
			       ? TYPES_SAME
			       : say(TYPES_DOUBTFUL, want, have, why, size);
	case TYPE_INT:
		if (want->size == have->size && want->is_signed == have->is_signed)
			return TYPES_SAME;
		return say(TYPES_CLOSE, want, have, why, size);
	default:
		return TYPES_SAME;
	}
}

enum type_match type_shape__compare(const struct type_shape *want, const struct type_shape *have,
				    char *why, size_t size)
{
	*why = '\0';
	return compare(want, have, why, size);
}
