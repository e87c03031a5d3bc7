// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace stat: count calls for a while, or while a command runs. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../tracepoints/counter_records.h"
#include "child.h"
#include "clock.h"
#include "commands.h"
#include "counters.h"
#include "ftrace_state.h"
#include "kernel_version.h"
#include "live_kernel.h"
#include "message.h"
#include "output.h"
#include "probe_set.h"
#include "probe_template.h"
#include "stat_choice.h"
#include "stat_options.h"
#include "stat_report.h"
#include "usage.h"

#define NS_PER_S 1000000000ull

/*
 * Counters are drained at least this often, so that records of programs that have ended do not pile
 * up in the kernel.
 */
#define MAX_DRAIN_INTERVAL_NS NS_PER_S

/* Everything that is open during a run. */
struct stat_run {
	const struct stat_options *opts;
	struct live_kernel kernel;
	struct counters *counters;
	struct probe_template *tmpl;
	struct probe_set *set;
	struct stat_choice choice;
	struct child child;
	sigset_t signals;
	FILE *out;
	__u64 begin_ns;
	bool output_begun;
	bool output_failed;   /* the results went to standard error instead */
	__u64 drained_ns;     /* when `now` was read */
	__u64 printed_ns;     /* when `printed` was */
	struct usage before;  /* when counting began: everything was attached */
	struct usage now;     /* last drain */
	struct usage printed; /* last interval's drain */
};

/* --- attaching -------------------------------------------------------------------------------- */

static void explain_tracing_failure(int err)
{
	switch (-err) {
	case EPERM:
	case EACCES:
		msg__error(
			"this kernel refuses fentry programs (%s): counting needs them; not root, "
			"or locked down. `kfunctrace doctor` tells what is missing",
			strerror(-err));
		break;
	case EOPNOTSUPP:
		msg__error(
			"callers can be told on x86-64 only so far, so nothing is counted on this "
			"architecture; `kfunctrace list` works");
		break;
	case EBUSY:
		msg__error("this kernel cannot attach fentry programs (%s): it must be built with "
			   "CONFIG_FUNCTION_TRACER and CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS. "
			   "`kfunctrace doctor` tells more",
			   strerror(-err));
		break;
	case ENODEV:
	case ENODATA:
		msg__error("the kernel does not run what is attached (%s): its function tracer has "
			   "been shut down after a fault of its own, until the next boot",
			   strerror(-err));
		break;
	case ENOMEM:
		msg__error("not enough memory for the counters: raise the memory limit of this "
			   "cgroup");
		break;
	default:
		msg__error("cannot begin to count: %s; `kfunctrace doctor` may tell why",
			   strerror(-err));
	}
}

static bool signal_is_pending(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM));
}

/* ftrace_state.h says what would happen. */
static int refuse_without_ftrace(void)
{
	switch (ftrace_state()) {
	case 0:
		msg__error("function tracing is off on this host, so probes would see nothing: "
			   "sysctl kernel.ftrace_enabled=1");
		return -EBUSY;
	case -ENODEV:
		msg__error("this kernel has shut function tracing down after a fault of its own "
			   "(dmesg has more): reboot");
		return -ENODEV;
	default:
		return 0;
	}
}

static int attach(struct stat_run *run)
{
	const struct probe_set_options opts = {
		.no_nulls = run->opts->no_nulls,
		.interrupted = signal_is_pending,
	};
	const struct counters_options counter_opts = {
		.nr_slots = run->opts->nr_slots,
		.want_lines = run->opts->by == STAT_BY_SITE,
	};
	__u64 load_ns, attach_ns;
	int err = refuse_without_ftrace();

	if (err)
		return err;
	err = counters__open(&counter_opts, run->kernel.reader, &run->counters);
	if (!err)
		err = probe_template__open(run->kernel.btfs, run->kernel.reader,
					   counters__regions_fd(run->counters),
					   counters__nr_cpus(run->counters),
					   counters__nr_slots(run->counters), &run->tmpl);
	if (!err)
		err = probe_set__attach(&run->kernel, run->tmpl, run->choice.kfuncs, run->choice.nr,
					&opts, &run->set);
	if (err == -EINTR) {
		msg__error("interrupted before counting began");
		return err;
	}
	if (err) {
		explain_tracing_failure(err);
		return err;
	}
	probe_set__times(run->set, &load_ns, &attach_ns);
	msg__detail(
		"%d of %d probes attached; loading took %.2f s, attaching %.2f s; counters take "
		"%llu KiB",
		probe_set__nr_attached(run->set), probe_set__nr(run->set),
		(double)load_ns / NS_PER_S, (double)attach_ns / NS_PER_S,
		(unsigned long long)counters__memory(run->counters) / 1024);
	if (!probe_set__nr_attached(run->set)) {
		msg__error("cannot attach to any of %d kfuncs, the first of them: %s: %s",
			   run->choice.nr, probe_set__at(run->set, 0)->function,
			   probe__explain(probe_set__at(run->set, 0)));
		return -EBUSY;
	}
	return 0;
}

static void say_what_failed(struct stat_run *run)
{
	run->choice.omissions.failed = probe_set__nr(run->set) - probe_set__nr_attached(run->set);
	if (run->choice.omissions.failed)
		msg__warn("%d of %d probes could not be attached (-v tells which and why)",
			  run->choice.omissions.failed, probe_set__nr(run->set));
}

/* Each probe takes two file descriptors, and a kernel has hundreds of kfuncs. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* --- counting --------------------------------------------------------------------------------- */

static int drain(struct stat_run *run)
{
	int err;

	/* Off, probes stay attached and are not run: nothing else tells that calls are missing. */
	if (ftrace_state() == 0 && !run->choice.omissions.tracer_was_off) {
		run->choice.omissions.tracer_was_off = true;
		msg__error("the kernel's function tracer was switched off "
			   "(kernel.ftrace_enabled=0): calls are missing from here on");
	}
	err = counters__drain(run->counters, run->set, &run->now);
	/* A drain may have to wait: what it returns is of its end, not of when it was asked for. */
	run->drained_ns = clock_ns();
	return err;
}

static int print(struct stat_run *run, const struct usage *older, double seconds)
{
	struct stat_report report = {
		.registry = run->kernel.registry,
		.counters = run->counters,
		.set = run->set,
		.omissions = run->choice.omissions,
		.by = run->opts->by,
		.addresses = run->opts->addresses,
		.seconds = seconds,
	};
	struct usage change = { 0 };
	int err = usage__difference(&change, &run->now, older);

	/* Fails on what is no regular file, and there need not happen. */
	if (run->opts->output && !run->output_begun && !ftruncate(fileno(run->out), 0))
		run->output_begun = true;
	if (!err && run->opts->by == STAT_BY_SITE) {
		report.sites = counters__sites(run->counters);
		err = report.sites ? 0 : -errno;
	}
	if (!err && run->opts->json)
		err = stat_report__print_json(&report, &change, run->out, !run->opts->interval);
	else if (!err)
		err = stat_report__print_table(&report, &change, run->out);
	usage__free(&change);
	fflush(run->out);
	return err;
}

/* From a moment to the last drain: what the counts are of. */
static double seconds_since(const struct stat_run *run, __u64 begin_ns)
{
	return (double)(run->drained_ns - begin_ns) / NS_PER_S;
}

static int print_interval(struct stat_run *run)
{
	struct usage swap = run->printed;
	int err;

	if (!run->opts->json)
		fprintf(run->out, "\n at %.3f seconds:\n\n", seconds_since(run, run->begin_ns));
	err = print(run, &run->printed, seconds_since(run, run->printed_ns));
	run->printed_ns = run->drained_ns;
	/* `now` is the next interval's `printed`; the buffer goes round. */
	run->printed = run->now;
	run->now = swap;
	return err;
}

/* Sleeps until `deadline_ns` or a signal; returns its number or 0. */
static int sleep_until(const struct stat_run *run, __u64 deadline_ns)
{
	__u64 now = clock_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec timeout = { .tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S };
	int sig = sigtimedwait(&run->signals, NULL, &timeout);

	return sig > 0 ? sig : 0;
}

/* Counts until something ends it. Returns 0 or a negative errno. */
static int count(struct stat_run *run)
{
	const struct stat_options *opts = run->opts;
	__u64 interval_ns = opts->interval * NS_PER_S;
	__u64 end_ns = opts->duration ? run->begin_ns + (__u64)(opts->duration * NS_PER_S) : ~0ull;
	__u64 next_print_ns = interval_ns ? run->begin_ns + interval_ns : ~0ull;
	__u64 next_ns, now_ns;
	int sig, err, nr_interrupts = 0;

	for (;;) {
		next_ns = clock_ns() + MAX_DRAIN_INTERVAL_NS;
		if (next_ns > next_print_ns)
			next_ns = next_print_ns;
		if (next_ns > end_ns)
			next_ns = end_ns;
		sig = sleep_until(run, next_ns);
		now_ns = clock_ns();

		if (opts->command && child__poll(&run->child))
			return 0;
		if (sig == SIGINT || sig == SIGTERM) {
			/*
			 * Ctrl-C reaches the command too, which may want to end in order: it is
			 * waited for, once. Anything else that ends us ends it.
			 */
			if (!opts->command || nr_interrupts++)
				return 0;
			if (sig == SIGTERM)
				kill(run->child.pid, SIGTERM);
			continue;
		}
		if (now_ns >= end_ns)
			return 0;
		if (sig)
			continue;

		err = drain(run);
		if (err && err != -EAGAIN) {
			msg__error("cannot read the counters: %s", strerror(-err));
			return err;
		}
		if (now_ns >= next_print_ns) {
			if (!err)
				err = print_interval(run);
			if (err && err != -EAGAIN)
				return err;
			next_print_ns += interval_ns;
			/* Nobody reads any more: finish() says so, when the command is through. */
			if (ferror(run->out) && !opts->command)
				return 0;
			if (ferror(run->out))
				next_print_ns = ~0ull;
		}
	}
}

static int start_command(struct stat_run *run)
{
	int err;

	if (!run->opts->command)
		return 0;
	/* Ctrl-C has ended the command already, which waits to begin. */
	if (signal_is_pending()) {
		msg__error("interrupted before counting began");
		return -EINTR;
	}
	err = child__go(&run->child);
	if (err) {
		msg__error("cannot run %s: %s", run->opts->command[0], strerror(-err));
		child__wait(&run->child);
	}
	return err;
}

/* Before 7.2 the kernel waits for two grace periods for each probe that is taken off. */
static void announce_detaching(const struct stat_run *run)
{
	double seconds = probe_set__nr_attached(run->set) * 0.14;

	if (kernel_version() >= KVER(7, 2) || seconds < 2)
		return;
	msg__warn("detaching %d probes, which takes this kernel about %.0f s (Ctrl-C is safe: the "
		  "kernel finishes it)",
		  probe_set__nr_attached(run->set), seconds);
}

/*
 * A drain that counting cannot go on, or end, without. Says what is wrong when there is none.
 * Signals are blocked, so it has to ask for them.
 */
static int drain_patiently(struct stat_run *run)
{
	int err;

	while ((err = drain(run)) == -EAGAIN) {
		if (signal_is_pending()) {
			msg__error("interrupted: the counters could not be read while programs "
				   "were being unloaded without pause");
			return -EINTR;
		}
		msg__warn("programs are being unloaded without pause: reading again");
	}
	if (err)
		msg__error("cannot read the counters: %s", strerror(-err));
	return err;
}

/* Everything since counting began; as JSON with intervals, what came after the last of them. */
static int print_total(struct stat_run *run)
{
	if (run->opts->interval && run->opts->json)
		return print(run, &run->printed, seconds_since(run, run->printed_ns));
	if (run->opts->interval)
		fputs("\n in all:\n\n", run->out);
	return print(run, &run->before, seconds_since(run, run->begin_ns));
}

static const char *output_name(const struct stat_options *opts)
{
	return opts->output ?: opts->command ? "standard error" : "standard output";
}

/* Programs that could not be followed. Their calls are counted, as unknown. */
static void say_what_was_lost(const struct stat_run *run)
{
	struct counters_losses losses;

	counters__losses(run->counters, &losses);
	if (losses.programs || losses.images)
		msg__warn("%llu programs and %llu images were more than there is room for: what "
			  "they call has unknown callers",
			  (unsigned long long)losses.programs, (unsigned long long)losses.images);
	if (losses.retired)
		msg__warn("%llu records of ended programs were more than there is room for: their "
			  "calls are unknown (a shorter -i makes room sooner)",
			  (unsigned long long)losses.retired);
	if (losses.missed_loads || losses.missed_frees)
		msg__warn("the loading of up to %llu programs and the end of up to %llu images "
			  "went by unseen: what they call may have unknown callers",
			  (unsigned long long)losses.missed_loads,
			  (unsigned long long)losses.missed_frees);
}

/*
 * Prints what was counted altogether, while everything is still attached. When the output cannot be
 * written (closed pipe, full disk), the totals go to standard error instead: they are not lost.
 */
static int finish(struct stat_run *run)
{
	const char *name = output_name(run->opts);
	int err = drain_patiently(run);

	if (err)
		return err;
	if (!ferror(run->out))
		err = print_total(run);
	if (!err && ferror(run->out) && run->out != stderr) {
		msg__error("cannot write to %s: it is closed, or its disk is full; the totals "
			   "follow here",
			   name);
		run->out = stderr;
		run->output_failed = true;
		err = print_total(run);
	}
	if (err)
		msg__error("cannot print what was counted: %s", strerror(-err));
	say_what_was_lost(run);
	return err;
}

static int run_stat(struct stat_run *run)
{
	sigset_t old;
	int err;

	sigemptyset(&run->signals);
	sigaddset(&run->signals, SIGINT);
	sigaddset(&run->signals, SIGTERM);
	sigaddset(&run->signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &run->signals, &old);

	err = stat_choice__make(&run->choice, run->kernel.registry, run->opts);
	if (!err && run->opts->command)
		err = child__prepare(&run->child, run->opts->command);
	if (!err)
		err = attach(run);
	if (err)
		goto out;
	say_what_failed(run);

	err = drain_patiently(run);
	if (err)
		goto out;
	/* What was called while the rest was being attached is not of this run. */
	run->before = run->now;
	memset(&run->now, 0, sizeof(run->now));
	err = usage__copy(&run->printed, &run->before);
	if (err)
		goto out;
	run->begin_ns = run->printed_ns = clock_ns();
	err = start_command(run);
	if (!err) {
		err = count(run);
		/* Whatever ended the counting before its time: it is not left behind. */
		if (run->opts->command && !child__poll(&run->child))
			kill(run->child.pid, SIGTERM);
	}
	if (!err)
		err = finish(run);
	if (!err)
		announce_detaching(run);
out:
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

static void close_run(struct stat_run *run)
{
	__u64 begin = clock_ns();

	if (run->set) {
		int nr = probe_set__nr_attached(run->set);

		probe_set__free(run->set);
		msg__detail("detaching %d probes took %.2f s", nr,
			    (double)(clock_ns() - begin) / NS_PER_S);
	}
	probe_template__free(run->tmpl);
	counters__free(run->counters);
	live_kernel__close(&run->kernel);
	stat_choice__free(&run->choice);
	usage__free(&run->before);
	usage__free(&run->now);
	usage__free(&run->printed);
}

/*
 * A file is opened before anything else, so that one that cannot be written is known at once, but
 * emptied only when there is something to write: what stands in it may be an earlier result.
 */
static FILE *open_output(const struct stat_options *opts)
{
	FILE *out = NULL;
	int fd;

	if (!opts->output)
		return opts->command ? stderr : stdout;
	fd = open(opts->output, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (!out)
		msg__error("cannot write to %s: %s", opts->output, strerror(errno));
	return out;
}

int cmd_stat(int argc, char **argv)
{
	struct stat_options opts = { 0 };
	struct stat_run run = { .opts = &opts };
	int status = EXIT_TROUBLE, err;

	if (stat_options__parse(&opts, argc, argv))
		goto out;
	raise_file_limit();
	run.out = open_output(&opts);
	if (!run.out || live_kernel__open(&run.kernel))
		goto out;
	err = run_stat(&run);
	if (!err && run.choice.omissions.tracer_was_off)
		err = -ENODATA;
	if (run.output_failed || output__finish(run.out, output_name(&opts)))
		err = -EIO;
	/* As perf stat and time do: the command's own status is what the caller is after. */
	if (!err)
		status = opts.command && run.child.ended ? child__exit_status(&run.child)
							 : EXIT_FINE;
out:
	close_run(&run);
	stat_options__free(&opts);
	return status;
}
