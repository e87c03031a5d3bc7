// SPDX-License-Identifier: GPL-2.0-only
/* A report for programs: all that is known, host by host; sums are for the reader. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "json_values.h"
#include "output.h"
#include "printable.h"
#include "usage_summary.h"

static json_t *json_known(__s64 value)
{
	return value < 0 ? json_null() : json_integer(value);
}

static json_t *json_measured(const struct usage_kfunc *kfunc, unsigned int kind, __u64 count)
{
	return usage_kfunc__knows(kfunc, kind, count) ? json_integer(count) : json_null();
}

static json_t *json_name(const char *name)
{
	return strcmp(name, USAGE_UNKNOWN) ? json_text(name) : json_null();
}

/* Names in place of indices. */
static void add_host(const struct usage_report *report, __u32 host, json_t *json)
{
	json_object_set_new(json, "host", json_name(report->hosts[host].name));
}

static void add_kfunc(const struct usage_report *report, __u32 kfunc, json_t *json)
{
	bool is_known = kfunc < report->nr_kfuncs;

	json_object_set_new(json, "kfunc", json_text(is_known ? report->kfuncs[kfunc].name : NULL));
	json_object_set_new(json, "module",
			    is_known ? json_name(report->kfuncs[kfunc].module) : json_null());
}

static void add_program(const struct usage_report *report, __u32 idx, json_t *json)
{
	const struct known_program *program =
		idx < report->nr_programs ? &report->programs[idx] : NULL;
	bool is_program = program && program->kind == KNOWN_PROGRAM;

	json_object_set_new(json, "caller",
			    json_text(program ? known_kind__name(program->kind) : NULL));
	json_object_set_new(json, "program", json_text(is_program ? program->name : NULL));
	json_object_set_new(json, "program_type",
			    is_program ? json_text_unless_empty(program->type) : json_null());
}

static json_t *json_hosts(const struct usage_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->nr_hosts; i++) {
		const struct usage_host *host = &report->hosts[i];
		json_t *json = json_object();

		add_host(report, i, json);
		json_object_set_new(json, "kernel", json_text(host->release));
		json_object_set_new(json, "target", json_text(host->target));
		json_object_set_new(json, "begin", json_time(host->begin));
		json_object_set_new(json, "end", json_time(host->end));
		json_object_set_new(json, "known_s", json_integer(host->known_s));
		json_object_set_new(json, "lost", json_integer(host->lost));
		json_object_set_new(json, "lost_more", json_boolean(host->lost_more));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *json_deprecations(const struct usage_report *report)
{
	struct usage_deprecations deprecations;
	json_t *array = json_array();
	char verdict[1024];
	int err = usage_deprecations__make(&deprecations, report);

	for (size_t i = 0; !err && i < deprecations.nr; i++) {
		const struct usage_deprecated *deprecated = &deprecations.kfuncs[i];
		const struct usage_kfunc *kfunc = &report->kfuncs[deprecated->kfunc];
		int used = usage_deprecated__used(report, deprecated);
		json_t *json = json_object();

		add_kfunc(report, deprecated->kfunc, json);
		json_object_set_new(json, "deprecated", json_text(kfunc->deprecation));
		json_object_set_new(json, "deprecated_since", json_text(kfunc->since));
		json_object_set_new(json, "replacement", json_text(kfunc->replacement));
		json_object_set_new(json, "used", used < 0 ? json_null() : json_boolean(used));
		json_object_set_new(json, "verdict",
				    json_text(usage_deprecated__verdict(report, deprecated, verdict,
									sizeof(verdict))));
		json_object_set_new(json, "not_counted", json_text(kfunc->untraced));
		json_object_set_new(json, "programs", json_integer(deprecated->programs));
		json_object_set_new(json, "on_hosts", json_integer(deprecated->hosts));
		json_object_set_new(json, "loaded_programs", json_integer(deprecated->loaded));
		json_object_set_new(json, "calls", json_integer(deprecated->calls));
		json_object_set_new(json, "calls_by_kernel",
				    json_integer(deprecated->kernel_calls));
		json_object_set_new(json, "calls_by_unknown",
				    json_integer(deprecated->vague_calls));
		json_object_set_new(json, "last_seen", json_time(deprecated->last_seen));
		json_array_append_new(array, json);
	}
	usage_deprecations__free(&deprecations);
	if (err) {
		json_decref(array);
		return NULL;
	}
	return array;
}

static json_t *json_uses(const struct usage_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->nr_uses; i++) {
		const struct usage_use *use = &report->uses[i];
		const struct usage_kfunc *kfunc = &report->kfuncs[use->kfunc];
		const struct known_program *program = &report->programs[use->program];
		bool is_program = program->kind == KNOWN_PROGRAM;
		json_t *json;

		if (!usage_use__happened(use) ||
		    (report->deprecated_only &&
		     !usage_report__deprecates(report, use->kfunc, use->host)))
			continue;
		json = json_object();
		add_host(report, use->host, json);
		add_kfunc(report, use->kfunc, json);
		add_program(report, use->program, json);
		json_object_set_new(json, "program_tag", json_text_unless_empty(program->tag));
		json_object_set_new(json, "program_id",
				    is_program && program->id ? json_integer(program->id)
							      : json_null());
		json_object_set_new(json, "loaded_by", json_text_unless_empty(program->loader));
		json_object_set_new(json, "calls", json_integer(use->calls));
		json_object_set_new(json, "null_returns",
				    json_measured(kfunc, AGGREGATE_NULLS, use->nulls));
		json_object_set_new(json, "refcount_zero",
				    json_measured(kfunc, AGGREGATE_ZEROS, use->zeros));
		json_object_set_new(json, "outstanding", json_known(use->outstanding));
		json_object_set_new(json, "first_seen", json_time(use->first_seen));
		json_object_set_new(json, "last_seen", json_time(use->last_seen));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *json_points(const struct usage_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->nr_points; i++) {
		const struct usage_point *point = &report->points[i];
		json_t *json = json_object();

		json_object_set_new(json, "time", json_time(point->time));
		add_kfunc(report, point->kfunc, json);
		add_program(report, point->program, json);
		json_object_set_new(json, "calls", json_integer(point->calls));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *json_references(const struct usage_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->nr_references; i++) {
		const struct usage_references *references = &report->references[i];
		json_t *json = json_object();

		add_host(report, references->host, json);
		json_object_set_new(json, "type", json_text(references->type));
		json_object_set_new(json, "acquired", json_known(references->acquired));
		json_object_set_new(json, "released", json_known(references->released));
		json_object_set_new(json, "outstanding", json_known(references->outstanding));
		json_object_set_new(json, "parked", json_known(references->parked));
		json_object_set_new(json, "stale", json_known(references->stale));
		json_object_set_new(json, "oldest_s", json_integer(references->oldest_s));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *json_objects(const struct usage_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->nr_objects; i++) {
		const struct usage_object *object = &report->objects[i];
		json_t *json = json_object();

		add_host(report, object->host, json);
		json_object_set_new(json, "type", json_text(object->type));
		json_object_set_new(json, "what", json_text(object->what));
		add_kfunc(report, object->kfunc, json);
		add_program(report, object->program, json);
		json_object_set_new(json, "references", json_integer(object->references));
		json_object_set_new(json, "age_s", json_integer(object->age_s));
		json_object_set_new(json, "parked", json_boolean(object->parked));
		json_object_set_new(json, "stale", json_boolean(object->stale));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *json_problems(const struct usage_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->nr_problems; i++) {
		const struct usage_problem *problem = &report->problems[i];
		json_t *json = json_object();

		add_host(report, problem->host, json);
		add_kfunc(report, problem->kfunc, json);
		add_program(report, problem->program, json);
		json_object_set_new(json, "target", json_text(problem->target));
		json_object_set_new(json, "problem", json_text(problem->problem));
		json_object_set_new(json, "replacement", json_text(problem->replacement));
		json_array_append_new(array, json);
	}
	return array;
}

int usage_report__print_json(const struct usage_report *report, FILE *out, bool pretty)
{
	json_t *json = json_object(), *deprecations = json_deprecations(report);
	bool all = !report->deprecated_only;

	if (!deprecations) {
		json_decref(json);
		return -ENOMEM;
	}
	json_object_set_new(json, "source", json_text(report->source));
	json_object_set_new(json, "begin", json_time(report->begin));
	json_object_set_new(json, "end", json_time(report->end));
	json_object_set_new(json, "step_s",
			    report->step ? json_integer(report->step) : json_null());
	json_object_set_new(json, "hosts", json_hosts(report));
	json_object_set_new(json, "deprecations", deprecations);
	json_object_set_new(json, "uses", json_uses(report));
	json_object_set_new(json, "points", all ? json_points(report) : json_null());
	json_object_set_new(json, "references", all ? json_references(report) : json_null());
	json_object_set_new(json, "objects", all ? json_objects(report) : json_null());
	json_object_set_new(json, "problems", all ? json_problems(report) : json_null());
	return output__json(out, json, pretty);
}
