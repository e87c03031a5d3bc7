// SPDX-License-Identifier: GPL-2.0-only
/* What follows from what is in a report, and its words. */
#include "deprecation_report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "deprecations.h"
#include "table.h"

/* A text that grows to the end of its buffer. */
struct text {
	char *buf;
	size_t size, len;
};

static void append(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void append(struct text *text, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text->buf + text->len, text->size - text->len, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	text->len += len;
	if (text->len >= text->size)
		text->len = text->size - 1;
}

static struct text begin(char *buf, size_t size)
{
	buf[0] = '\0';
	return (struct text){ .buf = buf, .size = size };
}

static const char *plural(__u64 nr)
{
	return nr == 1 ? "" : "s";
}

__u64 reported_kfunc__calls(const struct reported_kfunc *kfunc)
{
	__u64 calls = 0;

	for (size_t i = 0; i < kfunc->nr_uses; i++)
		calls += kfunc->uses[i].calls;
	return calls;
}

size_t reported_kfunc__programs(const struct reported_kfunc *kfunc)
{
	size_t nr = 0;

	for (size_t i = 0; i < kfunc->nr_uses; i++)
		nr += kfunc->uses[i].nr_sites > 0;
	return nr;
}

struct reported_time reported_kfunc__last_call(const struct reported_kfunc *kfunc)
{
	struct reported_time last = { 0 };

	for (size_t i = 0; i < kfunc->nr_uses; i++) {
		if (kfunc->uses[i].last_call.before > last.before)
			last = kfunc->uses[i].last_call;
	}
	return last;
}

int reported_kfunc__used(const struct reported_kfunc *kfunc)
{
	/* Nobody knows that an unknown caller is no program. */
	if (kfunc->nr_uses || kfunc->unknown_calls)
		return 1;
	return kfunc->no_census && kfunc->no_counts ? -1 : 0;
}

static size_t nr_declaring(const struct reported_kfunc *kfunc)
{
	size_t nr = 0;

	for (size_t i = 0; i < kfunc->nr_uses; i++)
		nr += kfunc->uses[i].declared;
	return nr;
}

static void append_seconds(struct text *text, double seconds)
{
	append(text, seconds < 10 ? "%.1f s" : "%.0f s", seconds);
}

static void append_calls(struct text *text, const struct deprecation_report *report,
			 const struct reported_kfunc *kfunc)
{
	__u64 calls = reported_kfunc__calls(kfunc);
	char number[32];

	if (calls)
		append(text, "%s call%s by programs",
		       format_thousands(calls, number, sizeof(number)), plural(calls));
	if (kfunc->unknown_calls)
		append(text, "%s%s call%s by unknown callers", calls ? ", " : "",
		       format_thousands(kfunc->unknown_calls, number, sizeof(number)),
		       plural(kfunc->unknown_calls));
	if (!calls && !kfunc->unknown_calls)
		append(text, "no %s seen",
		       reported_kfunc__used(kfunc) || kfunc->no_census ? "call" : "use");
	append(text, " in ");
	append_seconds(text, report->end - report->begin);
	append(text, " on this host");
	if (kfunc->kernel_calls)
		append(text, " (and %s call%s by the kernel itself)",
		       format_thousands(kfunc->kernel_calls, number, sizeof(number)),
		       plural(kfunc->kernel_calls));
}

static void append_programs(struct text *text, const struct reported_kfunc *kfunc)
{
	size_t nr = reported_kfunc__programs(kfunc);

	if (!kfunc->no_census) {
		append(text, "%zu program%s contain%s it", nr, plural(nr), nr == 1 ? "s" : "");
		return;
	}
	append(text, "which programs contain it cannot be seen (%s)", kfunc->no_census);
	nr = nr_declaring(kfunc);
	if (nr)
		append(text, "; %zu %s from objects that declare it", nr,
		       nr == 1 ? "comes" : "come");
}

const char *reported_kfunc__verdict(const struct deprecation_report *report,
				    const struct reported_kfunc *kfunc, char *buf, size_t size)
{
	struct text text = begin(buf, size);

	if (reported_kfunc__used(kfunc) < 0)
		append(&text, "unknown: ");
	if (!kfunc->no_counts) {
		append_calls(&text, report, kfunc);
		append(&text, "; ");
	}
	append_programs(&text, kfunc);
	/* What is so for all of them stands at the top. */
	if (kfunc->no_counts)
		append(&text, "; its calls were not counted");
	if (kfunc->no_counts && kfunc->no_counts != report->no_counts)
		append(&text, " (%s)", kfunc->no_counts);
	return buf;
}

const char *reported_kfunc__status(const struct reported_kfunc *kfunc, char *buf, size_t size)
{
	const struct deprecation *deprecation = kfunc->deprecation;
	struct text text = begin(buf, size);

	if (deprecation) {
		append(&text, "%s", deprecation_kind__name(deprecation->kind));
		if (deprecation->since)
			append(&text, " since %u.%u", deprecation->since >> 16,
			       deprecation->since & 0xffff);
	}
	for (size_t i = 0; i < kfunc->nr_problems; i++)
		append(&text, "%s%s", text.len ? ", " : "", kfunc->problems[i]);
	return buf;
}

const char *deprecation_report__basis(const struct deprecation_report *report, char *buf,
				      size_t size)
{
	struct text text = begin(buf, size);

	if (!report->no_census)
		append(&text, "a census of loaded programs%s",
		       report->no_counts ? " only" : ", and counted calls");
	else
		append(&text, "%s", report->no_counts ? "nothing" : "counted calls only");
	if (!report->no_census && report->may_miss_programs)
		append(&text, "; programs that came and went at once may be missing");
	if (report->no_census)
		append(&text, "; no census: %s", report->no_census);
	if (report->no_counts)
		append(&text, "; calls were not counted: %s", report->no_counts);
	if (report->tracer_was_off)
		append(&text,
		       "; the kernel's function tracer was off in between: calls are missing");
	return buf;
}

const char *reported_program__title(const struct reported_program *program, char *buf, size_t size)
{
	/* Of some that are gone nothing but the number is known. */
	snprintf(buf, size, "%s (id %u, %s)%s", *program->name ? program->name : "?", program->id,
		 program->type, program->loaded ? "" : ", gone");
	return buf;
}

/* Between what is listed. */
static const char *separator(const struct text *text, size_t idx)
{
	return idx ? ", " : text->len ? "; " : "";
}

const char *reported_program__holders(const struct reported_program *program, char *buf,
				      size_t size)
{
	struct text text = begin(buf, size);

	if (program->has_uid)
		append(&text, "loaded by uid %u", program->uid);
	for (size_t i = 0; i < program->nr_processes; i++) {
		const struct reported_process *process = &program->processes[i];

		append(&text, "%s%s[%d]",
		       i	  ? ", "
		       : text.len ? "; held by "
				  : "held by ",
		       process->comm, process->pid);
		if (process->unit)
			append(&text, " (%s)", process->unit);
	}
	for (size_t i = 0; i < program->nr_pins; i++)
		append(&text, "%s%s%s", separator(&text, i), i ? "" : "pinned at ",
		       program->pins[i]);
	for (size_t i = 0; i < program->nr_attachments; i++) {
		const struct reported_attachment *attachment = &program->attachments[i];

		append(&text, "%s%s%s%s%s", separator(&text, i), i ? "" : "attached to ",
		       attachment->how, *attachment->target ? " " : "", attachment->target);
	}
	return buf;
}

void reported_program__clear(struct reported_program *program)
{
	for (size_t i = 0; i < program->nr_processes; i++)
		free(program->processes[i].unit);
	for (size_t i = 0; i < program->nr_pins; i++)
		free(program->pins[i]);
	for (size_t i = 0; i < program->nr_attachments; i++) {
		free(program->attachments[i].how);
		free(program->attachments[i].target);
	}
	free(program->processes);
	free(program->pins);
	free(program->attachments);
	program->processes = NULL;
	program->pins = NULL;
	program->attachments = NULL;
	program->nr_processes = program->nr_pins = program->nr_attachments = 0;
}
