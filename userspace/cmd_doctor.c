// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace doctor: what this kernel and these privileges allow, and why not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <jansson.h>

#include "commands.h"
#include "common_options.h"
#include "doctor.h"
#include "json_values.h"
#include "kernel_version.h"
#include "message.h"
#include "output.h"
#include "table.h"

struct doctor_options {
	bool json;
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace doctor [OPTIONS]\n"
	      "Finds out what the running kernel and the present privileges allow, what is\n"
	      "missed without it and how to get it.\n\n"
	      "      --json     an object with the verdict and all checks\n"
	      "  -v, --verbose  what each check is good for, and names behind numbers\n"
	      "  -h, --help\n\n"
	      "Exit status: 0 when counting works, 2 when it does not.\n",
	      out);
}

static int parse_options(int argc, char **argv, struct doctor_options *opts)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		switch (c) {
		case 'j':
			opts->json = true;
			break;
		default:
			if (common_option__take(c, print_usage))
				return EXIT_TROUBLE;
		}
	}
	if (optind < argc) {
		msg__error("doctor takes no argument, and there is '%s'", argv[optind]);
		return EXIT_TROUBLE;
	}
	return EXIT_FINE;
}

/* --- text ------------------------------------------------------------------------------------- */

/* Columns of "untested  ". */
#define STATUS_WIDTH 10
#define TITLE_WIDTH  21
/* Where text begins that explains a line. */
#define NARROW_INDENT 4
/* On a narrower terminal the answer stands below its question. */
#define MIN_WIDE 60
/* Longer lists of names only with -v. */
#define MAX_SHORT_DETAIL 80

struct page {
	FILE *out;
	int width;  /* 0: lines are never broken */
	int column; /* where the next word would begin */
};

static void begin_line(struct page *page, const char *text)
{
	fputs(text, page->out);
	page->column = strlen(text);
}

static void pad_to(struct page *page, int column)
{
	if (column > page->column) {
		fprintf(page->out, "%*s", column - page->column, "");
		page->column = column;
	}
}

/* Words of `text`, each on the line or, where it does not fit, on one that begins at `indent`. */
static void print_words(struct page *page, const char *text, int indent)
{
	bool first = true;

	while (*text) {
		int len = strcspn(text, " "), gap = first ? 0 : 1;

		if (page->width && !first && page->column + gap + len > page->width) {
			fputc('\n', page->out);
			page->column = gap = 0;
			pad_to(page, indent);
		}
		fprintf(page->out, "%*s%.*s", gap, "", len, text);
		page->column += gap + len;
		first = false;
		text += len;
		text += strspn(text, " ");
	}
}

static void end_line(struct page *page)
{
	fputc('\n', page->out);
	page->column = 0;
}

static void print_note(struct page *page, const char *kind, const char *text, int indent)
{
	if (!text)
		return;
	begin_line(page, "");
	pad_to(page, indent);
	print_words(page, kind, indent);
	fputc(' ', page->out);
	page->column++;
	print_words(page, text, indent + 2);
	end_line(page);
}

static void print_check(struct page *page, const struct check *check, bool verbose)
{
	bool narrow = page->width && page->width < MIN_WIDE;
	int indent = narrow ? NARROW_INDENT : STATUS_WIDTH + TITLE_WIDTH;

	begin_line(page, check_status__name(check->status));
	pad_to(page, STATUS_WIDTH);
	print_words(page, check->title, indent);
	if (narrow)
		end_line(page);
	pad_to(page, indent);
	print_words(page, check->found ?: "?", indent);
	end_line(page);
	if (check->detail && (verbose || strlen(check->detail) <= MAX_SHORT_DETAIL))
		print_note(page, "namely:", check->detail, indent);
	/* Of what was not tried, the first check that failed has said it. */
	if (check->status == CHECK_NO || check->status == CHECK_LIMITED)
		print_note(page, "cost:", check->cost, indent);
	else if (verbose)
		print_note(page, "otherwise:", check->cost, indent);
	print_note(page, "remedy:", check->remedy, indent);
}

static void print_text(const struct doctor *doctor, bool verbose)
{
	struct page page = { .out = stdout, .width = terminal_width(stdout) };

	for (int i = 0; i < doctor->nr; i++)
		print_check(&page, &doctor->checks[i], verbose);
	fputc('\n', stdout);
	print_words(&page, doctor->verdict ?: "out of memory", 0);
	end_line(&page);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_check(const struct check *check)
{
	bool ok = check->status == CHECK_OK;
	json_t *object = json_object();

	json_object_set_new(object, "name", json_string(check->name));
	json_object_set_new(object, "title", json_string(check->title));
	json_object_set_new(object, "status", json_string(check_status__name(check->status)));
	json_object_set_new(object, "found", json_text(check->found));
	json_object_set_new(object, "cost", json_text(ok ? NULL : check->cost));
	json_object_set_new(object, "remedy", json_text(check->remedy));
	json_object_set_new(object, "detail", json_text(check->detail));
	return object;
}

static int print_json(const struct doctor *doctor)
{
	json_t *object = json_object(), *checks = json_array();

	for (int i = 0; i < doctor->nr; i++)
		json_array_append_new(checks, json_check(&doctor->checks[i]));
	json_object_set_new(object, "verdict", json_text(doctor->verdict));
	json_object_set_new(object, "counting", json_boolean(doctor->counting_works));
	json_object_set_new(object, "list", json_boolean(doctor->list_works));
	json_object_set_new(object, "kernel", json_string(kernel_release()));
	json_object_set_new(object, "checks", checks);
	return output__json(stdout, object, true);
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor_options opts = { 0 };
	int status = parse_options(argc, argv, &opts);
	struct doctor doctor;

	if (status != EXIT_FINE)
		return status;
	if (doctor__examine(&doctor))
		msg__warn("out of memory: some of what was found is not shown");
	if (opts.json)
		print_json(&doctor);
	else
		print_text(&doctor, msg__verbosity());
	status = doctor.counting_works ? EXIT_FINE : EXIT_TROUBLE;
	if (output__finish(stdout, "standard output"))
		status = EXIT_TROUBLE;
	doctor__free(&doctor);
	return status;
}
