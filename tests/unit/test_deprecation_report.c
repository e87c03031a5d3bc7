// SPDX-License-Identifier: GPL-2.0-only
/* What a report says of figures that are put into it: its verdicts, and its forms. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "deprecation_report.h"
#include "deprecations.h"
#include "kernel_version.h"

static const struct deprecation since_7_1 = {
	.kfunc = "old_one",
	.kind = DEPRECATION_MARKED,
	.since = KVER(7, 1),
	.replacement = "new_one",
	.words = "Will be removed in the future, and quite a few words more to fill the line",
	.source = "kernel/x.c (7.2)",
};

static struct reported_process processes[] = {
	{ .pid = 12, .comm = "cron", .unit = "cron.service" }
};
static char *pins[] = { "/sys/fs/bpf/a" };
static struct reported_attachment attachments[] = { { .how = "fentry", .target = "f" } };
static struct reported_program programs[] = {
	{ .id = 7,
	  .name = "caller",
	  .type = "tracing",
	  .has_uid = true,
	  .loaded = true,
	  .processes = processes,
	  .nr_processes = 1,
	  .pins = pins,
	  .nr_pins = 1,
	  .attachments = attachments,
	  .nr_attachments = 1 },
	{ .id = 8, .name = "idler", .type = "xdp", .has_uid = true, .uid = 1000 },
};

/* A report of one kfunc, observed for thirty seconds. */
static struct deprecation_report report_of(struct reported_kfunc *kfunc)
{
	kfunc->name = "old_one";
	kfunc->module = "vmlinux";
	kfunc->deprecation = &since_7_1;
	kfunc->replacement = "new_one";
	return (struct deprecation_report){
		.host = "here",
		.release = "7.3.4",
		.begin = 1000,
		.end = 1030,
		.kfuncs = kfunc,
		.nr_kfuncs = 1,
		.programs = programs,
		.nr_programs = ARRAY_SIZE(programs),
	};
}

static void expect_verdict(struct reported_kfunc kfunc, int used, const char *wanted)
{
	struct deprecation_report report = report_of(&kfunc);
	char text[1024];

	assert_string_equal(reported_kfunc__verdict(&report, &kfunc, text, sizeof(text)), wanted);
	assert_int_equal(reported_kfunc__used(&kfunc), used);
}

static struct reported_use uses[] = {
	{ .program = 0, .nr_sites = 2, .calls = 1234, .last_call = { 1002, 1003 } },
	{ .program = 1, .nr_sites = 1 },
};
static struct reported_use gone_use[] = { { .program = 1, .calls = 1, .last_call = { 1, 2 } } };
static struct reported_use declared_use[] = { { .program = 1, .declared = true } };

static void a_verdict_says_what_it_rests_on(void **state)
{
	(void)state;
	expect_verdict((struct reported_kfunc){ 0 }, 0,
		       "no use seen in 30 s on this host; 0 programs contain it");
	expect_verdict((struct reported_kfunc){ .uses = uses + 1, .nr_uses = 1 }, 1,
		       "no call seen in 30 s on this host; 1 program contains it");
	expect_verdict((struct reported_kfunc){ .uses = uses, .nr_uses = 2 }, 1,
		       "1,234 calls by programs in 30 s on this host; 2 programs contain it");
	expect_verdict((struct reported_kfunc){ .uses = gone_use, .nr_uses = 1 }, 1,
		       "1 call by programs in 30 s on this host; 0 programs contain it");
	expect_verdict((struct reported_kfunc){ .no_counts = "no probe" }, 0,
		       "0 programs contain it; its calls were not counted (no probe)");
	expect_verdict(
		(struct reported_kfunc){ .no_census = "inlined" }, 0,
		"no call seen in 30 s on this host; which programs contain it cannot be seen "
		"(inlined)");
}

static void what_nobody_can_see_is_unknown(void **state)
{
	(void)state;
	expect_verdict(
		(struct reported_kfunc){ .no_census = "inlined", .no_counts = "no code" }, -1,
		"unknown: which programs contain it cannot be seen (inlined); its calls were "
		"not counted (no code)");
	expect_verdict(
		(struct reported_kfunc){ .no_census = "inlined",
					 .no_counts = "no code",
					 .uses = declared_use,
					 .nr_uses = 1 },
		1,
		"which programs contain it cannot be seen (inlined); 1 comes from objects that "
		"declare it; its calls were not counted (no code)");
}

static void calls_of_the_kernel_are_no_use_and_unknown_ones_may_be(void **state)
{
	(void)state;
	expect_verdict(
		(struct reported_kfunc){ .kernel_calls = 5000 }, 0,
		"no use seen in 30 s on this host (and 5,000 calls by the kernel itself); 0 programs "
		"contain it");
	expect_verdict((struct reported_kfunc){ .unknown_calls = 2 }, 1,
		       "2 calls by unknown callers in 30 s on this host; 0 programs contain it");
}

static void what_is_the_matter_is_said_in_one_line(void **state)
{
	char *problems[] = { "renamed: a -> b", "signature: parameter 1 added: int x" };
	struct reported_kfunc kfunc = { .problems = problems, .nr_problems = 2 };
	char text[256];

	(void)state;
	assert_string_equal(reported_kfunc__status(&kfunc, text, sizeof(text)),
			    "renamed: a -> b, signature: parameter 1 added: int x");
	kfunc.deprecation = &since_7_1;
	kfunc.nr_problems = 1;
	assert_string_equal(reported_kfunc__status(&kfunc, text, sizeof(text)),
			    "deprecated since 7.1, renamed: a -> b");
	/* In little room it is cut, and still a string. */
	assert_string_equal(reported_kfunc__status(&kfunc, text, 8), "depreca");
}

static void a_program_has_who_is_behind_it(void **state)
{
	char text[256];

	(void)state;
	assert_string_equal(reported_program__title(&programs[0], text, sizeof(text)),
			    "caller (id 7, tracing)");
	assert_string_equal(reported_program__holders(&programs[0], text, sizeof(text)),
			    "loaded by uid 0; held by cron[12] (cron.service); pinned at "
			    "/sys/fs/bpf/a; attached to fentry f");
	assert_string_equal(reported_program__title(&programs[1], text, sizeof(text)),
			    "idler (id 8, xdp), gone");
	assert_string_equal(reported_program__holders(&programs[1], text, sizeof(text)),
			    "loaded by uid 1000");
}

static char *printed(const struct deprecation_report *report,
		     int (*print)(const struct deprecation_report *report, FILE *out))
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(print(report, out), 0);
	fclose(out);
	return text;
}

static void a_mail_has_short_lines_and_all_of_it(void **state)
{
	struct reported_kfunc kfunc = { .uses = uses, .nr_uses = 2 };
	struct deprecation_report report = report_of(&kfunc);
	char *text, *line, *rest;

	(void)state;
	report.no_counts =
		"a very long reason with many words in it that has to be broken somewhere";
	text = printed(&report, deprecation_report__print_markdown);
	assert_non_null(strstr(text, "\n## old_one\n"));
	assert_non_null(strstr(text, "- host: here\n- kernel: Linux 7.3.4\n"));
	assert_non_null(strstr(text, "use new_one"));
	assert_non_null(strstr(text, "\n- caller (id 7, tracing): 2 sites, 1,234 calls"));
	assert_null(strstr(text, "No use found"));
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strlen(line) > 72 || line[strlen(line) - 1] == ' ')
			fail_msg("too long, or blanks at its end: '%s'", line);
	}
	free(text);
}

static int occurrences(const char *text, const char *words)
{
	int nr = 0;

	while ((text = strstr(text, words))) {
		text += strlen(words);
		nr++;
	}
	return nr;
}

static void kfuncs_without_a_use_share_their_verdict(void **state)
{
	struct reported_kfunc kfuncs[3] = { 0 };
	struct deprecation_report report;
	char *text;

	(void)state;
	report = report_of(&kfuncs[0]);
	report_of(&kfuncs[1]);
	report_of(&kfuncs[2]);
	kfuncs[1].name = "hidden";
	kfuncs[1].no_census = kfuncs[1].no_counts = "inlined";
	kfuncs[2].name = "last";
	report.nr_kfuncs = 3;
	text = printed(&report, deprecation_report__print_markdown);
	assert_int_equal(occurrences(text, "no use seen in 30 s"), 1);
	assert_int_equal(occurrences(text, "unknown: "), 1);
	assert_int_equal(occurrences(text, "\n- old_one: deprecated since 7.1\n- last: deprecated"),
			 1);
	free(text);
}

static void json_has_null_for_what_was_not_measured(void **state)
{
	struct reported_kfunc kfunc = {
		.no_census = "inlined", .no_counts = "no code", .uses = declared_use, .nr_uses = 1
	};
	struct deprecation_report report = report_of(&kfunc);
	char *text = printed(&report, deprecation_report__print_json);
	json_t *json = json_loads(text, 0, NULL), *first;

	(void)state;
	assert_non_null(json);
	first = json_array_get(json_object_get(json, "kfuncs"), 0);
	assert_true(json_is_null(json_object_get(first, "calls")));
	assert_true(json_is_null(json_object_get(first, "programs")));
	assert_true(json_is_null(json_object_get(first, "last_call_before")));
	assert_true(json_is_true(json_object_get(first, "used")));
	assert_string_equal(json_string_value(json_object_get(first, "replacement")), "new_one");
	assert_string_equal(json_string_value(json_object_get(first, "deprecated_since")), "7.1");
	first = json_array_get(json_object_get(first, "uses"), 0);
	assert_true(json_is_null(json_object_get(first, "sites")));
	assert_true(json_is_null(json_object_get(first, "calls")));
	json_decref(json);
	free(text);
}

static void an_empty_report_says_so(void **state)
{
	struct reported_kfunc kfunc = { 0 };
	struct deprecation_report report = report_of(&kfunc);
	char *text;

	(void)state;
	report.nr_kfuncs = 0;
	report.target = "7.9";
	text = printed(&report, deprecation_report__print_text);
	assert_non_null(strstr(text, "none breaks on\n7.9.")
				?: strstr(text, "none breaks on 7.9."));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verdict_says_what_it_rests_on),
		cmocka_unit_test(what_nobody_can_see_is_unknown),
		cmocka_unit_test(calls_of_the_kernel_are_no_use_and_unknown_ones_may_be),
		cmocka_unit_test(what_is_the_matter_is_said_in_one_line),
		cmocka_unit_test(a_program_has_who_is_behind_it),
		cmocka_unit_test(a_mail_has_short_lines_and_all_of_it),
		cmocka_unit_test(kfuncs_without_a_use_share_their_verdict),
		cmocka_unit_test(json_has_null_for_what_was_not_measured),
		cmocka_unit_test(an_empty_report_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
