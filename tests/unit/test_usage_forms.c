// SPDX-License-Identifier: GPL-2.0-only
/* What a usage report says of figures that are put into it: sums, verdicts, text and JSON. */
#include "unit.h"

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "usage_summary.h"

#define DAY 86400
/* 2026-11-21 20:17:00 UTC */
#define END 1795292220ll

enum { OLD, LIVE, BLIND }; /* kfuncs */
enum { CALLER, IDLER, KERNEL, UNKNOWN };

static struct usage_kfunc kfuncs[] = {
	[OLD] = { .name = "old_one",
		  .module = "vmlinux",
		  .deprecation = "deprecated",
		  .replacement = "new_one",
		  .since = "6.19" },
	[LIVE] = { .name = "live_one", .module = "vmlinux", .measured = AGGREGATE_ZEROS },
	[BLIND] = { .name = "blind_one",
		    .module = "vmlinux",
		    .deprecation = "deprecated",
		    .untraced = "no ftrace site" },
};
static struct known_program programs[] = {
	[CALLER] = { .kind = KNOWN_PROGRAM,
		     .name = "caller",
		     .type = "xdp",
		     .loader = "cron.service",
		     .id = 7 },
	[IDLER] = { .kind = KNOWN_PROGRAM, .name = "idler\x1b[2J", .type = "tracing" },
	[KERNEL] = { .kind = KNOWN_KERNEL },
	[UNKNOWN] = { .kind = KNOWN_UNKNOWN },
};
static struct usage_host hosts[] = {
	{ .name = "one",
	  .release = "6.19.1",
	  .begin = END - 7 * DAY,
	  .end = END,
	  .known_s = 7 * DAY,
	  .lost = 3 },
	{ .name = "two",
	  .release = "6.20.9",
	  .target = "7.3",
	  .begin = END - DAY,
	  .end = END,
	  .known_s = DAY },
};

static struct usage_report report_of(struct usage_use *uses, size_t nr, size_t nr_hosts)
{
	setenv("TZ", "UTC", 1);
	tzset();
	return (struct usage_report){
		.source = "history h.db",
		.begin = END - 7 * DAY,
		.end = END,
		.step = 3600,
		.hosts = hosts,
		.nr_hosts = nr_hosts,
		.kfuncs = kfuncs,
		.nr_kfuncs = ARRAY_SIZE(kfuncs),
		.programs = programs,
		.nr_programs = ARRAY_SIZE(programs),
		.uses = uses,
		.nr_uses = nr,
	};
}

/* --- sums ---------------------------------------------------------------------------------------- */

static void sums_count_each_host_once(void **state)
{
	struct usage_use uses[] = {
		{ 0, LIVE, CALLER, 10, 1, 2, 3, 100, 200 },
		{ 1, LIVE, CALLER, 5, 0, 0, -1, 50, 300 },
		{ 0, OLD, CALLER, 100, 0, 0, 4, 0, 0 },
		{ 1, LIVE, IDLER, 0, 0, 0, 0, 1, 1 },
	};
	struct usage_report report = report_of(uses, ARRAY_SIZE(uses), 2);
	struct usage_sums sums;
	char text[48];

	(void)state;
	assert_int_equal(usage_sums__make(&sums, &report, USAGE_BY_PROGRAM), 0);
	/* The idler has done nothing. */
	assert_int_equal(sums.nr, 1);
	assert_int_equal(sums.sums[0].calls, 115);
	assert_int_equal(sums.sums[0].hosts, 2);
	assert_int_equal(sums.sums[0].kfuncs, 2);
	assert_int_equal(sums.sums[0].first_seen, 50);
	assert_int_equal(sums.sums[0].last_seen, 300);
	assert_string_equal(usage_gauge__format(&sums.sums[0].outstanding, text, sizeof(text)),
			    ">=7");
	usage_sums__free(&sums);

	assert_int_equal(usage_sums__make(&sums, &report, USAGE_BY_KFUNC | USAGE_BY_PROGRAM), 0);
	assert_int_equal(sums.nr, 2);
	assert_int_equal(sums.sums[0].kfunc, OLD);
	assert_int_equal(sums.sums[1].calls, 15);
	assert_int_equal(sums.sums[1].zeros, 2);
	usage_sums__free(&sums);
}

static void what_is_not_known_is_no_zero(void **state)
{
	struct usage_gauge gauge = { 0 };
	char text[48];

	(void)state;
	assert_string_equal(usage_gauge__format(&gauge, text, sizeof(text)), "-");
	usage_gauge__add(&gauge, -1);
	assert_string_equal(usage_gauge__format(&gauge, text, sizeof(text)), "-");
	usage_gauge__add(&gauge, 0);
	assert_string_equal(usage_gauge__format(&gauge, text, sizeof(text)), ">=0");
}

static void problems_are_told_apart_by_what_they_are(void **state)
{
	struct usage_problem problems[] = {
		{ 1, OLD, CALLER, "7.3", "deprecated", NULL },
		{ 1, OLD, CALLER, "7.3", "removed", NULL },
		{ 0, OLD, CALLER, "7.3", "removed", NULL },
		{ 0, OLD, IDLER, "7.3", "removed", NULL },
		{ 0, OLD, IDLER, NULL, "deprecated", NULL },
	};
	struct usage_report report = report_of(NULL, 0, 2);
	struct usage_breakage *breakages;
	size_t nr;
	int err;

	(void)state;
	report.problems = problems;
	report.nr_problems = ARRAY_SIZE(problems);
	breakages = usage_report__breakages(&report, &nr, &err);
	assert_int_equal(err, 0);
	assert_int_equal(nr, 3);
	assert_true(breakages[0].breaks && breakages[1].breaks && !breakages[2].breaks);
	assert_int_equal(breakages[0].hosts, 2);
	assert_int_equal(breakages[1].hosts, 1);
	free(breakages);
}

/* --- verdicts -------------------------------------------------------------------------------------- */

static void expect_verdict(struct usage_report *report, __u32 kfunc, int used, const char *wanted)
{
	struct usage_deprecations deprecations;
	char text[512];
	bool found = false;

	assert_int_equal(usage_deprecations__make(&deprecations, report), 0);
	for (size_t i = 0; i < deprecations.nr; i++) {
		if (deprecations.kfuncs[i].kfunc != kfunc)
			continue;
		found = true;
		assert_string_equal(usage_deprecated__verdict(report, &deprecations.kfuncs[i], text,
							      sizeof(text)),
				    wanted);
		assert_int_equal(usage_deprecated__used(report, &deprecations.kfuncs[i]), used);
	}
	assert_true(found);
	usage_deprecations__free(&deprecations);
}

static void a_verdict_says_its_time_and_hosts(void **state)
{
	struct usage_use by_kernel[] = { { 0, OLD, KERNEL, 9, 0, 0, -1, 1, 2 } };
	struct usage_use by_unknown[] = { { 0, OLD, UNKNOWN, 1, 0, 0, -1, 1, 2 } };
	struct usage_use by_program[] = {
		{ 0, OLD, CALLER, 1200, 0, 0, -1, 1, 2 },
		{ 1, OLD, CALLER, 34, 0, 0, -1, 1, 2 },
		{ 1, OLD, KERNEL, 5, 0, 0, -1, 1, 2 },
		/* Nothing happened in the report's time. */
		{ 1, OLD, IDLER, 0, 0, 0, 3, 1, 2 },
	};
	struct usage_problem loaded = { 0, OLD, IDLER, NULL, "deprecated", NULL };
	struct usage_report report = report_of(NULL, 0, 1);

	(void)state;
	expect_verdict(&report, OLD, 0, "nobody called it in 7 d on 1 host");
	expect_verdict(&report, BLIND, -1,
		       "no call was seen in 7 d on 1 host; not all calls are counted: no ftrace "
		       "site");
	report = report_of(by_kernel, 1, 2);
	expect_verdict(&report, OLD, 0,
		       "nobody called it in 1 d to 7 d on 2 hosts; 9 by the kernel itself");
	report = report_of(by_unknown, 1, 1);
	expect_verdict(&report, OLD, -1,
		       "no call by a known program in 7 d on 1 host; 1 call by callers that could "
		       "not be told");
	report = report_of(by_program, 1, 1);
	expect_verdict(&report, OLD, 1, "1,200 calls by 1 program in 7 d");
	report = report_of(by_program, 4, 2);
	expect_verdict(&report, OLD, 1,
		       "1,234 calls by 1 program on 2 of 2 hosts in 1 d to 7 d; 5 by the kernel "
		       "itself");
	report = report_of(NULL, 0, 1);
	report.problems = &loaded;
	report.nr_problems = 1;
	expect_verdict(&report, OLD, 1,
		       "nobody called it in 7 d on 1 host; 1 loaded program contains calls of it");
	report = report_of(NULL, 0, 0);
	expect_verdict(&report, OLD, -1, "not known: nothing was measured");
}

static void what_is_deprecated_later_is_not_deprecated_here(void **state)
{
	struct usage_use by_both[] = {
		{ 0, OLD, CALLER, 1200, 0, 0, -1, 1, 2 },
		{ 1, OLD, CALLER, 34, 0, 0, -1, 1, 2 },
	};
	struct usage_report report = report_of(by_both, 2, 2);
	char *release = hosts[0].release;

	(void)state;
	hosts[0].release = "6.18.30-amd64";
	expect_verdict(&report, OLD, 1, "34 calls by 1 program on 1 of 1 host in 1 d");
	report.nr_uses = 1;
	expect_verdict(&report, OLD, 0, "nobody called it in 1 d on 1 host");
	report.nr_hosts = 1;
	expect_verdict(&report, OLD, -1, "not deprecated on any host");
	/* What cannot be told is no reason to be silent. */
	hosts[0].release = NULL;
	expect_verdict(&report, OLD, 1, "1,200 calls by 1 program in 7 d");
	hosts[0].release = release;
}

static void spans_are_short(void **state)
{
	char text[48];

	(void)state;
	assert_string_equal(usage__span(0, text, sizeof(text)), "0 s");
	assert_string_equal(usage__span(59, text, sizeof(text)), "59 s");
	assert_string_equal(usage__span(61, text, sizeof(text)), "1 min 1 s");
	assert_string_equal(usage__span(7200, text, sizeof(text)), "2 h");
	assert_string_equal(usage__span(7 * DAY - 1, text, sizeof(text)), "6 d 23 h");
}

/* --- forms ------------------------------------------------------------------------------------------- */

static struct usage_use uses[] = {
	{ 0, OLD, CALLER, 1234567, 1, 0, -1, END - DAY, END - 60 },
	{ 0, LIVE, IDLER, 40, 4, 2, 3, END - DAY, END - 120 },
	{ 1, LIVE, UNKNOWN, 1, 0, 0, -1, 0, 0 },
};
static struct usage_references references[] = { { 0, "task_struct", 10, 7, 3, 2, -1, 90061 } };

static struct usage_report whole_report(void)
{
	struct usage_report report = report_of(uses, ARRAY_SIZE(uses), 2);

	report.references = references;
	report.nr_references = ARRAY_SIZE(references);
	return report;
}

static char *text_of(const struct usage_report *report)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(usage_report__print_text(report, out), 0);
	fclose(out);
	return text;
}

static void expect_line(const char *text, const char *wanted)
{
	if (!strstr(text, wanted))
		fail_msg("no \"%s\" in\n%s", wanted, text);
}

static void text_says_all(void **state)
{
	struct usage_report report = whole_report();
	char *text = text_of(&report);

	(void)state;
	expect_line(text, "usage from history h.db\n"
			  "2 hosts, Linux 6.19.1 (1), 6.20.9 (1), against Linux 7.3 (1)\n"
			  "time: 2026-11-14 20:17 to 2026-11-21 20:17 +0000 (7 d)\n"
			  "known: 1 of 2 hosts not for all of that time: 1 d to 7 d\n"
			  "lost: 3 calls or events\n");
	expect_line(text, "old_one!  caller     xdp          1  1,234,567     1     -"
			  "            -  2026-11-21 20:16  cron.service\n");
	expect_line(text, "live_one  idler?[2J  tracing      1         40     4     2"
			  "            3  2026-11-21 20:15  -\n");
	expect_line(text, "live_one  unknown    -            1          1     -     0"
			  "            -  -                 -\n");
	expect_line(text, "caller (xdp): 1,234,567 calls");
	expect_line(text, "blind_one: no call was seen");
	expect_line(text, "task_struct        10         7            3       2      -  1 d 1 h");
	expect_line(text, "No loaded program was found that would break on Linux 7.3 (1).");
	free(text);

	report.deprecated_only = true;
	text = text_of(&report);
	expect_line(text, "Deprecated kfuncs\n");
	assert_null(strstr(text, "live_one"));
	assert_null(strstr(text, "References"));
	free(text);
}

/* Reads what was printed to a terminal of so many columns; the widest line of it. */
static int widest_line(const struct usage_report *report, int columns)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	int master, slave, widest = 0, width = 0;
	char buf[32768];
	ssize_t len = 0, got;
	FILE *out;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	out = fdopen(slave, "w");
	/* All of it is in the terminal before it is read: it is short. */
	assert_int_equal(usage_report__print_text(report, out), 0);
	fflush(out);
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	while ((got = read(master, buf + len, sizeof(buf) - len)) > 0)
		len += got;
	assert_true(len > 400);
	for (ssize_t i = 0; i < len; i++) {
		if (buf[i] == '\n')
			width = 0;
		else if (buf[i] != '\r' && (buf[i] & 0xc0) != 0x80 && ++width > widest)
			widest = width;
	}
	fclose(out);
	close(master);
	return widest;
}

static void text_fits_a_narrow_terminal(void **state)
{
	struct usage_report report = whole_report();

	(void)state;
	assert_true(widest_line(&report, 200) > 80);
	assert_true(widest_line(&report, 80) <= 80);
	assert_true(widest_line(&report, 50) <= 50);
}

static json_t *json_of(const struct usage_report *report)
{
	json_error_t error;
	json_t *json;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(usage_report__print_json(report, out, false), 0);
	fclose(out);
	json = json_loads(text, 0, &error);
	assert_non_null(json);
	free(text);
	return json;
}

static void json_has_all(void **state)
{
	struct usage_point points[] = { { END - 3600, USAGE_ALL, CALLER, 5 } };
	struct usage_report report = whole_report();
	const char *kfunc, *kernel, *program, *caller, *last_seen;
	json_int_t calls, oldest;
	json_t *json;

	(void)state;
	report.points = points;
	report.nr_points = 1;
	json = json_of(&report);
	assert_int_equal(json_array_size(json_object_get(json, "uses")), 3);
	assert_int_equal(json_unpack(json,
				     "{s:[{s:s}], s:[{s:s, s:s, s:I, s:n, s:s}, {}, {s:n, s:s}]}",
				     "hosts", "kernel", &kernel, "uses", "kfunc", &kfunc, "program",
				     &program, "calls", &calls, "outstanding", "last_seen",
				     &last_seen, "program", "caller", &caller),
			 0);
	assert_string_equal(kernel, "6.19.1");
	assert_string_equal(kfunc, "old_one");
	assert_string_equal(program, "caller");
	assert_int_equal(calls, 1234567);
	assert_string_equal(last_seen, "2026-11-21T20:16:00+0000");
	assert_string_equal(caller, "unknown");
	assert_int_equal(json_unpack(json, "{s:[{s:n, s:s, s:I}], s:[{s:I, s:n}]}", "points",
				     "kfunc", "program", &program, "calls", &calls, "references",
				     "oldest_s", &oldest, "stale"),
			 0);
	assert_int_equal(calls, 5);
	assert_int_equal(oldest, 90061);
	json_decref(json);

	report.deprecated_only = true;
	json = json_of(&report);
	assert_int_equal(json_array_size(json_object_get(json, "uses")), 1);
	assert_true(json_is_null(json_object_get(json, "points")));
	json_decref(json);
}

/* A count that is there was measured at some time. */
static void a_zero_that_was_not_measured_is_null(void **state)
{
	static const struct {
		json_int_t nulls, zeros; /* -1: null */
	} wanted[] = { { 1, -1 }, { 4, 2 }, { -1, 0 } };
	struct usage_report report = whole_report();
	json_t *json, *use;
	size_t i;

	(void)state;
	json = json_of(&report);
	json_array_foreach (json_object_get(json, "uses"), i, use) {
		const json_t *nulls = json_object_get(use, "null_returns");
		const json_t *zeros = json_object_get(use, "refcount_zero");

		assert_non_null(nulls);
		assert_non_null(zeros);
		assert_int_equal(json_is_null(nulls) ? -1 : json_integer_value(nulls),
				 wanted[i].nulls);
		assert_int_equal(json_is_null(zeros) ? -1 : json_integer_value(zeros),
				 wanted[i].zeros);
	}
	assert_int_equal(i, ARRAY_SIZE(wanted));
	json_decref(json);
}

static void a_page_tells_zeros_from_what_was_not_measured(void **state)
{
	struct usage_report report = whole_report();
	char *page;
	size_t size;
	FILE *out = open_memstream(&page, &size);

	(void)state;
	assert_int_equal(usage_report__print_html(&report, out), 0);
	fclose(out);
	expect_line(page, "<td class=\"n\" data-t=\"NULL\">1</td>"
			  "<td class=\"n\" data-t=\"Refcount zero\">-</td>");
	expect_line(page, "<td class=\"n\" data-t=\"NULL\">4</td>"
			  "<td class=\"n\" data-t=\"Refcount zero\">2</td>");
	expect_line(page, "<td class=\"n\" data-t=\"NULL\">-</td>"
			  "<td class=\"n\" data-t=\"Refcount zero\">0</td>");
	free(page);
}

static void a_report_of_nothing_is_a_report(void **state)
{
	struct usage_report report = { .begin = 1, .end = 2 };
	char *text = text_of(&report), *page;
	size_t size;
	FILE *out = open_memstream(&page, &size);

	(void)state;
	expect_line(text, "Nothing is known of any host in that time.");
	expect_line(text, "lost: -");
	free(text);
	json_decref(json_of(&report));
	assert_int_equal(usage_report__print_html(&report, out), 0);
	fclose(out);
	expect_line(page, "</html>");
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_count_each_host_once),
		cmocka_unit_test(what_is_not_known_is_no_zero),
		cmocka_unit_test(problems_are_told_apart_by_what_they_are),
		cmocka_unit_test(a_verdict_says_its_time_and_hosts),
		cmocka_unit_test(what_is_deprecated_later_is_not_deprecated_here),
		cmocka_unit_test(spans_are_short),
		cmocka_unit_test(text_says_all),
		cmocka_unit_test(text_fits_a_narrow_terminal),
		cmocka_unit_test(json_has_all),
		cmocka_unit_test(a_zero_that_was_not_measured_is_null),
		cmocka_unit_test(a_page_tells_zeros_from_what_was_not_measured),
		cmocka_unit_test(a_report_of_nothing_is_a_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
