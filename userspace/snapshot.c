// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots as files: read, checked and written. */
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "message.h"
#include "snapshot_private.h"

/* --- reading ---------------------------------------------------------------------------------- */

/* Where something is wrong, for the message. */
struct place {
	const char *file;
	const char *kfunc; /* NULL: in none of them */
};

static int complain(const struct place *place, const char *what)
{
	if (place->kfunc)
		msg__error("%s: %s: %s; is it a snapshot of kfunctrace?", place->file, place->kfunc,
			   what);
	else
		msg__error("%s: %s; is it a snapshot of kfunctrace?", place->file, what);
	return -EBADMSG;
}

static const char *string_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int take_signature(struct snapshot_signature *signature, const json_t *json,
			  const struct place *place)
{
	const json_t *params = json_object_get(json, "params");

	signature->returns = string_of(json, "returns");
	if (!signature->returns || !json_is_array(params))
		return complain(place, "it has no 'returns' or no list of 'params'");
	signature->params = calloc(json_array_size(params) + 1, sizeof(*signature->params));
	if (!signature->params)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(params); i++) {
		const json_t *param = json_array_get(params, i);
		struct snapshot_param *taken = &signature->params[signature->nr_params++];

		taken->type = string_of(param, "type");
		taken->name = string_of(param, "name");
		if (!taken->type || !taken->name)
			return complain(place, "a parameter without 'type' or 'name'");
	}
	return 0;
}

static int take_hook(struct snapshot_hook *hook, const char *name, const json_t *flags,
		     const json_t *filtered, const struct place *place)
{
	hook->name = name;
	if (!json_is_array(flags) || json_array_size(flags) > SNAPSHOT_MAX_FLAGS)
		return complain(place, "the flags of a hook are no list, or too many");
	for (size_t i = 0; i < json_array_size(flags); i++) {
		const char *flag = json_string_value(json_array_get(flags, i));

		if (!flag)
			return complain(place, "a flag that is no string");
		hook->flags[hook->nr_flags++] = flag;
	}
	for (size_t i = 0; i < json_array_size(filtered); i++) {
		const char *other = json_string_value(json_array_get(filtered, i));

		hook->filtered |= other && strcmp(other, name) == 0;
	}
	return 0;
}

static int take_kfunc(struct snapshot_kfunc *kfunc, json_t *json, struct place *place)
{
	json_t *hooks = json_object_get(json, "hooks"), *flags;
	const json_t *abi = json_object_get(json, "abi");
	const char *name;
	int err;

	kfunc->name = place->kfunc = string_of(json, "name");
	kfunc->module = string_of(json, "module");
	kfunc->coverage = string_of(json, "coverage");
	if (!kfunc->name || !kfunc->module || !kfunc->coverage || !json_is_object(hooks))
		return complain(place, "a kfunc without 'name', 'module', 'coverage' or 'hooks'");
	kfunc->hooks = calloc(json_object_size(hooks) + 1, sizeof(*kfunc->hooks));
	if (!kfunc->hooks)
		return -ENOMEM;
	json_object_foreach (hooks, name, flags) {
		err = take_hook(&kfunc->hooks[kfunc->nr_hooks++], name, flags,
				json_object_get(json, "filtered"), place);
		if (err)
			return err;
	}
	err = take_signature(&kfunc->signature, json, place);
	kfunc->has_abi = json_is_object(abi);
	if (!err && kfunc->has_abi)
		err = take_signature(&kfunc->abi, abi, place);
	return err;
}

static int compare(const char *name, const char *module, const struct snapshot_kfunc *other)
{
	return strcmp(name, other->name) ?: strcmp(module, other->module);
}

static int compare_kfuncs(const void *a, const void *b)
{
	const struct snapshot_kfunc *left = a;

	return compare(left->name, left->module, b);
}

/* Takes the document over. */
static int take_document(struct snapshot *snapshot, json_t *document, const char *file)
{
	const json_t *kfuncs = json_object_get(document, "kfuncs");
	const json_t *kernel = json_object_get(document, "kernel");
	const json_t *format = json_object_get(document, "format");
	struct place place = { .file = file };
	int err = 0;

	snapshot->document = document;
	if (!json_is_integer(format) || json_integer_value(format) < 1)
		return complain(&place, "it has no number of a format");
	if (json_integer_value(format) > SNAPSHOT_FORMAT) {
		msg__error("%s: a snapshot of format %lld, and this kfunctrace reads %d at most: "
			   "use a newer one",
			   file, (long long)json_integer_value(format), SNAPSHOT_FORMAT);
		return -EBADMSG;
	}
	if (!json_is_object(json_object_get(document, "typedefs")))
		return complain(&place, "it has no object 'typedefs'");
	snapshot->release = string_of(kernel, "release");
	snapshot->arch = string_of(kernel, "arch");
	if (!snapshot->release || !snapshot->arch || !json_is_array(kfuncs))
		return complain(&place, "it says no kernel, or has no list of kfuncs");
	snapshot->kfuncs = calloc(json_array_size(kfuncs) + 1, sizeof(*snapshot->kfuncs));
	if (!snapshot->kfuncs)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(kfuncs) && !err; i++)
		err = take_kfunc(&snapshot->kfuncs[snapshot->nr++], json_array_get(kfuncs, i),
				 &place);
	if (!err && snapshot->nr)
		qsort(snapshot->kfuncs, snapshot->nr, sizeof(*snapshot->kfuncs), compare_kfuncs);
	for (int i = 1; i < snapshot->nr && !err; i++) {
		place.kfunc = snapshot->kfuncs[i].name;
		if (compare_kfuncs(&snapshot->kfuncs[i - 1], &snapshot->kfuncs[i]) == 0)
			err = complain(&place, "it is there twice");
	}
	return err;
}

int snapshot__take(json_t *document, const char *name, struct snapshot *snapshot)
{
	int err;

	memset(snapshot, 0, sizeof(*snapshot));
	err = take_document(snapshot, document, name);
	if (err)
		snapshot__free(snapshot);
	return err;
}

int snapshot__read(FILE *in, const char *name, struct snapshot *snapshot)
{
	json_error_t error;
	json_t *document = json_loadf(in, JSON_REJECT_DUPLICATES, &error);

	memset(snapshot, 0, sizeof(*snapshot));
	if (!document) {
		msg__error("%s:%d: %s; is it a snapshot of kfunctrace?", name, error.line,
			   error.text);
		return -EBADMSG;
	}
	return snapshot__take(document, name, snapshot);
}

void snapshot__free(struct snapshot *snapshot)
{
	for (int i = 0; i < snapshot->nr; i++) {
		free(snapshot->kfuncs[i].hooks);
		free(snapshot->kfuncs[i].signature.params);
		free(snapshot->kfuncs[i].abi.params);
	}
	free(snapshot->kfuncs);
	json_decref(snapshot->document);
	memset(snapshot, 0, sizeof(*snapshot));
}

/* --- writing ---------------------------------------------------------------------------------- */

static int write_value(const json_t *value, FILE *out)
{
	return json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY) && !ferror(out) ? -ENOMEM : 0;
}

/* A typedef a line. */
static int write_typedefs(json_t *typedefs, FILE *out)
{
	size_t left = json_object_size(typedefs);
	const char *name;
	json_t *type;
	int err = 0;

	fputs(",\n\"typedefs\":{\n", out);
	json_object_foreach (typedefs, name, type) {
		json_t *key = json_string(name);

		err = err ?: write_value(key, out);
		fputc(':', out);
		err = err ?: write_value(type, out);
		fputs(--left ? ",\n" : "\n", out);
		json_decref(key);
	}
	fputs("}", out);
	return err;
}

int snapshot__write(const struct snapshot *snapshot, FILE *out)
{
	const json_t *kfuncs = json_object_get(snapshot->document, "kfuncs");
	size_t nr = json_array_size(kfuncs);
	int err;

	fprintf(out, "{\"format\":%d,\n\"kernel\":", SNAPSHOT_FORMAT);
	err = write_value(json_object_get(snapshot->document, "kernel"), out)
		      ?: write_typedefs(json_object_get(snapshot->document, "typedefs"), out);
	fputs(",\n\"kfuncs\":[\n", out);
	for (size_t i = 0; i < nr && !err; i++) {
		err = write_value(json_array_get(kfuncs, i), out);
		fputs(i + 1 < nr ? ",\n" : "\n", out);
	}
	fputs("]}\n", out);
	return err;
}

/* --- finding ---------------------------------------------------------------------------------- */

const struct snapshot_kfunc *snapshot__find(const struct snapshot *snapshot, const char *name,
					    const char *module)
{
	const struct snapshot_kfunc key = { .name = name, .module = module };

	if (!snapshot->nr)
		return NULL;
	return bsearch(&key, snapshot->kfuncs, snapshot->nr, sizeof(key), compare_kfuncs);
}

const struct snapshot_kfunc *snapshot__find_name(const struct snapshot *snapshot, const char *name)
{
	for (int i = 0; i < snapshot->nr; i++) {
		if (strcmp(snapshot->kfuncs[i].name, name) == 0)
			return &snapshot->kfuncs[i];
	}
	return NULL;
}

const char *snapshot__typedef(const struct snapshot *snapshot, const char *name)
{
	return string_of(json_object_get(snapshot->document, "typedefs"), name);
}

const struct snapshot_hook *snapshot_kfunc__hook(const struct snapshot_kfunc *kfunc,
						 const char *name)
{
	for (int i = 0; i < kfunc->nr_hooks; i++) {
		if (strcmp(kfunc->hooks[i].name, name) == 0)
			return &kfunc->hooks[i];
	}
	return NULL;
}

bool snapshot_hook__is_unknown(const struct snapshot_hook *hook)
{
	size_t len = strlen(SNAPSHOT_HOOK_UNKNOWN);

	return strncmp(hook->name, SNAPSHOT_HOOK_UNKNOWN, len) == 0 &&
	       (!hook->name[len] || hook->name[len] == '-');
}

bool snapshot_hook__has_flag(const struct snapshot_hook *hook, const char *flag)
{
	for (int i = 0; i < hook->nr_flags; i++) {
		if (strcmp(hook->flags[i], flag) == 0)
			return true;
	}
	return false;
}
