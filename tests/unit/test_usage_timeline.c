// SPDX-License-Identifier: GPL-2.0-only
/* Lines over time: sums are not counted twice, and what was not measured is no 0. */
#include "unit.h"

#include <string.h>

#include "usage_timeline.h"

#define HOUR 3600

static struct usage_kfunc kfuncs[] = { { .name = "a" }, { .name = "b" } };
static struct known_program programs[10];

static struct usage_report report_of(struct usage_point *points, size_t nr, __s64 begin, __s64 end)
{
	return (struct usage_report){
		.begin = begin,
		.end = end,
		.step = HOUR,
		.kfuncs = kfuncs,
		.nr_kfuncs = ARRAY_SIZE(kfuncs),
		.programs = programs,
		.nr_programs = ARRAY_SIZE(programs),
		.points = points,
		.nr_points = nr,
	};
}

static void points_of_pairs_add_up(void **state)
{
	struct usage_point points[] = {
		{ 10 * HOUR, 0, 0, 5 },
		{ 10 * HOUR, 1, 0, 7 },
		{ 10 * HOUR, 0, 1, 1 },
		{ 12 * HOUR, 0, 1, 100 },
	};
	struct usage_report report = report_of(points, ARRAY_SIZE(points), 10 * HOUR, 13 * HOUR);
	struct timeline timeline;

	(void)state;
	assert_int_equal(timeline__make(&timeline, &report, TIMELINE_BY_PROGRAM), 0);
	assert_int_equal(timeline.nr_steps, 3);
	assert_int_equal(timeline.nr_lines, 2);
	assert_int_equal(timeline.lines[0].idx, 1);
	assert_int_equal(timeline.lines[0].total, 101);
	assert_int_equal(timeline.lines[1].values[0], 12);
	assert_int_equal(timeline.lines[1].values[2], 0);
	assert_int_equal(timeline.all[0], 13);
	assert_true(timeline.known[0] && !timeline.known[1] && timeline.known[2]);
	assert_false(timeline.last_is_partial);
	timeline__free(&timeline);

	assert_int_equal(timeline__make(&timeline, &report, TIMELINE_BY_KFUNC), 0);
	assert_int_equal(timeline.lines[0].idx, 0);
	assert_int_equal(timeline.lines[0].total, 106);
	timeline__free(&timeline);
}

static void sums_among_the_points_are_used_and_not_added(void **state)
{
	struct usage_point points[] = {
		{ HOUR, 0, 0, 5 },
		{ HOUR, USAGE_ALL, 0, 6 },
		{ HOUR, 0, USAGE_ALL, 7 },
		{ HOUR, USAGE_ALL, USAGE_ALL, 8 },
	};
	struct usage_report report = report_of(points, ARRAY_SIZE(points), HOUR, 2 * HOUR - 1);
	struct timeline timeline;

	(void)state;
	assert_int_equal(timeline__make(&timeline, &report, TIMELINE_BY_PROGRAM), 0);
	assert_int_equal(timeline.lines[0].total, 6);
	assert_int_equal(timeline.all[0], 8);
	assert_true(timeline.last_is_partial);
	timeline__free(&timeline);
	report.nr_points = 3;
	assert_int_equal(timeline__make(&timeline, &report, TIMELINE_BY_KFUNC), 0);
	assert_int_equal(timeline.lines[0].total, 7);
	/* Programs tell more than kfuncs do: not all kfuncs need be asked for. */
	assert_int_equal(timeline.all[0], 6);
	timeline__free(&timeline);
}

static void a_point_without_calls_says_that_it_was_measured(void **state)
{
	struct usage_point points[] = {
		{ HOUR, 0, 0, 5 },
		{ 2 * HOUR, USAGE_ALL, USAGE_ALL, 0 },
		{ 4 * HOUR, 0, 0, 6 },
	};
	struct usage_report report = report_of(points, ARRAY_SIZE(points), HOUR, 5 * HOUR);
	struct timeline timeline;

	(void)state;
	assert_int_equal(timeline__make(&timeline, &report, TIMELINE_BY_PROGRAM), 0);
	assert_true(timeline.known[1] && !timeline.known[2]);
	assert_int_equal(timeline.all[0], 5);
	assert_int_equal(timeline.all[3], 6);
	timeline__free(&timeline);
}

static void the_rest_is_left_out_and_counted(void **state)
{
	struct usage_point points[10];
	struct usage_report report = report_of(points, 9, HOUR, 2 * HOUR);
	struct timeline timeline;

	(void)state;
	for (__u32 i = 0; i < 10; i++)
		points[i] = (struct usage_point){ HOUR, 0, i, i + 1 };
	/* One without a call is no line. */
	points[3].calls = 0;
	assert_int_equal(timeline__make(&timeline, &report, TIMELINE_BY_PROGRAM), 0);
	assert_int_equal(timeline.nr_lines, TIMELINE_LINES);
	assert_int_equal(timeline.left_out, 2);
	assert_int_equal(timeline.lines[0].idx, 8);
	assert_int_equal(timeline.all[0], 45 - 4);
	timeline__free(&timeline);
}

static void many_steps_are_taken_together(void **state)
{
	static struct usage_point points[5000];
	struct usage_report report = report_of(points, ARRAY_SIZE(points), 0, 0);
	struct timeline timeline;
	__u64 sum = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(points); i++)
		points[i] = (struct usage_point){ (__s64)(i + 1) * HOUR, 0, 0, 3 };
	assert_int_equal(timeline__make(&timeline, &report, TIMELINE_BY_PROGRAM), 0);
	assert_true(timeline.nr_steps <= TIMELINE_STEPS);
	assert_int_equal(timeline.step % HOUR, 0);
	for (size_t i = 0; i < timeline.nr_steps; i++)
		sum += timeline.lines[0].values[i];
	assert_int_equal(sum, 15000);
	timeline__free(&timeline);
}

static void the_ends_of_the_time_asked_for_are_there(void **state)
{
	struct usage_point points[] = { { 10 * HOUR, 0, 0, 1 } };
	struct usage_report report = report_of(points, 1, 7 * HOUR + 60, 13 * HOUR + 60);
	struct timeline timeline;

	(void)state;
	assert_int_equal(timeline__make(&timeline, &report, TIMELINE_BY_PROGRAM), 0);
	assert_int_equal(timeline.begin, 8 * HOUR);
	assert_int_equal(timeline.nr_steps, 6);
	assert_true(timeline.known[2] && !timeline.known[0] && !timeline.known[5]);
	assert_true(timeline.last_is_partial);
	timeline__free(&timeline);
}

static void without_points_there_are_no_steps(void **state)
{
	struct usage_report report = report_of(NULL, 0, HOUR, 2 * HOUR);
	struct timeline timeline;

	(void)state;
	assert_int_equal(timeline__make(&timeline, &report, TIMELINE_BY_PROGRAM), 0);
	assert_int_equal(timeline.nr_steps, 0);
	timeline__free(&timeline);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_of_pairs_add_up),
		cmocka_unit_test(sums_among_the_points_are_used_and_not_added),
		cmocka_unit_test(a_point_without_calls_says_that_it_was_measured),
		cmocka_unit_test(the_rest_is_left_out_and_counted),
		cmocka_unit_test(many_steps_are_taken_together),
		cmocka_unit_test(the_ends_of_the_time_asked_for_are_there),
		cmocka_unit_test(without_points_there_are_no_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
