// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the aggregator can take: events of a flood, beside libbpf's bare consumer on the same ring
 * buffer; and drains of large hosts. Exit status 1 when something could not be measured, or is not as
 * it is required.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "aggregate.h"
#include "made_up_host.h"
#include "notices.h"
#include "ring.skel.h"

/* --- events -------------------------------------------------------------------------------------- */

/* As many as there is room for in the aggregator's ring buffer... */
#define EVENTS_A_ROUND 800
/*
 * ...so often as a flood of 100 million a second fills it in 100 ms. That is the shortest time between
 * two drains that can be configured: after each drain the first events of each call site are told anew.
 */
#define ROUNDS 12500
#define TURNS  5
/* Call sites that the events come from. */
#define SITES 64
/* Of libbpf's bare consumer. */
#define REQUIRED_EVENTS 0.8

struct flood {
	struct made_up_host host;
	struct ring_bpf *ring;
	struct ring_buffer *bare;
	int epoll_fd;
	__u64 sum;
};

/* As little as a consumer can do that looks at its events. */
static int take_bare(void *sum, void *data, size_t size)
{
	const struct kft_reference_event *event = data;

	(void)size;
	*(__u64 *)sum += event->site;
	return 0;
}

static int fill(struct flood *flood)
{
	__u32 filling[] = { EVENTS_A_ROUND, SITES };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = filling, .ctx_size_in = sizeof(filling));

	return bpf_prog_test_run_opts(bpf_program__fd(flood->ring->progs.fill), &opts) ? -errno : 0;
}

/* As the aggregator does: it is woken up, looks who it was, and takes what there is. */
static int consume_ours(struct flood *flood)
{
	struct epoll_event event;
	int nr = epoll_wait(flood->epoll_fd, &event, 1, 10000);

	if (nr <= 0)
		return nr ? -errno : -ETIME;
	return counting__take_events(flood->host.counting);
}

/* The same, with nothing but libbpf. */
static int consume_bare(struct flood *flood)
{
	int nr = ring_buffer__poll(flood->bare, 10000);

	return nr < 0 || nr == EVENTS_A_ROUND ? nr : -EIO;
}

/* What it takes to ask for the time, which on some machines is as much as a hundred events. */
static double clock_cost_ns(void)
{
	enum { TIMES = 2000 };
	__u64 begin_ns = spent_ns();

	for (int i = 0; i < TIMES; i++)
		spent_ns();
	return (double)(spent_ns() - begin_ns) / TIMES;
}

/* Nanoseconds that an event takes, or a negative errno. */
static double measure(struct flood *flood, int (*consume)(struct flood *flood))
{
	double clock_ns = clock_cost_ns();
	__u64 all_ns = 0;
	int err = 0;

	for (int i = 0; i < ROUNDS && err >= 0; i++) {
		__u64 begin_ns;

		err = fill(flood);
		if (err)
			break;
		begin_ns = spent_ns();
		err = consume(flood);
		all_ns += spent_ns() - begin_ns;
	}
	return err < 0 ? err : ((double)all_ns / ROUNDS - clock_ns) / EVENTS_A_ROUND;
}

/* What was told, held back as too many of a kind, and passed over, is all that there was. */
static __u64 events_seen(const struct counting *counting)
{
	return notices__told(counting->notices) + notices__suppressed(counting->notices) +
	       aggregate__read_state(counting->aggregate)->losses.events_left_out;
}

static int open_flood(struct flood *flood)
{
	const struct made_up_host_options opts = {
		.nr_cpus = 1, .nr_kfuncs = 1, .nr_callers = SITES, .with_events = true
	};
	struct epoll_event event = { .events = EPOLLIN };
	int events_fd, err = made_up_host__open(&flood->host, &opts);

	if (err)
		return err;
	for (int i = 0; i < SITES; i++)
		made_up_host__number_site(&flood->host, KFT_FIRST_REFERENCE_SITE + i, 0, i);
	events_fd = references__events_fd(flood->host.counting->session.references);
	flood->ring = ring_bpf__open();
	if (!flood->ring)
		return -errno;
	err = bpf_map__reuse_fd(flood->ring->maps.events, events_fd) ?: ring_bpf__load(flood->ring);
	if (err)
		return err;
	flood->bare = ring_buffer__new(events_fd, take_bare, &flood->sum, NULL);
	flood->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!flood->bare || flood->epoll_fd < 0 ||
	    epoll_ctl(flood->epoll_fd, EPOLL_CTL_ADD, counting__events_fd(flood->host.counting),
		      &event))
		return -errno;
	/* Programs are known after a drain. */
	return counting__drain(flood->host.counting, 1);
}

/* The two take turns. Nanoseconds that an event takes; 0 or a negative errno. */
static int measure_turns(struct flood *flood, double *bare, double *ours)
{
	int err;

	for (int i = 0; i < TURNS; i++) {
		bare[i] = measure(flood, consume_bare);
		ours[i] = measure(flood, consume_ours);
		if (bare[i] < 0 || ours[i] < 0)
			return bare[i] < 0 ? bare[i] : ours[i];
		err = counting__drain(flood->host.counting, 2 + i);
		if (err)
			return err;
	}
	return 0;
}

static int report_events(struct flood *flood, double *bare, double *ours)
{
	const __u64 all = (__u64)TURNS * ROUNDS * EVENTS_A_ROUND;
	const struct counting *counting = flood->host.counting;
	__u64 told = notices__told(counting->notices) + notices__suppressed(counting->notices);
	double ratios[TURNS], ratio;

	for (int i = 0; i < TURNS; i++)
		ratios[i] = bare[i] / ours[i];
	ratio = median(ratios, TURNS);
	printf("%-52s %10.1f M/s\n", "events of a flood, libbpf's consumer alone",
	       1e3 / median(bare, TURNS));
	printf("%-52s %10.1f M/s  %.2f of it; told or held back: %.3f%%\n",
	       "events of a flood, the aggregator", 1e3 / median(ours, TURNS), ratio,
	       100.0 * told / all);
	if (flood->ring->bss->nr_dropped || events_seen(counting) != all) {
		printf("MISSED  of %llu events %llu were seen, %llu not sent\n", all,
		       events_seen(counting), flood->ring->bss->nr_dropped);
		return 1;
	}
	printf("%s  events a second, of libbpf's consumer alone: %.2f (at least %.2f)\n",
	       ratio >= REQUIRED_EVENTS ? "met   " : "MISSED", ratio, REQUIRED_EVENTS);
	return ratio < REQUIRED_EVENTS;
}

static int bench_events(void)
{
	struct flood flood = { .epoll_fd = -1 };
	double bare[TURNS], ours[TURNS];
	int err = open_flood(&flood), failed = 1;

	if (!err)
		err = measure_turns(&flood, bare, ours);
	if (err)
		printf("MISSED  events cannot be measured here: %s\n", strerror(-err));
	else
		failed = report_events(&flood, bare, ours);
	ring_buffer__free(flood.bare);
	ring_bpf__destroy(flood.ring);
	if (flood.epoll_fd >= 0)
		close(flood.epoll_fd);
	if (flood.host.counting)
		made_up_host__close(&flood.host);
	return failed;
}

/* --- drains ----------------------------------------------------------------------------------------- */

#define NR_KFUNCS  300
#define NR_CALLERS 1000
#define NR_CPUS	   64
#define NR_DRAINS  5

/* Every caller calls each kfunc once on each CPU. Returns how many calls there was no room for. */
static __u64 call_all(struct made_up_host *host, bool is_alike)
{
	__u64 full = 0;

	for (int cpu = 0; cpu < NR_CPUS; cpu++) {
		int first = is_alike ? 0 : cpu * NR_CALLERS / NR_CPUS;

		for (int i = 0; i < NR_CALLERS; i++) {
			for (int kfunc = 0; kfunc < NR_KFUNCS; kfunc++)
				full += !made_up_host__call(host, cpu, kfunc,
							    (first + i) % NR_CALLERS);
		}
	}
	return full;
}

struct found {
	__u64 calls, unknown;
	size_t pairs;
};

static struct found look(const struct aggregate *aggregate)
{
	struct found found = { 0 };

	for (size_t i = 0; i < aggregate__nr_rows(aggregate); i++) {
		const struct aggregate_row *row = aggregate__row_at(aggregate, i);
		bool is_program =
			aggregate__caller_at(aggregate, row->caller)->kind == KNOWN_PROGRAM;

		found.calls += row->counts.calls;
		found.unknown += is_program ? 0 : row->counts.calls;
		found.pairs += is_program;
	}
	return found;
}

/* Each CPU's table has KFT_MAX_SLOTS: no more pairs than that can be told apart there. */
static int bench_drain(const char *what, bool is_alike)
{
	const __u64 all = (__u64)NR_CPUS * NR_KFUNCS * NR_CALLERS;
	const struct made_up_host_options opts = { .nr_cpus = NR_CPUS,
						   .nr_kfuncs = NR_KFUNCS,
						   .nr_callers = NR_CALLERS,
						   .max_callers = NR_KFUNCS * (NR_CALLERS + 1) };
	double ms[NR_DRAINS];
	struct made_up_host host;
	struct found found;
	__u64 full = 0;
	int err = made_up_host__open(&host, &opts);

	for (int i = 0; i < NR_DRAINS && !err; i++) {
		__u64 begin_ns;

		full += call_all(&host, is_alike);
		begin_ns = spent_ns();
		err = counting__drain(host.counting, 1 + i);
		ms[i] = (spent_ns() - begin_ns) / 1e6;
	}
	if (err) {
		printf("MISSED  a drain cannot be measured here: %s\n", strerror(-err));
		return 1;
	}
	found = look(host.counting->aggregate);
	printf("%-52s %10.1f ms   the first %.1f ms; %zu of %d pairs told apart, %.1f%% of calls unknown\n",
	       what, median(ms + 1, NR_DRAINS - 1), ms[0], found.pairs, NR_KFUNCS * NR_CALLERS,
	       100.0 * found.unknown / found.calls);
	err = found.calls != NR_DRAINS * all || found.unknown != full;
	printf("%s  of %llu calls %llu were counted, and %llu of %llu unknown ones as such\n",
	       err ? "MISSED" : "met   ", NR_DRAINS * all, found.calls, found.unknown, full);
	made_up_host__close(&host);
	return err;
}

int main(void)
{
	int failed = bench_events();

	printf("\n%d CPUs, %d kfuncs x %d callers on each, which have %d slots:\n", NR_CPUS,
	       NR_KFUNCS, NR_CALLERS, KFT_MAX_SLOTS);
	failed |= bench_drain("drain, the same programs first on each CPU", true);
	failed |= bench_drain("drain, other programs first on each CPU", false);
	return failed;
}
