// SPDX-License-Identifier: GPL-2.0-only
/* What `perf script` prints of a recording, as a report. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usage_recording.h"
#include "usage_summary.h"

static int read_text(struct recording *recording, const char *text)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");
	int err;

	assert_non_null(in);
	err = recording__read_perf_text(recording, in);
	fclose(in);
	return err;
}

static void report_of(struct usage_report *report, const char *text, const char *pattern)
{
	struct pattern_list patterns = { 0 };
	struct usage_query query = { .kfuncs = &patterns };

	if (pattern)
		assert_int_equal(pattern_list__add(&patterns, pattern), 0);
	assert_int_equal(recording__report(report, &query, text, read_text), 0);
	pattern_list__free(&patterns);
}

#define CALL(time, kfunc, prog)                                                                    \
	"  " time ":  kfunc:kfunc_call: kfunc=" kfunc " prog=" prog " prog_id=7\n"
#define OBJECT(event, kfunc, object, rest)                                                         \
	"  2.0:  kfunc:" event ": kfunc=" kfunc                                                    \
	" prog=mine prog_id=7 type=task_struct object=" object " " rest "\n"

static void calls_are_told_by_whichever_events_there_are(void **state)
{
	static const char text[] = CALL("1.5", "get", "mine") CALL("4.25", "get", "mine")
		OBJECT("kfunc_acquire", "get", "0xff", "count=-1 duration_ns=-1")
			OBJECT("kfunc_release", "put", "0xff", "count=-1 duration_ns=5") OBJECT(
				"kfunc_refcount_zero", "get", "(nil)", "count=-1 duration_ns=-1");
	struct usage_report report;

	(void)state;
	report_of(&report, text, NULL);
	assert_int_equal(report.nr_hosts, 1);
	assert_string_equal(report.hosts[0].name, USAGE_UNKNOWN);
	assert_int_equal(report.hosts[0].known_s, 3);
	assert_int_equal(report.nr_uses, 2);
	assert_int_equal(report.uses[0].calls, 2);
	assert_int_equal(report.uses[0].zeros, 1);
	assert_int_equal(report.uses[0].outstanding, -1);
	assert_int_equal(report.uses[1].calls, 1);
	assert_int_equal(report.nr_references, 1);
	assert_int_equal(report.references[0].acquired, 1);
	assert_int_equal(report.references[0].released, 1);
	assert_int_equal(report.references[0].stale, -1);
	usage_report__free(&report);

	report_of(&report, text, "put");
	assert_int_equal(report.nr_uses, 1);
	assert_int_equal(report.references[0].acquired, -1);
	usage_report__free(&report);
}

static void callers_without_an_id_are_no_programs(void **state)
{
	static const char text[] = " 1.0: kfunc:kfunc_call: kfunc=get prog=kernel prog_id=0\n"
				   " 1.0: kfunc:kfunc_call: kfunc=get prog=unknown prog_id=0\n"
				   " 1.0: kfunc:kfunc_call: kfunc=get prog=kernel prog_id=9\n";
	struct usage_report report;

	(void)state;
	report_of(&report, text, NULL);
	assert_int_equal(report.nr_programs, 3);
	assert_int_equal(report.programs[0].kind, KNOWN_KERNEL);
	assert_int_equal(report.programs[1].kind, KNOWN_UNKNOWN);
	assert_int_equal(report.programs[2].kind, KNOWN_PROGRAM);
	usage_report__free(&report);
}

static void what_was_lost_is_the_number_that_perf_says(void **state)
{
	static const char text[] =
		" 1.0: PERF_RECORD_LOST lost 40\n"
		"  sleep   173 [000]    1.5: PERF_RECORD_LOST lost 2\n"
		/* Neither of these is a record. */
		" 1.0: kfunc:kfunc_call: kfunc=get prog=PERF_RECORD_LOST prog_id=7\n"
		" 1.0: bpf_trace:bpf_trace_printk: PERF_RECORD_LOST lost 1000\n";
	struct usage_report report;
	char words[64];

	(void)state;
	report_of(&report, text, NULL);
	assert_int_equal(report.hosts[0].lost, 42);
	assert_false(report.hosts[0].lost_more);
	assert_string_equal(usage_report__losses(&report, words, sizeof(words)),
			    "42 calls or events");
	report.hosts[0].lost_more = true;
	assert_string_equal(usage_report__losses(&report, words, sizeof(words)),
			    "at least 42 calls or events");
	usage_report__free(&report);
}

static void the_header_names_the_host_and_its_kernel(void **state)
{
	static const char header[] = "# ========\n# hostname : web1\n# os release : %s\n"
				     "# cmdline : /bin/perf record -e kfunc:* \n"
				     "%s";
	static const char call[] = CALL("1.0", "bpf_obj_new_impl", "mine");
	struct usage_report report;
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), header, "7.2.1", call);
	report_of(&report, text, NULL);
	assert_string_equal(report.hosts[0].name, "web1");
	assert_string_equal(report.hosts[0].release, "7.2.1");
	/* The catalogue knows what no event says. */
	assert_string_equal(report.kfuncs[0].deprecation, "superseded");
	assert_string_equal(report.kfuncs[0].since, "7.2");
	usage_report__free(&report);

	snprintf(text, sizeof(text), header, "6.12.1", call);
	report_of(&report, text, NULL);
	assert_null(report.kfuncs[0].deprecation);
	usage_report__free(&report);
}

static void a_stale_object_is_one_however_often_it_is_reported(void **state)
{
	static const char text[] = OBJECT(
		"kfunc_stale", "get", "0xff",
		"count=1 duration_ns=1000000000") OBJECT("kfunc_stale", "get", "0xee",
							 "count=1 duration_ns=9000000000")
		OBJECT("kfunc_stale", "get", "0xff",
		       "count=2 duration_ns=3000000000") " 2.0: kfunc:kfunc_stale: kfunc=unknown prog=unknown prog_id=0 type=task_struct "
							 "object=0xdd count=1 duration_ns=1\n";
	struct usage_report report;

	(void)state;
	report_of(&report, text, NULL);
	assert_int_equal(report.nr_objects, 3);
	assert_int_equal(report.objects[0].age_s, 9);
	assert_int_equal(report.objects[1].references, 2);
	assert_int_equal(report.objects[1].age_s, 3);
	/* Its address is nobody's business. */
	assert_null(report.objects[1].what);
	assert_int_equal(report.objects[1].kfunc, 0);
	assert_int_equal(report.objects[2].kfunc, USAGE_ALL);
	assert_int_equal(report.objects[2].program, USAGE_ALL);
	assert_int_equal(report.nr_uses, 0);
	assert_int_equal(report.references[0].stale, 4);
	assert_int_equal(report.references[0].oldest_s, 9);
	usage_report__free(&report);
}

static void a_deprecated_kfunc_has_its_replacement(void **state)
{
	static const char text[] = " 1.0: kfunc:kfunc_deprecated: kfunc=get prog=mine prog_id=7 "
				   "replacement=get_better, of type=other\n";
	struct usage_deprecations deprecations;
	struct usage_report report;

	(void)state;
	report_of(&report, text, NULL);
	assert_string_equal(report.kfuncs[0].deprecation, "deprecated");
	assert_string_equal(report.kfuncs[0].replacement, "get_better, of type=other");
	assert_int_equal(report.uses[0].calls, 1);
	assert_int_equal(usage_deprecations__make(&deprecations, &report), 0);
	assert_int_equal(usage_deprecated__used(&report, &deprecations.kfuncs[0]), 1);
	usage_deprecations__free(&deprecations);
	usage_report__free(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_told_by_whichever_events_there_are),
		cmocka_unit_test(callers_without_an_id_are_no_programs),
		cmocka_unit_test(what_was_lost_is_the_number_that_perf_says),
		cmocka_unit_test(the_header_names_the_host_and_its_kernel),
		cmocka_unit_test(a_stale_object_is_one_however_often_it_is_reported),
		cmocka_unit_test(a_deprecated_kfunc_has_its_replacement),
	};

	setenv("KFUNCTRACE_DATA", "share", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
