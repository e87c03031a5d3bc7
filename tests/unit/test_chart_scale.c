// SPDX-License-Identifier: GPL-2.0-only
/* Marks on axes are round, and there are not too many. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chart_scale.h"

static void marks_are_round_and_reach_the_greatest(void **state)
{
	(void)state;
	assert_int_equal(chart_scale__step(0, 5), 1);
	assert_int_equal(chart_scale__step(1, 5), 1);
	assert_int_equal(chart_scale__step(5, 5), 1);
	assert_int_equal(chart_scale__step(6, 5), 2);
	assert_int_equal(chart_scale__step(11, 5), 5);
	assert_int_equal(chart_scale__step(25, 5), 5);
	assert_int_equal(chart_scale__step(26, 5), 10);
	assert_int_equal(chart_scale__step(280000, 5), 100000);
	for (__u64 max = 1; max < 1ull << 60; max = max * 3 + 1) {
		for (unsigned int marks = 1; marks < 12; marks++) {
			__u64 step = chart_scale__step(max, marks);

			/* Compared without overflow: max <= step * marks. */
			assert_true((max + marks - 1) / marks <= step);
			while (step % 10 == 0)
				step /= 10;
			assert_true(step == 1 || step == 2 || step == 5);
		}
	}
}

static void the_greatest_number_has_a_scale(void **state)
{
	__u64 step = chart_scale__step(~0ull, 5);

	(void)state;
	assert_true(step >= ~0ull / 5);
}

static void expect_mark(__u64 value, __u64 step, const char *wanted)
{
	char text[32];

	assert_string_equal(chart_scale__mark(value, step, text, sizeof(text)), wanted);
}

static void marks_are_short(void **state)
{
	(void)state;
	expect_mark(0, 100, "0");
	expect_mark(950, 50, "950");
	expect_mark(1000, 200, "1k");
	expect_mark(1200, 200, "1.2k");
	expect_mark(1250, 50, "1.25k");
	expect_mark(300000, 100000, "300k");
	expect_mark(1500000, 500000, "1.5M");
	expect_mark(2000000000, 500000000, "2G");
	expect_mark(5000000000000000000ull, 1000000000000000000ull, "5E");
}

/* 2026-11-14 20:17:00 UTC */
#define BEGIN 1794687420ll

static void expect_times(__s64 begin, __s64 end, size_t max, const char *first, const char *last,
			 size_t wanted)
{
	struct time_mark marks[32];
	size_t nr = chart_scale__times(begin, end, marks, max);

	assert_int_equal(nr, wanted);
	for (size_t i = 0; i < nr; i++) {
		assert_true(marks[i].time >= begin && marks[i].time <= end);
		assert_true(!i || marks[i].time > marks[i - 1].time);
	}
	if (nr) {
		assert_string_equal(marks[0].text, first);
		assert_string_equal(marks[nr - 1].text, last);
	}
}

static void times_are_round(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	expect_times(BEGIN, BEGIN + 7 * 86400, 12, "15 Nov", "21 Nov", 7);
	expect_times(BEGIN, BEGIN + 7 * 86400, 5, "16 Nov", "20 Nov", 3);
	expect_times(BEGIN, BEGIN + 600, 12, "20:17", "20:27", 11);
	expect_times(BEGIN, BEGIN + 86400, 12, "22:00", "20:00", 12);
	expect_times(BEGIN, BEGIN + 30, 12, "20:17:00", "20:17:30", 4);
	expect_times(BEGIN, BEGIN, 12, "", "", 0);
	expect_times(BEGIN, BEGIN - 1, 12, "", "", 0);
	expect_times(BEGIN, BEGIN + 86400, 0, "", "", 0);
}

/* The clocks of Berlin went back on 2026-10-25: that day has 25 hours. */
static void days_begin_at_midnight_whatever_clocks_do(void **state)
{
	struct time_mark marks[12];
	size_t nr;

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	/* 2026-10-23 00:00 CEST, and a week */
	nr = chart_scale__times(1792706400, 1792706400 + 7 * 86400, marks, 12);
	assert_in_range(nr, 7, 8);
	for (size_t i = 0; i < nr; i++) {
		time_t when = marks[i].time;
		struct tm parts;

		localtime_r(&when, &parts);
		assert_int_equal(parts.tm_hour, 0);
		assert_int_equal(parts.tm_mday, 23 + (int)i);
	}
	setenv("TZ", "UTC", 1);
	tzset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_are_round_and_reach_the_greatest),
		cmocka_unit_test(the_greatest_number_has_a_scale),
		cmocka_unit_test(marks_are_short),
		cmocka_unit_test(times_are_round),
		cmocka_unit_test(days_begin_at_midnight_whatever_clocks_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
