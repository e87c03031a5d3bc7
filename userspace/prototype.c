// SPDX-License-Identifier: GPL-2.0-only
#include "prototype.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "parameter_suffix.h"

/* Deeper nesting than any kernel prototype has; malformed BTF must not overflow the stack. */
#define MAX_DEPTH 24

static const struct btf_type *skip_modifiers(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_type_tag(t)))
		t = btf__type_by_id(btf, t->type);
	return t;
}

static int format_decl(const struct btf *btf, __u32 id, const char *inner, char *buf, size_t size,
		       int depth);

static int fit(int len, size_t size)
{
	return len < 0 || (size_t)len >= size ? -E2BIG : 0;
}

static int format_named(const char *keyword, const char *name, const char *inner, char *buf,
			size_t size)
{
	return fit(snprintf(buf, size, "%s%s%s%s", keyword, *name ? name : "(anonymous)",
			    *inner ? " " : "", inner),
		   size);
}

static int format_params(const struct btf *btf, const struct btf_type *proto, char *buf,
			 size_t size, int depth)
{
	const struct btf_param *params = btf_params(proto);
	int nr = btf_vlen(proto), err;
	size_t len = 0;

	if (!nr)
		return fit(snprintf(buf, size, "void"), size);
	buf[0] = '\0';
	for (int i = 0; i < nr; i++) {
		char param[PROTOTYPE_LEN];

		/* BTF ends the parameters of a variadic function with one of no type. */
		if (!params[i].type)
			err = fit(snprintf(param, sizeof(param), "..."), sizeof(param));
		else
			err = format_decl(btf, params[i].type,
					  btf__name_by_offset(btf, params[i].name_off), param,
					  sizeof(param), depth);
		if (err)
			return err;
		err = fit(snprintf(buf + len, size - len, "%s%s", i ? ", " : "", param),
			  size - len);
		if (err)
			return err;
		len += strlen(buf + len);
	}
	return 0;
}

/* C declarators grow from the inside out: `inner` is what has been built around the name so far. */
static int format_decl(const struct btf *btf, __u32 id, const char *inner, char *buf, size_t size,
		       int depth)
{
	const struct btf_type *t = btf__type_by_id(btf, id), *target;
	char next[PROTOTYPE_LEN], params[PROTOTYPE_LEN];
	const char *name;
	int err;

	if (!id)
		return format_named("", "void", inner, buf, size);
	if (!t)
		return -EINVAL;
	if (depth > MAX_DEPTH)
		return -E2BIG;

	name = btf__name_by_offset(btf, t->name_off);
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		return format_named("struct ", name, inner, buf, size);
	case BTF_KIND_UNION:
		return format_named("union ", name, inner, buf, size);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return format_named("enum ", name, inner, buf, size);
	case BTF_KIND_FWD:
		return format_named(btf_kflag(t) ? "union " : "struct ", name, inner, buf, size);
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPEDEF:
		return format_named("", name, inner, buf, size);
	case BTF_KIND_PTR:
		target = skip_modifiers(btf, t->type);
		if (target && (btf_is_array(target) || btf_is_func_proto(target)))
			err = fit(snprintf(next, sizeof(next), "(*%s)", inner), sizeof(next));
		else
			err = fit(snprintf(next, sizeof(next), "*%s", inner), sizeof(next));
		return err ?: format_decl(btf, t->type, next, buf, size, depth + 1);
	case BTF_KIND_TYPE_TAG:
		err = fit(snprintf(next, sizeof(next), "__%s%s%s", name, *inner ? " " : "", inner),
			  sizeof(next));
		return err ?: format_decl(btf, t->type, next, buf, size, depth + 1);
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT: {
		const char *word = btf_is_const(t)	? "const"
				   : btf_is_volatile(t) ? "volatile"
							: "restrict";

		target = skip_modifiers(btf, t->type);
		if (target && btf_is_ptr(target)) {
			err = fit(snprintf(next, sizeof(next), "%s%s%s", word, *inner ? " " : "",
					   inner),
				  sizeof(next));
			return err ?: format_decl(btf, t->type, next, buf, size, depth + 1);
		}
		err = format_decl(btf, t->type, inner, next, sizeof(next), depth + 1);
		return err ?: fit(snprintf(buf, size, "%s %s", word, next), size);
	}
	case BTF_KIND_ARRAY:
		err = fit(snprintf(next, sizeof(next), "%s[%u]", inner, btf_array(t)->nelems),
			  sizeof(next));
		return err ?: format_decl(btf, btf_array(t)->type, next, buf, size, depth + 1);
	case BTF_KIND_FUNC_PROTO:
		err = format_params(btf, t, params, sizeof(params), depth + 1);
		if (!err)
			err = fit(snprintf(next, sizeof(next), "%s(%s)", inner, params),
				  sizeof(next));
		return err ?: format_decl(btf, t->type, next, buf, size, depth + 1);
	default:
		return -EINVAL;
	}
}

const struct btf_type *prototype__type(const struct btf *btf, __u32 func_id)
{
	const struct btf_type *func = btf__type_by_id(btf, func_id), *proto;

	if (!func || !btf_is_func(func))
		return NULL;
	proto = btf__type_by_id(btf, func->type);
	return proto && btf_is_func_proto(proto) ? proto : NULL;
}

int prototype__format(const struct btf *btf, __u32 func_id, const char *name, char *buf,
		      size_t size)
{
	const struct btf_type *func = btf__type_by_id(btf, func_id);

	if (!prototype__type(btf, func_id))
		return -EINVAL;
	if (!name)
		name = btf__name_by_offset(btf, func->name_off);
	return format_decl(btf, func->type, name, buf, size, 0);
}

int prototype__format_type(const struct btf *btf, __u32 type_id, char *buf, size_t size)
{
	return format_decl(btf, type_id, "", buf, size, 0);
}

static int count_words(const struct btf *btf, const struct btf_type *proto, int nr_params)
{
	int words = 0;

	for (int i = 0; i < nr_params; i++) {
		__s64 size = btf__resolve_size(btf, btf_params(proto)[i].type);

		/* resolve_size() knows no size for what is only declared; those are pointers. */
		words += size > 8 ? (size + 7) / 8 : 1;
	}
	return words;
}

int prototype__nr_arg_words(const struct btf *btf, __u32 func_id)
{
	const struct btf_type *proto = prototype__type(btf, func_id);

	return proto ? count_words(btf, proto, btf_vlen(proto)) : -EINVAL;
}

int prototype__arg_word(const struct btf *btf, __u32 func_id, int param)
{
	const struct btf_type *proto = prototype__type(btf, func_id);

	return proto && param < btf_vlen(proto) ? count_words(btf, proto, param) : -EINVAL;
}

static const struct btf_type *skip_typedefs(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = skip_modifiers(btf, id);

	while (t && btf_is_typedef(t))
		t = skip_modifiers(btf, t->type);
	return t;
}

int prototype__returns_pointer(const struct btf *btf, __u32 func_id)
{
	const struct btf_type *proto = prototype__type(btf, func_id), *ret;

	ret = proto ? skip_typedefs(btf, proto->type) : NULL;
	return ret && btf_is_ptr(ret);
}

const char *prototype__pointee(const struct btf *btf, __u32 type_id)
{
	const struct btf_type *t = skip_typedefs(btf, type_id);
	const char *name = NULL;

	if (t && btf_is_ptr(t))
		t = skip_typedefs(btf, t->type);
	else
		t = NULL;
	if (t)
		name = btf__name_by_offset(btf, t->name_off);
	return name && *name ? name : NULL;
}

const char *prototype__explain_param(const struct btf *btf, __u32 type_id, const char *name)
{
	static const char to_init[] = "___init";
	const struct parameter_suffix *suffix = parameter_suffix__of(name);
	const struct btf_type *t;
	const char *type;
	size_t len;

	if (suffix)
		return suffix->meaning;

	t = skip_modifiers(btf, type_id);
	if (t && btf_is_ptr(t))
		t = skip_modifiers(btf, t->type);
	type = t ? btf__name_by_offset(btf, t->name_off) : "";
	len = strlen(type);
	if (len >= sizeof(to_init) && strcmp(type + len - (sizeof(to_init) - 1), to_init) == 0)
		return "an object that is not complete yet: only what finishes or frees it takes "
		       "it";
	return NULL;
}
