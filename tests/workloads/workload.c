// SPDX-License-Identifier: GPL-2.0-only
/*
 * workload NAME: runs BPF programs that call kfuncs a known number of times.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "references.h"
#include "scene.h"
#include "truth.h"
#include "truth_file.h"
#include "workload.h"

static const struct workload workloads[] = {
	{
		.name = "two-programs",
		.summary = "two programs that call the same kfuncs, with and without success",
		.objects = { object__two_programs },
		.defaults = { .times = 1000, .threads = 1 },
	},
	{
		.name = "subprograms",
		.summary = "a program whose subprograms call the same kfunc",
		.objects = { object__subprograms },
		.defaults = { .times = 1000, .threads = 1 },
	},
	{
		.name = "many-sites",
		.summary = "a program that calls one kfunc from sixty places",
		.objects = { object__many_sites },
		.defaults = { .times = 6000, .threads = 1 },
	},
	{
		.name = "churn",
		.summary = "programs that are loaded, run and unloaded, --rounds of them",
		.objects = { object__churn },
		.defaults = { .times = 50, .threads = 1, .rounds = 400 },
		.run = churn__run,
	},
	{
		.name = "contend",
		.summary = "tight loops in threads that take one CPU from each other",
		.objects = { object__contend },
		.defaults = { .times = 300, .threads = 2, .placement = ONE_CPU },
	},
	{
		.name = "spread",
		.summary = "the same loops, each thread on a CPU of its own",
		.objects = { object__contend },
		.defaults = { .times = 300, .threads = 2, .placement = SPREAD },
	},
	{
		.name = "mix",
		.summary = "kfuncs of every kind",
		.objects = { object__mix },
		.defaults = { .times = 200, .threads = 1 },
	},
	{
		.name = "readonly-dynptr",
		.summary = "a kfunc for which the verifier puts in another one",
		.objects = { object__readonly_dynptr },
		.defaults = { .times = 1000, .threads = 1 },
	},
	{
		.name = "conntrack",
		.summary = "kfuncs of the module nf_conntrack",
		.objects = { object__conntrack },
		.defaults = { .times = 1000, .threads = 1 },
	},
	{
		.name = "demo",
		.summary = "programs that watch tasks and pick CPUs, for some seconds",
		.objects = { object__demo, object__demo_old },
		.defaults = { .times = 5, .threads = 1, .seconds = 3 },
		.run = demo__run,
	},
	{
		.name = "sched-ext",
		.summary = "a scheduler that calls a deprecated kfunc",
		.objects = { object__sched_ext },
		.defaults = { .times = 200, .threads = 2 },
		.run = sched_ext__run,
	},
	{
		.name = "refs-tasks",
		.summary = "tasks acquired and released, and asked for in vain",
		.objects = { object__refs_tasks },
		.defaults = { .times = 2000, .threads = 1, .placement = SPREAD },
		.perform = refs_tasks__perform,
	},
	{
		.name = "refs-park",
		.summary =
			"tasks parked in maps: kept, released, deleted, dead, and their map destroyed",
		.objects = { object__refs_park },
		.defaults = { .times = 2, .threads = 1 },
		.perform = refs_park__perform,
	},
	{
		.name = "refs-holders",
		.summary = "tasks that two programs hold",
		.objects = { object__refs_park },
		.defaults = { .times = 1, .threads = 1 },
		.perform = refs_holders__perform,
	},
	{
		.name = "refs-unload",
		.summary = "a program that parks tasks and is gone before they are",
		.objects = { object__refs_park },
		.defaults = { .times = 3, .threads = 1 },
		.perform = refs_unload__perform,
	},
	{
		.name = "refs-reuse",
		.summary = "a task in a deleted element, which is used again",
		.objects = { object__refs_park },
		.defaults = { .times = 1, .threads = 1 },
		.perform = refs_reuse__perform,
	},
	{
		.name = "refs-cgroup",
		.summary = "cgroups parked: one that stays, one that is removed",
		.objects = { object__refs_cgroup },
		.defaults = { .times = 500, .threads = 1 },
		.perform = refs_cgroup__perform,
	},
	{
		.name = "refs-churn",
		.summary = "programs that come and go, --rounds of them, and leave references",
		.objects = { object__refs_churn, object__refs_churn_test },
		.defaults = { .times = 1, .threads = 1, .rounds = 300 },
		.perform = refs_churn__perform,
	},
	{
		.name = "refs-cpumask",
		.summary = "masks of CPUs, parked and destroyed with their map",
		.objects = { object__refs_cpumask },
		.defaults = { .times = 500, .threads = 1 },
		.perform = refs_cpumask__perform,
	},
	{
		.name = "refs-crypto",
		.summary = "ciphers, parked and destroyed with their map",
		.objects = { object__refs_crypto },
		.defaults = { .times = 50, .threads = 1 },
		.perform = refs_crypto__perform,
	},
	{
		.name = "refs-local",
		.summary = "objects of own types, in maps and in a list",
		.objects = { object__refs_local },
		.defaults = { .times = 500, .threads = 1 },
		.perform = refs_local__perform,
	},
	{
		.name = "refs-local-new",
		.summary = "objects of own types, by the newer names of the kfuncs",
		.objects = { object__refs_local_new },
		.defaults = { .times = 500, .threads = 1 },
		.perform = refs_local_new__perform,
	},
	{
		.name = "refs-test",
		.summary = "the test object of 6.1, parked and released with its map",
		.objects = { object__refs_test },
		.defaults = { .times = 500, .threads = 1 },
		.perform = refs_test__perform,
	},
	{
		.name = "test-module",
		.summary = "kfuncs of the module kfunctrace_test, by programs of all types",
		.objects = { object__test_module },
		.defaults = { .times = 500, .threads = 1 },
	},
	{
		.name = "refs-test-module",
		.summary =
			"objects of that module: parked, destroyed, leaked, with a count of zero",
		.objects = { object__refs_test_module, object__refs_test_module_old },
		.defaults = { .times = 100, .threads = 1 },
		.perform = refs_test_module__perform,
	},
	{
		.name = "refs-conntrack",
		.summary = "connections of the module nf_conntrack, with inserts that fail",
		.objects = { object__refs_conntrack },
		.defaults = { .times = 200, .threads = 1 },
		.perform = refs_conntrack__perform,
	},
	{
		.name = "refs-iterators",
		.summary = "open-coded iterators, with early ends and without a beginning",
		.objects = { object__refs_iterators },
		.defaults = { .times = 1, .threads = 1 },
		.perform = refs_iterators__perform,
	},
	{
		.name = "refs-sleepable",
		.summary = "tasks held for --seconds, held asleep until --hold, and parked",
		.objects = { object__refs_sleepable },
		.defaults = { .times = 1, .threads = 1, .seconds = 2 },
		.perform = refs_sleepable__perform,
	},
	{
		.name = "refs-many",
		.summary = "very many objects parked in one map",
		.objects = { object__refs_many },
		.defaults = { .times = 2000, .threads = 1 },
		.perform = refs_many__perform,
	},
	{
		.name = "refs-zero",
		.summary = "tasks and cgroups whose count is zero, and NULL for other reasons",
		.objects = { object__refs_zero },
		.defaults = { .times = 5, .threads = 1 },
		.perform = refs_zero__perform,
	},
	{
		.name = "refs-zero-flood",
		.summary = "very many NULLs for counts that are zero, at once",
		.objects = { object__refs_zero },
		.defaults = { .times = 20000, .threads = 1 },
		.perform = refs_zero_flood__perform,
	},
};

/* Whoever is waited for longer has come to a bad end. */
#define MEETING_SECONDS 600

#define N_WORKLOADS	(sizeof(workloads) / sizeof(workloads[0]))

int fail(int error, const char *format, ...)
{
	va_list arguments;

	fputs("workload: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	if (error)
		fprintf(stderr, ": %s", strerror(error));
	fputc('\n', stderr);
	return -1;
}

/* Of the verifier's log, which may have a million lines, the end. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	static char text[1 << 20];
	const size_t most = 2000;
	size_t size;

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(text, sizeof(text), format, arguments);
	size = strlen(text);
	if (size > most)
		fprintf(stderr, "...%s", text + size - most);
	else
		fputs(text, stderr);
	return 0;
}

static int usage(FILE *file, int status)
{
	fprintf(file,
		"usage: workload [OPTION]... NAME\n"
		"       workload --list\n"
		"\n"
		"Runs BPF programs that call kfuncs, and that count themselves how often they do.\n"
		"\n"
		"  --times N      runs of each program\n"
		"  --threads T    in so many threads\n"
		"  --cpu C        all threads on CPU C\n"
		"  --rounds R     loads, for churn and refs-churn\n"
		"  --seconds S    go on for so long\n"
		"  --truth FILE   write what was called there, as JSON\n"
		"  --wait FILE    load the programs, but go on only when there is FILE\n"
		"  --done FILE    make FILE when all is done and the truth is written\n"
		"  --hold FILE    after that keep programs, maps and what is in them until there is FILE\n"
		"  --list         the workloads that this kernel can run\n"
		"\n"
		"Workloads:\n");
	for (size_t i = 0; i < N_WORKLOADS; i++)
		fprintf(file, "  %-16s %s\n", workloads[i].name, workloads[i].summary);
	return status;
}

static int list_workloads(void)
{
	const char *missing;
	int n = 0;

	for (size_t i = 0; i < N_WORKLOADS; i++) {
		struct bpf_object *object = object__open(&workloads[i], &missing);

		if (!object)
			continue;
		bpf_object__close(object);
		puts(workloads[i].name);
		n++;
	}
	return n ? 0 : 1;
}

static const struct workload *find_workload(const char *name)
{
	for (size_t i = 0; i < N_WORKLOADS; i++) {
		if (!strcmp(workloads[i].name, name))
			return &workloads[i];
	}
	return NULL;
}

static struct bpf_object *open_workload(const struct workload *workload)
{
	struct bpf_object *object;
	struct utsname kernel;
	const char *missing;

	object = object__open(workload, &missing);
	if (!object && missing) {
		uname(&kernel);
		fail(0, "%s cannot run on this kernel, %s: it has no kfunc %s", workload->name,
		     kernel.release, missing);
	}
	return object;
}

static int list_kfuncs(const struct workload *workload)
{
	struct bpf_object *object = open_workload(workload);

	if (!object)
		return -1;
	object__print_kfuncs(object);
	bpf_object__close(object);
	return 0;
}

/* How a workload and who observes it wait for each other, by means of files. */
struct meeting {
	const char *wait;
	const char *done;
	const char *hold;
};

static int wait_for_file(const char *path)
{
	double end = now() + MEETING_SECONDS;

	while (path && access(path, F_OK)) {
		if (now() >= end)
			return fail(0, "there is no file %s, after %d seconds", path,
				    MEETING_SECONDS);
		usleep(10000);
	}
	return 0;
}

static int make_file(const char *path)
{
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(errno, "cannot make the file %s", path);
	close(fd);
	return 0;
}

static int perform(const struct workload *workload, struct scene *scene)
{
	if (workload->perform)
		return workload->perform(scene);
	if (workload->run)
		return workload->run(scene->object, scene->options);
	return object__run(scene->object, scene->options);
}

static int tell_truth(const struct workload *workload, struct scene *scene, const char *path)
{
	struct references *references = workload->perform ? scene->references : NULL;
	unsigned long long calls = 0;
	struct truth_row *rows;
	size_t n;
	int err;

	err = object__truth(scene->object, &rows, &n);
	if (!err && references)
		err = references__check(references, rows, n);
	if (!err && path)
		err = truth_file__write(path, rows, n, references);
	if (!err) {
		for (size_t i = 0; i < n; i++)
			calls += rows[i].program[0] ? rows[i].calls : 0;
		printf("%s: %llu calls of kfuncs\n", workload->name, calls);
		fflush(stdout);
	}
	free(rows);
	return err;
}

static int run_workload(const struct workload *workload, const struct options *options,
			const struct meeting *meeting, const char *truth_path)
{
	struct scene scene = { .options = options, .is_held = meeting->hold };
	int err;

	scene.object = open_workload(workload);
	if (!scene.object)
		return -1;
	scene.references = references__new();
	/* An old one would say too early that all is done. */
	if (meeting->done)
		unlink(meeting->done);
	err = object__load(scene.object);
	if (!err)
		err = wait_for_file(meeting->wait);
	if (!err) {
		scene__begin(&scene);
		err = perform(workload, &scene);
	}
	if (!err)
		err = tell_truth(workload, &scene, truth_path);
	if (!err)
		err = make_file(meeting->done);
	if (!err)
		err = wait_for_file(meeting->hold);
	scene__end(&scene);
	references__free(scene.references);
	bpf_object__close(scene.object);
	return err;
}

static unsigned int number(const char *word)
{
	char *end;
	unsigned long value = strtoul(word, &end, 10);

	if (*end || !*word || value > 1000000000) {
		fail(0, "'%s' is not a number that is fit here", word);
		exit(2);
	}
	return value;
}

enum { TIMES = 256, THREADS, CPU, ROUNDS, SECONDS, TRUTH, WAIT, DONE, HOLD, LIST, KFUNCS };

static const struct option long_options[] = {
	{ "times", required_argument, NULL, TIMES },
	{ "threads", required_argument, NULL, THREADS },
	{ "cpu", required_argument, NULL, CPU },
	{ "rounds", required_argument, NULL, ROUNDS },
	{ "seconds", required_argument, NULL, SECONDS },
	{ "truth", required_argument, NULL, TRUTH },
	{ "wait", required_argument, NULL, WAIT },
	{ "done", required_argument, NULL, DONE },
	{ "hold", required_argument, NULL, HOLD },
	{ "list", no_argument, NULL, LIST },
	{ "kfuncs", no_argument, NULL, KFUNCS },
	{ "help", no_argument, NULL, 'h' },
	{},
};

int main(int argc, char **argv)
{
	bool has_times = false, has_threads = false, has_rounds = false, has_seconds = false;
	const struct workload *workload;
	struct options given = {}, options;
	struct meeting meeting = {};
	const char *truth_path = NULL;
	bool only_kfuncs = false;
	int option;

	libbpf_set_print(print_libbpf);
	given.cpu = -1;
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (option) {
		case TIMES:
			given.times = number(optarg);
			has_times = true;
			break;
		case THREADS:
			given.threads = number(optarg);
			has_threads = true;
			break;
		case CPU:
			given.cpu = number(optarg);
			break;
		case ROUNDS:
			given.rounds = number(optarg);
			has_rounds = true;
			break;
		case SECONDS:
			given.seconds = number(optarg);
			has_seconds = true;
			break;
		case TRUTH:
			truth_path = optarg;
			break;
		case WAIT:
			meeting.wait = optarg;
			break;
		case DONE:
			meeting.done = optarg;
			break;
		case HOLD:
			meeting.hold = optarg;
			break;
		case LIST:
			return list_workloads();
		case KFUNCS:
			only_kfuncs = true;
			break;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, 2);
		}
	}
	if (argc - optind != 1)
		return usage(stderr, 2);
	workload = find_workload(argv[optind]);
	if (!workload) {
		fail(0, "there is no workload %s; --help names them", argv[optind]);
		return 2;
	}
	if (only_kfuncs)
		return list_kfuncs(workload) ? 1 : 0;
	options = workload->defaults;
	if (has_times)
		options.times = given.times;
	if (has_threads)
		options.threads = given.threads ? given.threads : 1;
	if (has_rounds)
		options.rounds = given.rounds;
	if (has_seconds)
		options.seconds = given.seconds;
	if (given.cpu >= 0) {
		options.cpu = given.cpu;
		options.placement = ONE_CPU;
	}
	return run_workload(workload, &options, &meeting, truth_path) ? 1 : 0;
}
