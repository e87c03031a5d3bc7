// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prometheus' increase() is an estimate: it takes what it sees in the window and extrapolates to the
 * borders. VictoriaMetrics' is none, and counts otherwise. So neither is used: counters are
 * subtracted, the last sample before the begin from the last before the end, which both answer
 * alike, and which costs the server two samples a series, however long the time is. That needs
 * counters that do not begin anew in between: fleet_hosts.h finds the spans where they do not.
 */
#include "fleet_query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "message.h"
#include "pattern.h"
#include "prometheus_client.h"

#define SINCE "kfunctrace_counting_since_timestamp_seconds"

static void print_instances(FILE *out, const struct fleet_choice *choice)
{
	if (!choice->nr_hosts)
		return;
	fputs("instance=~\"", out);
	for (size_t i = 0; i < choice->nr_hosts; i++) {
		fputs(i ? "|" : "", out);
		promql__print_literal(out, choice->hosts[i]->instance);
	}
	fputs("\",", out);
}

static void print_kfuncs(FILE *out, const struct pattern_list *kfuncs)
{
	fputs("kfunc=~\"", out);
	for (int i = 0; i < kfuncs->nr; i++) {
		fputs(i ? "|" : "", out);
		promql__print_glob(out, kfuncs->patterns[i]);
	}
	fputs("\",", out);
}

static void print_series(FILE *out, const struct fleet_metric *metric,
			 const struct fleet_choice *choice)
{
	fprintf(out, "%s{", metric->name);
	print_instances(out, choice);
	if (metric->of_kfuncs && choice->kfuncs && choice->kfuncs->nr)
		print_kfuncs(out, choice->kfuncs);
	fprintf(out, "%s}", metric->matcher ?: "");
}

/* The last sample of each series, no older than that, whatever became of the host since. */
static void print_last(FILE *out, const struct fleet_metric *metric,
		       const struct fleet_choice *choice, __s64 lookback_ms, __s64 offset_ms)
{
	fputs("last_over_time(", out);
	print_series(out, metric, choice);
	fprintf(out, "[%lldms]", lookback_ms);
	if (offset_ms)
		fprintf(out, " offset %lldms", offset_ms);
	fputc(')', out);
}

static void print_sum(FILE *out, const struct fleet_metric *metric,
		      const struct fleet_choice *choice, __s64 lookback_ms, __s64 offset_ms)
{
	fprintf(out, "sum by (instance%s%s) (", metric->by ? ", " : "", metric->by ?: "");
	print_last(out, metric, choice, lookback_ms, offset_ms);
	fputc(')', out);
}

/* What was printed, to be freed; NULL without memory, which is said. */
struct expression {
	FILE *out;
	char *text;
	size_t size;
};

static FILE *begin_expression(struct expression *expression)
{
	expression->text = NULL;
	expression->out = open_memstream(&expression->text, &expression->size);
	if (!expression->out)
		msg__error("out of memory");
	return expression->out;
}

static int end_expression(struct expression *expression)
{
	if (!fclose(expression->out))
		return 0;
	msg__error("out of memory");
	free(expression->text);
	return -ENOMEM;
}

/* Asks for it as of `time_ms`, and frees it. */
static int ask(struct prometheus *client, struct expression *expression, __s64 time_ms,
	       struct json_t **result)
{
	int err = end_expression(expression);

	*result = NULL;
	if (err)
		return err;
	err = prometheus__query(client, expression->text, time_ms, result);
	free(expression->text);
	return err;
}

int fleet_query__growth(struct prometheus *client, const struct fleet_metric *metric,
			const struct fleet_choice *choice, const struct fleet_span *span,
			struct json_t **result)
{
	__s64 lookback_ms = fleet_span__lookback_ms(span);
	struct expression expression;
	FILE *out = begin_expression(&expression);

	*result = NULL;
	if (!out)
		return -ENOMEM;
	/*
	 * A series that was not there at the begin, or whose place another had meanwhile, began
	 * with 0: all of it counts.
	 */
	if (!span->from_zero) {
		fputs("((", out);
		print_sum(out, metric, choice, lookback_ms, 0);
		fputs(" - ", out);
		print_sum(out, metric, choice, lookback_ms, span->end_ms - span->begin_ms);
		fputs(") >= 0 or ", out);
		print_sum(out, metric, choice, lookback_ms, 0);
		fputs(") > 0", out);
	} else {
		print_sum(out, metric, choice, lookback_ms, 0);
		fputs(" > 0", out);
	}
	return ask(client, &expression, span->end_ms, result);
}

int fleet_query__last(struct prometheus *client, const struct fleet_metric *metric,
		      const struct fleet_choice *choice, __s64 time_ms, struct json_t **result)
{
	struct expression expression;
	FILE *out = begin_expression(&expression);

	*result = NULL;
	if (!out)
		return -ENOMEM;
	print_sum(out, metric, choice, FLEET_LOOKBACK_MS, 0);
	return ask(client, &expression, time_ms, result);
}

int fleet_query__values(struct prometheus *client, const struct fleet_metric *metric,
			const struct fleet_choice *choice, __s64 time_ms, struct json_t **result)
{
	struct expression expression;
	FILE *out = begin_expression(&expression);

	*result = NULL;
	if (!out)
		return -ENOMEM;
	fprintf(out, "sum by (instance%s%s) (", metric->by ? ", " : "", metric->by ?: "");
	print_series(out, metric, choice);
	fputc(')', out);
	return ask(client, &expression, time_ms, result);
}

static int ask_range(struct prometheus *client, struct expression *expression, __s64 begin_ms,
		     __s64 end_ms, __s64 step_ms, struct json_t **result)
{
	int err = end_expression(expression);

	*result = NULL;
	if (err)
		return err;
	err = prometheus__query_range(client, expression->text, begin_ms, end_ms, step_ms, result);
	free(expression->text);
	return err;
}

int fleet_query__sum(struct prometheus *client, const struct fleet_metric *metric,
		     const struct fleet_choice *choice, __s64 lookback_ms, __s64 time_ms,
		     struct json_t **result)
{
	struct expression expression;
	FILE *out = begin_expression(&expression);

	*result = NULL;
	if (!out)
		return -ENOMEM;
	fprintf(out, "sum by (%s) (", metric->by);
	print_last(out, metric, choice, lookback_ms, 0);
	fputc(')', out);
	return ask(client, &expression, time_ms, result);
}

int fleet_query__sums(struct prometheus *client, const struct fleet_metric *metric,
		      const struct fleet_choice *choice, __s64 begin_ms, __s64 end_ms,
		      __s64 step_ms, struct json_t **result)
{
	struct expression expression;
	FILE *out = begin_expression(&expression);

	*result = NULL;
	if (!out)
		return -ENOMEM;
	fprintf(out, "sum by (%s) (", metric->by);
	print_series(out, metric, choice);
	fputc(')', out);
	return ask_range(client, &expression, begin_ms, end_ms, step_ms, result);
}

int fleet_query__present(struct prometheus *client, const struct fleet_choice *choice,
			 __s64 begin_ms, __s64 end_ms, __s64 step_ms, struct json_t **result)
{
	static const struct fleet_metric since = { .name = SINCE };
	struct expression expression;
	FILE *out = begin_expression(&expression);

	*result = NULL;
	if (!out)
		return -ENOMEM;
	/* In two jobs a host is still one. */
	fputs("count(count by (instance) (", out);
	print_series(out, &since, choice);
	fputs("))", out);
	return ask_range(client, &expression, begin_ms, end_ms, step_ms, result);
}

int fleet_query__levels(struct prometheus *client, const struct fleet_metric *metric,
			const struct fleet_choice *choice, __s64 begin_ms, __s64 end_ms,
			__s64 step_ms, struct json_t **result)
{
	struct expression expression;
	FILE *out = begin_expression(&expression);

	*result = NULL;
	if (!out)
		return -ENOMEM;
	print_sum(out, metric, choice, FLEET_LOOKBACK_MS, 0);
	return ask_range(client, &expression, begin_ms, end_ms, step_ms, result);
}
