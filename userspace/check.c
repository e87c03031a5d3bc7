// SPDX-License-Identifier: GPL-2.0-only
/* The kernels, the objects, and what libbpf says of an object as a whole. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check_private.h"
#include "deprecations.h"
#include "kernel_version.h"
#include "text_pool.h"
#include "type_shape.h"

static const struct {
	const char *name;
	const char *meaning;
} verdicts[] = {
	[CHECK_OK] = { "ok", "Nothing is known that would keep the program from loading." },
	[CHECK_DEAD] = { "dead", "The verifier does not come to the call on this kernel." },
	[CHECK_MISSING] = { "missing",
			    "The kernel has no such kfunc: libbpf refuses the whole object." },
	[CHECK_MISSING_WEAK] = { "missing-weak",
				 "The kernel has no such kfunc, which is declared weak: the object "
				 "loads if the verifier does not come to the call." },
	[CHECK_INCOMPATIBLE] = { "incompatible",
				 "The kernel's kfunc takes or returns something else: libbpf refuses "
				 "the whole object." },
	[CHECK_CHANGED] = { "changed",
			    "The kfunc has changed; libbpf lets it pass, the verifier may "
			    "not." },
	[CHECK_NOT_ALLOWED] = { "not-allowed",
				"The kernel does not let programs of this type call the kfunc." },
	[CHECK_FILTERED] = { "filtered",
			     "A filter in the kernel decides whether the program may call "
			     "the kfunc." },
	[CHECK_UNKNOWN] = { "unknown",
			    "It cannot be told whether the program may call the kfunc." },
	[CHECK_SLEEPABLE] = { "sleepable", "The kfunc may sleep and the program may not." },
	[CHECK_NULL] = { "null", "What the kfunc returns may be NULL and is used without a test." },
	[CHECK_RETURNS_NULL] = { "returns-null",
				 "The kfunc may return NULL now, which it did not before." },
	[CHECK_ADDRESS] = { "address",
			    "The program takes the kfunc's address, which the kernel refuses." },
	[CHECK_NO_SYMBOL] = { "no-symbol",
			      "The kfunc is registered, but the kernel finds no code of it." },
	[CHECK_LICENSE] = { "license",
			    "Only programs with a license that is compatible with the GPL may "
			    "call kfuncs." },
	[CHECK_DEPRECATED] = { "deprecated", "The kfunc is on its way out." },
	[CHECK_MODULE] = { "module",
			   "The kfunc is a module's, which must be loaded before the program." },
};

const char *check_verdict__name(enum check_verdict verdict)
{
	return verdicts[verdict].name;
}

const char *check_verdict__explain(enum check_verdict verdict)
{
	return verdicts[verdict].meaning;
}

const char *check_outcome__name(enum check_outcome outcome)
{
	return outcome == CHECK_LOADS ? "yes" : outcome == CHECK_BREAKS ? "no" : "unknown";
}

bool check_finding__is_fine(const struct check_finding *finding)
{
	return finding->verdict == CHECK_OK || finding->verdict == CHECK_DEAD;
}

/* A file's name says nothing; "7.x" stands for one that should be named. */
static const char *make_label(struct check *check, const char *name, const char *release)
{
	size_t len = strspn(name, "0123456789.");

	if (strcmp(name, "live") == 0 || (len && !name[len]))
		return name;
	if (len && strcmp(name + len, "x") == 0)
		return text_pool__format(check->texts, "%.*s", (int)strspn(release, "0123456789."),
					 release);
	return release;
}

bool check_finding__counts(const struct check_finding *finding)
{
	return finding->outcome == CHECK_BREAKS && (finding->autoload || finding->whole_object);
}

/* --- kernels ---------------------------------------------------------------------------------- */

int check__init(struct check *check)
{
	memset(check, 0, sizeof(*check));
	check->texts = text_pool__new();
	return check->texts ? deprecations__load(&check->deprecations) : -ENOMEM;
}

void check__free(struct check *check)
{
	for (size_t i = 0; i < check->nr_kernels; i++)
		snapshot__free(&check->kernels[i].snapshot);
	free(check->kernels);
	free(check->objects);
	free(check->programs);
	free(check->findings);
	deprecations__free(check->deprecations);
	text_pool__free(check->texts);
	memset(check, 0, sizeof(*check));
}

int check__add_kernel(struct check *check, const char *name)
{
	struct check_kernel *grown, *kernel;
	int err;

	grown = realloc(check->kernels, (check->nr_kernels + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	check->kernels = grown;
	kernel = &grown[check->nr_kernels];
	*kernel = (struct check_kernel){ .name = name };
	err = snapshot__open(name, &kernel->snapshot);
	if (err)
		return err;
	kernel->version = kernel_version__parse(kernel->snapshot.release);
	check->nr_kernels++;
	kernel->label = make_label(check, name, kernel->snapshot.release);
	return kernel->label ? 0 : -ENOMEM;
}

int check__add_baseline(struct check *check, const char *name)
{
	check->has_baseline = true;
	return check__add_kernel(check, name);
}

/* --- results ---------------------------------------------------------------------------------- */

/* Room for one more in an array that doubles when its length is a power of two. */
static void *grow(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	return realloc(array, (nr ? nr * 2 : 1) * size);
}

int check__add_finding(const struct object_view *view, struct check_finding *finding)
{
	struct check *check = view->check;
	struct check_finding *grown =
		grow(check->findings, check->nr_findings, sizeof(*check->findings));

	if (!grown)
		return -ENOMEM;
	check->findings = grown;
	finding->object = view->object;
	finding->kernel = view->kernel;
	/* The rest is the file's, which goes. */
	finding->program = text_pool__keep(check->texts, finding->program);
	finding->section = text_pool__keep(check->texts, finding->section);
	finding->kfunc = text_pool__keep(check->texts, finding->kfunc);
	finding->file = text_pool__keep(check->texts, finding->file);
	grown[check->nr_findings++] = *finding;
	return 0;
}

int check__add_program(const struct object_view *view, const struct check_program *program)
{
	struct check *check = view->check;
	struct check_program *grown = grow(check->programs, check->nr_programs, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	check->programs = grown;
	grown[check->nr_programs] = *program;
	grown[check->nr_programs].object = view->object;
	grown[check->nr_programs].kernel = view->kernel;
	grown[check->nr_programs].name = text_pool__keep(check->texts, program->name);
	grown[check->nr_programs].section = text_pool__keep(check->texts, program->section);
	check->nr_programs++;
	return 0;
}

/* --- an object -------------------------------------------------------------------------------- */

/* libbpf looks in vmlinux first, then in the modules. */
static const struct snapshot_kfunc *find_kfunc(const struct snapshot *snapshot, const char *name)
{
	return snapshot__find(snapshot, name, "vmlinux") ?: snapshot__find_name(snapshot, name);
}

static int resolve(struct object_view *view, size_t idx)
{
	const struct object_kfunc *kfunc = &view->calls->kfuncs[idx];
	const struct snapshot *snapshot = &view->check->kernels[view->kernel].snapshot;
	struct type_shape *want, *have;
	enum type_match match;
	char why[256] = "";

	view->have[idx] = find_kfunc(snapshot, kfunc->name);
	view->resolutions[idx] = ABSENT;
	if (!view->have[idx])
		return 0;
	want = type_shape__of_btf(view->calls->file->btf, kfunc->proto_id);
	have = type_shape__of_signature(&view->have[idx]->signature, snapshot);
	match = want && have ? type_shape__compare(want, have, why, sizeof(why)) : TYPES_SAME;
	view->resolutions[idx] = match == TYPES_DIFFER ? MISMATCH : RESOLVED;
	view->is_doubtful[idx] = match == TYPES_DOUBTFUL;
	view->why[idx] = match == TYPES_SAME ? NULL : text_pool__keep(view->check->texts, why);
	type_shape__free(want);
	type_shape__free(have);
	return want && have ? 0 : -ENOMEM;
}

/* Kfuncs that no program calls: libbpf looks for them all the same. */
static int judge_uncalled(const struct object_view *view, const bool *is_called)
{
	int err = 0;

	for (size_t i = 0; i < view->calls->nr_kfuncs && !err; i++) {
		struct check_finding finding = {
			.kfunc = view->calls->kfuncs[i].name,
			.autoload = true,
		};

		if (is_called[i] || view->resolutions[i] == RESOLVED ||
		    (view->resolutions[i] == ABSENT && view->calls->kfuncs[i].is_weak))
			continue;
		check__describe_unresolved(view, i, &finding);
		err = check__add_finding(view, &finding);
	}
	return err;
}

static int judge_view(struct object_view *view)
{
	const struct object_calls *calls = view->calls;
	bool *is_called = calloc(calls->nr_kfuncs + 1, sizeof(*is_called));
	int err = is_called ? 0 : -ENOMEM;

	for (size_t i = 0; i < calls->nr_kfuncs && !err; i++) {
		err = resolve(view, i);
		if (view->resolutions[i] == MISMATCH ||
		    (view->resolutions[i] == ABSENT && !calls->kfuncs[i].is_weak))
			view->outcome = CHECK_BREAKS;
	}
	for (size_t i = 0; i < calls->nr_programs && !err; i++)
		err = check_program__judge(view, &calls->programs[i], is_called);
	if (!err)
		err = judge_uncalled(view, is_called);
	free(is_called);
	return err;
}

static int judge_on(struct check *check, const struct object_calls *calls, size_t kernel)
{
	size_t nr = calls->nr_kfuncs + 1;
	struct object_view view = {
		.check = check,
		.object = check->nr_objects - 1,
		.kernel = kernel,
		.calls = calls,
		.resolutions = calloc(nr, sizeof(*view.resolutions)),
		.have = calloc(nr, sizeof(*view.have)),
		.why = calloc(nr, sizeof(*view.why)),
		.is_doubtful = calloc(nr, sizeof(*view.is_doubtful)),
	};
	int err = -ENOMEM;

	if (view.resolutions && view.have && view.why && view.is_doubtful)
		err = judge_view(&view);
	free(view.resolutions);
	free(view.have);
	free(view.why);
	free(view.is_doubtful);
	return err;
}

void check__forget_object(struct check *check)
{
	check->nr_objects--;
}

static struct check_object *add_object(struct check *check, const char *path)
{
	struct check_object *grown = grow(check->objects, check->nr_objects, sizeof(*grown));

	if (!grown)
		return NULL;
	check->objects = grown;
	grown += check->nr_objects++;
	*grown = (struct check_object){ .path = text_pool__keep(check->texts, path) };
	return grown;
}

int check__unreadable(struct check *check, const char *path, const char *error)
{
	struct check_object *object = add_object(check, path);

	if (!object)
		return -ENOMEM;
	object->error = text_pool__keep(check->texts, error);
	return 0;
}

int check__object(struct check *check, const char *path, void *data, size_t size)
{
	struct check_object *object = add_object(check, path);
	struct object_calls calls = { 0 };
	struct object_file file;
	const char *error;
	int err;

	if (!object)
		return -ENOMEM;
	err = object_file__read(&file, data, size);
	error = file.error;
	if (!err) {
		err = object_calls__read(&calls, &file);
		error = calls.error;
	}
	if (err)
		object->error = text_pool__keep(check->texts, error);
	for (size_t i = check->has_baseline; i < check->nr_kernels && !err; i++)
		err = judge_on(check, &calls, i);
	object_calls__free(&calls);
	object_file__free(&file);
	return err;
}
