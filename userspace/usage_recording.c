// SPDX-License-Identifier: GPL-2.0-only
#include "usage_recording.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "deprecations.h"
#include "hash_index.h"
#include "kernel_version.h"
#include "message.h"

/* Events of each kind that one caller made of one kfunc. */
struct recorded_use {
	__u32 kfunc, program; /* indices in the report */
	__u64 called, acquired, released, zeros, deprecated;
};

struct recording {
	struct usage_report *report;
	const struct usage_query *query;
	struct recorded_use *uses;
	size_t nr, room;
	struct hash_index by_names, by_type, by_object; /* of uses, references and objects */
	__u64 *addresses; /* of the report's objects, and room for them */
	size_t addresses_room;
	char *host, *release;
	__u64 nr_events, lost;
	bool lost_more;
	double first_s, last_s; /* -1: no event so far */
};

/* --- taking events ------------------------------------------------------------------------------ */

static __u32 find_program(struct recording *recording, const struct recorded_event *event)
{
	/* A recording has no types of programs. */
	struct known_program program =
		known_program__of(event->program, NULL, NULL, event->prog_id, "");

	if (!event->prog_id)
		program = (struct known_program){
			.kind = strcmp(event->program, "kernel") == 0 ? KNOWN_KERNEL
								      : KNOWN_UNKNOWN,
		};
	return usage_report__program(recording->report, &program);
}

static struct recorded_use *find_use(struct recording *recording, __u32 kfunc, __u32 program)
{
	__u64 hash = hash_number(hash_number(HASH_START, kfunc), program);
	struct recorded_use *use;
	size_t at;

	for (__u32 i = hash_index__first(&recording->by_names, hash, &at); i != HASH_NONE;
	     i = hash_index__next(&recording->by_names, hash, &at)) {
		use = &recording->uses[i];
		if (use->kfunc == kfunc && use->program == program)
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
	if (hash_index__add(&recording->by_names, hash, recording->nr))
		return NULL;
	use = &recording->uses[recording->nr++];
	*use = (struct recorded_use){ .kfunc = kfunc, .program = program };
	return use;
}

static struct usage_references *find_references(struct recording *recording, const char *type)
{
	struct usage_report *report = recording->report;
	__u64 hash = hash_text(HASH_START, type);
	struct usage_references *references;
	size_t at;

	for (__u32 i = hash_index__first(&recording->by_type, hash, &at); i != HASH_NONE;
	     i = hash_index__next(&recording->by_type, hash, &at)) {
		if (strcmp(report->references[i].type, type) == 0)
			return &report->references[i];
	}
	if (hash_index__add(&recording->by_type, hash, report->nr_references))
		return NULL;
	references = usage_report__add_references(report);
	if (!references)
		return NULL;
	references->acquired = references->released = -1;
	references->outstanding = references->parked = references->stale = -1;
	return usage_report__set(&references->type, type) ? NULL : references;
}

static struct usage_object *add_object(struct recording *recording, const char *type, __u64 address)
{
	struct usage_report *report = recording->report;
	struct usage_object *object;

	if (report->nr_objects == recording->addresses_room) {
		size_t room = recording->addresses_room ? recording->addresses_room * 2 : 64;
		__u64 *grown = realloc(recording->addresses, room * sizeof(*grown));

		if (!grown)
			return NULL;
		recording->addresses = grown;
		recording->addresses_room = room;
	}
	recording->addresses[report->nr_objects] = address;
	object = usage_report__add_object(report);
	if (!object)
		return NULL;
	object->stale = true;
	return usage_report__set(&object->type, type) ? NULL : object;
}

/* One is reported again and again, and what was said last counts. Addresses are not for the report. */
static struct usage_object *find_object(struct recording *recording, const char *type,
					__u64 address)
{
	struct usage_report *report = recording->report;
	__u64 hash = hash_number(hash_text(HASH_START, type), address);
	size_t at;

	for (__u32 i = hash_index__first(&recording->by_object, hash, &at); i != HASH_NONE;
	     i = hash_index__next(&recording->by_object, hash, &at)) {
		if (recording->addresses[i] == address &&
		    strcmp(report->objects[i].type, type) == 0)
			return &report->objects[i];
	}
	if (hash_index__add(&recording->by_object, hash, report->nr_objects))
		return NULL;
	return add_object(recording, type, address);
}

/* No call, and by whom the reference was acquired is not always known. */
static int take_stale(struct recording *recording, const struct recorded_event *event, __u32 kfunc,
		      __u32 program)
{
	struct usage_object *object = find_object(recording, event->type ?: "", event->object);

	if (!object)
		return -ENOMEM;
	object->kfunc = strcmp(event->kfunc, "unknown") == 0 ? USAGE_ALL : kfunc;
	object->program = event->prog_id ? program : USAGE_ALL;
	object->references = event->count > 0 ? event->count : 1;
	object->age_s = event->duration_ns > 0 ? event->duration_ns / 1000000000 : 0;
	return 0;
}

/* What is deprecated where it was recorded need not be so in this machine's catalogue. */
static int take_deprecated(struct recording *recording, const struct recorded_event *event,
			   __u32 kfunc)
{
	struct usage_kfunc *known = &recording->report->kfuncs[kfunc];

	if (known->deprecation)
		return 0;
	return usage_report__set(&known->deprecation, deprecation_kind__name(DEPRECATION_MARKED))
		       ?: usage_report__set(&known->replacement, event->replacement);
}

/* Of what may not have been recorded: without an event of a kind nothing is known of it. */
static void count(__s64 *number)
{
	*number = *number < 0 ? 1 : *number + 1;
}

/* The kinds that are about an object, whose type they have. */
static int take_reference(struct recording *recording, const struct recorded_event *event,
			  struct recorded_use *use)
{
	struct usage_references *references = find_references(recording, event->type);

	if (!references)
		return -ENOMEM;
	if (strcmp(event->name, "kfunc_acquire") == 0) {
		use->acquired++;
		count(&references->acquired);
	} else if (strcmp(event->name, "kfunc_release") == 0) {
		use->released++;
		count(&references->released);
	} else if (strcmp(event->name, "kfunc_refcount_zero") == 0) {
		use->zeros++;
	}
	return 0;
}

/* A damaged file can have any number there. */
static void take_time(struct recording *recording, double time_s)
{
	const double far_away = 1e12;

	recording->nr_events++;
	if (!(time_s >= 0 && time_s < far_away))
		return;
	if (recording->first_s < 0 || time_s < recording->first_s)
		recording->first_s = time_s;
	if (time_s > recording->last_s)
		recording->last_s = time_s;
}

int recording__event(struct recording *recording, const struct recorded_event *event)
{
	const struct pattern_list *asked = recording->query->kfuncs;
	struct recorded_use *use;
	__u32 kfunc, program;

	take_time(recording, event->time_s);
	if (asked && !pattern_list__match(asked, event->kfunc))
		return 0;
	kfunc = usage_report__kfunc(recording->report, event->kfunc, USAGE_UNKNOWN);
	program = find_program(recording, event);
	if (kfunc == USAGE_ALL || program == USAGE_ALL)
		return -ENOMEM;
	if (strcmp(event->name, "kfunc_stale") == 0)
		return take_stale(recording, event, kfunc, program);
	use = find_use(recording, kfunc, program);
	if (!use)
		return -ENOMEM;
	if (event->type)
		return take_reference(recording, event, use);
	if (strcmp(event->name, "kfunc_call") == 0) {
		use->called++;
	} else if (strcmp(event->name, "kfunc_deprecated") == 0) {
		use->deprecated++;
		return take_deprecated(recording, event, kfunc);
	}
	return 0;
}

int recording__host(struct recording *recording, const char *name)
{
	return usage_report__set(&recording->host, name);
}

int recording__release(struct recording *recording, const char *release)
{
	return usage_report__set(&recording->release, release);
}

void recording__lost(struct recording *recording, __u64 nr, bool more)
{
	recording->lost += nr;
	recording->lost_more |= more;
}

/* --- the report --------------------------------------------------------------------------------- */

static __u64 most(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

/* Each event but kfunc_stale is of one call; of these kinds some may not have been recorded. */
static __u64 calls_of(const struct recorded_use *use)
{
	return most(most(use->called, use->deprecated),
		    most(use->acquired + use->zeros, use->released));
}

static int add_use(struct usage_report *report, const struct recorded_use *recorded)
{
	struct usage_use *use = usage_report__add_use(report);

	if (!use)
		return -ENOMEM;
	use->kfunc = recorded->kfunc;
	use->program = recorded->program;
	use->calls = calls_of(recorded);
	use->zeros = recorded->zeros;
	use->outstanding = -1;
	return 0;
}

/* The recording need not have the events that say so. Of which kernel it is must be known. */
static int look_up_deprecations(struct usage_report *report, const struct usage_host *host)
{
	unsigned int version = host->release ? kernel_version__parse(host->release) : 0;
	struct deprecations *catalogue = NULL;
	char since[32];
	int err = version ? deprecations__load(&catalogue) : 0;

	for (size_t i = 0; !err && catalogue && i < report->nr_kfuncs; i++) {
		struct usage_kfunc *kfunc = &report->kfuncs[i];
		const struct deprecation *entry =
			deprecations__of(catalogue, kfunc->name, false, version);

		if (!entry || kfunc->deprecation)
			continue;
		snprintf(since, sizeof(since), "%u.%u", entry->since >> 16, entry->since & 0xffff);
		err = usage_report__set(&kfunc->deprecation, deprecation_kind__name(entry->kind))
			      ?: usage_report__set(&kfunc->replacement,
						   deprecation__replacement(entry))
			      ?: usage_report__set(&kfunc->since, entry->since ? since : NULL);
	}
	deprecations__free(catalogue);
	return err;
}

static int compare_objects(const void *a, const void *b)
{
	const struct usage_object *x = a, *y = b;

	return (x->age_s < y->age_s) - (x->age_s > y->age_s);
}

static int finish_references(struct recording *recording)
{
	struct usage_report *report = recording->report;

	for (size_t i = 0; i < report->nr_objects; i++) {
		const struct usage_object *object = &report->objects[i];
		struct usage_references *references = find_references(recording, object->type);

		if (!references)
			return -ENOMEM;
		if (references->stale < 0)
			references->stale = 0;
		references->stale += object->references;
		references->oldest_s = most(references->oldest_s, object->age_s);
	}
	if (report->nr_objects)
		qsort(report->objects, report->nr_objects, sizeof(*report->objects),
		      compare_objects);
	return 0;
}

/* The only one, so it is that of index 0. */
static int add_host(struct recording *recording)
{
	struct usage_report *report = recording->report;
	__u32 idx = usage_report__host(report, recording->host ?: USAGE_UNKNOWN);
	struct usage_host *host;

	if (idx == USAGE_ALL)
		return -ENOMEM;
	host = &report->hosts[idx];
	host->lost = recording->lost;
	host->lost_more = recording->lost_more;
	/* It was recorded for a moment at least. */
	if (recording->nr_events)
		host->known_s = most(ceil(recording->last_s - recording->first_s), 1);
	return usage_report__set(&host->release, recording->release);
}

static int fill(struct recording *recording)
{
	struct usage_report *report = recording->report;
	int err = add_host(recording);

	for (size_t i = 0; !err && i < recording->nr; i++)
		err = add_use(report, &recording->uses[i]);
	return err ?: finish_references(recording) ?: look_up_deprecations(report, report->hosts);
}

int recording__report(struct usage_report *report, const struct usage_query *query,
		      const char *path, int (*read)(struct recording *recording, const char *path))
{
	struct recording recording = {
		.report = report,
		.query = query,
		.first_s = -1,
		.last_s = -1,
	};
	char source[PATH_MAX + 16];
	int err;

	memset(report, 0, sizeof(*report));
	report->deprecated_only = query->deprecated_only;
	report->is_recorded = true;
	snprintf(source, sizeof(source), "recording %s", path);
	err = usage_report__set(&report->source, source) ?: read(&recording, path) ?:
							    fill(&recording);
	if (!err && !recording.nr_events)
		msg__warn("%s has no events of kfuncs: were they recorded (-e 'kfunc:*'), and did "
			  "`kfunctrace ... --events` run beside it?",
			  path);
	hash_index__free(&recording.by_names);
	hash_index__free(&recording.by_type);
	hash_index__free(&recording.by_object);
	free(recording.uses);
	free(recording.addresses);
	free(recording.host);
	free(recording.release);
	return err;
}

int usage_from_recording(struct usage_report *report, const char *path,
			 const struct usage_query *query)
{
	static const char perf_magic[] = "PERFILE2", trace_magic[] = "\027\010\104tracing";
	int (*read)(struct recording * recording, const char *path) = NULL;
	char magic[16] = "";
	FILE *in = fopen(path, "re");
	int err;

	memset(report, 0, sizeof(*report));
	if (!in) {
		err = -errno;
		msg__error("cannot read %s: %s", path, strerror(-err));
		return err;
	}
	if (fread(magic, 1, sizeof(magic), in) < sizeof(magic))
		memset(magic, 0, sizeof(magic));
	fclose(in);
	if (memcmp(magic, perf_magic, strlen(perf_magic)) == 0)
		read = recording__read_perf;
	else if (memcmp(magic, trace_magic, strlen(trace_magic)) == 0)
		read = recording__read_trace_dat;
	if (!read) {
		msg__error("%s: neither a recording of `perf record` nor one of `trace-cmd record`",
			   path);
		return -EBADMSG;
	}
	err = recording__report(report, query, path, read);
	if (err == -ENOMEM)
		msg__error("cannot read %s: %s", path, strerror(-err));
	return err;
}
