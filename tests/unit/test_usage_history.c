// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aggregate.h"
#include "history.h"
#include "usage_report.h"

#define HOUR 3600
#define DAY  (24 * HOUR)
#define NOW  (1700000000ll / HOUR * HOUR)

static char folder[64];
static char path[128];

/* A history of some days, which is still open; all the tests read it. */
static struct history *history;
static struct aggregate *aggregate;

static __u32 call(const char *kfunc, const char *program, __u64 calls, __s64 now)
{
	const struct aggregate_counts counts = { .calls = calls, .nulls = calls / 10 };
	struct known_program caller = { .kind = KNOWN_PROGRAM, .type = "tracing" };
	__u32 idx = aggregate__kfunc(aggregate, kfunc, NULL);

	snprintf(caller.name, sizeof(caller.name), "%s", program);
	snprintf(caller.loader, sizeof(caller.loader), "%s.service", program);
	aggregate__add(aggregate, idx, &caller, &counts, now);
	return idx;
}

static void set_references(void)
{
	struct known_program net = { .kind = KNOWN_PROGRAM, .name = "net", .type = "tracing" };
	__u32 kfunc = aggregate__kfunc(aggregate, "acquire", NULL);
	__u32 caller = aggregate__caller(aggregate, &net);
	__u32 idx = aggregate__type(aggregate, "task_struct");
	struct aggregate_type *type = aggregate__type_for(aggregate, idx);
	const struct aggregate_object objects[] = {
		{ idx, "pid 1", kfunc, caller, 1, 5000000000, false, false },
		{ idx, "pid 2", AGGREGATE_NONE, AGGREGATE_NONE, 2, 9000000000, true, true },
	};
	const struct aggregate_problem problems[] = {
		{ kfunc, caller, (char *)"7.3", (char *)"removed", NULL, 1 },
		{ aggregate__kfunc(aggregate, "old", NULL), caller, NULL, (char *)"deprecated",
		  (char *)"new", 1 },
	};

	type->acquired = 20;
	type->released = 17;
	type->outstanding = 3;
	aggregate__set_objects(aggregate, objects, ARRAY_SIZE(objects));
	aggregate__set_problems(aggregate, problems, ARRAY_SIZE(problems));
	aggregate__find(aggregate, kfunc, &net)->outstanding = 3;
}

/* Each hour 10 calls by net, 1 of `old` by gone on the first day; nothing on the third day. */
static int make_history(void **state)
{
	const struct history_options opts = {
		.path = path,
		.retention_s = 100 * DAY,
		.max_bytes = 64 << 20,
	};
	const struct aggregate_options bounds = { .max_callers = 100, .max_objects = 10 };

	(void)state;
	aggregate = aggregate__new(&bounds);
	snprintf(aggregate__state(aggregate)->release, 128, "6.12.0-test");
	snprintf(aggregate__state(aggregate)->target, 128, "7.3");
	aggregate__state(aggregate)->started = NOW + 60;
	if (history__open(&opts, &history))
		return -1;
	aggregate__set_deprecation(aggregate, call("old", "gone", 0, NOW), "deprecated", "new",
				   "6.9");
	aggregate__set_deprecation(aggregate, aggregate__kfunc(aggregate, "unused", NULL),
				   "deprecated", NULL, NULL);
	aggregate__set_traced(aggregate, 0, true, NULL);
	/* References are of no use to a report. */
	aggregate__kfunc_for(aggregate, aggregate__kfunc(aggregate, "acquire", NULL))->measured =
		AGGREGATE_NULLS | AGGREGATE_REFERENCES;
	for (int hour = 0; hour < 96; hour++) {
		__s64 now = NOW + hour * HOUR + 100;

		if (hour / 24 != 2)
			call("acquire", "net", 10, now);
		if (hour < 24)
			call("old", "gone", 1, now);
		aggregate__state(aggregate)->losses.no_caller++;
		if (hour == 95)
			set_references();
		if (history__save(history, aggregate, now))
			return -1;
	}
	return 0;
}

static int delete_history(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	(void)state;
	history__close(history);
	aggregate__free(aggregate);
	while ((entry = readdir(dir))) {
		if (*entry->d_name != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	return rmdir(folder);
}

static __s64 end_of_all(void)
{
	return NOW + 95 * HOUR + 200;
}

static const struct usage_use *use_of(const struct usage_report *report, const char *kfunc)
{
	for (size_t i = 0; i < report->nr_uses; i++) {
		if (!strcmp(report->kfuncs[report->uses[i].kfunc].name, kfunc))
			return &report->uses[i];
	}
	return NULL;
}

static void all_of_it_while_it_is_written(void **state)
{
	const struct usage_query query = { .end = end_of_all() };
	struct usage_report report;
	const struct usage_use *use;

	(void)state;
	assert_int_equal(usage_from_history(&report, path, &query), 0);
	assert_non_null(strstr(report.source, path));
	assert_int_equal(report.nr_hosts, 1);
	assert_string_equal(report.hosts[0].release, "6.12.0-test");
	assert_string_equal(report.hosts[0].target, "7.3");
	assert_int_equal(report.hosts[0].begin, NOW + 60);
	assert_int_equal(report.hosts[0].end, NOW + 95 * HOUR + 100);
	assert_int_equal(report.hosts[0].lost, 96);
	assert_int_equal(report.begin, NOW);
	assert_int_equal(report.end, query.end);
	assert_int_equal(report.nr_uses, 2);
	use = use_of(&report, "acquire");
	assert_int_equal(use->calls, 720);
	assert_int_equal(use->nulls, 72);
	assert_int_equal(use->outstanding, 3);
	assert_int_equal(use->first_seen, NOW + 100);
	assert_int_equal(use->last_seen, NOW + 95 * HOUR + 100);
	assert_string_equal(report.programs[use->program].name, "net");
	assert_string_equal(report.programs[use->program].loader, "net.service");
	assert_null(report.kfuncs[use->kfunc].deprecation);
	assert_int_equal(report.kfuncs[use->kfunc].measured, AGGREGATE_NULLS);
	use = use_of(&report, "old");
	assert_int_equal(report.kfuncs[use->kfunc].measured, 0);
	assert_int_equal(use->calls, 24);
	assert_int_equal(use->outstanding, -1);
	assert_string_equal(report.kfuncs[use->kfunc].replacement, "new");
	/* That nobody uses it is worth knowing. */
	assert_int_equal(report.nr_kfuncs, 3);
	assert_int_equal(report.nr_points, 0);
	usage_report__free(&report);
}

static void references_objects_and_problems(void **state)
{
	const struct usage_query query = { .end = end_of_all() };
	struct usage_report report;

	(void)state;
	assert_int_equal(usage_from_history(&report, path, &query), 0);
	assert_int_equal(report.nr_references, 1);
	assert_string_equal(report.references[0].type, "task_struct");
	assert_int_equal(report.references[0].acquired, 20);
	assert_int_equal(report.references[0].outstanding, 3);
	assert_int_equal(report.references[0].parked, -1);
	assert_int_equal(report.nr_objects, 2);
	assert_string_equal(report.objects[0].what, "pid 2");
	assert_int_equal(report.objects[0].kfunc, USAGE_ALL);
	assert_true(report.objects[0].stale);
	assert_int_equal(report.objects[0].age_s, 9);
	assert_string_equal(report.programs[report.objects[1].program].name, "net");
	assert_int_equal(report.nr_problems, 2);
	assert_string_equal(report.problems[0].target, "7.3");
	assert_null(report.problems[0].replacement);
	assert_null(report.problems[1].target);
	assert_string_equal(report.problems[1].replacement, "new");
	usage_report__free(&report);
}

static void a_part_of_the_time(void **state)
{
	/* From the last hour of the first day on; the hours are counted as a whole. */
	const struct usage_query query = {
		.begin = NOW + 23 * HOUR + 1800,
		.end = NOW + 25 * HOUR + 1800,
	};
	struct usage_report report;

	(void)state;
	assert_int_equal(usage_from_history(&report, path, &query), 0);
	assert_int_equal(report.begin, NOW + 23 * HOUR);
	assert_int_equal(report.end, NOW + 26 * HOUR);
	assert_int_equal(report.hosts[0].begin, NOW + 23 * HOUR);
	assert_int_equal(report.hosts[0].end, NOW + 26 * HOUR);
	assert_int_equal(report.hosts[0].lost, 3);
	assert_int_equal(use_of(&report, "acquire")->calls, 30);
	assert_int_equal(use_of(&report, "old")->calls, 1);
	assert_int_equal(use_of(&report, "old")->last_seen, NOW + 23 * HOUR + 100);
	usage_report__free(&report);
}

/* On the third day nobody called anything, but references are held. */
static void a_time_without_calls(void **state)
{
	const struct usage_query query = { .begin = NOW + 50 * HOUR, .end = NOW + 60 * HOUR };
	struct usage_report report;

	(void)state;
	assert_int_equal(usage_from_history(&report, path, &query), 0);
	assert_int_equal(report.nr_uses, 1);
	assert_int_equal(use_of(&report, "acquire")->calls, 0);
	assert_int_equal(use_of(&report, "acquire")->outstanding, 3);
	usage_report__free(&report);
}

static void a_time_of_which_nothing_is_known(void **state)
{
	const struct usage_query query = { .begin = NOW - 50 * HOUR,
					   .end = NOW - 40 * HOUR,
					   .want_points = true };
	struct usage_report report;

	(void)state;
	assert_int_equal(usage_from_history(&report, path, &query), 0);
	assert_int_equal(report.hosts[0].begin, 0);
	assert_int_equal(report.hosts[0].end, 0);
	assert_int_equal(report.nr_points, 0);
	usage_report__free(&report);
}

/* Runs from `started` to `last`, saves at both, and ends. */
static void run_aggregator(const struct history_options *opts, __s64 started, __s64 last)
{
	const struct aggregate_options bounds = { .max_callers = 10, .max_objects = 10 };
	struct aggregate *counts = aggregate__new(&bounds);
	struct history *file;

	aggregate__state(counts)->started = started;
	assert_int_equal(history__open(opts, &file), 0);
	assert_int_equal(history__restore(file, counts), 0);
	assert_int_equal(history__save(file, counts, started), 0);
	assert_int_equal(history__save(file, counts, last), 0);
	history__close(file);
	aggregate__free(counts);
}

static void time_without_an_aggregator_is_not_known(void **state)
{
	const struct usage_query query = { .end = NOW + 10 * DAY };
	char gaps[sizeof(path) + 8];
	const struct history_options opts = {
		.path = gaps,
		.retention_s = 100 * DAY,
		.max_bytes = 64 << 20,
	};
	struct usage_report report;

	(void)state;
	snprintf(gaps, sizeof(gaps), "%s.gaps", path);
	run_aggregator(&opts, NOW, NOW + HOUR);
	run_aggregator(&opts, NOW + 6 * DAY, NOW + 6 * DAY + 60);
	assert_int_equal(usage_from_history(&report, gaps, &query), 0);
	assert_int_equal(report.hosts[0].begin, NOW);
	assert_int_equal(report.hosts[0].end, NOW + 6 * DAY + 60);
	assert_int_equal(report.hosts[0].known_s, HOUR + 60);
	usage_report__free(&report);
}

static void kfuncs_by_pattern(void **state)
{
	struct pattern_list patterns = { 0 };
	const struct usage_query query = { .end = end_of_all(),
					   .kfuncs = &patterns,
					   .want_points = true };
	struct usage_report report;

	(void)state;
	pattern_list__add(&patterns, "acq*");
	assert_int_equal(usage_from_history(&report, path, &query), 0);
	assert_int_equal(report.nr_uses, 1);
	assert_int_equal(report.nr_kfuncs, 1);
	assert_int_equal(report.nr_objects, 1);
	assert_int_equal(report.nr_problems, 1);
	for (size_t i = 0; i < report.nr_points; i++)
		assert_true(report.points[i].kfunc == 0 || report.points[i].kfunc == USAGE_ALL);
	usage_report__free(&report);
	pattern_list__free(&patterns);
}

static void deprecated_ones_only(void **state)
{
	const struct usage_query query = { .end = end_of_all(), .deprecated_only = true };
	struct usage_report report;

	(void)state;
	assert_int_equal(usage_from_history(&report, path, &query), 0);
	assert_true(report.deprecated_only);
	assert_int_equal(report.nr_uses, 1);
	assert_int_equal(use_of(&report, "old")->calls, 24);
	assert_int_equal(report.nr_kfuncs, 2);
	assert_int_equal(report.nr_problems, 1);
	usage_report__free(&report);
}

/* Each step has its calls, or a 0 when it was measured: together they are the calls. */
static void points_add_up(void **state)
{
	static const struct {
		__s64 begin, step;
	} times[] = { { NOW, HOUR }, { NOW - 5 * DAY, 3 * HOUR }, { NOW - 20 * DAY, 6 * HOUR } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		const struct usage_query query = {
			.begin = times[i].begin,
			.end = end_of_all(),
			.want_points = true,
		};
		struct usage_report report;
		__u64 calls = 0;
		size_t steps = 0, empty = 0;
		__s64 before = 0;

		assert_int_equal(usage_from_history(&report, path, &query), 0);
		assert_int_equal(report.step, times[i].step);
		for (size_t j = 0; j < report.nr_points; j++) {
			const struct usage_point *point = &report.points[j];

			assert_true(point->time >= before);
			assert_int_equal((point->time - report.begin) % report.step, 0);
			steps += point->time != before;
			empty += !point->calls;
			before = point->time;
			calls += point->calls;
		}
		assert_int_equal(calls, 744);
		/* Nothing before the start; the third day was measured. */
		assert_int_equal(steps, 96 * HOUR / report.step);
		assert_int_equal(empty, 24 * HOUR / report.step);
		usage_report__free(&report);
	}
}

static void copy(const char *to)
{
	char command[600];

	snprintf(command, sizeof(command), "cp %s %s && chmod 0444 %s", path, to, to);
	assert_int_equal(system(command), 0);
}

/* A file of another machine, in a folder where nothing can be written; no file is made beside it. */
static void a_copy_is_read_without_writing(void **state)
{
	const struct usage_query query = { .end = end_of_all() };
	struct usage_report report;
	char sub[100], other[160], beside[200];

	(void)state;
	history__close(history);
	history = NULL;
	snprintf(sub, sizeof(sub), "%s/a ?#%%b", folder);
	assert_int_equal(mkdir(sub, 0700), 0);
	snprintf(other, sizeof(other), "'%s/copy.db'", sub);
	copy(other);
	snprintf(other, sizeof(other), "%s/copy.db", sub);
	chmod(sub, 0500);
	assert_int_equal(usage_from_history(&report, other, &query), 0);
	assert_int_equal(use_of(&report, "acquire")->calls, 720);
	usage_report__free(&report);
	chmod(sub, 0700);
	snprintf(beside, sizeof(beside), "%s-shm", other);
	assert_int_equal(access(beside, F_OK), -1);
	snprintf(beside, sizeof(beside), "%s-wal", other);
	assert_int_equal(access(beside, F_OK), -1);
	unlink(other);
	rmdir(sub);
}

static void what_is_no_history_is_an_error(void **state)
{
	const struct usage_query query = { .end = NOW };
	struct usage_report report;
	char other[160];
	FILE *file;

	(void)state;
	snprintf(other, sizeof(other), "%s/other.db", folder);
	assert_int_equal(usage_from_history(&report, other, &query), -ENOENT);
	usage_report__free(&report);
	assert_int_equal(access(other, F_OK), -1);
	file = fopen(other, "w");
	for (int i = 0; i < 1000; i++)
		fputs("no database\n", file);
	fclose(file);
	assert_int_equal(usage_from_history(&report, other, &query), -EBADMSG);
	usage_report__free(&report);
	assert_int_equal(truncate(other, 0), 0);
	assert_int_equal(usage_from_history(&report, other, &query), -EINVAL);
	usage_report__free(&report);
	unlink(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_while_it_is_written),
		cmocka_unit_test(references_objects_and_problems),
		cmocka_unit_test(a_part_of_the_time),
		cmocka_unit_test(a_time_without_calls),
		cmocka_unit_test(a_time_of_which_nothing_is_known),
		cmocka_unit_test(time_without_an_aggregator_is_not_known),
		cmocka_unit_test(kfuncs_by_pattern),
		cmocka_unit_test(deprecated_ones_only),
		cmocka_unit_test(points_add_up),
		cmocka_unit_test(what_is_no_history_is_an_error),
		cmocka_unit_test(a_copy_is_read_without_writing),
	};

	snprintf(folder, sizeof(folder), "%s/kfunctrace-usage-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/history.db", folder);
	return cmocka_run_group_tests(tests, make_history, delete_history);
}
