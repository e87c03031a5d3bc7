// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the aggregator can take: events of a flood, beside libbpf's bare consumer on the same ring
 * buffer; and drains of large hosts, from counters that are made up in memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "aggregate.h"
#include "clock.h"
#include "counters_private.h"
#include "counting_private.h"
#include "kernel_symbols.h"
#include "ring.skel.h"

/* CPU time: what other processes take does not count. */
static __u64 spent_ns(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
	return spent.tv_sec * NS_PER_S + spent.tv_nsec;
}

/* --- events -------------------------------------------------------------------------------------- */

#define EVENTS_A_ROUND 40000
#define ROUNDS	       50

/* As little as a consumer can do that looks at its events. */
static int take_bare(void *sum, void *data, size_t size)
{
	const struct kft_reference_event *event = data;

	(void)size;
	*(__u64 *)sum += event->site;
	return 0;
}

static int take_ours(void *counting, void *data, size_t size)
{
	(void)size;
	return counting__take_zero(data, counting);
}

static int fill(struct ring_bpf *ring)
{
	__u32 nr = EVENTS_A_ROUND;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &nr, .ctx_size_in = sizeof(nr));

	return bpf_prog_test_run_opts(bpf_program__fd(ring->progs.fill), &opts);
}

/* Nanoseconds to consume what was filled in, all rounds; -1: it cannot be measured here. */
static double consume(struct ring_bpf *ring, ring_buffer_sample_fn fn, void *arg, __u64 *nr)
{
	struct ring_buffer *consumer =
		ring_buffer__new(bpf_map__fd(ring->maps.events), fn, arg, NULL);
	__u64 all_ns = 0;

	*nr = 0;
	for (int i = 0; consumer && i < ROUNDS; i++) {
		__u64 begin_ns;
		int taken;

		if (fill(ring))
			return -1;
		begin_ns = spent_ns();
		taken = ring_buffer__consume(consumer);
		all_ns += spent_ns() - begin_ns;
		if (taken < 0)
			return -1;
		*nr += taken;
	}
	ring_buffer__free(consumer);
	return consumer ? (double)all_ns : -1;
}

static int compare_doubles(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

/* The two take turns, and each has its best third's middle: another process takes away, never adds. */
static int bench_events(void)
{
	enum { TURNS = 9 };
	struct counting *counting = calloc(1, sizeof(*counting));
	struct ring_bpf *ring = ring_bpf__open_and_load();
	double bare[TURNS], ours[TURNS], ratio;
	__u64 sum = 0, nr_bare, nr_ours;

	if (!ring || !counting) {
		printf("events: this kernel loads no such program (%s)\n", strerror(errno));
		return 0;
	}
	/* A flood: what is told of each call site has been told. */
	memset(counting->site_events, 0xff, sizeof(counting->site_events));
	for (int i = 0; i < TURNS; i++) {
		bare[i] = consume(ring, take_bare, &sum, &nr_bare);
		ours[i] = consume(ring, take_ours, counting, &nr_ours);
		if (bare[i] < 0 || ours[i] < 0 || nr_bare != nr_ours) {
			printf("events: cannot be measured here\n");
			return 0;
		}
	}
	qsort(bare, TURNS, sizeof(*bare), compare_doubles);
	qsort(ours, TURNS, sizeof(*ours), compare_doubles);
	ratio = bare[1] / ours[1];
	printf("%-52s %10.1f M/s\n", "events of a flood, libbpf's consumer alone",
	       nr_bare / bare[1] * 1e3);
	printf("%-52s %10.1f M/s  %.2f of it\n", "events of a flood, the aggregator",
	       nr_ours / ours[1] * 1e3, ratio);
	if (counting->events_passed_over != (__u64)TURNS * nr_ours) {
		printf("events: some were not seen\n");
		return 1;
	}
	ring_bpf__destroy(ring);
	free(counting);
	if (ratio >= 0.8)
		return 0;
	printf("events: at least 0.80 is required\n");
	return 1;
}

/* --- drains ----------------------------------------------------------------------------------------- */

#define NR_KFUNCS  300
#define NR_CALLERS 1000
#define NR_CPUS	   64

struct made_up {
	bool is_everywhere; /* the same pairs of kfunc and caller on each CPU; else different ones */
	__u64 drains;
};

/* Every CPU's table is full: more pairs than that a CPU cannot tell apart. */
static int read_made_up(struct counters *counters)
{
	struct made_up *made = counters->own;

	made->drains++;
	for (size_t cpu = 0; cpu < NR_CPUS; cpu++) {
		for (size_t i = 0; i < KFT_MAX_SLOTS; i++) {
			size_t pair = made->is_everywhere ? i : cpu * KFT_MAX_SLOTS + i;
			struct slot_copy *slot = counters__add_slot(counters);

			if (!slot)
				return -ENOMEM;
			slot->probe = pair % NR_KFUNCS;
			slot->address = pair / NR_KFUNCS;
			slot->counts.calls = slot->counts.returns = made->drains;
		}
	}
	return 0;
}

static void bench_drain(const char *what, bool is_everywhere)
{
	struct made_up made = { .is_everywhere = is_everywhere };
	struct counters counters = { .nr_cpus = NR_CPUS, .own = &made };
	const struct aggregate_options bounds = { .max_callers = 1000000, .max_objects = 1 };
	struct aggregate *aggregate = aggregate__new(&bounds);
	struct usage before = { 0 }, now = { 0 }, change = { 0 };
	__u64 best_ns = ~0ull;

	for (int turn = 0; turn < 4; turn++) {
		__u64 begin_ns = spent_ns(), turn_ns;
		struct usage swap;

		counters.nr_slot_copies = 0;
		usage__clear(&now);
		if (read_made_up(&counters))
			break;
		for (size_t i = 0; i < counters.nr_slot_copies; i++) {
			const struct slot_copy *slot = &counters.slots[i];
			const struct usage_key key = {
				.subject = slot->probe,
				.kind = CALLER_PROGRAM,
				.prog_id = slot->address % NR_CALLERS + 1,
				.site = slot->address,
			};

			usage__add(&now, &key, &slot->counts);
		}
		usage__compact(&now);
		usage__difference(&change, &now, &before);
		for (size_t i = 0; i < change.nr; i++) {
			const struct usage_row *row = &change.rows[i];
			const struct aggregate_counts counts = { .calls = row->counts.calls };
			struct known_program caller = { .kind = KNOWN_PROGRAM };
			char name[32];

			snprintf(name, sizeof(name), "kfunc_%u", row->key.subject);
			snprintf(caller.name, sizeof(caller.name), "program_%u", row->key.prog_id);
			snprintf(caller.type, sizeof(caller.type), "sched_cls");
			aggregate__add(aggregate, aggregate__kfunc(aggregate, name, "vmlinux"),
				       &caller, &counts, 1);
		}
		turn_ns = spent_ns() - begin_ns;
		if (turn && turn_ns < best_ns)
			best_ns = turn_ns;
		swap = before;
		before = now;
		now = swap;
	}
	printf("%-52s %10.1f ms   %zu slots, %zu rows\n", what, best_ns / 1e6,
	       counters.nr_slot_copies, aggregate__nr_rows(aggregate));
	usage__free(&before);
	usage__free(&now);
	usage__free(&change);
	free(counters.slots);
	aggregate__free(aggregate);
}

int main(void)
{
	int failed = bench_events();

	bench_drain("drain of 64 CPUs, 4096 pairs on each of them", true);
	bench_drain("drain of 64 CPUs, 300 kfuncs x 874 callers", false);
	return failed;
}
