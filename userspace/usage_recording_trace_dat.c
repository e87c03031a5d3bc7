// SPDX-License-Identifier: GPL-2.0-only
/* Recordings of trace-cmd, through its own library and libtraceevent. It has no word for the host. */
#include "usage_recording.h"

#include <errno.h>
#include <string.h>

#include <event-parse.h>
#include <trace-cmd.h>

#include "message.h"

#define SYSTEM "kfunc"

struct reading {
	struct recording *recording;
	int err;
};

/* The text of a field, ended by a null byte; NULL when there is no such field or it is damaged. */
static const char *text_of(struct tep_event *event, const char *field, struct tep_record *record)
{
	int len = 0;
	const char *text = tep_get_field_raw(NULL, event, field, record, &len, 0);

	return text && len > 0 && memchr(text, '\0', len) ? text : NULL;
}

static __s64 number_of(struct tep_event *event, const char *field, struct tep_record *record,
		       __s64 otherwise)
{
	unsigned long long number;

	return tep_get_field_val(NULL, event, field, record, &number, 0) ? otherwise
									 : (__s64)number;
}

static int take_record(struct tracecmd_input *handle, struct tep_record *record, int cpu, void *arg)
{
	struct tep_event *event = tep_find_event_by_record(tracecmd_get_tep(handle), record);
	struct reading *reading = arg;
	struct recorded_event taken = { 0 };

	(void)cpu;
	/*
	 * -1: a page that is full has no room for the number, and one at least was lost. Of other gaps
	 * nothing is said at all: the library tells of one only where a page begins with an event, and
	 * not with a timestamp.
	 */
	if (record->missed_events)
		recording__lost(reading->recording,
				record->missed_events > 0 ? record->missed_events : 1, true);
	if (!event || strcmp(event->system, SYSTEM) != 0)
		return 0;
	taken.name = event->name;
	taken.kfunc = text_of(event, "kfunc", record);
	taken.program = text_of(event, "prog", record);
	taken.prog_id = number_of(event, "prog_id", record, 0);
	if (!taken.kfunc || !taken.program)
		return 0;
	if (strcmp(event->name, "kfunc_deprecated") == 0) {
		taken.replacement = text_of(event, "replacement", record);
	} else if (strcmp(event->name, "kfunc_call") != 0) {
		taken.type = text_of(event, "type", record);
		taken.object = number_of(event, "object", record, 0);
		taken.count = number_of(event, "count", record, -1);
		taken.duration_ns = number_of(event, "duration_ns", record, -1);
	}
	taken.time_s = record->ts / 1e9;
	reading->err = recording__event(reading->recording, &taken);
	return reading->err;
}

int recording__read_trace_dat(struct recording *recording, const char *path)
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
