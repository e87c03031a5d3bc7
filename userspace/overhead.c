// SPDX-License-Identifier: GPL-2.0-only
#include "overhead.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "aggregate.h"
#include "clock.h"
#include "counting.h"
#include "governor.h"
#include "message.h"
#include "notices.h"

/* How long a measurement lasts, at most. */
#define MEASURED_NS NS_PER_S

struct overhead {
	struct overhead_options opts;
	struct counting *counting;
	struct aggregate *aggregate;
	struct notices *notices;
	struct governor governor;
	int stats_fd; /* -1: nothing is being measured */
	bool is_refused;
	__u64 next_ns;
	/* As of the beginning of the measurement that is going on. */
	__u64 begin_ns;
	struct governed_unit *before;
	size_t nr_before;
	/* As of the end of the last one: till then costs are known. */
	__u64 measured_till_ns, process_ns;
	__u64 left_out_ns; /* of the process's time since */
};

__u64 overhead__process_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * NS_PER_S + used.tv_nsec;
}

struct overhead *overhead__new(const struct overhead_options *opts, struct counting *counting,
			       struct aggregate *aggregate, struct notices *notices)
{
	struct overhead *overhead = calloc(1, sizeof(*overhead));

	if (!overhead)
		return NULL;
	overhead->counting = counting;
	overhead->aggregate = aggregate;
	overhead->notices = notices;
	overhead->stats_fd = -1;
	overhead->measured_till_ns = clock_ns();
	overhead->process_ns = overhead__process_ns();
	overhead__set_options(overhead, opts);
	return overhead;
}

void overhead__free(struct overhead *overhead)
{
	if (!overhead)
		return;
	if (overhead->stats_fd >= 0)
		close(overhead->stats_fd);
	free(overhead->before);
	free(overhead);
}

void overhead__set_options(struct overhead *overhead, const struct overhead_options *opts)
{
	__u64 next_ns = clock_ns() + opts->interval_ns;

	overhead->opts = *opts;
	overhead->governor.max_share = opts->max_share;
	if (overhead->next_ns > next_ns)
		overhead->next_ns = next_ns;
}

void overhead__leave_out(struct overhead *overhead, __u64 cpu_ns)
{
	overhead->left_out_ns += cpu_ns;
}

/* --- measuring ---------------------------------------------------------------------------------- */

static int read_units(struct overhead *overhead, struct governed_unit **units, size_t *nr)
{
	const struct counting_unit *found;

	*nr = counting__units(overhead->counting, &found);
	*units = calloc(*nr + 1, sizeof(**units));
	if (!*units)
		return -ENOMEM;
	for (size_t i = 0; i < *nr; i++)
		(*units)[i] = (struct governed_unit){ found[i].name, found[i].run_ns };
	return 0;
}

static void begin(struct overhead *overhead, __u64 now_ns)
{
	/* An older kernel refuses, or somebody has set the sysctl that is for it: then it measures. */
	overhead->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (overhead->stats_fd < 0) {
		if (!overhead->is_refused)
			msg__warn("the kernel does not measure what probes cost (%s): max_overhead "
				  "has no effect",
				  strerror(errno));
		overhead->is_refused = true;
		return;
	}
	free(overhead->before);
	if (read_units(overhead, &overhead->before, &overhead->nr_before))
		overhead->nr_before = 0;
	overhead->begin_ns = now_ns;
}

static __u64 run_before(const struct overhead *overhead, const char *name)
{
	for (size_t i = 0; i < overhead->nr_before; i++) {
		if (strcmp(overhead->before[i].name, name) == 0)
			return overhead->before[i].run_ns;
	}
	return 0;
}

/* What each has cost since the beginning. */
static int read_change(struct overhead *overhead, struct governed_unit **units, size_t *nr)
{
	int err = read_units(overhead, units, nr);

	for (size_t i = 0; i < *nr && !err; i++) {
		__u64 before = run_before(overhead, (*units)[i].name);

		(*units)[i].run_ns -= before < (*units)[i].run_ns ? before : (*units)[i].run_ns;
	}
	return err;
}

/* --- what follows --------------------------------------------------------------------------------- */

static void take_off(struct overhead *overhead, const struct governed_unit *units, size_t nr,
		     double share, __u64 wall_ns)
{
	for (size_t i = 0; i < nr; i++) {
		int taken = counting__detach_unit(overhead->counting, units[i].name);
		char message[256];

		if (taken <= 0)
			continue;
		snprintf(message, sizeof(message),
			 "tracing took %.2f %% of a CPU, max_overhead is %.2f %%: %s is no longer "
			 "traced, which took %.2f %%",
			 share * 100, overhead->opts.max_share * 100, units[i].name,
			 100.0 * units[i].run_ns / wall_ns);
		notices__tell(overhead->notices,
			      &(struct notice){ .kind = NOTICE_DETACHED,
						.kfunc = units[i].name,
						.number = taken,
						.message = message },
			      clock_ns());
	}
}

/* There is nothing to be taken off for that: somebody has to know. */
static void tell_process(struct overhead *overhead, __u64 process_ns, __u64 wall_ns)
{
	char message[256];

	snprintf(
		message, sizeof(message),
		"the aggregator itself takes %.2f %% of a CPU, without its probes, max_overhead is "
		"%.2f %%: a longer interval would help, or a lower max_callers",
		100.0 * process_ns / wall_ns, overhead->opts.max_share * 100);
	notices__tell(overhead->notices,
		      &(struct notice){ .kind = NOTICE_TROUBLE, .message = message }, clock_ns());
}

/*
 * The process's CPU time, of all the time since the last measurement as if it had been spent evenly:
 * it comes in bursts, with each drain, of which a second has one or none.
 */
static __u64 process_share_ns(struct overhead *overhead, __u64 wall_ns, __u64 since_ns)
{
	__u64 now_ns = overhead__process_ns(), spent_ns = now_ns - overhead->process_ns;

	spent_ns -= overhead->left_out_ns < spent_ns ? overhead->left_out_ns : spent_ns;
	overhead->process_ns = now_ns;
	overhead->left_out_ns = 0;
	return (double)spent_ns / since_ns * wall_ns;
}

static void end(struct overhead *overhead, __u64 now_ns)
{
	struct aggregate_cost *cost = &aggregate__state(overhead->aggregate)->cost;
	__u64 wall_ns = now_ns - overhead->begin_ns, spent_ns;
	__u64 since_ns = now_ns - overhead->measured_till_ns, probes_ns = 0;
	bool was_process = overhead->governor.is_process;
	struct governed_unit *units = NULL;
	size_t nr = 0, nr_off;

	if (!wall_ns || read_change(overhead, &units, &nr)) {
		free(units);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		probes_ns += units[i].run_ns;
	spent_ns = process_share_ns(overhead, wall_ns, since_ns);
	cost->share = governor__share(units, nr, spent_ns, wall_ns);
	cost->probe_ns += (double)probes_ns / wall_ns * since_ns;
	overhead->measured_till_ns = now_ns;
	nr_off = governor__decide(&overhead->governor, units, nr, spent_ns, wall_ns);
	take_off(overhead, units, nr_off, cost->share, wall_ns);
	if (overhead->governor.is_process && !was_process)
		tell_process(overhead, spent_ns, wall_ns);
	free(units);
}

__u64 overhead__tend(struct overhead *overhead, __u64 now_ns)
{
	__u64 length_ns = overhead->opts.interval_ns / 2;

	if (length_ns > MEASURED_NS)
		length_ns = MEASURED_NS;
	if (now_ns < overhead->next_ns)
		return overhead->next_ns;
	if (overhead->stats_fd < 0) {
		begin(overhead, now_ns);
		overhead->next_ns = now_ns + length_ns;
		if (overhead->stats_fd < 0)
			overhead->next_ns = now_ns + overhead->opts.interval_ns;
		return overhead->next_ns;
	}
	end(overhead, now_ns);
	close(overhead->stats_fd);
	overhead->stats_fd = -1;
	overhead->next_ns = now_ns + overhead->opts.interval_ns - length_ns;
	return overhead->next_ns;
}
