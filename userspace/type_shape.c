// SPDX-License-Identifier: GPL-2.0-only
#include "type_shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "type_shape_private.h"

/* Larger than any prototype: damaged input must not take the memory. */
#define MAX_NODES 4096

struct type_shape *type_shape__new(enum type_kind kind)
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

bool type_shape__put(struct type_shape *place, struct type_shape *shape)
{
	if (!shape)
		return false;
	*place = *shape;
	free(shape);
	return true;
}

struct type_shape *type_shape__add_param(struct type_shape *function)
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
	struct type_shape *shape = type_shape__new(TYPE_FUNCTION), *param;

	if (!shape)
		return NULL;
	shape->to = of_btf(walk, type->type, depth + 1);
	for (int i = 0; i < btf_vlen(type) && shape->to; i++) {
		param = type_shape__add_param(shape);
		if (param &&
		    type_shape__put(param, of_btf(walk, btf_params(type)[i].type, depth + 1)))
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
		if (depth > TYPE_MAX_DEPTH)
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
		return type_shape__new(TYPE_VOID);
	if (!type || depth > TYPE_MAX_DEPTH || walk->nr_nodes++ > MAX_NODES)
		return type_shape__new(TYPE_UNKNOWN);
	if (btf_is_func_proto(type))
		return of_btf_function(walk, type, depth);
	shape = type_shape__new(kind_of_btf(type));
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

/*
 * The verifier knows dynptrs by what they are: up to 6.1 prototypes had the kernel's own structure
 * there, since then the one that programs see.
 */
static bool is_dynptr(const char *name)
{
	return strcmp(name, "bpf_dynptr") == 0 || strcmp(name, "bpf_dynptr_kern") == 0;
}

/* A program may have more than one idea of a structure: "task_struct___old" is "task_struct". */
static bool is_same_name(const char *want, const char *have)
{
	const char *flavor = strstr(want, "___");

	if (strcmp(want, have) == 0 || (is_dynptr(want) && is_dynptr(have)))
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
