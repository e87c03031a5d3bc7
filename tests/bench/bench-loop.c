// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-loop: what one call of a kfunc costs, in nanoseconds of the kernel's clock. With
 * `scripts/vm --icount` that clock counts instructions.
 *
 * Prints one line of JSON. Runs on whatever is attached to the kfunc when it is started, or on an
 * empty program of its own (--attach).
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "loop.skel.h"

/*
 * Short enough for most runs to see no tick of the timer, even with tracers that take a thousand
 * instructions a call.
 */
#define CALLS_PER_RUN 1000
#define NR_RUNS	      21
/* Rounds of NR_RUNS, in which nothing may change any more before the figure counts. */
#define NR_QUIET_ROUNDS 3
#define MAX_ROUNDS	200
#define PAUSE_US	100000
/* No change is one below this, or below this part of figures so high that every run has ticks. */
#define QUIET_NS   0.1
#define QUIET_PART 0.002

struct loop {
	const char *kfunc;
	struct bpf_program *prog;
	bool takes_packet;
};

static struct loop_bpf *skel;
static unsigned long nr_runs_made;
static bool verbose;

static int run_once(const struct loop *loop, double *per_call)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char packet[64] = { 0 };
	int err;

	if (loop->takes_packet) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
		opts.repeat = 1;
	}
	err = bpf_prog_test_run_opts(bpf_program__fd(loop->prog), &opts);
	if (err || opts.retval) {
		fprintf(stderr, "bench-loop: cannot run the loop: %s\n",
			err ? strerror(errno) : "it returned an error");
		return -1;
	}
	nr_runs_made++;
	*per_call = (double)skel->bss->elapsed_ns / CALLS_PER_RUN;
	return 0;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* Sorts the runs; the median stands in the middle. */
static int run_round(const struct loop *loop, double runs[NR_RUNS])
{
	for (int i = 0; i < NR_RUNS; i++) {
		if (run_once(loop, &runs[i]))
			return -1;
	}
	qsort(runs, NR_RUNS, sizeof(runs[0]), compare);
	return 0;
}

/*
 * A kernel that has just booted, or has just patched its text, is busy with itself for a while: the
 * first rounds are the warm-up. Returns the number of rounds, or -1.
 */
static int measure(const struct loop *loop, double runs[NR_RUNS])
{
	double last = -1;
	int quiet = 0, round;

	for (round = 0; quiet < NR_QUIET_ROUNDS; round++) {
		if (round == MAX_ROUNDS) {
			fprintf(stderr,
				"bench-loop: the figure does not settle, the last is %.3f\n", last);
			return -1;
		}
		usleep(PAUSE_US);
		if (run_round(loop, runs))
			return -1;
		quiet = fabs(runs[NR_RUNS / 2] - last) < fmax(QUIET_NS, QUIET_PART * last)
				? quiet + 1
				: 0;
		last = runs[NR_RUNS / 2];
		if (verbose)
			fprintf(stderr, "round %d: %.3f .. %.3f .. %.3f\n", round, runs[0], last,
				runs[NR_RUNS - 1]);
	}
	return round;
}

/* The kfunc that is called: one that this kernel has. */
static int choose_loop(struct loop *loop)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf) {
		fprintf(stderr, "bench-loop: no BTF of the kernel: %s\n", strerror(errno));
		return -1;
	}
	if (btf__find_by_name_kind(btf, "bpf_task_acquire", BTF_KIND_FUNC) > 0) {
		loop->kfunc = "bpf_task_acquire";
		loop->prog = skel->progs.loop_task;
	} else {
		loop->kfunc = "bpf_kfunc_call_test_acquire";
		loop->prog = skel->progs.loop_test;
		loop->takes_packet = true;
	}
	btf__free(btf);
	return 0;
}

static int load(struct loop *loop, const char *attach)
{
	struct bpf_program *empty = NULL, *prog;
	int err;

	skel = loop_bpf__open();
	if (!skel || choose_loop(loop))
		return -1;
	if (attach)
		empty = strcmp(attach, "fexit") == 0 ? skel->progs.empty_exit
						     : skel->progs.empty_entry;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == loop->prog || prog == empty);
	skel->rodata->nr_calls = CALLS_PER_RUN;
	if (empty) {
		err = bpf_program__set_attach_target(empty, 0, loop->kfunc);
		if (err) {
			fprintf(stderr, "bench-loop: %s: %s\n", loop->kfunc, strerror(-err));
			return -1;
		}
	}
	err = loop_bpf__load(skel);
	if (err) {
		fprintf(stderr, "bench-loop: cannot load: %s\n", strerror(-err));
		return -1;
	}
	if (empty && !bpf_program__attach_trace(empty)) {
		fprintf(stderr, "bench-loop: cannot attach to %s: %s\n", loop->kfunc,
			strerror(errno));
		return -1;
	}
	return 0;
}

static void print_usage(FILE *out)
{
	fputs("usage: bench-loop [--attach fentry|fexit] [--output FILE] [--verbose]\n"
	      "       bench-loop --kfunc\n"
	      "What one call of a kfunc costs. --kfunc prints which it calls.\n",
	      out);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "attach", required_argument, NULL, 'a' },
		{ "output", required_argument, NULL, 'o' },
		{ "kfunc", no_argument, NULL, 'k' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *attach = NULL, *output = NULL;
	struct loop loop = { 0 };
	double runs[NR_RUNS];
	bool only_name = false;
	int c, nr_rounds;
	FILE *out = stdout;

	while ((c = getopt_long(argc, argv, "a:o:kvh", longs, NULL)) != -1) {
		if (c == 'a' && (strcmp(optarg, "fentry") == 0 || strcmp(optarg, "fexit") == 0)) {
			attach = optarg;
		} else if (c == 'o') {
			output = optarg;
		} else if (c == 'k') {
			only_name = true;
		} else if (c == 'v') {
			verbose = true;
		} else {
			print_usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	if (load(&loop, attach))
		return 2;
	if (only_name) {
		puts(loop.kfunc);
		return 0;
	}
	nr_rounds = measure(&loop, runs);
	if (nr_rounds < 0)
		return 2;
	if (output && !(out = fopen(output, "w"))) {
		fprintf(stderr, "bench-loop: %s: %s\n", output, strerror(errno));
		return 2;
	}
	fprintf(out,
		"{\"kfunc\":\"%s\",\"per_call\":%.3f,\"min\":%.3f,\"max\":%.3f,\"rounds\":%d,"
		"\"calls\":%lu}\n",
		loop.kfunc, runs[NR_RUNS / 2], runs[0], runs[NR_RUNS - 1], nr_rounds,
		nr_runs_made * CALLS_PER_RUN);
	return fclose(out) ? 2 : 0;
}
