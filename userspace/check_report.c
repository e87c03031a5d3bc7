// SPDX-License-Identifier: GPL-2.0-only
#include "check_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "check.h"
#include "json_values.h"
#include "output.h"
#include "table.h"

/* --- text ------------------------------------------------------------------------------------- */

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void add_row(const struct check *check, const struct check_finding *finding, bool objects,
		    struct table *table)
{
	table__row(table);
	if (objects)
		table__cell(table, "%s", check->objects[finding->object].path);
	table__cell(table, "%s%s", finding->autoload ? "" : "?", finding->program ?: "-");
	table__cell(table, "%s", finding->kfunc);
	table__cell(table, "%s", check->kernels[finding->kernel].label);
	table__cell(table, "%s", check_verdict__name(finding->verdict));
	table__cell(table, "%s", check_outcome__name(finding->outcome));
	if (finding->file)
		table__cell(table, "%s:%d", file_name(finding->file), finding->line);
	else
		table__cell(table, "-");
	table__cell(table, "%s", finding->what ?: "");
	if (finding->advice && finding->replacement)
		table__cell(table, "call %s; or %s", finding->replacement, finding->advice);
	else if (finding->replacement)
		table__cell(table, "call %s", finding->replacement);
	else
		table__cell(table, "%s", finding->advice ?: "");
}

static int print_table(const struct check *check, bool all, FILE *out, bool *has_optional)
{
	static const struct table_column columns[] = {
		{ .title = "OBJECT", .drop = 3 },
		{ .title = "PROGRAM", .min = TABLE_WHOLE },
		{ .title = "KFUNC", .min = TABLE_WHOLE },
		{ .title = "KERNEL" },
		{ .title = "VERDICT", .min = TABLE_WHOLE },
		{ .title = "LOADS", .drop = 1 },
		{ .title = "WHERE", .drop = 2, .min = TABLE_WHOLE },
		{ .title = "WHAT", .drop = 5 },
		{ .title = "WHAT TO DO", .drop = 4, .min = 20 },
	};
	bool objects = check->nr_objects > 1, any = false;
	struct table *table =
		table__new(columns + !objects, sizeof(columns) / sizeof(columns[0]) - !objects);
	int err = 0;

	if (!table)
		return -ENOMEM;
	*has_optional = false;
	for (size_t i = 0; i < check->nr_findings; i++) {
		const struct check_finding *finding = &check->findings[i];

		if (!all && check_finding__is_fine(finding))
			continue;
		add_row(check, finding, objects, table);
		*has_optional |= !finding->autoload;
		any = true;
	}
	if (any) {
		err = table__print(table, out, terminal_width(out));
		fputc('\n', out);
	}
	table__free(table);
	return err;
}

static int compare_pointers(const void *a, const void *b)
{
	const char *left = *(const char *const *)a, *right = *(const char *const *)b;

	return left < right ? -1 : left > right;
}

/* Texts are kept once, so that equal names have equal addresses. */
static int count_kfuncs(const struct check *check, size_t kernel, size_t *count)
{
	const char **names = calloc(check->nr_findings + 1, sizeof(*names));
	size_t nr = 0;

	*count = 0;
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < check->nr_findings; i++) {
		if (check->findings[i].kernel == kernel)
			names[nr++] = check->findings[i].kfunc;
	}
	qsort(names, nr, sizeof(*names), compare_pointers);
	for (size_t i = 0; i < nr; i++)
		*count += !i || names[i] != names[i - 1];
	free(names);
	return 0;
}

struct count {
	size_t programs, broken, undecided, optional;
};

static struct count count_programs(const struct check *check, size_t kernel)
{
	struct count count = { 0 };

	for (size_t i = 0; i < check->nr_programs; i++) {
		const struct check_program *program = &check->programs[i];

		if (program->kernel != kernel)
			continue;
		if (!program->autoload) {
			count.optional++;
			continue;
		}
		count.programs++;
		count.broken += program->outcome == CHECK_BREAKS;
		count.undecided += program->outcome == CHECK_UNDECIDED;
	}
	return count;
}

static int print_summary(const struct check *check, size_t kernel, FILE *out)
{
	struct count count = count_programs(check, kernel);
	const char *release = check->kernels[kernel].snapshot.release;
	size_t kfuncs, unread = 0;
	int err = count_kfuncs(check, kernel, &kfuncs);

	for (size_t i = 0; i < check->nr_objects; i++)
		unread += check->objects[i].error != NULL;

	fprintf(out, " %zu program%s, %zu kfunc%s: ", count.programs,
		count.programs == 1 ? "" : "s", kfuncs, kfuncs == 1 ? "" : "s");
	if (!count.programs && !count.optional)
		fprintf(out, "nothing to judge on %s", release);
	else if (!count.broken && !count.undecided)
		fprintf(out, "all load on %s", release);
	else if (!count.broken)
		fprintf(out, "nothing is known to break on %s", release);
	else
		fprintf(out, "%zu do%s not load on %s", count.broken, count.broken == 1 ? "es" : "",
			release);
	if (count.undecided)
		fprintf(out, ", of %zu it cannot be told", count.undecided);
	if (count.optional)
		fprintf(out, " (%zu more not loaded by default)", count.optional);
	if (unread)
		fprintf(out, "; %zu object%s not judged", unread, unread == 1 ? "" : "s");
	fputc('\n', out);
	return err;
}

int check_report__text(const struct check *check, bool all, FILE *out)
{
	bool has_optional = false;
	int err = print_table(check, all, out, &has_optional);

	for (size_t i = check->has_baseline; i < check->nr_kernels && !err; i++)
		err = print_summary(check, i, out);
	if (has_optional)
		fputs(" ? SEC(\"?...\"): not loaded by default; counts only where the\n   whole object is refused\n",
		      out);
	return err;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_kernels(const struct check *check)
{
	json_t *array = json_array();

	for (size_t i = check->has_baseline; i < check->nr_kernels; i++) {
		const struct check_kernel *kernel = &check->kernels[i];
		json_t *object = json_object();

		json_object_set_new(object, "name", json_text(kernel->name));
		json_object_set_new(object, "release", json_text(kernel->snapshot.release));
		json_object_set_new(object, "arch", json_string(kernel->snapshot.arch));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_objects(const struct check *check)
{
	json_t *array = json_array();

	for (size_t i = 0; i < check->nr_objects; i++) {
		json_t *object = json_object();

		json_object_set_new(object, "object", json_text(check->objects[i].path));
		json_object_set_new(object, "error", json_text(check->objects[i].error));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_programs(const struct check *check)
{
	json_t *array = json_array();

	for (size_t i = 0; i < check->nr_programs; i++) {
		const struct check_program *program = &check->programs[i];
		json_t *object = json_object();

		json_object_set_new(object, "object",
				    json_text(check->objects[program->object].path));
		json_object_set_new(object, "program", json_text(program->name));
		json_object_set_new(object, "section", json_text(program->section));
		json_object_set_new(object, "type", json_text(program->type));
		json_object_set_new(object, "sleepable", json_boolean(program->sleepable));
		json_object_set_new(object, "autoload", json_boolean(program->autoload));
		json_object_set_new(object, "kernel",
				    json_text(check->kernels[program->kernel].name));
		json_object_set_new(object, "kfuncs", json_integer(program->nr_kfuncs));
		json_object_set_new(object, "loads",
				    json_string(check_outcome__name(program->outcome)));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_findings(const struct check *check)
{
	json_t *array = json_array();

	for (size_t i = 0; i < check->nr_findings; i++) {
		const struct check_finding *finding = &check->findings[i];
		json_t *object = json_object();

		json_object_set_new(object, "object",
				    json_text(check->objects[finding->object].path));
		json_object_set_new(object, "program", json_text(finding->program));
		json_object_set_new(object, "section", json_text(finding->section));
		json_object_set_new(object, "kfunc", json_text(finding->kfunc));
		json_object_set_new(object, "module", json_text(finding->module));
		json_object_set_new(object, "kernel",
				    json_text(check->kernels[finding->kernel].name));
		json_object_set_new(object, "verdict",
				    json_string(check_verdict__name(finding->verdict)));
		json_object_set_new(object, "loads",
				    json_string(check_outcome__name(finding->outcome)));
		json_object_set_new(object, "counts", json_boolean(check_finding__counts(finding)));
		json_object_set_new(object, "what", json_text(finding->what));
		json_object_set_new(object, "advice", json_text(finding->advice));
		json_object_set_new(object, "replacement", json_text(finding->replacement));
		json_object_set_new(object, "file", json_text(finding->file));
		json_object_set_new(object, "line",
				    finding->file ? json_integer(finding->line) : json_null());
		json_array_append_new(array, object);
	}
	return array;
}

int check_report__json(const struct check *check, FILE *out)
{
	json_t *root = json_object();

	json_object_set_new(root, "kernels", json_kernels(check));
	json_object_set_new(root, "objects", json_objects(check));
	json_object_set_new(root, "programs", json_programs(check));
	json_object_set_new(root, "findings", json_findings(check));
	return output__json(out, root, true);
}
