// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace report: who used what, and who still uses what is on its way out. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "deprecation_survey.h"
#include "message.h"
#include "output.h"
#include "pattern.h"
#include "report_usage.h"
#include "run_options.h"

#define DEFAULT_SECONDS 10

enum {
	OPT_DEPRECATIONS = OPT_OWN,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_HISTORY,
	OPT_PROMETHEUS,
	OPT_HTML,
	OPT_TARGET,
	OPT_CENSUS,
	OPT_MARKDOWN,
	OPT_PERF,
};

struct report_options {
	bool deprecations;
	bool markdown;
	struct report_usage_options usage;
	struct pattern_list kfuncs;
	struct deprecation_survey_options survey;
	struct run_options run;
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace report [--since TIME] [--until TIME] [--deprecations] [OPTIONS]\n"
	      "       kfunctrace report --deprecations [OPTIONS] [-- COMMAND [ARGUMENTS]]\n"
	      "       kfunctrace report --perf FILE [--deprecations] [OPTIONS]\n"
	      "Reports which programs used which kfuncs, out of the history that `kfunctrace serve` keeps,\n"
	      "of many hosts out of Prometheus, or out of a recording.\n"
	      "With --deprecations alone: which programs of this host contain or call deprecated kfuncs,\n"
	      "and what to call instead; observes until COMMAND ends, or for 10 seconds.\n\n"
	      "      --since TIME       from the history: 7d, 12h, 2026-11-20, 2026-11-20T12:00; 7d\n"
	      "      --until TIME       the same; now\n"
	      "      --history FILE     instead of " REPORT_HISTORY_PATH "\n"
	      "      --prometheus URL   instead of a history: all hosts that this Prometheus or\n"
	      "                         VictoriaMetrics has scraped\n"
	      "      --perf FILE        instead of a history: what perf or trace-cmd has recorded of the\n"
	      "                         kernel module's trace events\n"
	      "      --html FILE        a page for a browser; - is standard output\n"
	      "      --deprecations     deprecated kfuncs only\n"
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
	      "Exit status: 0 fine, 1 with --deprecations: somebody uses them, 2 trouble.\n",
	      out);
}

/* True when it is about what was, and not about what is. */
static bool is_of_the_past(const struct report_options *opts)
{
	const struct report_usage_options *usage = &opts->usage;

	return usage->since || usage->until || usage->history || usage->prometheus ||
	       usage->recording || usage->html || !opts->deprecations;
}

/* Each source of a report has options that are no use for the others. */
static int check_options(const struct report_options *opts)
{
	const struct report_usage_options *usage = &opts->usage;
	bool live = !is_of_the_past(opts);
	const struct {
		bool given, fits;
		const char *what, *where;
	} checks[] = {
		{ usage->recording, !usage->since && !usage->until, "--perf FILE",
		  "not for --since and --until: a recording has no date" },
		{ usage->recording, !usage->history && !usage->prometheus, "--perf FILE",
		  "not for --history and --prometheus" },
		{ usage->prometheus, !usage->history, "--prometheus URL", "not for --history" },
		{ usage->html, !opts->run.json && !opts->run.output, "--html FILE",
		  "not for --json and --output FILE" },
		{ opts->markdown, live, "--markdown", "for --deprecations without the history" },
		{ opts->markdown, !opts->run.json, "--markdown", "not for --json" },
		{ opts->survey.target, live, "--target",
		  "for --deprecations without the history, which has the target that "
		  "`kfunctrace serve` was configured with" },
		{ opts->survey.census_only, live, "--census",
		  "for --deprecations without the history" },
		{ opts->run.window.duration, live, "--duration",
		  "for --deprecations without the history" },
		{ opts->run.window.command, live, "COMMAND",
		  "for --deprecations without the history" },
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (!checks[i].given || checks[i].fits)
			continue;
		msg__error("%s is %s", checks[i].what, checks[i].where);
		return -1;
	}
	return 0;
}

static int take_option(struct report_options *opts, int c)
{
	switch (c) {
	case OPT_DEPRECATIONS:
		opts->deprecations = true;
		return 0;
	case OPT_PERF:
		opts->usage.recording = optarg;
		return 0;
	case OPT_SINCE:
		opts->usage.since = optarg;
		return 0;
	case OPT_UNTIL:
		opts->usage.until = optarg;
		return 0;
	case OPT_HISTORY:
		opts->usage.history = optarg;
		return 0;
	case OPT_PROMETHEUS:
		opts->usage.prometheus = optarg;
		return 0;
	case OPT_HTML:
		opts->usage.html = optarg;
		return 0;
	case OPT_TARGET:
		opts->survey.target = optarg;
		return 0;
	case OPT_CENSUS:
		opts->survey.census_only = true;
		return 0;
	case OPT_MARKDOWN:
		opts->markdown = true;
		return 0;
	case 'k':
		return pattern_list__add(&opts->kfuncs, optarg);
	default:
		return run_options__take(&opts->run, c, print_usage);
	}
}

/* What the options are for all sources. */
static void spread_options(struct report_options *opts)
{
	opts->usage.kfuncs = opts->survey.patterns = &opts->kfuncs;
	opts->usage.deprecations = opts->deprecations;
	opts->usage.json = opts->run.json;
	opts->usage.output = opts->run.output;
	opts->survey.window = opts->run.window;
	if (!opts->survey.window.duration && !opts->survey.window.command)
		opts->survey.window.duration = DEFAULT_SECONDS;
}

static int parse_options(struct report_options *opts, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "since", required_argument, NULL, OPT_SINCE },
		{ "until", required_argument, NULL, OPT_UNTIL },
		{ "history", required_argument, NULL, OPT_HISTORY },
		{ "prometheus", required_argument, NULL, OPT_PROMETHEUS },
		{ "html", required_argument, NULL, OPT_HTML },
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

	while (!err && (c = getopt_long(argc, argv, "+k:d:o:vh", longs, NULL)) != -1)
		err = take_option(opts, c);
	err = err ?: run_options__finish(&opts->run, argc, argv) ?: check_options(opts);
	spread_options(opts);
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

/* Of this host, as it is now. */
static int report_live(const struct report_options *opts)
{
	struct deprecation_survey survey = { 0 };
	struct printing printing = { .opts = opts, .report = &survey.report };
	int status = EXIT_TROUBLE, err;

	if (results__open(&printing.results, opts->run.output, opts->run.window.command))
		return status;
	err = deprecation_survey__run(&survey, &opts->survey);
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
	deprecation_survey__close(&survey);
	return status;
}

int cmd_report(int argc, char **argv)
{
	struct report_options opts = { 0 };
	int status = EXIT_TROUBLE;

	if (!parse_options(&opts, argc, argv)) {
		if (is_of_the_past(&opts))
			status = report_usage__run(&opts.usage);
		else
			status = report_live(&opts);
	}
	pattern_list__free(&opts.kfuncs);
	run_options__free(&opts.run);
	return status;
}
