// SPDX-License-Identifier: GPL-2.0-only
/* A report for programs. */
#include <time.h>

#include <jansson.h>

#include "deprecation_report.h"
#include "deprecations.h"
#include "json_values.h"
#include "output.h"
#include "prog_tag.h"

static json_t *json_texts(char *const *texts, size_t nr)
{
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(array, json_text(texts[i]));
	return array;
}

static json_t *json_processes(const struct reported_program *program)
{
	json_t *array = json_array();

	for (size_t i = 0; i < program->nr_processes; i++) {
		const struct reported_process *process = &program->processes[i];
		json_t *json = json_object();

		json_object_set_new(json, "pid", json_integer(process->pid));
		json_object_set_new(json, "comm", json_text(process->comm));
		json_object_set_new(json, "unit", json_text(process->unit));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *json_pins(const struct reported_program *program)
{
	json_t *array = json_array();

	for (size_t i = 0; i < program->nr_pins; i++) {
		json_t *json = json_object();

		json_object_set_new(json, "path", json_text(program->pins[i]));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *json_attachments(const struct reported_program *program)
{
	json_t *array = json_array();

	for (size_t i = 0; i < program->nr_attachments; i++) {
		const char *target = program->attachments[i].target;
		json_t *json = json_object();

		json_object_set_new(json, "how", json_text(program->attachments[i].how));
		json_object_set_new(json, "target", json_text_unless_empty(target));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *json_use(const struct deprecation_report *report, const struct reported_kfunc *kfunc,
			const struct reported_use *use)
{
	const struct reported_program *program = &report->programs[use->program];
	json_t *json = json_object();
	char tag[PROG_TAG_TEXT];

	json_object_set_new(json, "program", json_text_unless_empty(program->name));
	json_object_set_new(json, "program_id", json_integer(program->id));
	json_object_set_new(json, "program_type", json_text(program->type));
	json_object_set_new(json, "program_tag", json_string(format_prog_tag(program->tag, tag)));
	json_object_set_new(json, "loaded", json_boolean(program->loaded));
	json_object_set_new(json, "uid",
			    program->has_uid ? json_integer(program->uid) : json_null());
	json_object_set_new(json, "sites",
			    use->nr_sites ? json_integer(use->nr_sites) : json_null());
	json_object_set_new(json, "declared", json_boolean(use->declared));
	json_object_set_new(json, "calls",
			    kfunc->no_counts ? json_null() : json_integer(use->calls));
	json_object_set_new(json, "last_call_after", json_time(use->last_call.after));
	json_object_set_new(json, "last_call_before", json_time(use->last_call.before));
	json_object_set_new(json, "holders", json_processes(program));
	json_object_set_new(json, "pins", json_pins(program));
	json_object_set_new(json, "attached", json_attachments(program));
	return json;
}

static void add_figures(const struct deprecation_report *report, const struct reported_kfunc *kfunc,
			json_t *json)
{
	struct reported_time last = reported_kfunc__last_call(kfunc);
	int used = reported_kfunc__used(kfunc);
	bool counted = !kfunc->no_counts;
	json_t *uses = json_array();
	char text[1024];

	for (size_t i = 0; i < kfunc->nr_uses; i++)
		json_array_append_new(uses, json_use(report, kfunc, &kfunc->uses[i]));
	json_object_set_new(json, "used", used < 0 ? json_null() : json_boolean(used));
	json_object_set_new(json, "verdict",
			    json_text(reported_kfunc__verdict(report, kfunc, text, sizeof(text))));
	json_object_set_new(json, "no_census", json_text(kfunc->no_census));
	json_object_set_new(json, "no_counts", json_text(kfunc->no_counts));
	json_object_set_new(json, "programs",
			    kfunc->no_census ? json_null()
					     : json_integer(reported_kfunc__programs(kfunc)));
	json_object_set_new(json, "calls",
			    counted ? json_integer(reported_kfunc__calls(kfunc)) : json_null());
	json_object_set_new(json, "calls_by_kernel",
			    counted ? json_integer(kfunc->kernel_calls) : json_null());
	json_object_set_new(json, "calls_by_unknown",
			    counted ? json_integer(kfunc->unknown_calls) : json_null());
	json_object_set_new(json, "last_call_after", json_time(last.after));
	json_object_set_new(json, "last_call_before", json_time(last.before));
	json_object_set_new(json, "uses", uses);
}

static json_t *json_kfunc(const struct deprecation_report *report,
			  const struct reported_kfunc *kfunc)
{
	json_t *json = json_object();

	json_object_set_new(json, "kfunc", json_text(kfunc->name));
	json_object_set_new(json, "module", json_text(kfunc->module));
	deprecation__add_json_details(kfunc->deprecation, json);
	/* That of the target too, where the catalogue of this kernel says nothing. */
	json_object_set_new(json, "replacement", json_text(kfunc->replacement));
	json_object_set_new(json, "on_target", json_texts(kfunc->problems, kfunc->nr_problems));
	add_figures(report, kfunc, json);
	return json;
}

int deprecation_report__print_json(const struct deprecation_report *report, FILE *out)
{
	json_t *json = json_object(), *kfuncs = json_array();

	for (size_t i = 0; i < report->nr_kfuncs; i++)
		json_array_append_new(kfuncs, json_kfunc(report, &report->kfuncs[i]));
	json_object_set_new(json, "host", json_text(report->host));
	json_object_set_new(json, "kernel", json_text(report->release));
	json_object_set_new(json, "target", json_text(report->target));
	json_object_set_new(json, "begin", json_time(report->begin));
	json_object_set_new(json, "end", json_time(report->end));
	json_object_set_new(json, "seconds", json_real(report->end - report->begin));
	json_object_set_new(json, "no_census", json_text(report->no_census));
	json_object_set_new(json, "no_counts", json_text(report->no_counts));
	json_object_set_new(json, "may_miss_programs", json_boolean(report->may_miss_programs));
	json_object_set_new(json, "incomplete", json_boolean(report->tracer_was_off));
	json_object_set_new(json, "kfuncs", kfuncs);
	return output__json(out, json, true);
}
