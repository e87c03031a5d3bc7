// SPDX-License-Identifier: GPL-2.0-only
#include "event_recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "event_recording_private.h"
#include "json_values.h"
#include "message.h"
#include "output.h"
#include "table.h"

/* --- summing up ------------------------------------------------------------------------------- */

static struct recorded_use *find_or_add(struct event_recording *recording,
					const struct recorded_event *event)
{
	struct recorded_use *use;

	/* What comes after another is most often of the same few. */
	for (size_t i = 0; i < recording->nr; i++) {
		use = &recording->uses[i];
		if (use->prog_id == event->prog_id && strcmp(use->kfunc, event->kfunc) == 0 &&
		    strcmp(use->program, event->program) == 0)
			return use;
	}
	if (recording->nr == recording->room) {
		size_t room = recording->room ? recording->room * 2 : 64;
		struct recorded_use *grown = realloc(recording->uses, room * sizeof(*grown));

		if (!grown)
			return NULL;
		recording->uses = grown;
		recording->room = room;
	}
	use = &recording->uses[recording->nr++];
	memset(use, 0, sizeof(*use));
	snprintf(use->kfunc, sizeof(use->kfunc), "%s", event->kfunc);
	snprintf(use->program, sizeof(use->program), "%s", event->program);
	use->prog_id = event->prog_id;
	return use;
}

int event_recording__add(struct event_recording *recording, const struct recorded_event *event)
{
	struct recorded_use *use = find_or_add(recording, event);

	if (!use)
		return -ENOMEM;
	if (!recording->nr_events || event->time_s < recording->first_s)
		recording->first_s = event->time_s;
	if (!recording->nr_events || event->time_s > recording->last_s)
		recording->last_s = event->time_s;
	recording->nr_events++;
	if (strcmp(event->name, "kfunc_call") == 0)
		use->calls++;
	else if (strcmp(event->name, "kfunc_acquire") == 0)
		use->acquired++;
	else if (strcmp(event->name, "kfunc_release") == 0)
		use->released++;
	else if (strcmp(event->name, "kfunc_refcount_zero") == 0)
		use->zeros++;
	else if (strcmp(event->name, "kfunc_stale") == 0)
		use->stale++;
	else if (strcmp(event->name, "kfunc_deprecated") == 0)
		use->deprecated++;
	if (event->replacement)
		snprintf(use->replacement, sizeof(use->replacement), "%s", event->replacement);
	return 0;
}

static int compare_uses(const void *a, const void *b)
{
	const struct recorded_use *left = a, *right = b;
	__u64 more = left->calls + left->acquired + left->released,
	      less = right->calls + right->acquired + right->released;

	if (more != less)
		return more > less ? -1 : 1;
	return strcmp(left->kfunc, right->kfunc) ?: strcmp(left->program, right->program)
		       ?: (left->prog_id > right->prog_id) - (left->prog_id < right->prog_id);
}

/* --- reading ---------------------------------------------------------------------------------- */

int event_recording__read(const char *path, struct event_recording *recording)
{
	static const char perf_magic[] = "PERFILE2", trace_magic[] = "\027\010\104tracing";
	char magic[16] = "";
	FILE *in = fopen(path, "re");
	int err;

	memset(recording, 0, sizeof(*recording));
	if (!in) {
		err = -errno;
		msg__error("cannot read %s: %s", path, strerror(-err));
		return err;
	}
	if (fread(magic, 1, sizeof(magic), in) < sizeof(magic))
		memset(magic, 0, sizeof(magic));
	fclose(in);
	if (memcmp(magic, perf_magic, strlen(perf_magic)) == 0) {
		err = event_recording__read_perf(path, recording);
	} else if (memcmp(magic, trace_magic, strlen(trace_magic)) == 0) {
		err = event_recording__read_trace_dat(path, recording);
	} else {
		msg__error("%s: neither a recording of `perf record` nor one of `trace-cmd record`",
			   path);
		return -EBADMSG;
	}
	if (!err && !recording->nr_events)
		msg__warn("%s has no events of kfuncs: were they recorded (-e 'kfunc:*'), and did "
			  "`kfunctrace ... --events` run beside it?",
			  path);
	if (recording->nr)
		qsort(recording->uses, recording->nr, sizeof(*recording->uses), compare_uses);
	return err;
}

void event_recording__free(struct event_recording *recording)
{
	free(recording->uses);
	memset(recording, 0, sizeof(*recording));
}

/* --- printing --------------------------------------------------------------------------------- */

static void cell_count(struct table *table, __u64 count)
{
	/* No event of a kind was recorded, or none happened: that cannot be told. */
	if (count)
		table__number(table, count);
	else
		table__cell(table, "-");
}

int event_recording__print_table(const struct event_recording *recording, FILE *out)
{
	static const struct table_column columns[] = {
		{ .title = "KFUNC", .min = TABLE_WHOLE },
		{ .title = "CALLER", .min = TABLE_WHOLE },
		{ .title = "ID", .right = true, .drop = 3 },
		{ .title = "CALLS", .right = true },
		{ .title = "ACQUIRED", .right = true },
		{ .title = "RELEASED", .right = true },
		{ .title = "ZERO", .right = true, .drop = 2 },
		{ .title = "STALE", .right = true, .drop = 2 },
		{ .title = "DEPRECATED", .right = true, .drop = 2 },
		{ .title = "REPLACEMENT", .drop = 1 },
	};
	struct table *table = table__new(columns, sizeof(columns) / sizeof(columns[0]));
	int err = 0;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < recording->nr; i++) {
		const struct recorded_use *use = &recording->uses[i];

		table__row(table);
		table__cell(table, "%s", use->kfunc);
		table__cell(table, "%s", use->program);
		if (use->prog_id)
			table__cell(table, "%u", use->prog_id);
		else
			table__cell(table, "-");
		cell_count(table, use->calls);
		cell_count(table, use->acquired);
		cell_count(table, use->released);
		cell_count(table, use->zeros);
		cell_count(table, use->stale);
		cell_count(table, use->deprecated);
		table__cell(table, "%s", use->replacement);
	}
	if (recording->nr)
		err = table__print(table, out, terminal_width(out));
	table__free(table);
	fprintf(out, "%s %llu events of kfuncs in %.3f seconds; lost: %llu\n",
		recording->nr ? "\n" : "", (unsigned long long)recording->nr_events,
		recording->last_s - recording->first_s, (unsigned long long)recording->nr_lost);
	return err;
}

int event_recording__print_json(const struct event_recording *recording, FILE *out)
{
	json_t *root = json_object(), *uses = json_array();

	for (size_t i = 0; i < recording->nr; i++) {
		const struct recorded_use *use = &recording->uses[i];
		json_t *json = json_object();

		json_object_set_new(json, "kfunc", json_string(use->kfunc));
		json_object_set_new(json, "program", json_text(use->program));
		json_object_set_new(json, "program_id",
				    use->prog_id ? json_integer(use->prog_id) : json_null());
		json_object_set_new(json, "calls", json_integer(use->calls));
		json_object_set_new(json, "acquired", json_integer(use->acquired));
		json_object_set_new(json, "released", json_integer(use->released));
		json_object_set_new(json, "refcount_zero", json_integer(use->zeros));
		json_object_set_new(json, "stale", json_integer(use->stale));
		json_object_set_new(json, "deprecated", json_integer(use->deprecated));
		json_object_set_new(json, "replacement",
				    *use->replacement ? json_string(use->replacement)
						      : json_null());
		json_array_append_new(uses, json);
	}
	json_object_set_new(root, "events", json_integer(recording->nr_events));
	json_object_set_new(root, "lost", json_integer(recording->nr_lost));
	json_object_set_new(root, "seconds", json_real(recording->last_s - recording->first_s));
	json_object_set_new(root, "uses", uses);
	return output__json(out, root, true);
}
