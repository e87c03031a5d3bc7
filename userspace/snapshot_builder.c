// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots in the making: kfuncs out of BTF as the document has them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <jansson.h>

#include "json_values.h"
#include "prototype.h"
#include "registry.h"
#include "snapshot.h"
#include "snapshot_private.h"

/* --- types ------------------------------------------------------------------------------------ */

#define MAX_DEPTH 16

static json_t *json_of_type(const struct btf *btf, __u32 type_id)
{
	char text[PROTOTYPE_LEN];

	if (prototype__format_type(btf, type_id, text, sizeof(text)))
		return json_null();
	return json_string(text);
}

/*
 * Notes what the typedefs in a type stand for: libbpf looks through them when it compares, and the
 * name alone does not tell a number from a structure.
 */
static void note_typedefs(json_t *typedefs, const struct btf *btf, __u32 id, int depth)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	const char *name;

	if (!id || !type || depth > MAX_DEPTH)
		return;
	switch (btf_kind(type)) {
	case BTF_KIND_TYPEDEF:
		name = btf__name_by_offset(btf, type->name_off);
		if (json_object_get(typedefs, name))
			return;
		json_object_set_new(typedefs, name, json_of_type(btf, type->type));
		break;
	case BTF_KIND_ARRAY:
		note_typedefs(typedefs, btf, btf_array(type)->type, depth + 1);
		return;
	case BTF_KIND_FUNC_PROTO:
		for (int i = 0; i < btf_vlen(type); i++)
			note_typedefs(typedefs, btf, btf_params(type)[i].type, depth + 1);
		break;
	case BTF_KIND_PTR:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		break;
	default:
		return;
	}
	note_typedefs(typedefs, btf, type->type, depth + 1);
}

static void add_signature(struct snapshot_builder *builder, json_t *object, const struct btf *btf,
			  __u32 func_id)
{
	const struct btf_type *proto = prototype__type(btf, func_id);
	json_t *params = json_array();

	for (int i = 0; proto && i < btf_vlen(proto); i++) {
		const struct btf_param *param = &btf_params(proto)[i];
		json_t *json = json_object();

		/* BTF ends the parameters of a variadic function with one of no type. */
		json_object_set_new(json, "type",
				    param->type ? json_of_type(btf, param->type)
						: json_string("..."));
		json_object_set_new(json, "name",
				    json_string(btf__name_by_offset(btf, param->name_off)));
		json_array_append_new(params, json);
		note_typedefs(builder->typedefs, btf, param->type, 0);
	}
	if (proto)
		note_typedefs(builder->typedefs, btf, proto->type, 0);
	json_object_set_new(object, "returns",
			    proto ? json_of_type(btf, proto->type) : json_null());
	json_object_set_new(object, "params", params);
}

/* --- kfuncs ----------------------------------------------------------------------------------- */

int snapshot_builder__begin(struct snapshot_builder *builder, unsigned int version)
{
	*builder = (struct snapshot_builder){
		.version = version,
		.kfuncs = json_array(),
		.typedefs = json_object(),
	};
	if (builder->kfuncs && builder->typedefs)
		return 0;
	snapshot_builder__drop(builder);
	return -ENOMEM;
}

void snapshot_builder__drop(struct snapshot_builder *builder)
{
	json_decref(builder->kfuncs);
	json_decref(builder->typedefs);
}

int snapshot_builder__add(struct snapshot_builder *builder, const struct snapshot_entry *entry)
{
	json_t *object = json_object(), *hooks = json_object(), *filtered = json_array();
	json_t *abi = json_null();

	for (int i = 0; i < entry->nr_hooks; i++) {
		const struct kfunc_hook *hook = &entry->hooks[i];

		json_object_set_new(hooks, hook->name,
				    json_kfunc_flags(hook->flags, builder->version));
		if (hook->filtered)
			json_array_append_new(filtered, json_string(hook->name));
	}
	if (entry->abi_id != entry->func_id) {
		abi = json_object();
		add_signature(builder, abi, entry->btf, entry->abi_id);
	}
	json_object_set_new(object, "name", json_string(entry->name));
	json_object_set_new(object, "module", json_string(entry->module));
	json_object_set_new(object, "hooks", hooks);
	json_object_set_new(object, "filtered",
			    entry->filters_unknown ? json_null() : json_incref(filtered));
	json_decref(filtered);
	add_signature(builder, object, entry->btf, entry->func_id);
	json_object_set_new(object, "abi", abi);
	json_object_set_new(object, "coverage", json_string(entry->coverage));
	return json_array_append_new(builder->kfuncs, object) ? -ENOMEM : 0;
}

/* --- the document ----------------------------------------------------------------------------- */

static const char *string_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static int compare_kfuncs(const void *a, const void *b)
{
	const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;

	return strcmp(string_of(left, "name"), string_of(right, "name"))
		       ?: strcmp(string_of(left, "module"), string_of(right, "module"));
}

/* Returns a new array, or NULL without memory. */
static json_t *sorted_kfuncs(const json_t *kfuncs)
{
	size_t nr = json_array_size(kfuncs);
	json_t **order = calloc(nr + 1, sizeof(*order)), *sorted = json_array();

	if (!order || !sorted) {
		free(order);
		json_decref(sorted);
		return NULL;
	}
	for (size_t i = 0; i < nr; i++)
		order[i] = json_array_get(kfuncs, i);
	qsort(order, nr, sizeof(*order), compare_kfuncs);
	for (size_t i = 0; i < nr; i++)
		json_array_append(sorted, order[i]);
	free(order);
	return sorted;
}

static json_t *sorted_typedefs(json_t *typedefs)
{
	/* jansson sorts when it writes, and keeps the order in which it reads. */
	char *text = json_dumps(typedefs, JSON_SORT_KEYS);
	json_t *sorted = text ? json_loads(text, 0, NULL) : NULL;

	free(text);
	return sorted;
}

int snapshot_builder__finish(struct snapshot_builder *builder, const char *release,
			     const char *arch, const char *name, struct snapshot *snapshot)
{
	json_t *document = json_object(), *kfuncs = sorted_kfuncs(builder->kfuncs);
	json_t *typedefs = sorted_typedefs(builder->typedefs);

	snapshot_builder__drop(builder);
	if (!document || !kfuncs || !typedefs) {
		json_decref(document);
		json_decref(kfuncs);
		json_decref(typedefs);
		return -ENOMEM;
	}
	json_object_set_new(document, "format", json_integer(SNAPSHOT_FORMAT));
	json_object_set_new(document, "kernel",
			    json_pack("{s:s, s:s}", "release", release, "arch", arch));
	json_object_set_new(document, "typedefs", typedefs);
	json_object_set_new(document, "kfuncs", kfuncs);
	return snapshot__take(document, name, snapshot);
}
