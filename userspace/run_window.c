// SPDX-License-Identifier: GPL-2.0-only
#include "run_window.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "message.h"

/*
 * Counters are drained at least this often, so that records of programs that have ended do not pile
 * up in the kernel.
 */
#define MAX_DRAIN_INTERVAL_NS NS_PER_S

bool run_window__interrupted(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM));
}

int run_window__open(struct run_window *window, const struct run_window_options *opts)
{
	memset(window, 0, sizeof(*window));
	window->opts = *opts;
	sigemptyset(&window->signals);
	sigaddset(&window->signals, SIGINT);
	sigaddset(&window->signals, SIGTERM);
	sigaddset(&window->signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &window->signals, &window->old_signals);
	return opts->command ? child__prepare(&window->child, opts->command) : 0;
}

void run_window__close(struct run_window *window)
{
	sigprocmask(SIG_SETMASK, &window->old_signals, NULL);
}

static int start_command(struct run_window *window)
{
	int err;

	if (!window->opts.command)
		return 0;
	/* Ctrl-C has ended the command already, which waits to begin. */
	if (run_window__interrupted()) {
		msg__error("interrupted before counting began");
		return -EINTR;
	}
	err = child__go(&window->child);
	if (err) {
		msg__error("cannot run %s: %s", window->opts.command[0], strerror(-err));
		child__wait(&window->child);
	}
	return err;
}

/* Waits until `deadline_ns` or a signal; returns its number or 0, or a negative errno. */
static int wait_until(const struct run_window *window, const struct run_window_calls *calls,
		      void *arg, __u64 deadline_ns)
{
	__u64 now = clock_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec timeout = { .tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S };
	int sig;

	if (calls->poll) {
		int err = calls->poll(arg, left);

		if (err)
			return err;
		memset(&timeout, 0, sizeof(timeout));
	}
	sig = sigtimedwait(&window->signals, NULL, &timeout);
	return sig > 0 ? sig : 0;
}

/* 1: it is over. 0: it goes on. */
static int take_signal(const struct run_window *window, int sig, int *nr_interrupts)
{
	if (sig != SIGINT && sig != SIGTERM)
		return 0;
	/*
	 * Ctrl-C reaches the command too, which may want to end in order: it is waited for, once.
	 * Anything else that ends us ends it.
	 */
	if (!window->opts.command || (*nr_interrupts)++)
		return 1;
	if (sig == SIGTERM)
		kill(window->child.pid, SIGTERM);
	return 0;
}

static __u64 least(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

static int watch(struct run_window *window, const struct run_window_calls *calls, void *arg)
{
	__u64 interval_ns = window->opts.interval * NS_PER_S;
	__u64 next_print_ns = interval_ns ? window->begin_ns + interval_ns : ~0ull;
	__u64 end_ns = ~0ull, next_drain_ns = window->begin_ns + MAX_DRAIN_INTERVAL_NS;
	int sig, err, nr_interrupts = 0;

	if (window->opts.duration)
		end_ns = window->begin_ns + (__u64)(window->opts.duration * NS_PER_S);
	for (;;) {
		__u64 now_ns;

		sig = wait_until(window, calls, arg,
				 least(next_drain_ns, least(next_print_ns, end_ns)));
		if (sig < 0)
			return sig;
		if (window->opts.command && child__poll(&window->child))
			return 0;
		if (take_signal(window, sig, &nr_interrupts))
			return 0;
		now_ns = clock_ns();
		if (now_ns >= end_ns)
			return 0;
		if (now_ns < next_drain_ns && now_ns < next_print_ns)
			continue;

		next_drain_ns = now_ns + MAX_DRAIN_INTERVAL_NS;
		err = calls->drain(arg);
		if (err && err != -EAGAIN)
			return err;
		if (now_ns < next_print_ns)
			continue;
		/* What has passed on a starved machine is not made up for. */
		while (next_print_ns <= now_ns)
			next_print_ns += interval_ns;
		if (!err)
			err = calls->interval(arg);
		if (err < 0 && err != -EAGAIN)
			return err;
		if (err != 1)
			continue;
		/* Nobody reads any more; a command is nevertheless run to its end. */
		if (!window->opts.command)
			return 0;
		next_print_ns = ~0ull;
	}
}

int run_window__wait(struct run_window *window, const struct run_window_calls *calls, void *arg)
{
	int err;

	window->begin_ns = clock_ns();
	err = start_command(window);
	if (err)
		return err;
	err = watch(window, calls, arg);
	/* Whatever ended the watching before its time: it is not left behind. */
	if (window->opts.command && !child__poll(&window->child))
		kill(window->child.pid, SIGTERM);
	return err;
}

int run_window__exit_status(const struct run_window *window)
{
	if (!window->opts.command || !window->child.ended)
		return EXIT_FINE;
	return child__exit_status(&window->child);
}
