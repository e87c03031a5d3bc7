// SPDX-License-Identifier: GPL-2.0-only
#include "report_usage.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "message.h"
#include "new_file.h"
#include "option_values.h"
#include "output.h"
#include "usage_report.h"
#include "usage_summary.h"

#define DEFAULT_SINCE "7d"

static int make_query(struct usage_query *query, const struct report_usage_options *opts)
{
	__s64 now = time(NULL);

	*query = (struct usage_query){
		.end = now,
		.kfuncs = opts->kfuncs,
		.deprecated_only = opts->deprecations,
		.want_points = opts->json || opts->html,
	};
	if (option__moment(opts->since ?: DEFAULT_SINCE, "--since", now, &query->begin) ||
	    (opts->until && option__moment(opts->until, "--until", now, &query->end)))
		return -EINVAL;
	if (query->end > now)
		query->end = now;
	if (query->begin >= query->end) {
		msg__error("--since %s is not before --until %s: there is no time between them",
			   opts->since ?: DEFAULT_SINCE, opts->until ?: "now");
		return -EINVAL;
	}
	return 0;
}

static int read_source(struct usage_report *report, const struct report_usage_options *opts)
{
	struct usage_query query;
	int err = make_query(&query, opts);

	if (!err && opts->prometheus)
		err = usage_from_prometheus(report, opts->prometheus, &query);
	else if (!err && opts->recording)
		err = usage_from_recording(report, opts->recording, &query);
	else if (!err)
		err = usage_from_history(report, opts->history ?: REPORT_HISTORY_PATH, &query);
	report->deprecated_only = opts->deprecations;
	return err;
}

static int print(const struct usage_report *report, const struct report_usage_options *opts)
{
	struct results results;
	FILE *out;
	int err = results__open(&results, opts->output, NULL);

	if (err)
		return err;
	out = results__begin(&results);
	err = opts->json ? usage_report__print_json(report, out, true)
			 : usage_report__print_text(report, out);
	if (err && !results__failed(&results))
		msg__error("cannot print the report: %s", strerror(-err));
	return results__close(&results) ?: err;
}

static int write_page(const struct usage_report *report, const char *path)
{
	struct new_file file;
	int failed, err = new_file__open(&file, path);

	if (err)
		return err;
	failed = usage_report__print_html(report, file.out);
	if (failed)
		msg__error("cannot make the page: %s", strerror(-failed));
	return new_file__finish(&file, failed) ?: failed;
}

/* As without the history: somebody uses what is deprecated. */
static int status_of(const struct usage_report *report)
{
	struct usage_deprecations deprecations;
	int status = EXIT_FINE;

	if (usage_deprecations__make(&deprecations, report))
		status = EXIT_TROUBLE;
	for (size_t i = 0; status == EXIT_FINE && i < deprecations.nr; i++) {
		if (usage_deprecated__used(report, &deprecations.kfuncs[i]) == 1)
			status = EXIT_FOUND;
	}
	usage_deprecations__free(&deprecations);
	return status;
}

int report_usage__run(const struct report_usage_options *opts)
{
	struct usage_report report = { 0 };
	int status = EXIT_TROUBLE;

	if (!read_source(&report, opts) &&
	    !(opts->html ? write_page(&report, opts->html) : print(&report, opts)))
		status = opts->deprecations ? status_of(&report) : EXIT_FINE;
	usage_report__free(&report);
	return status;
}
