// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace report: who still uses what is on its way out. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "deprecation_survey.h"
#include "event_recording.h"
#include "message.h"
#include "output.h"
#include "pattern.h"
#include "run_options.h"

#define DEFAULT_SECONDS 10

struct report_options {
	bool deprecations;
	bool markdown;
	const char *recording; /* --perf */
	struct pattern_list kfuncs;
	struct deprecation_survey_options survey;
	struct run_options run;
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace report --deprecations [OPTIONS] [-- COMMAND [ARGUMENTS]]\n"
	      "       kfunctrace report --perf FILE [OPTIONS]\n"
	      "Reports which programs of this host contain or call deprecated kfuncs, and what to call\n"
	      "instead. Observes until COMMAND ends, or for 10 seconds.\n\n"
	      "      --deprecations\n"
	      "      --perf FILE        instead: what was recorded of the kernel module's trace events,\n"
	      "                         by perf or trace-cmd\n"
	      "      --target KERNEL    also kfuncs that KERNEL has not, or has otherwise: a file of\n"
	      "                         `kfunctrace snapshot`, or a version such as 7.x\n"
	      "  -k, --kfunc PATTERN    shell glob on the name; several: any of them\n"
	      "      --census           attach nothing: which programs contain calls, not how many\n"
	      "  -d, --duration SECONDS\n"
	      "      --markdown         to be sent in a mail\n"
	      "      --json             an object\n"
	      "  -o, --output FILE      the report goes there; otherwise to standard output, with a\n"
	      "                         COMMAND to standard error\n"
	      "  -v, --verbose\n"
	      "  -h, --help\n\n"
	      "Exit status: 0 no use found, 1 some use, 2 trouble.\n",
	      out);
}

static int check_options(const struct report_options *opts)
{
	if (!opts->deprecations == !opts->recording) {
		msg__error("report needs to know what: --deprecations or --perf FILE");
		return -1;
	}
	if (opts->recording && opts->markdown) {
		msg__error("--markdown is for --deprecations");
		return -1;
	}
	if (opts->markdown && opts->run.json) {
		msg__error("--markdown and --json exclude each other");
		return -1;
	}
	return 0;
}

static int parse_options(struct report_options *opts, int argc, char **argv)
{
	enum { OPT_DEPRECATIONS = OPT_OWN, OPT_TARGET, OPT_CENSUS, OPT_MARKDOWN, OPT_PERF };
	static const struct option longs[] = {
		{ "deprecations", no_argument, NULL, OPT_DEPRECATIONS },
		{ "perf", required_argument, NULL, OPT_PERF },
		{ "target", required_argument, NULL, OPT_TARGET },
		{ "kfunc", required_argument, NULL, 'k' },
		{ "census", no_argument, NULL, OPT_CENSUS },
		{ "duration", required_argument, NULL, 'd' },
		{ "markdown", no_argument, NULL, OPT_MARKDOWN },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "output", required_argument, NULL, 'o' },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c, err = 0;

	while (!err && (c = getopt_long(argc, argv, "+k:d:o:vh", longs, NULL)) != -1) {
		switch (c) {
		case OPT_DEPRECATIONS:
			opts->deprecations = true;
			break;
		case OPT_PERF:
			opts->recording = optarg;
			break;
		case OPT_TARGET:
			opts->survey.target = optarg;
			break;
		case OPT_CENSUS:
			opts->survey.census_only = true;
			break;
		case OPT_MARKDOWN:
			opts->markdown = true;
			break;
		case 'k':
			err = pattern_list__add(&opts->kfuncs, optarg);
			break;
		default:
			err = run_options__take(&opts->run, c, print_usage);
		}
	}
	err = err ?: check_options(opts) ?: run_options__finish(&opts->run, argc, argv);
	opts->survey.patterns = &opts->kfuncs;
	opts->survey.window = opts->run.window;
	if (!opts->survey.window.duration && !opts->survey.window.command)
		opts->survey.window.duration = DEFAULT_SECONDS;
	return err;
}

/* What is printed, and where to. */
struct printing {
	const struct report_options *opts;
	const struct deprecation_report *report;
	struct results results;
};

static int print(void *arg)
{
	struct printing *printing = arg;
	FILE *out = results__begin(&printing->results);

	if (printing->opts->run.json)
		return deprecation_report__print_json(printing->report, out);
	if (printing->opts->markdown)
		return deprecation_report__print_markdown(printing->report, out);
	return deprecation_report__print_text(printing->report, out);
}

static int status_of(const struct deprecation_report *report)
{
	for (size_t i = 0; i < report->nr_kfuncs; i++) {
		if (reported_kfunc__used(&report->kfuncs[i]) > 0)
			return EXIT_FOUND;
	}
	return EXIT_FINE;
}

/* Of a recording, made on whatever machine. */
static int report_recording(const struct report_options *opts)
{
	struct event_recording recording;
	struct results results;
	int err = event_recording__read(opts->recording, &recording);

	if (!err)
		err = results__open(&results, opts->run.output, NULL);
	if (!err) {
		FILE *out = results__begin(&results);

		err = opts->run.json ? event_recording__print_json(&recording, out)
				     : event_recording__print_table(&recording, out);
		err = results__close(&results) ?: err;
	}
	event_recording__free(&recording);
	return err ? EXIT_TROUBLE : EXIT_FINE;
}

int cmd_report(int argc, char **argv)
{
	struct report_options opts = { 0 };
	struct deprecation_survey survey = { 0 };
	struct printing printing = { .opts = &opts, .report = &survey.report };
	int status = EXIT_TROUBLE, err;

	if (parse_options(&opts, argc, argv))
		goto out;
	if (opts.recording) {
		status = report_recording(&opts);
		goto out;
	}
	if (results__open(&printing.results, opts.run.output, opts.run.window.command))
		goto out;
	err = deprecation_survey__run(&survey, &opts.survey);
	if (!err) {
		err = results__print_last(&printing.results, print, &printing);
		if (err)
			msg__error("cannot print the report: %s", strerror(-err));
	}
	if (results__close(&printing.results))
		err = -EIO;
	if (!err && survey.report.tracer_was_off)
		err = -ENODATA;
	if (!err)
		status = status_of(&survey.report);
	if (!err && survey.counting)
		tracing_session__announce_detaching(&survey.session);
out:
	deprecation_survey__close(&survey);
	pattern_list__free(&opts.kfuncs);
	run_options__free(&opts.run);
	return status;
}
