// SPDX-License-Identifier: GPL-2.0-only
#include "aggregator_private.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "counters.h"
#include "counting.h"
#include "file_limit.h"
#include "ftrace_state.h"
#include "history.h"
#include "kernel_version.h"
#include "live_kernel.h"
#include "message.h"
#include "module_watch.h"
#include "program_census.h"
#include "program_loaders.h"
#include "serve_control.h"
#include "serve_notify.h"
#include "serve_privileges.h"
#include "status_server.h"

/* Between two deletions of what is too old in the history. */
#define TIDY_NS (60 * NS_PER_S)
/* Programs that have come are looked behind soon, but /proc is not read without pause. */
#define NEWCOMERS_NS (5 * NS_PER_S)

/* The drain at the end is tried for so long. */
#define LAST_DRAIN_NS (2 * NS_PER_S)

static __s64 now_s(void)
{
	return time(NULL);
}

/* --- what it does again and again ------------------------------------------------------------------------ */

static void take_own_cost(struct aggregator *aggregator)
{
	struct aggregate_cost *cost = &aggregate__state(aggregator->aggregate)->cost;
	unsigned long size, resident;
	FILE *in = fopen("/proc/self/statm", "re");

	cost->process_ns = overhead__process_ns();
	if (in && fscanf(in, "%lu %lu", &size, &resident) == 2)
		cost->rss_bytes = resident * (__u64)sysconf(_SC_PAGESIZE);
	if (in)
		fclose(in);
	cost->kernel_bytes = counting__kernel_memory(aggregator->counting);
}

/* What has come to a count since it was `seen` last: the history's totals are added to the state as well. */
static __u64 increase(__u64 count, __u64 *seen)
{
	__u64 more = count - *seen;

	*seen = count;
	return more;
}

void aggregator__take_history_errors(struct aggregator *aggregator)
{
	if (aggregator->history)
		aggregate__state(aggregator->aggregate)->history_errors += increase(
			history__errors(aggregator->history), &aggregator->seen.history_errors);
}

static void tell_history_news(struct aggregator *aggregator)
{
	char text[1024];

	if (history__take_news(aggregator->history, text, sizeof(text)))
		notices__tell(aggregator->notices,
			      &(struct notice){ .kind = NOTICE_TROUBLE, .message = text },
			      clock_ns());
}

void aggregator__save(struct aggregator *aggregator)
{
	struct aggregate_state *state = aggregate__state(aggregator->aggregate);

	state->notices += increase(notices__told(aggregator->notices), &aggregator->seen.notices);
	state->notices_suppressed += increase(notices__suppressed(aggregator->notices),
					      &aggregator->seen.notices_suppressed);
	aggregator->save_err = 0;
	if (!aggregator->history)
		return;
	/* Those of a save that succeeds come with the next, which keeps them. */
	aggregator__take_history_errors(aggregator);
	aggregator->save_err = history__save(aggregator->history, aggregator->aggregate, now_s());
	state->history_bytes = history__bytes(aggregator->history);
	tell_history_news(aggregator);
	if (aggregator->save_err)
		aggregator__take_history_errors(aggregator);
	else
		state->history_save = now_s();
}

static void drain(struct aggregator *aggregator)
{
	struct aggregate_cost *cost = &aggregate__state(aggregator->aggregate)->cost;
	__u64 begin_ns = clock_ns(), end_ns;

	aggregator->drain_err = counting__drain(aggregator->counting, now_s());
	if (aggregator->drain_err)
		return;
	end_ns = clock_ns();
	cost->drains++;
	cost->last_drain_ns = end_ns - begin_ns;
	cost->drain_ns += end_ns - begin_ns;
	aggregator->last_good_ns = end_ns;
	take_own_cost(aggregator);
}

/* What cannot be done now is done at the next look. */
static void follow_modules(struct aggregator *aggregator)
{
	int err = counting__follow_modules(aggregator->counting);

	if (!err)
		err = program_census__refresh(aggregator->census);
	aggregator->modules_pending = err;
}

static void look(struct aggregator *aggregator, __u64 now_ns)
{
	int err;

	if (aggregator->modules_pending || counting__is_behind(aggregator->counting))
		follow_modules(aggregator);
	err = counting__look_at_objects(aggregator->counting);
	if (!err)
		err = program_census__look(aggregator->census);
	/* Programs are being unloaded without pause: after the next drain. */
	if (err == -EAGAIN)
		return;
	if (!err)
		aggregate__state(aggregator->aggregate)->last_look = now_s();
	aggregator->look_err = err;
	aggregator->next_look_ns = now_ns + aggregator->config->look_ns;
}

/* Who loads a program and goes again is not found later. */
static void look_behind_newcomers(struct aggregator *aggregator, __u64 now_ns)
{
	if (!counting__has_newcomers(aggregator->counting) || now_ns < aggregator->next_loaders_ns)
		return;
	program_loaders__look(aggregator->loaders, counting__kernel(aggregator->counting)->btfs);
	aggregator->next_loaders_ns = clock_ns() + NEWCOMERS_NS;
}

static void on_timer(struct aggregator *aggregator)
{
	__u64 expired, now_ns;

	if (read(aggregator->timer_fd, &expired, sizeof(expired)) != sizeof(expired))
		return;
	drain(aggregator);
	now_ns = clock_ns();
	/* The tick that is nearest: a drain takes a little longer or shorter than the one before. */
	if (now_ns + aggregator->config->interval_ns / 2 >= aggregator->next_look_ns)
		look(aggregator, now_ns);
	else
		look_behind_newcomers(aggregator, now_ns);
	/* A look drains as well. */
	aggregator__save(aggregator);
	notices__tend(aggregator->notices, now_ns);
	if (aggregator->history && now_ns >= aggregator->next_tidy_ns) {
		/* What it could not do is the history's trouble, which is told below. */
		history__tidy(aggregator->history, now_s());
		aggregator->next_tidy_ns = now_ns + TIDY_NS;
	}
	aggregator__judge(aggregator);
}

/* --- modules ------------------------------------------------------------------------------------------- */

static void on_modules(struct aggregator *aggregator)
{
	if (module_watch__settled(aggregator->modules) <= 0)
		return;
	follow_modules(aggregator);
	aggregator__judge(aggregator);
}

static int answer(const char *request, char *text, size_t size, void *arg)
{
	struct aggregator *aggregator = arg;
	const char *why;
	char module[64];
	int nr;

	if (sscanf(request, "release %63s", module) != 1) {
		snprintf(text, size, "there is no such request");
		return -EINVAL;
	}
	nr = counting__release_module(aggregator->counting, module);
	aggregator__judge(aggregator);
	why = nr == -EBUSY ? ftrace_state__obstacle() : NULL;
	if (nr == -ENOENT)
		snprintf(text, size, "no module %s with kfuncs is loaded", module);
	else if (nr < 0)
		snprintf(text, size, "cannot let go of %s: %s", module, why ?: strerror(-nr));
	else if (!nr)
		snprintf(text, size, "%s was not being traced", module);
	else
		snprintf(text, size, "let go of %s: %d probes taken off", module, nr);
	return nr < 0 ? nr : 0;
}

/* --- the loop -------------------------------------------------------------------------------------------- */

/* Returns errno, negative, having said what has failed. */
static int said(const char *what)
{
	int err = -errno;

	msg__error("%s: %s", what, strerror(-err));
	return err;
}

int aggregator__set_timer(struct aggregator *aggregator)
{
	__u64 ns = aggregator->config->interval_ns;
	struct timespec period = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
	struct itimerspec timer = { .it_interval = period, .it_value = period };

	if (!timerfd_settime(aggregator->timer_fd, 0, &timer, NULL))
		return 0;
	return said("cannot set the timer of drains");
}

int aggregator__watch_fd(struct aggregator *aggregator, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return 0;
	if (!epoll_ctl(aggregator->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return 0;
	return said("cannot wait for events");
}

static void on_signal(struct aggregator *aggregator)
{
	struct signalfd_siginfo info;

	while (read(aggregator->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			aggregator__reload(aggregator);
		else
			aggregator->is_ending = true;
	}
}

static void tend(struct aggregator *aggregator)
{
	__u64 now_ns = clock_ns();

	if (aggregator->overhead && now_ns >= aggregator->next_overhead_ns)
		aggregator->next_overhead_ns = overhead__tend(aggregator->overhead, now_ns);
	serve_notify__alive(now_ns);
}

static int wait_ms(struct aggregator *aggregator)
{
	__u64 now_ns = clock_ns(), next_ns = aggregator->next_overhead_ns;
	__u64 watchdog_ns = serve_notify__watchdog_ns();
	int ms, server_ms = -1;

	if (watchdog_ns && now_ns + watchdog_ns < next_ns)
		next_ns = now_ns + watchdog_ns;
	ms = next_ns > now_ns ? (next_ns - now_ns) / 1000000 + 1 : 0;
	if (aggregator->server)
		server_ms = status_server__timeout_ms(aggregator->server);
	return server_ms >= 0 && server_ms < ms ? server_ms : ms;
}

static void dispatch(struct aggregator *aggregator, int fd)
{
	if (fd == aggregator->signal_fd)
		on_signal(aggregator);
	else if (fd == aggregator->timer_fd)
		on_timer(aggregator);
	else if (fd == serve_control__fd(aggregator->control))
		serve_control__run(aggregator->control);
	else if (fd == module_watch__fd(aggregator->modules))
		on_modules(aggregator);
	else if (fd == counting__events_fd(aggregator->counting))
		counting__take_events(aggregator->counting);
}

static void run_server(struct aggregator *aggregator)
{
	__u64 before_ns = overhead__process_ns();

	if (!aggregator->server)
		return;
	status_server__run(aggregator->server);
	if (aggregator->overhead)
		overhead__leave_out(aggregator->overhead, overhead__process_ns() - before_ns);
}

/* While something takes long, clients and the watchdog do not wait. */
static void pause_for_others(void *arg)
{
	run_server(arg);
	serve_notify__alive(clock_ns());
}

static int loop(struct aggregator *aggregator)
{
	struct epoll_event events[16];

	while (!aggregator->is_ending) {
		int nr = epoll_wait(aggregator->epoll_fd, events, 16, wait_ms(aggregator));

		if (nr < 0 && errno != EINTR)
			return said("cannot wait for events");
		for (int i = 0; i < nr; i++)
			dispatch(aggregator, events[i].data.fd);
		/* Its own file descriptor, or its time: whoever is slow is to be dropped. */
		run_server(aggregator);
		tend(aggregator);
	}
	return 0;
}

/* --- beginning and end --------------------------------------------------------------------------------------- */

static int open_loop(struct aggregator *aggregator)
{
	int err;

	sigemptyset(&aggregator->signals);
	sigaddset(&aggregator->signals, SIGINT);
	sigaddset(&aggregator->signals, SIGTERM);
	sigaddset(&aggregator->signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &aggregator->signals, &aggregator->old_signals);
	aggregator->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	aggregator->signal_fd = signalfd(-1, &aggregator->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	aggregator->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (aggregator->epoll_fd < 0 || aggregator->signal_fd < 0 || aggregator->timer_fd < 0)
		return said("cannot make what signals and the timer are read from");
	err = aggregator__watch_fd(aggregator, aggregator->signal_fd);
	return err ?: aggregator__watch_fd(aggregator, aggregator->timer_fd);
}

static int open_memory(struct aggregator *aggregator)
{
	const struct aggregate_options bounds = aggregate_options__of(aggregator->config);
	struct aggregate_state *state;

	aggregator->aggregate = aggregate__new(&bounds);
	aggregator->loaders = program_loaders__new();
	if (!aggregator->aggregate || !aggregator->loaders) {
		msg__error("not enough memory");
		return -ENOMEM;
	}
	state = aggregate__state(aggregator->aggregate);
	snprintf(state->release, sizeof(state->release), "%s", kernel_release());
	state->started = state->counting_since = now_s();
	state->cost.share = NAN; /* until it is measured */
	if (gethostname(aggregator->host, sizeof(aggregator->host) - 1))
		strcpy(aggregator->host, "?");
	return 0;
}

static int restore(struct aggregator *aggregator)
{
	int err = aggregator__open_history(aggregator->config, &aggregator->history);

	aggregate__state(aggregator->aggregate)->history_on = aggregator->history;
	if (err || !aggregator->history)
		return err;
	err = history__restore(aggregator->history, aggregator->aggregate);
	if (err)
		msg__warn("cannot read what was counted before: %s; counters begin at 0 until it "
			  "can be read",
			  strerror(-err));
	aggregator__take_history_errors(aggregator);
	tell_history_news(aggregator);
	aggregator__judge(aggregator);
	return 0;
}

static int begin_counting(struct aggregator *aggregator)
{
	const struct counting_options counting = {
		.config = aggregator->config,
		.aggregate = aggregator->aggregate,
		.notices = aggregator->notices,
		.loaders = aggregator->loaders,
		.pause = pause_for_others,
		.pause_arg = aggregator,
	};
	const struct overhead_options overhead = overhead_options__of(aggregator->config);
	int err;

	/* First, so that no module falls between the two. */
	err = module_watch__open(&aggregator->modules);
	if (!err)
		err = aggregator__watch_fd(aggregator, module_watch__fd(aggregator->modules));
	if (err) {
		msg__error("cannot watch modules being loaded: %s", strerror(-err));
		return err;
	}
	err = counting__open(&counting, &aggregator->counting);
	if (!err)
		err = aggregator__watch_fd(aggregator, counting__events_fd(aggregator->counting));
	if (!err)
		err = program_census__open(counting__kernel(aggregator->counting),
					   aggregator->aggregate, aggregator->loaders,
					   aggregator->config->target, &aggregator->census);
	if (err)
		return err;
	aggregator->overhead = overhead__new(&overhead, aggregator->counting, aggregator->aggregate,
					     aggregator->notices);
	if (!aggregator->overhead)
		msg__error("not enough memory");
	return aggregator->overhead ? 0 : -ENOMEM;
}

static int open_notices(struct aggregator *aggregator)
{
	const struct notices_options opts = notices_options__of(aggregator->config);

	return notices__open(&opts, &aggregator->notices);
}

static int open_control(struct aggregator *aggregator)
{
	int err = serve_control__open(aggregator->config->control, answer, aggregator,
				      &aggregator->control);

	return err ?: aggregator__watch_fd(aggregator, serve_control__fd(aggregator->control));
}

static int open_all(struct aggregator *aggregator)
{
	int err = aggregator__load_config(aggregator->opts, &aggregator->config);

	/* The server shares what there is among its clients. */
	file_limit__raise();
	if (!err)
		err = open_loop(aggregator);
	/* Whoever is the second leaves here, before it has touched anything. */
	if (!err)
		err = open_control(aggregator);
	if (!err)
		err = open_notices(aggregator);
	if (!err)
		err = open_memory(aggregator);
	if (!err)
		err = restore(aggregator);
	if (!err)
		err = aggregator__listen(aggregator, aggregator->config, &aggregator->server);
	if (!err)
		err = begin_counting(aggregator);
	if (!err)
		err = serve_privileges__drop();
	if (!err)
		err = aggregator__set_timer(aggregator);
	return err;
}

static void close_all(struct aggregator *aggregator)
{
	overhead__free(aggregator->overhead);
	program_census__free(aggregator->census);
	counting__close(aggregator->counting);
	module_watch__free(aggregator->modules);
	status_server__free(aggregator->server);
	history__close(aggregator->history);
	program_loaders__free(aggregator->loaders);
	aggregate__free(aggregator->aggregate);
	notices__free(aggregator->notices);
	serve_control__free(aggregator->control);
	aggregator__free_config(aggregator->config);
	if (aggregator->epoll_fd >= 0)
		close(aggregator->epoll_fd);
	if (aggregator->signal_fd >= 0)
		close(aggregator->signal_fd);
	if (aggregator->timer_fd >= 0)
		close(aggregator->timer_fd);
	sigprocmask(SIG_SETMASK, &aggregator->old_signals, NULL);
}

/* There is no next drain that would have what this one has not. */
static void drain_for_the_last_time(struct aggregator *aggregator)
{
	__u64 deadline_ns = clock_ns() + LAST_DRAIN_NS;

	do
		drain(aggregator);
	while (aggregator->drain_err == -EAGAIN && clock_ns() < deadline_ns);
	aggregator__save(aggregator);
	if (aggregator->drain_err)
		msg__error("what was counted since the last drain is lost: %s",
			   strerror(-aggregator->drain_err));
}

int aggregator__run(const struct aggregator_options *opts)
{
	struct aggregator aggregator = {
		.opts = opts,
		.epoll_fd = -1,
		.signal_fd = -1,
		.timer_fd = -1,
	};
	int err;

	sigprocmask(SIG_BLOCK, NULL, &aggregator.old_signals);
	err = open_all(&aggregator);
	if (!err) {
		drain(&aggregator);
		look(&aggregator, clock_ns());
		aggregator__save(&aggregator);
		aggregator__judge(&aggregator);
		serve_notify__ready(aggregator__status(&aggregator));
		/* What only the beginning took is given back. */
		malloc_trim(0);
		err = loop(&aggregator);
		serve_notify__stopping();
		/* What was counted to the end is kept. */
		drain_for_the_last_time(&aggregator);
	}
	close_all(&aggregator);
	return err;
}
