// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many hosts in one process: each path /host/N/metrics is an aggregator, with counters of which the
 * truth is known. Time goes in rounds: /round/N begins one. Between rounds nothing changes, so that
 * it does not matter when a host is scraped. What happened from round 0 to LAST_ROUND, as a report
 * should have it: /truth, /truth/deprecated, /truth/types, /truth/hosts.
 */
#include <errno.h>
#include <getopt.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aggregate.h"
#include "openmetrics.h"

#define LAST_ROUND 3

/* What becomes of some hosts. */
enum {
	HOST_LATE = 10,	 /* counts for long, and is scraped from round 1 on */
	HOST_NEW = 11,	 /* is set up in round 1 */
	HOST_GONE = 12,	 /* is not there from round 2 on */
	HOST_RESET = 13, /* loses its counts as round 2 begins */
	HOST_GAP = 14,	 /* is not there in round 1 */
	HOST_LOAD =
		15, /* its first program calls nothing before round 2, so that there are no rows */
};

#define NR_DEPRECATED 4
#define NR_TYPES      5

static struct {
	int hosts, kfuncs, callers, port;
} opts = { .hosts = 200, .kfuncs = 300, .callers = 5 };

static int round_now;
static __s64 round_time[LAST_ROUND + 1];
static __s64 long_ago;

/* --- the truth -------------------------------------------------------------------------------------- */

/* Of the last two callers one is the kernel, the other cannot be told. */
static int nr_programs(void)
{
	return opts.callers - 2;
}

static bool is_deprecated(int host, int kfunc)
{
	return kfunc < NR_DEPRECATED && host % 4 == 0;
}

/* Calls in a round. A quarter calls nothing. */
static __u64 step(int host, int kfunc, int caller)
{
	/* Who uses what is deprecated: the first program, on every 20th host. */
	if (kfunc < NR_DEPRECATED && host % 4 == 0)
		return host % 20 == 0 && caller == 0 ? 5 + kfunc : 0;
	return (host + kfunc + caller) % 4 == 3 ? 0 : 1 + (host * 7 + kfunc * 3 + caller * 11) % 97;
}

/* Some are larger than single precision can tell apart. */
static __u64 base(int host, int kfunc, int caller)
{
	if (kfunc < NR_DEPRECATED && host % 20)
		return 0;
	return kfunc % 50 == 7 ? (1ull << 45) + caller : 1000ull + kfunc;
}

static bool is_there(int host, int round)
{
	switch (host) {
	case HOST_LATE:
	case HOST_NEW:
		return round >= 1;
	case HOST_GONE:
		return round < 2;
	case HOST_GAP:
		return round != 1;
	default:
		return true;
	}
}

static bool has_row(int host, int caller, int round)
{
	return host != HOST_LOAD || caller != 0 || round >= 2;
}

/* A counter that had `first` when round 0 began, where the host did not begin or lose it later. */
static __u64 counter(int host, __u64 first, __u64 per_round, int round)
{
	if (host == HOST_NEW)
		return per_round * round;
	if (host == HOST_RESET && round >= 2)
		return per_round * (round - 1);
	return first + per_round * round;
}

static __u64 calls(int host, int kfunc, int caller, int round)
{
	__u64 per_round = step(host, kfunc, caller);

	if (host == HOST_LOAD && caller == 0)
		return per_round * (round - 1);
	return counter(host, base(host, kfunc, caller), per_round, round);
}

/* References of the nth type in a round, and what there was of it before. */
static __u64 acquired_a_round(int type)
{
	return 10 * (type + 1);
}

static __u64 released_a_round(int type)
{
	return 8 * (type + 1);
}

#define FIRST_ACQUIRED 1000
#define FIRST_RELEASED 900

static __u64 acquired(int host, int type, int round)
{
	return counter(host, FIRST_ACQUIRED, acquired_a_round(type), round);
}

static __u64 released(int host, int type, int round)
{
	return counter(host, FIRST_RELEASED, released_a_round(type), round);
}

static int stale(int host, int type)
{
	return host % 50 == 0 ? type : 0;
}

static int oldest_s(int type)
{
	return 60 + type;
}

/* How many rounds' calls a report has: what was scraped last, less what was scraped first. */
static int rounds_reported(int host, int caller)
{
	switch (host) {
	case HOST_LATE:
		return LAST_ROUND - 1;
	case HOST_GONE:
		return 1;
	case HOST_LOAD:
		return caller == 0 ? LAST_ROUND - 1 : LAST_ROUND;
	default: /* HOST_RESET: one round before, and two after */
		return LAST_ROUND;
	}
}

static bool may_be_null(int kfunc)
{
	return kfunc % 10 == 1;
}

static bool may_be_zero(int kfunc)
{
	return kfunc % 30 == 2;
}

static void kfunc_name(char *buf, size_t size, int kfunc)
{
	snprintf(buf, size, "bpf_kfunc_%03d%s", kfunc, kfunc % 2 ? "_acquire" : "");
}

static const char *module_name(int kfunc)
{
	return kfunc % 9 == 8 ? "nf_conntrack" : "vmlinux";
}

static struct known_program caller_of(int host, int caller)
{
	static const char *const types[] = { "sched_cls", "tracing", "struct_ops" };
	struct known_program program = { .kind = KNOWN_PROGRAM };

	if (caller == opts.callers - 2) {
		program.kind = KNOWN_KERNEL;
	} else if (caller == opts.callers - 1) {
		program.kind = KNOWN_UNKNOWN;
	} else {
		/* Ten kinds of hosts, with programs of their own. */
		snprintf(program.name, sizeof(program.name), "program_%d_%d", host % 10, caller);
		snprintf(program.type, sizeof(program.type), "%s", types[caller % 3]);
	}
	return program;
}

/* --- a host's aggregate -------------------------------------------------------------------------------- */

static struct aggregate_counts counts_of(int host, int kfunc, int caller, int round)
{
	struct aggregate_counts counts = { .calls = calls(host, kfunc, caller, round) };

	if (may_be_null(kfunc))
		counts.nulls = counts.calls / 2;
	if (may_be_zero(kfunc))
		counts.zeros = counts.calls / 4;
	return counts;
}

static void add_held(struct aggregate_row *row)
{
	struct kft_hold hold = { .count = 3, .sum = 3 << 20, .max = 1 << 20 };

	hold.buckets[20] = 3;
	aggregate_row__add_held(row, &hold);
}

static void add_kfunc(struct aggregate *aggregate, int host, int idx, int round)
{
	char name[64];
	struct aggregate_kfunc *kfunc;
	__u32 nr;

	kfunc_name(name, sizeof(name), idx);
	nr = aggregate__kfunc(aggregate, name, module_name(idx));
	kfunc = aggregate__kfunc_for(aggregate, nr);
	kfunc->measured =
		(may_be_null(idx) ? AGGREGATE_NULLS : 0) | (may_be_zero(idx) ? AGGREGATE_ZEROS : 0);
	aggregate__set_traced(aggregate, nr, idx % 100 != 99, "no ftrace site");
	if (is_deprecated(host, idx))
		aggregate__set_deprecation(aggregate, nr, "deprecated", "bpf_kfunc_new", "7.1");
	for (int caller = 0; caller < opts.callers; caller++) {
		struct known_program program = caller_of(host, caller);
		struct aggregate_counts counts = counts_of(host, idx, caller, round);
		struct aggregate_row *row;

		if (!has_row(host, caller, round))
			continue;
		row = aggregate__add(aggregate, nr, &program, &counts, round_time[round]);
		row->outstanding = may_be_null(idx) && caller < nr_programs() ? 2 + caller : -1;
		if (row->outstanding > 0)
			row->counts.acquired = counts.calls - counts.nulls;
		if (idx % 100 == 1 && caller < nr_programs())
			add_held(row);
	}
}

static void add_types(struct aggregate *aggregate, int host, int round)
{
	for (int i = 0; i < NR_TYPES; i++) {
		char name[32];
		struct aggregate_type *type;

		snprintf(name, sizeof(name), "type_%d", i);
		type = aggregate__type_for(aggregate, aggregate__type(aggregate, name));
		type->acquired = acquired(host, i, round);
		type->released = released(host, i, round);
		type->outstanding = type->acquired - type->released;
		type->parked = i;
		type->stale = stale(host, i);
		type->oldest_ns = oldest_s(i) * 1000000000ull;
	}
}

/* On every eighth host the first program would not load on the target kernel. */
static void add_problems(struct aggregate *aggregate, int host)
{
	struct known_program program = caller_of(host, 0);
	struct aggregate_problem problem = { .programs = 1 };
	char name[64], target[] = "7.x", what[] = "removed", instead[] = "bpf_kfunc_new";

	if (host % 8)
		return;
	kfunc_name(name, sizeof(name), 5);
	problem.kfunc = aggregate__kfunc(aggregate, name, module_name(5));
	problem.caller = aggregate__caller(aggregate, &program);
	problem.target = target;
	problem.problem = what;
	problem.replacement = instead;
	aggregate__set_problems(aggregate, &problem, 1);
}

static void fill_state(struct aggregate_state *state, int host, int round)
{
	int rounds = host == HOST_RESET && round >= 2 ? round - 1 : round;

	snprintf(state->release, sizeof(state->release), "%s",
		 host % 4 ? "6.12.107+deb13-amd64" : "7.3.4+deb13-amd64");
	snprintf(state->target, sizeof(state->target), "7.x");
	state->started = long_ago;
	state->counting_since = host == HOST_NEW		   ? round_time[1]
				: host == HOST_RESET && round >= 2 ? round_time[2]
								   : long_ago;
	state->last_drain = round_time[round];
	state->ready = true;
	state->history_on = true;
	state->history_save = state->last_drain;
	state->history_bytes = 1 << 20;
	state->losses.recursion_misses = 7 * rounds;
	state->losses.events_dropped = 2 * rounds;
	state->losses.other_rows = 1000 * rounds;
	state->cost.share = 0.004;
	/* The round is to be seen from outside. */
	state->cost.drains = 1 + round;
	state->cost.drain_ns = state->cost.last_drain_ns = 1000000;
	state->cost.rss_bytes = 20 << 20;
	state->cost.probe_ns = state->cost.process_ns = 1000000000;
	state->cost.kernel_bytes = 30 << 20;
}

static struct aggregate *make_aggregate(int host, int round)
{
	struct aggregate_options options = { .max_callers = 100000, .max_objects = 16 };
	struct aggregate *aggregate = aggregate__new(&options);

	for (int kfunc = 0; kfunc < opts.kfuncs; kfunc++)
		add_kfunc(aggregate, host, kfunc, round);
	add_types(aggregate, host, round);
	add_problems(aggregate, host);
	fill_state(aggregate__state(aggregate), host, round);
	return aggregate;
}

/* --- the truth, printed --------------------------------------------------------------------------------- */

/* What a report has of counter(). */
static __u64 counter_growth(int host, __u64 first, __u64 per_round, unsigned int divisor)
{
	/* Halves and quarters are those of the counters at the ends. */
	switch (host) {
	case HOST_LATE:
		return counter(host, first, per_round, LAST_ROUND) / divisor -
		       counter(host, first, per_round, 1) / divisor;
	case HOST_GONE:
		return (first + per_round) / divisor - first / divisor;
	case HOST_RESET:
		return (first + per_round) / divisor - first / divisor + 2 * per_round / divisor;
	case HOST_NEW:
		return per_round * LAST_ROUND / divisor;
	default:
		return counter(host, first, per_round, LAST_ROUND) / divisor - first / divisor;
	}
}

static __u64 growth(int host, int kfunc, int caller, unsigned int divisor)
{
	__u64 per_round = step(host, kfunc, caller);

	if (host == HOST_LOAD && caller == 0)
		return 2 * per_round / divisor;
	return counter_growth(host, base(host, kfunc, caller), per_round, divisor);
}

/* What is not measured has no series. */
static void print_measured(FILE *out, bool is_measured, __u64 count)
{
	if (is_measured)
		fprintf(out, "\t%llu", count);
	else
		fputs("\t-", out);
}

static void print_use(FILE *out, int host, int kfunc, int caller)
{
	struct known_program program = caller_of(host, caller);
	__u64 nr = step(host, kfunc, caller) * rounds_reported(host, caller);
	int held =
		host != HOST_GONE && may_be_null(kfunc) && caller < nr_programs() ? 2 + caller : -1;
	char name[64];

	if (!nr && held <= 0)
		return;
	kfunc_name(name, sizeof(name), kfunc);
	fprintf(out, "host-%03d\t%s\t%s\t%s\t%s\t%s\t%llu", host, name, module_name(kfunc),
		known_kind__name(program.kind), program.name, program.type, nr);
	print_measured(out, may_be_null(kfunc), growth(host, kfunc, caller, 2));
	print_measured(out, may_be_zero(kfunc), growth(host, kfunc, caller, 4));
	fprintf(out, "\t%d\n", held);
}

static void print_truth(FILE *out, bool deprecated_only)
{
	for (int host = 0; host < opts.hosts; host++) {
		for (int kfunc = 0; kfunc < opts.kfuncs; kfunc++) {
			for (int caller = 0; caller < opts.callers; caller++) {
				if (deprecated_only &&
				    (!is_deprecated(host, kfunc) || !step(host, kfunc, caller)))
					continue;
				print_use(out, host, kfunc, caller);
			}
		}
	}
}

/* Of a host that is gone nothing is known that is held now. */
static void print_types(FILE *out)
{
	for (int host = 0; host < opts.hosts; host++) {
		for (int i = 0; i < NR_TYPES; i++) {
			fprintf(out, "host-%03d\ttype_%d\t%llu\t%llu\t", host, i,
				counter_growth(host, FIRST_ACQUIRED, acquired_a_round(i), 1),
				counter_growth(host, FIRST_RELEASED, released_a_round(i), 1));
			if (host == HOST_GONE)
				fprintf(out, "-\t-\t-\t0\n");
			else
				fprintf(out, "%llu\t%d\t%d\t%d\n",
					acquired(host, i, LAST_ROUND) -
						released(host, i, LAST_ROUND),
					i, stale(host, i), oldest_s(i));
		}
	}
}

/* Lost calls and events; and the kernel's release. */
static void print_hosts(FILE *out)
{
	for (int host = 0; host < opts.hosts; host++) {
		int rounds = rounds_reported(host, opts.callers - 1);

		fprintf(out, "host-%03d\t%s\t%d\n", host,
			host % 4 ? "6.12.107+deb13-amd64" : "7.3.4+deb13-amd64", 9 * rounds);
	}
}

/* --- serving ----------------------------------------------------------------------------------------------- */

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned int status, char *text,
			       size_t size, const char *type)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	MHD_add_response_header(response, "Content-Type", type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result respond_metrics(struct MHD_Connection *connection, int host)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	enum exposition_format format = exposition__choose(accept);
	struct aggregate *aggregate;
	char *text;
	size_t size;
	int err;

	if (host < 0 || host >= opts.hosts || !is_there(host, round_now))
		return respond(connection, 503, strdup("not there\n"), 10, "text/plain");
	aggregate = make_aggregate(host, round_now);
	err = exposition__write(aggregate, format, "simulated", &text, &size);
	aggregate__free(aggregate);
	if (err)
		return MHD_NO;
	return respond(connection, 200, text, size, exposition__content_type(format));
}

static enum MHD_Result respond_text(struct MHD_Connection *connection, const char *url)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (strcmp(url, "/truth") == 0)
		print_truth(out, false);
	else if (strcmp(url, "/truth/deprecated") == 0)
		print_truth(out, true);
	else if (strcmp(url, "/truth/types") == 0)
		print_types(out);
	else if (strcmp(url, "/truth/hosts") == 0)
		print_hosts(out);
	else
		fprintf(out, "round %d\n", round_now);
	fclose(out);
	return respond(connection, 200, text, size, "text/plain");
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *data_size, void **state)
{
	int nr;
	char end;

	(void)arg, (void)method, (void)version, (void)data, (void)data_size, (void)state;
	if (sscanf(url, "/host/%d/metric%c", &nr, &end) == 2)
		return respond_metrics(connection, nr);
	if (sscanf(url, "/round/%d", &nr) == 1 && nr > round_now && nr <= LAST_ROUND) {
		round_now = nr;
		round_time[nr] = time(NULL);
	}
	return respond_text(connection, url);
}

static int parse_options(int argc, char **argv)
{
	static const struct option longs[] = { { "hosts", required_argument, NULL, 'n' },
					       { "kfuncs", required_argument, NULL, 'k' },
					       { "callers", required_argument, NULL, 'c' },
					       { "port", required_argument, NULL, 'p' },
					       { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		int *value = c == 'n'	? &opts.hosts
			     : c == 'k' ? &opts.kfuncs
			     : c == 'c' ? &opts.callers
			     : c == 'p' ? &opts.port
					: NULL;

		if (!value)
			return -1;
		*value = atoi(optarg);
	}
	return opts.callers >= 3 && opts.hosts > 0 && opts.kfuncs > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	const union MHD_DaemonInfo *info;
	struct MHD_Daemon *daemon;
	sigset_t signals;
	int signal;

	if (parse_options(argc, argv)) {
		fputs("usage: fleet-simulator [--hosts N] [--kfuncs N] [--callers N] [--port N]\n",
		      stderr);
		return 2;
	}
	address.sin_port = htons(opts.port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	round_time[0] = time(NULL);
	long_ago = round_time[0] - 40 * 86400;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, NULL,
				  MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT,
				  1000u, MHD_OPTION_END);
	info = daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
	if (!info) {
		perror("fleet-simulator");
		return 2;
	}
	printf("%d\n", info->port);
	fflush(stdout);
	sigwait(&signals, &signal);
	MHD_stop_daemon(daemon);
	return 0;
}
