// SPDX-License-Identifier: GPL-2.0-only
/* Recordings of trace-cmd, through its own library and libtraceevent. */
#include "event_recording_private.h"

#include <errno.h>
#include <string.h>

#include <event-parse.h>
#include <trace-cmd.h>

#include "message.h"

#define SYSTEM "kfunc"

struct reading {
	struct event_recording *recording;
	int err;
};

/* The text of a field, ended by a null byte; NULL when there is no such field or it is damaged. */
static const char *text_of(struct tep_event *event, const char *field, struct tep_record *record)
{
	int len = 0;
	const char *text = tep_get_field_raw(NULL, event, field, record, &len, 0);

	return text && len > 0 && memchr(text, '\0', len) ? text : NULL;
}

static int take_record(struct tracecmd_input *handle, struct tep_record *record, int cpu, void *arg)
{
	struct tep_event *event = tep_find_event_by_record(tracecmd_get_tep(handle), record);
	struct reading *reading = arg;
	struct recorded_event taken = { 0 };
	unsigned long long prog_id = 0;

	(void)cpu;
	if (record->missed_events > 0)
		reading->recording->nr_lost += record->missed_events;
	if (!event || strcmp(event->system, SYSTEM) != 0)
		return 0;
	taken.name = event->name;
	taken.kfunc = text_of(event, "kfunc", record);
	taken.program = text_of(event, "prog", record);
	if (!taken.kfunc || !taken.program ||
	    tep_get_field_val(NULL, event, "prog_id", record, &prog_id, 0))
		return 0;
	taken.prog_id = prog_id;
	if (strcmp(event->name, "kfunc_deprecated") == 0)
		taken.replacement = text_of(event, "replacement", record);
	taken.time_s = record->ts / 1e9;
	reading->err = event_recording__add(reading->recording, &taken);
	return reading->err;
}

int event_recording__read_trace_dat(const char *path, struct event_recording *recording)
{
	struct tracecmd_input *handle = tracecmd_open(path, 0);
	struct reading reading = { .recording = recording };

	if (!handle) {
		msg__error("%s: trace-cmd's library cannot read it: damaged, or of a newer version",
			   path);
		return -EBADMSG;
	}
	if (tracecmd_iterate_events(handle, NULL, 0, take_record, &reading) < 0 && !reading.err) {
		msg__error("%s: its events cannot be read: is it whole?", path);
		reading.err = -EBADMSG;
	}
	tracecmd_close(handle);
	return reading.err;
}
