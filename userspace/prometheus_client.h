/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks Prometheus, or what answers like it (VictoriaMetrics, Thanos), over its HTTP API. Whatever
 * fails is said here, with the URL and what the server says of it.
 */
#ifndef KFUNCTRACE_PROMETHEUS_CLIENT_H
#define KFUNCTRACE_PROMETHEUS_CLIENT_H

#include <stdio.h>
#include <linux/types.h>

struct json_t;
struct prometheus;

/*
 * `url` may have a path ("https://metrics.example/select/0/prometheus") and a user
 * ("http://user:password@host"). Environment: KFUNCTRACE_PROMETHEUS_TOKEN_FILE, a bearer token;
 * KFUNCTRACE_PROMETHEUS_CA_FILE, who signs the server's certificate. Also ~/.netrc is read. Connects
 * to nobody yet. Returns 0 or a negative errno.
 */
int prometheus__open(const char *url, struct prometheus **client);
void prometheus__close(struct prometheus *client);
/* The URL without user and password. */
const char *prometheus__url(const struct prometheus *client);

/*
 * `*result` is the array of series (jansson), each {"metric": {LABEL: VALUE}} with "value", or
 * "values" when the expression has a range. Times are milliseconds since 1970. Answers that the
 * server calls partial are refused. Returns 0 or a negative errno.
 */
int prometheus__query(struct prometheus *client, const char *expression, __s64 time_ms,
		      struct json_t **result);
/* The expression's value at `begin_ms` and each `step_ms` after it up to `end_ms`. */
int prometheus__query_range(struct prometheus *client, const char *expression, __s64 begin_ms,
			    __s64 end_ms, __s64 step_ms, struct json_t **result);

/*
 * One [TIME, "VALUE"] of a series. Returns 0, or -EPROTO (nothing is said) when it is none: also of NaN,
 * by which VictoriaMetrics says that the target was gone for a while.
 */
int prometheus__sample(const struct json_t *pair, __s64 *time_ms, double *value);

/* What the client has asked for so far. */
struct prometheus_cost {
	__u64 queries, bytes; /* of answers, unpacked */
	__u64 ns;	      /* spent in waiting for them */
};
const struct prometheus_cost *prometheus__cost(const struct prometheus *client);

/* For those who put expressions together: a string in quotes, */
void promql__print_string(FILE *out, const char *text);
/* and, within quotes, a regular expression (RE2) that matches this text, or what this glob does. */
void promql__print_literal(FILE *out, const char *text);
void promql__print_glob(FILE *out, const char *glob);

#endif
