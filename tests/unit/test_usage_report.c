// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "usage_report.h"

static void equal_names_are_one(void **state)
{
	struct usage_report report = { 0 };
	struct known_program net = { .kind = KNOWN_PROGRAM, .name = "net", .type = "xdp" };
	struct known_program again = net, tc = net;

	(void)state;
	snprintf(tc.type, sizeof(tc.type), "tc");
	again.id = 7;
	assert_int_equal(usage_report__host(&report, "a"), 0);
	assert_int_equal(usage_report__host(&report, "b"), 1);
	assert_int_equal(usage_report__host(&report, "a"), 0);
	assert_int_equal(usage_report__kfunc(&report, "k", NULL), 0);
	assert_int_equal(usage_report__kfunc(&report, "k", "nf_conntrack"), 1);
	assert_int_equal(usage_report__kfunc(&report, "k", "vmlinux"), 0);
	assert_int_equal(usage_report__program(&report, &net), 0);
	assert_int_equal(usage_report__program(&report, &tc), 1);
	assert_int_equal(usage_report__program(&report, &again), 0);
	assert_int_equal(report.nr_hosts, 2);
	assert_int_equal(report.nr_kfuncs, 2);
	assert_int_equal(report.nr_programs, 2);
	usage_report__free(&report);
	assert_int_equal(report.nr_hosts, 0);
}

static void what_is_added_is_empty_and_stays(void **state)
{
	struct usage_report report = { 0 };
	char name[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct usage_use *use = usage_report__add_use(&report);
		struct usage_point *point = usage_report__add_point(&report);

		assert_int_equal(use->calls, 0);
		use->calls = i;
		point->time = i;
		snprintf(name, sizeof(name), "host%d", i);
		assert_int_equal(usage_report__host(&report, name), i);
		assert_int_equal(usage_report__set(&report.hosts[i].release, name), 0);
		assert_int_equal(
			usage_report__set(&usage_report__add_references(&report)->type, name), 0);
		assert_int_equal(usage_report__set(&usage_report__add_object(&report)->what, name),
				 0);
		assert_int_equal(
			usage_report__set(&usage_report__add_problem(&report)->problem, name), 0);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "host%d", i);
		assert_int_equal(report.uses[i].calls, i);
		assert_int_equal(report.points[i].time, i);
		assert_string_equal(report.hosts[i].release, name);
		assert_string_equal(report.references[i].type, name);
		assert_string_equal(report.objects[i].what, name);
		assert_string_equal(report.problems[i].problem, name);
	}
	usage_report__free(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_names_are_one),
		cmocka_unit_test(what_is_added_is_empty_and_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
