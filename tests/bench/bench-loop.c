// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-loop: what one acquire and release by kfuncs cost, in nanoseconds of the kernel's clock. With
 * `scripts/vm --icount` that clock counts instructions.
 *
 * Prints one line of JSON. Runs on whatever is attached to the kfuncs when it is started, or on
 * empty programs of its own (--attach).
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
#define CALLS_PER_RUN 1000 /* --calls */
#define NR_RUNS	      21
/* Rounds of NR_RUNS, in which nothing may change any more before the figure counts. */
#define NR_QUIET_ROUNDS 3
#define MAX_ROUNDS	200
#define PAUSE_US	100000
/* No change is one below this, or below this part of figures so high that every run has ticks. */
#define QUIET_NS   0.1
#define QUIET_PART 0.002

struct loop {
	const char *name;
	const char *prog; /* in loop.bpf.c */
	const char *acquire, *release;
	const char *type;     /* what is acquired */
	const char *argument; /* what the release calls it */
};

/* The first that this kernel has is the default. */
static const struct loop loops[] = {
	{ "task", "loop_task", "bpf_task_acquire", "bpf_task_release", "task_struct", "p" },
	{ "mask", "loop_mask", "bpf_cpumask_acquire", "bpf_cpumask_release", "bpf_cpumask",
	  "cpumask" },
	{ "new-mask", "loop_new_mask", "bpf_cpumask_create", "bpf_cpumask_release", "bpf_cpumask",
	  "cpumask" },
	{ "test", "loop_test", "bpf_kfunc_call_test_acquire", "bpf_kfunc_call_test_release",
	  "prog_test_ref_kfunc", "p" },
};

#define NR_LOOPS (sizeof(loops) / sizeof(loops[0]))

static struct loop_bpf *skel;
static struct bpf_program *loop_prog;
static unsigned long nr_runs_made;
static unsigned int calls_per_run = CALLS_PER_RUN;
static bool verbose;

static int run_once(double *per_call)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char packet[64] = { 0 };
	int err;

	if (bpf_program__type(loop_prog) == BPF_PROG_TYPE_SCHED_CLS) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
		opts.repeat = 1;
	}
	err = bpf_prog_test_run_opts(bpf_program__fd(loop_prog), &opts);
	if (err || opts.retval) {
		fprintf(stderr, "bench-loop: cannot run the loop: %s\n",
			err ? strerror(errno) : "it returned an error");
		return -1;
	}
	nr_runs_made++;
	*per_call = (double)skel->bss->elapsed_ns / calls_per_run;
	return 0;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* Sorts the runs; the median stands in the middle. */
static int run_round(double runs[NR_RUNS])
{
	for (int i = 0; i < NR_RUNS; i++) {
		if (run_once(&runs[i]))
			return -1;
	}
	qsort(runs, NR_RUNS, sizeof(runs[0]), compare);
	return 0;
}

/*
 * A kernel that has just booted, or has just patched its text, is busy with itself for a while: the
 * first rounds are the warm-up. Returns the number of rounds, or -1.
 */
static int measure(double runs[NR_RUNS])
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
		if (run_round(runs))
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

/* The loop of that name, or the first, of those that this kernel has. */
static const struct loop *find_loop(const struct btf *btf, const char *name)
{
	for (size_t i = 0; i < NR_LOOPS; i++) {
		if ((!name || strcmp(loops[i].name, name) == 0) &&
		    btf__find_by_name_kind(btf, loops[i].acquire, BTF_KIND_FUNC) > 0)
			return &loops[i];
	}
	return NULL;
}

static void print_loops(const struct btf *btf)
{
	for (size_t i = 0; i < NR_LOOPS; i++) {
		const struct loop *loop = &loops[i];

		if (find_loop(btf, loop->name) == loop)
			printf("%s %s %s %s %s\n", loop->name, loop->acquire, loop->release,
			       loop->type, loop->argument);
	}
}

/* What --attach takes. */
enum attach {
	ATTACH_NOTHING,
	ATTACH_FENTRY, /* to the acquire */
	ATTACH_FEXIT,
	ATTACH_PAIR, /* fexit on the acquire, fentry on the release */
};

static int parse_attach(const char *text, enum attach *attach)
{
	if (strcmp(text, "fentry") == 0)
		*attach = ATTACH_FENTRY;
	else if (strcmp(text, "fexit") == 0)
		*attach = ATTACH_FEXIT;
	else if (strcmp(text, "pair") == 0)
		*attach = ATTACH_PAIR;
	else
		return -1;
	return 0;
}

static int set_target(struct bpf_program *prog, const char *function)
{
	int err;

	bpf_program__set_autoload(prog, true);
	err = bpf_program__set_attach_target(prog, 0, function);
	if (err)
		fprintf(stderr, "bench-loop: %s: %s\n", function, strerror(-err));
	return err;
}

static int attach_empty(struct bpf_program *prog)
{
	if (!bpf_program__autoload(prog) || bpf_program__attach_trace(prog))
		return 0;
	fprintf(stderr, "bench-loop: cannot attach %s: %s\n", bpf_program__name(prog),
		strerror(errno));
	return -1;
}

static int load(const struct loop *loop, enum attach attach)
{
	struct bpf_program *prog;
	int err;

	skel = loop_bpf__open();
	if (!skel)
		return -1;
	bpf_object__for_each_program(prog, skel->obj) bpf_program__set_autoload(prog, false);
	loop_prog = bpf_object__find_program_by_name(skel->obj, loop->prog);
	bpf_program__set_autoload(loop_prog, true);
	skel->rodata->nr_calls = calls_per_run;
	if ((attach == ATTACH_FEXIT || attach == ATTACH_PAIR) &&
	    set_target(skel->progs.empty_exit, loop->acquire))
		return -1;
	if ((attach == ATTACH_FENTRY || attach == ATTACH_PAIR) &&
	    set_target(skel->progs.empty_entry,
		       attach == ATTACH_PAIR ? loop->release : loop->acquire))
		return -1;
	err = loop_bpf__load(skel);
	if (err) {
		fprintf(stderr, "bench-loop: cannot load: %s\n", strerror(-err));
		return -1;
	}
	return attach_empty(skel->progs.empty_entry) ?: attach_empty(skel->progs.empty_exit);
}

static void print_usage(FILE *out)
{
	fputs("usage: bench-loop [--loop NAME] [--attach fentry|fexit|pair] [--calls A_RUN] "
	      "[--output FILE]\n"
	      "                  [--verbose]\n"
	      "       bench-loop --list\n"
	      "What one acquire and release cost. --list prints the loops that this kernel has:\n"
	      "name, acquire, release, type, argument of the release.\n",
	      out);
}

static int print_figures(const struct loop *loop, const double runs[NR_RUNS], int nr_rounds,
			 const char *output)
{
	FILE *out = output ? fopen(output, "w") : stdout;

	if (!out) {
		fprintf(stderr, "bench-loop: %s: %s\n", output, strerror(errno));
		return -1;
	}
	fprintf(out,
		"{\"kfunc\":\"%s\",\"per_call\":%.3f,\"min\":%.3f,\"max\":%.3f,\"rounds\":%d,"
		"\"calls\":%lu}\n",
		loop->acquire, runs[NR_RUNS / 2], runs[0], runs[NR_RUNS - 1], nr_rounds,
		nr_runs_made * calls_per_run);
	return fclose(out);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "loop", required_argument, NULL, 'l' },
		{ "attach", required_argument, NULL, 'a' },
		{ "calls", required_argument, NULL, 'c' },
		{ "output", required_argument, NULL, 'o' },
		{ "list", no_argument, NULL, 'L' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *output = NULL, *name = NULL;
	enum attach attach = ATTACH_NOTHING;
	const struct loop *loop;
	double runs[NR_RUNS];
	bool only_list = false;
	int c, nr_rounds;
	struct btf *btf;

	while ((c = getopt_long(argc, argv, "l:a:c:o:Lvh", longs, NULL)) != -1) {
		if (c == 'a' && !parse_attach(optarg, &attach)) {
			continue;
		} else if (c == 'c' && atoi(optarg) > 0) {
			calls_per_run = atoi(optarg);
		} else if (c == 'l') {
			name = optarg;
		} else if (c == 'o') {
			output = optarg;
		} else if (c == 'L') {
			only_list = true;
		} else if (c == 'v') {
			verbose = true;
		} else {
			print_usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	btf = btf__load_vmlinux_btf();
	if (!btf) {
		fprintf(stderr, "bench-loop: no BTF of the kernel: %s\n", strerror(errno));
		return 2;
	}
	if (only_list) {
		print_loops(btf);
		return 0;
	}
	loop = find_loop(btf, name);
	btf__free(btf);
	if (!loop) {
		fprintf(stderr, "bench-loop: this kernel has no loop %s\n", name ?: "at all");
		return 2;
	}
	if (load(loop, attach))
		return 2;
	nr_rounds = measure(runs);
	if (nr_rounds < 0)
		return 2;
	return print_figures(loop, runs, nr_rounds, output) ? 2 : 0;
}
