// SPDX-License-Identifier: GPL-2.0-only
/* The snapshot of the running kernel, made of its registry. */
#include "snapshot.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include <bpf/btf.h>
#include <jansson.h>

#include "kernel_version.h"
#include "kfunc_flags.h"
#include "live_kernel.h"
#include "prototype.h"
#include "snapshot_private.h"

static json_t *json_of_type(const struct btf *btf, __u32 type_id)
{
	char text[PROTOTYPE_LEN];

	/* BTF ends the parameters of a variadic function with one of no type. */
	if (prototype__format_type(btf, type_id, text, sizeof(text)))
		return json_null();
	return json_string(text);
}

static void add_signature(json_t *object, const struct btf *btf, __u32 func_id)
{
	const struct btf_type *proto = prototype__type(btf, func_id);
	json_t *params = json_array();

	for (int i = 0; proto && i < btf_vlen(proto); i++) {
		const struct btf_param *param = &btf_params(proto)[i];
		json_t *json = json_object();

		json_object_set_new(json, "type",
				    param->type ? json_of_type(btf, param->type)
						: json_string("..."));
		json_object_set_new(json, "name",
				    json_string(btf__name_by_offset(btf, param->name_off)));
		json_array_append_new(params, json);
	}
	json_object_set_new(object, "returns",
			    proto ? json_of_type(btf, proto->type) : json_null());
	json_object_set_new(object, "params", params);
}

static json_t *json_flags(unsigned int flags)
{
	json_t *array = json_array();
	char unnamed[16];

	for (unsigned int bit = 0; bit < 32; bit++) {
		if (flags & (1u << bit))
			json_array_append_new(
				array, json_string(kfunc_flag__name(bit, kernel_version(), unnamed,
								    sizeof(unnamed))));
	}
	return array;
}

static json_t *json_kfunc(const struct kfunc *kfunc)
{
	json_t *object = json_object(), *hooks = json_object(), *filtered = json_array();
	json_t *abi = json_null();

	for (int i = 0; i < kfunc->nr_hooks; i++) {
		const struct kfunc_hook *hook = &kfunc->hooks[i];

		json_object_set_new(hooks, hook->name, json_flags(hook->flags));
		if (hook->filtered)
			json_array_append_new(filtered, json_string(hook->name));
	}
	if (kfunc->abi_id != kfunc->btf_id) {
		abi = json_object();
		add_signature(abi, kfunc->kbtf->btf, kfunc->abi_id);
	}
	json_object_set_new(object, "name", json_string(kfunc->name));
	json_object_set_new(object, "module", json_string(kfunc->module));
	json_object_set_new(object, "hooks", hooks);
	json_object_set_new(object, "filtered", filtered);
	add_signature(object, kfunc->kbtf->btf, kfunc->btf_id);
	json_object_set_new(object, "abi", abi);
	json_object_set_new(object, "coverage", json_string(coverage__name(kfunc->coverage)));
	return object;
}

int snapshot__of_live(struct live_kernel *kernel, struct snapshot *snapshot)
{
	json_t *document = json_object(), *kfuncs = json_array();
	struct utsname uts;

	if (!document || !kfuncs)
		return -ENOMEM;
	uname(&uts);
	for (int i = 0; i < registry__nr(kernel->registry); i++)
		json_array_append_new(kfuncs, json_kfunc(registry__at(kernel->registry, i)));
	json_object_set_new(document, "format", json_integer(SNAPSHOT_FORMAT));
	json_object_set_new(document, "kernel",
			    json_pack("{s:s, s:s}", "release", uts.release, "arch", uts.machine));
	json_object_set_new(document, "kfuncs", kfuncs);
	return snapshot__take(document, "the running kernel", snapshot);
}
