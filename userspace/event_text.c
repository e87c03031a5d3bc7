// SPDX-License-Identifier: GPL-2.0-only
#include "event_text.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <jansson.h>

#include "caller.h"
#include "clock.h"
#include "counters.h"
#include "deprecations.h"
#include "json_values.h"
#include "pairing.h"
#include "prog_table.h"
#include "refs_report.h"
#include "tracing_session.h"

static const char *const kind_names[] = {
	[KFT_EVENT_ACQUIRE] = "acquire",
	[KFT_EVENT_RELEASE] = "release",
	[KFT_EVENT_ZERO] = "refcount-zero",
};

/* Not an address, and of no use to find one: another key each time the program runs. */
static __u64 object_number(__u64 address)
{
	static __u64 key[2];
	__u64 hash = address;

	if (!key[0] && getrandom(key, sizeof(key), 0) != sizeof(key))
		key[0] = clock_ns();
	key[0] |= 1;
	for (int round = 0; round < 4; round++) {
		hash = (hash ^ key[round & 1]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	return hash & 0xffffffff;
}

static const char *format_object(const struct refs_report *report,
				 const struct kft_reference_event *event, char *buf, size_t size)
{
	int len;

	if (report->addresses)
		len = snprintf(buf, size, "0x%llx", (unsigned long long)event->object);
	else
		len = snprintf(buf, size, "#%08llx",
			       (unsigned long long)object_number(event->object));
	if (event->object_pid)
		snprintf(buf + len, size - len, " pid %d (%s)", event->object_pid,
			 event->object_comm);
	else if (event->object_id)
		snprintf(buf + len, size - len, " cgroup %llu",
			 (unsigned long long)event->object_id);
	return buf;
}

static int stack_frames(const struct kft_reference_event *event)
{
	return event->stack_len > 0 ? event->stack_len / (int)sizeof(event->stack[0]) : 0;
}

/* "func+0x12", or the name of the program that the address lies in. */
static const char *format_frame(const struct refs_report *report, __u64 address, char *buf,
				size_t size)
{
	const struct counters *counters = report->session->counters;
	struct counters_caller found = counters__caller_at(counters, address, 0);
	const struct kft_prog *prog;
	const char *symbol;
	__u64 offset;

	snprintf(buf, size, "?");
	if (found.kind == CALLER_KERNEL) {
		symbol = counters__kernel_site(counters, address, &offset);
		if (symbol)
			snprintf(buf, size, "%s+%#llx", symbol, (unsigned long long)offset);
	} else if (found.kind == CALLER_PROGRAM) {
		prog = prog_table__find(counters__programs(counters), found.prog_id);
		if (prog)
			snprintf(buf, size, "%s [bpf]+%#llx", prog->name,
				 (unsigned long long)found.site);
	}
	return buf;
}

/* Where the kernel's own part begins: above it are our probe and its trampoline. */
static int first_frame(const struct refs_report *report, const struct kft_reference_event *event)
{
	const struct reference_function *function = refs_report__function_at(report, event->site);
	char frame[160];

	for (int i = 0; i < stack_frames(event) && function; i++) {
		size_t len = strlen(function->name);

		format_frame(report, event->stack[i], frame, sizeof(frame));
		if (strncmp(frame, function->name, len) == 0 && frame[len] == '+')
			return i;
	}
	/* A trampoline that is jumped to leaves no frame of the function itself. */
	for (int i = 0; i < stack_frames(event); i++) {
		format_frame(report, event->stack[i], frame, sizeof(frame));
		if (strcmp(frame, "?") != 0 && strncmp(frame, "kft_", 4) != 0)
			return i;
	}
	return 0;
}

/* Of destructors, which are no kfuncs, the catalogue says nothing. */
static const struct deprecation *deprecation_of(const struct refs_report *report,
						const struct reference_function *function)
{
	return function && function->kfunc
		       ? live_kernel__deprecation(&report->session->kernel, function->kfunc)
		       : NULL;
}

void event_text__print(const struct refs_report *report, const struct kft_reference_event *event,
		       struct deprecation_notes *notes, FILE *out)
{
	const struct reference_function *function = refs_report__function_at(report, event->site);
	struct caller caller = refs_report__caller_at(report, event->site);
	char object[64], site[256], frame[160];
	const char *mark = function ? deprecation_notes__mark(notes, function->name,
							      deprecation_of(report, function))
				    : "";

	fprintf(out, "%llu.%06llu %s/%u [%u] %s: %s%s %s",
		(unsigned long long)(event->time_ns / NS_PER_S),
		(unsigned long long)(event->time_ns % NS_PER_S / 1000), event->comm, event->tid,
		event->cpu, kind_names[event->kind], function ? function->name : "?", mark,
		format_object(report, event, object, sizeof(object)));
	if (caller.kind == CALLER_PROGRAM)
		fprintf(out, " by %s (id %u)", caller__name(&caller),
			caller.prog ? caller.prog->id : 0);
	else
		fprintf(out, " by %s", caller__name(&caller));
	if (caller.kind != CALLER_UNKNOWN)
		fprintf(out, " at %s",
			caller__format_site(&caller, report->session->counters, report->sites, site,
					    sizeof(site)));
	fputc('\n', out);
	for (int i = first_frame(report, event); i < stack_frames(event); i++)
		fprintf(out, "        %s\n",
			format_frame(report, event->stack[i], frame, sizeof(frame)));
}

json_t *event_text__json(const struct refs_report *report, const struct kft_reference_event *event)
{
	const struct reference_function *function = refs_report__function_at(report, event->site);
	json_t *json = json_object(), *stack;
	char text[160];

	json_object_set_new(json, "time_ns", json_integer(event->time_ns));
	json_object_set_new(json, "event", json_string(kind_names[event->kind]));
	json_object_set_new(
		json, "type",
		function ? json_string(pairing__type(report->pairing, function->type)->name)
			 : json_null());
	snprintf(text, sizeof(text), "%08llx", (unsigned long long)object_number(event->object));
	json_object_set_new(json, "object", json_string(text));
	if (report->addresses) {
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)event->object);
		json_object_set_new(json, "object_address", json_string(text));
	}
	json_object_set_new(json, "object_pid",
			    event->object_pid ? json_integer(event->object_pid) : json_null());
	json_object_set_new(json, "object_comm",
			    json_text(event->object_pid ? event->object_comm : NULL));
	json_object_set_new(json, "cgroup_id",
			    event->object_id ? json_integer(event->object_id) : json_null());
	json_object_set_new(json, "tid", json_integer(event->tid));
	json_object_set_new(json, "tgid", json_integer(event->tgid));
	json_object_set_new(json, "comm", json_text(event->comm));
	json_object_set_new(json, "cpu", json_integer(event->cpu));
	refs_report__add_site_json(report, event->site, json);
	deprecation__add_json(deprecation_of(report, function), json);
	if (event->stack_len) {
		stack = json_array();
		for (int i = first_frame(report, event); i < stack_frames(event); i++)
			json_array_append_new(stack,
					      json_string(format_frame(report, event->stack[i],
								       text, sizeof(text))));
		json_object_set_new(json, "stack", stack);
	}
	return json;
}
