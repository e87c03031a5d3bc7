// SPDX-License-Identifier: GPL-2.0-only
#include "pairing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "function_text.h"
#include "kernel_btf.h"
#include "kernel_reader.h"
#include "kernel_version.h"
#include "kfunc_flags.h"
#include "live_kernel.h"
#include "pairing_exceptions.h"
#include "prototype.h"
#include "registry.h"
#include "text_pool.h"

#define ITERATOR_PREFIX "bpf_iter_"
#define OBJECT_DROP	"__bpf_obj_drop_impl"

struct pairing {
	struct live_kernel *kernel;
	struct reference_type *types;
	int nr_types;
	struct reference_function **functions; /* they stay where they are */
	int nr_functions;
	struct text_pool *texts; /* names out of BTF, which may go with its module */
	bool is_numbered;	 /* indexes are used by now: everything new goes to the end */
	bool has_unread;	 /* functions whose code was not looked at */
};

const char *reference_role__name(enum reference_role role)
{
	switch (role) {
	case REFERENCE_ACQUIRE:
		return "acquire";
	case REFERENCE_RELEASE:
		return "release";
	case REFERENCE_CONVERT:
		return "convert";
	case REFERENCE_DESTRUCTOR:
		return "destructor";
	case REFERENCE_MOVE_IN:
		return "move in";
	case REFERENCE_MOVE_OUT:
		return "move out";
	case REFERENCE_ITER_NEW:
		return "new";
	case REFERENCE_ITER_NEXT:
		return "next";
	case REFERENCE_ITER_DESTROY:
		return "destroy";
	}
	return "?";
}

static bool is_iterator_role(enum reference_role role)
{
	return role == REFERENCE_ITER_NEW || role == REFERENCE_ITER_NEXT ||
	       role == REFERENCE_ITER_DESTROY;
}

/* --- types ------------------------------------------------------------------------------------ */

static int find_type(const struct pairing *pairing, const char *name, bool is_iterator)
{
	for (int i = 0; i < pairing->nr_types; i++) {
		if (pairing->types[i].is_iterator == is_iterator &&
		    strcmp(pairing->types[i].name, name) == 0)
			return i;
	}
	return -1;
}

/* Index of a type, new or not; -ENOMEM. */
static int find_or_add_type(struct pairing *pairing, const char *name, bool is_iterator)
{
	int idx = find_type(pairing, name, is_iterator);
	const struct type_trait *trait = is_iterator ? NULL : type_trait__find(name);
	struct reference_type *grown;

	if (idx >= 0)
		return idx;
	if (pairing->is_numbered && pairing->nr_types >= KFT_MAX_REFERENCE_TYPES)
		return -E2BIG;
	name = text_pool__keep(pairing->texts, name);
	if (!name)
		return -ENOMEM;
	grown = realloc(pairing->types, (pairing->nr_types + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	pairing->types = grown;
	grown[pairing->nr_types] = (struct reference_type){
		.name = name,
		.object = trait ? trait->object : KFT_OBJECT_OTHER,
		.is_iterator = is_iterator,
		.has_count = !is_iterator && !(trait && trait->has_no_count),
		.released_after_failure = is_iterator || (trait && trait->released_after_failure),
		.note = trait ? trait->note : NULL,
	};
	return pairing->nr_types++;
}

/* "task" of struct bpf_iter_task, which every kfunc of the trio has as its first argument. */
static const char *iterator_name(const char *pointee)
{
	size_t len = strlen(ITERATOR_PREFIX);

	return strncmp(pointee, ITERATOR_PREFIX, len) ? pointee : pointee + len;
}

static const char *param_type(const struct btf *btf, __u32 func_id, int param)
{
	const struct btf_type *proto = prototype__type(btf, func_id);
	const char *name = NULL;

	if (proto && param < btf_vlen(proto))
		name = prototype__pointee(btf, btf_params(proto)[param].type);
	return name ?: TYPE_UNKNOWN;
}

static const char *return_type(const struct btf *btf, __u32 func_id)
{
	const struct btf_type *proto = prototype__type(btf, func_id);

	return (proto ? prototype__pointee(btf, proto->type) : NULL) ?: TYPE_UNKNOWN;
}

/*
 * The parameter that a release takes the reference from. The verifier does not care which one it
 * is: the first of a type that something acquires, or else the first.
 */
static int released_param(const struct pairing *pairing, const struct btf *btf, __u32 func_id)
{
	const struct btf_type *proto = prototype__type(btf, func_id);

	for (int i = 0; proto && i < btf_vlen(proto); i++) {
		if (find_type(pairing, param_type(btf, func_id, i), false) >= 0)
			return i;
	}
	return 0;
}

/* --- functions -------------------------------------------------------------------------------- */

static struct reference_function *find_function(const struct pairing *pairing,
						const struct kernel_btf *kbtf, const char *name)
{
	for (int i = 0; i < pairing->nr_functions; i++) {
		if (pairing->functions[i]->kbtf == kbtf &&
		    strcmp(pairing->functions[i]->name, name) == 0)
			return pairing->functions[i];
	}
	return NULL;
}

static bool is_there(const struct pairing *pairing, const struct kernel_btf *kbtf, const char *name)
{
	const struct reference_function *function = find_function(pairing, kbtf, name);

	return function && !function->is_gone;
}

/* In place of what was known of it before its module went; else at the end. */
static int put_function(struct pairing *pairing, const struct reference_function *function)
{
	struct reference_function **grown, *place;

	place = find_function(pairing, function->kbtf, function->name);
	if (!place) {
		grown = realloc(pairing->functions, (pairing->nr_functions + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		pairing->functions = grown;
		place = malloc(sizeof(*place));
		if (!place)
			return -ENOMEM;
		grown[pairing->nr_functions++] = place;
	}
	*place = *function;
	pairing->has_unread = true;
	return 0;
}

/* Its role, -1 when it has none. */
static int role_of(const struct kfunc *kfunc, const struct pairing_exception *exception)
{
	if (exception && exception->has_role)
		return exception->role;
	if (kfunc->flags & KFUNC_ITER_NEW)
		return REFERENCE_ITER_NEW;
	if (kfunc->flags & KFUNC_ITER_NEXT)
		return REFERENCE_ITER_NEXT;
	if (kfunc->flags & KFUNC_ITER_DESTROY)
		return REFERENCE_ITER_DESTROY;
	if ((kfunc->flags & KFUNC_ACQUIRE) && (kfunc->flags & KFUNC_RELEASE))
		return REFERENCE_CONVERT;
	if (kfunc->flags & KFUNC_ACQUIRE)
		return REFERENCE_ACQUIRE;
	if (kfunc->flags & KFUNC_RELEASE)
		return REFERENCE_RELEASE;
	return -1;
}

static enum reference_failure failure_of(const struct kfunc *kfunc, const struct btf *btf,
					 enum reference_role role)
{
	const struct btf_type *proto = prototype__type(btf, kfunc->abi_id);

	if (kfunc->flags & KFUNC_RET_NULL)
		return FAILS_WITH_NULL;
	/* Those that return no pointer; a proto of type 0 returns nothing at all. */
	if (role == REFERENCE_ITER_NEW || role == REFERENCE_MOVE_IN || role == REFERENCE_ACQUIRE) {
		if (proto && proto->type && !prototype__returns_pointer(btf, kfunc->abi_id))
			return FAILS_WITH_NEGATIVE;
	}
	return FAILS_NEVER;
}

/*
 * A KF_RCU acquire is given an object that cannot go away but whose count may be zero, which is all
 * that it can fail of.
 */
static enum null_meaning null_meaning_of(const struct kfunc *kfunc, enum reference_role role,
					 const struct pairing_exception *exception)
{
	if (role != REFERENCE_ACQUIRE)
		return NULL_IS_OTHER;
	/* Given a place in a map, which may hold nothing. */
	if ((kfunc->flags & KFUNC_KPTR_GET) && kernel_version() < KVER(6, 4))
		return NULL_IS_MIXED;
	if (!(kfunc->flags & KFUNC_RCU))
		return NULL_IS_OTHER;
	return exception && exception->is_mixed ? NULL_IS_MIXED : NULL_IS_ZERO;
}

static bool gets_reference(enum reference_role role)
{
	return role == REFERENCE_ACQUIRE || role == REFERENCE_CONVERT ||
	       role == REFERENCE_MOVE_OUT || role == REFERENCE_ITER_NEW;
}

static bool loses_reference(enum reference_role role)
{
	return role == REFERENCE_RELEASE || role == REFERENCE_CONVERT ||
	       role == REFERENCE_DESTRUCTOR || role == REFERENCE_MOVE_IN ||
	       role == REFERENCE_ITER_DESTROY;
}

/* Types and the argument with the object, out of the prototype where nobody knows better. */
static int find_types(struct pairing *pairing, struct reference_function *function,
		      const struct btf *btf, const struct pairing_exception *exception)
{
	const char *type = exception ? exception->type : NULL;
	bool is_iterator = is_iterator_role(function->role);
	int param = -1, idx;

	if (exception && exception->has_arg)
		param = exception->arg;
	else if (is_iterator)
		param = 0;
	else if (loses_reference(function->role))
		param = type ? 0 : released_param(pairing, btf, function->abi_id);
	if (param >= 0)
		function->object_arg = prototype__arg_word(btf, function->abi_id, param);
	if (function->object_arg < -1)
		return function->object_arg;

	if (is_iterator)
		type = iterator_name(param_type(btf, function->abi_id, param));
	if (gets_reference(function->role)) {
		idx = find_or_add_type(pairing, type ?: return_type(btf, function->abi_id),
				       is_iterator);
		if (idx < 0)
			return idx;
		function->type = function->acquires = idx;
	}
	if (loses_reference(function->role) || function->role == REFERENCE_ITER_NEXT) {
		idx = find_or_add_type(pairing, type ?: param_type(btf, function->abi_id, param),
				       is_iterator);
		if (idx < 0)
			return idx;
		if (function->type < 0)
			function->type = idx;
		if (function->role != REFERENCE_ITER_NEXT)
			function->releases = idx;
	}
	return 0;
}

/* The function that the verifier calls in place of the kfunc for some programs. */
static int add_twin(struct pairing *pairing, const struct reference_function *function,
		    const struct btf *btf)
{
	__s32 id = btf__find_by_name_kind(btf, function->kfunc->twin, BTF_KIND_FUNC);
	struct reference_function twin = *function;

	if (id <= 0)
		return 0;
	twin.name = function->kfunc->twin;
	twin.btf_id = twin.abi_id = id;
	twin.note = "called in place of the kfunc for some programs";
	return put_function(pairing, &twin);
}

static int add_kfunc(struct pairing *pairing, const struct kfunc *kfunc, enum reference_role role)
{
	const struct pairing_exception *exception = pairing_exception__find(kfunc->name);
	const struct btf *btf = kernel_btf__types(pairing->kernel->btfs, kfunc->kbtf);
	struct reference_function function = {
		.name = kfunc->name,
		.kfunc = kfunc,
		.kbtf = kfunc->kbtf,
		.generation = kfunc->generation,
		.btf_id = kfunc->btf_id,
		.abi_id = kfunc->abi_id,
		.role = role,
		.type = -1,
		.acquires = -1,
		.releases = -1,
		.object_arg = -1,
		.is_new = role == REFERENCE_ITER_NEW || (exception && exception->is_new),
		.note = exception ? exception->note : NULL,
	};
	int err;

	if (!btf)
		return -errno;
	function.failure = failure_of(kfunc, btf, role);
	function.null_means = null_meaning_of(kfunc, role, exception);
	err = find_types(pairing, &function, btf, exception);
	if (!err)
		err = put_function(pairing, &function);
	if (!err && kfunc->twin)
		err = add_twin(pairing, &function, btf);
	return err;
}

/* What is acquired tells what is released, so releases come second. */
static int add_kfuncs(struct pairing *pairing, bool releases)
{
	const struct registry *registry = pairing->kernel->registry;
	bool too_many = false;

	for (int i = 0; i < registry__nr(registry); i++) {
		const struct kfunc *kfunc = registry__at(registry, i);
		int role = role_of(kfunc, pairing_exception__find(kfunc->name)), err;

		if (kfunc->is_gone || role < 0 || releases != (role == REFERENCE_RELEASE) ||
		    is_there(pairing, kfunc->kbtf, kfunc->name))
			continue;
		err = add_kfunc(pairing, kfunc, role);
		too_many |= err == -E2BIG;
		if (err && err != -E2BIG)
			return err;
	}
	return too_many ? -E2BIG : 0;
}

/* --- destructors ------------------------------------------------------------------------------ */

static int add_destructor(struct pairing *pairing, struct kernel_btf *kbtf, const struct btf *btf,
			  __u32 func_id, const char *type_name, const char *note)
{
	const struct btf_type *func = btf__type_by_id(btf, func_id);
	struct reference_function function = {
		.kbtf = kbtf,
		.generation = kbtf->generation,
		.btf_id = func_id,
		.abi_id = func_id,
		.role = REFERENCE_DESTRUCTOR,
		.acquires = -1,
		.object_arg = 0,
		.note = note,
	};

	if (!func || !btf_is_func(func))
		return -EBADMSG;
	function.name = text_pool__keep(pairing->texts, btf__name_by_offset(btf, func->name_off));
	if (!function.name)
		return -ENOMEM;
	function.type = function.releases = find_or_add_type(pairing, type_name, false);
	if (function.type < 0)
		return function.type;
	return put_function(pairing, &function);
}

static int take_destructors(const struct kft_destructors_record *destructors,
			    const struct kft_destructor *pairs, void *arg)
{
	struct pairing *pairing = arg;
	struct kernel_btf_set *btfs = pairing->kernel->btfs;
	struct kernel_btf *kbtf = kernel_btf_set__by_id(btfs, destructors->btf_id);
	const struct btf *btf = kbtf ? kernel_btf__types(btfs, kbtf) : NULL;
	const struct reference_function *known;

	if (!btf)
		return kbtf ? -errno : -EBADMSG;
	for (__u32 i = 0; i < destructors->cnt; i++) {
		const struct btf_type *type = btf__type_by_id(btf, pairs[i].type_id);
		const struct btf_type *func = btf__type_by_id(btf, pairs[i].func_id);
		int err;

		if (!type || !func)
			return -EBADMSG;
		/* Before 6.8 the release kfunc itself. */
		known = pairing__find(pairing, btf__name_by_offset(btf, func->name_off));
		if (known && !known->is_gone)
			continue;
		err = add_destructor(pairing, kbtf, btf, pairs[i].func_id,
				     btf__name_by_offset(btf, type->name_off), NULL);
		if (err && err != -E2BIG)
			return err;
	}
	return 0;
}

/* What programs allocate has no destructor in the table: one function drops them all. */
static int add_object_drop(struct pairing *pairing)
{
	struct kernel_btf_set *btfs = pairing->kernel->btfs;
	const struct btf *btf = kernel_btf_set__vmlinux(btfs);
	__s32 id = btf ? btf__find_by_name_kind(btf, OBJECT_DROP, BTF_KIND_FUNC) : -errno;
	const struct pairing_exception *exception = pairing_exception__find(OBJECT_DROP);

	if (!btf)
		return id;
	for (int i = 0; id > 0 && i < kernel_btf_set__nr(btfs); i++) {
		struct kernel_btf *kbtf = kernel_btf_set__at(btfs, i);

		if (kbtf->is_vmlinux)
			return add_destructor(pairing, kbtf, btf, id, exception->type,
					      exception->note);
	}
	return 0;
}

/* --- code ------------------------------------------------------------------------------------- */

struct code {
	const struct pairing *pairing;
	struct kft_symbol_record *symbols; /* of each function, address 0: there is none */
};

static int take_symbol(const struct kft_symbol_record *symbol, void *arg)
{
	struct code *code = arg;
	const char *module = *symbol->module ? symbol->module : "vmlinux";

	if (!strchr("tTwW", symbol->type))
		return 0;
	for (int i = 0; i < code->pairing->nr_functions; i++) {
		const struct reference_function *function = code->pairing->functions[i];

		if (!function->is_gone && !code->symbols[i].address &&
		    strcmp(function->name, symbol->name) == 0 &&
		    strcmp(function->kbtf->name, module) == 0)
			code->symbols[i] = *symbol;
	}
	return 0;
}

static const char *find_end(const struct pairing *pairing, const struct kft_symbol_record *symbol)
{
	for (int i = 0; i < pairing->nr_functions && !symbol->text_error; i++) {
		const struct reference_function *target = pairing->functions[i];

		if (target->address && target->address != symbol->address &&
		    function_text__goes_to(symbol->text, sizeof(symbol->text), symbol->address,
					   target->address))
			return target->name;
	}
	return NULL;
}

static int read_code(struct pairing *pairing)
{
	int nr = pairing->nr_functions, err = -ENOMEM;
	const char **names = calloc(nr ?: 1, sizeof(*names));
	struct code code = { pairing, calloc(nr ?: 1, sizeof(*code.symbols)) };

	if (!names || !code.symbols)
		goto out;
	for (int i = 0; i < nr; i++)
		names[i] = pairing->functions[i]->name;
	err = kernel_reader__symbols(pairing->kernel->reader, names, nr, take_symbol, &code);
	if (err)
		goto out;
	for (int i = 0; i < nr; i++)
		pairing->functions[i]->address = code.symbols[i].address;
	pairing->has_unread = false;
	for (int i = 0; i < nr; i++) {
		if (code.symbols[i].address)
			pairing->functions[i]->ends_in = find_end(pairing, &code.symbols[i]);
	}
out:
	free(code.symbols);
	free(names);
	return err;
}

/* --- order ------------------------------------------------------------------------------------ */

/* Programs release what they never could acquire: the kernel has given it to them. */
static void find_acquired_elsewhere(struct pairing *pairing)
{
	for (int i = 0; i < pairing->nr_types; i++)
		pairing->types[i].acquired_elsewhere = !pairing->types[i].is_iterator;
	for (int i = 0; i < pairing->nr_functions; i++) {
		const struct reference_function *function = pairing->functions[i];

		if (function->acquires >= 0 && function->role != REFERENCE_MOVE_OUT)
			pairing->types[function->acquires].acquired_elsewhere = false;
	}
}

static int compare_types(const void *a, const void *b)
{
	const struct reference_type *x = a, *y = b;

	return x->is_iterator != y->is_iterator ? x->is_iterator - y->is_iterator
						: strcmp(x->name, y->name);
}

static int compare_functions(const void *a, const void *b)
{
	const struct reference_function *x = *(const struct reference_function *const *)a;
	const struct reference_function *y = *(const struct reference_function *const *)b;

	if (x->type != y->type)
		return x->type - y->type;
	if (x->role != y->role)
		return (int)x->role - (int)y->role;
	return strcmp(x->name, y->name);
}

static int sort(struct pairing *pairing)
{
	struct reference_type *before = calloc(pairing->nr_types ?: 1, sizeof(*before));

	if (!before)
		return -ENOMEM;
	if (pairing->nr_types) {
		memcpy(before, pairing->types, pairing->nr_types * sizeof(*before));
		qsort(pairing->types, pairing->nr_types, sizeof(*before), compare_types);
	}
	for (int i = 0; i < pairing->nr_functions; i++) {
		struct reference_function *function = pairing->functions[i];
		int *indexes[] = { &function->type, &function->acquires, &function->releases };

		for (int j = 0; j < 3; j++) {
			if (*indexes[j] >= 0)
				*indexes[j] = find_type(pairing, before[*indexes[j]].name,
							before[*indexes[j]].is_iterator);
		}
	}
	if (pairing->nr_functions)
		qsort(pairing->functions, pairing->nr_functions, sizeof(*pairing->functions),
		      compare_functions);
	free(before);
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */

int pairing__open(struct live_kernel *kernel, struct pairing **result)
{
	struct pairing *pairing = calloc(1, sizeof(*pairing));
	int err;

	if (!pairing)
		return -ENOMEM;
	pairing->kernel = kernel;
	pairing->texts = text_pool__new();
	err = pairing->texts ? 0 : -ENOMEM;
	if (!err)
		err = add_kfuncs(pairing, false) ?: add_kfuncs(pairing, true);
	if (!err)
		err = kernel_reader__destructors(kernel->reader, take_destructors, pairing);
	if (!err)
		err = add_object_drop(pairing);
	if (!err)
		err = read_code(pairing);
	if (!err) {
		find_acquired_elsewhere(pairing);
		err = sort(pairing);
	}
	if (err) {
		pairing__free(pairing);
		return err;
	}
	pairing->is_numbered = true;
	*result = pairing;
	return 0;
}

static void find_gone(struct pairing *pairing)
{
	for (int i = 0; i < pairing->nr_functions; i++) {
		struct reference_function *function = pairing->functions[i];

		if (function->kbtf->is_gone || function->generation != function->kbtf->generation ||
		    (function->kfunc && function->kfunc->is_gone)) {
			function->is_gone = true;
			function->address = 0;
			function->ends_in = NULL;
		}
	}
}

int pairing__extend(struct pairing *pairing)
{
	bool too_many = false;
	int err;

	find_gone(pairing);
	for (int releases = 0; releases < 2; releases++) {
		err = add_kfuncs(pairing, releases);
		too_many |= err == -E2BIG;
		if (err && err != -E2BIG)
			return err;
	}
	err = kernel_reader__destructors(pairing->kernel->reader, take_destructors, pairing);
	/* It takes a walk through all symbols. */
	if (!err && pairing->has_unread)
		err = read_code(pairing);
	if (!err)
		find_acquired_elsewhere(pairing);
	return err ?: too_many ? -E2BIG : 0;
}

void pairing__free(struct pairing *pairing)
{
	if (!pairing)
		return;
	for (int i = 0; i < pairing->nr_functions; i++)
		free(pairing->functions[i]);
	free(pairing->functions);
	free(pairing->types);
	text_pool__free(pairing->texts);
	free(pairing);
}

int pairing__nr_types(const struct pairing *pairing)
{
	return pairing->nr_types;
}

const struct reference_type *pairing__type(const struct pairing *pairing, int idx)
{
	return &pairing->types[idx];
}

int pairing__nr_functions(const struct pairing *pairing)
{
	return pairing->nr_functions;
}

const struct reference_function *pairing__function(const struct pairing *pairing, int idx)
{
	return pairing->functions[idx];
}

const struct reference_function *pairing__find(const struct pairing *pairing, const char *name)
{
	const struct reference_function *gone = NULL;

	for (int i = 0; i < pairing->nr_functions; i++) {
		const struct reference_function *function = pairing->functions[i];

		if (strcmp(function->name, name) != 0)
			continue;
		if (!function->is_gone)
			return function;
		gone = gone ?: function;
	}
	return gone;
}
