// SPDX-License-Identifier: GPL-2.0-only
#include "users_watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bpf/libbpf.h>
#include <jansson.h>

#include "clock.h"
#include "ftrace_state.h"
#include "json_values.h"
#include "live_kernel.h"
#include "message.h"
#include "output.h"
#include "pattern.h"
#include "prog_tag.h"
#include "program_watch.h"
#include "run_window.h"
#include "users_report.h"

struct users_watch {
	const struct users_watch_options *opts;
	struct program_watch *watch;
	struct run_window window;
	__u64 nr_loaded, nr_unloaded, nr_unknown;
	__u64 nr_lost; /* said so far */
	bool tracer_was_off;
};

/* --- an event --------------------------------------------------------------------------------- */

/* The time of day of a CLOCK_MONOTONIC time that is not long ago, with microseconds. */
static const char *format_time(__u64 time_ns, const char *format, const char *zone, char *buf,
			       size_t size)
{
	struct timespec real;
	char day[32], offset[16];
	time_t second;
	__u64 ns;

	clock_gettime(CLOCK_REALTIME, &real);
	ns = real.tv_sec * NS_PER_S + real.tv_nsec - (clock_ns() - time_ns);
	second = ns / NS_PER_S;
	user__format_time(second, format, day, sizeof(day));
	user__format_time(second, zone, offset, sizeof(offset));
	snprintf(buf, size, "%s.%06llu%s", day, (unsigned long long)(ns % NS_PER_S / 1000),
		 *zone ? offset : "");
	return buf;
}

static bool is_wanted(const struct users_watch *watch, const struct program_event *event)
{
	/* It may have been one of those. */
	if (!event->is_known)
		return true;
	for (int i = 0; i < event->user.nr_kfuncs; i++) {
		const struct kfunc *kfunc = event->user.kfuncs[i].kfunc;

		if (pattern_list__match(watch->opts->patterns, kfunc ? kfunc->name : ""))
			return true;
	}
	return false;
}

static void print_kfuncs(const struct user *user)
{
	for (int i = 0; i < user->nr_kfuncs; i++) {
		const struct used_kfunc *used = &user->kfuncs[i];

		printf("%s%s", i ? ", " : "", used_kfunc__name(used));
		if (used->nr_sites > 1)
			printf(" (%d)", used->nr_sites);
	}
}

static void print_text(const struct program_event *event)
{
	const struct user *user = &event->user;
	char when[96];

	printf("%s %-6s %u %s", format_time(event->time_ns, "%H:%M:%S", "", when, sizeof(when)),
	       event->unloaded ? "unload" : "load", user->prog.prog_id,
	       user->prog.name[0] ? user->prog.name : "?");
	if (event->is_known)
		printf(" (%s)", libbpf_bpf_prog_type_str(user->prog.type) ?: "?");
	if (event->pid)
		printf(" by %s/%u", event->comm[0] ? event->comm : "?", event->pid);
	printf(": ");
	if (event->is_known)
		print_kfuncs(user);
	else
		printf("kfuncs unknown");
	putchar('\n');
}

static json_t *json_kfuncs(const struct user *user)
{
	json_t *array = json_array();

	for (int i = 0; i < user->nr_kfuncs; i++) {
		const struct used_kfunc *used = &user->kfuncs[i];
		const struct kfunc *kfunc = used->kfunc;
		json_t *object = json_object();

		json_object_set_new(object, "kfunc",
				    kfunc ? json_string(kfunc->name) : json_null());
		json_object_set_new(object, "function", json_string(used_kfunc__name(used)));
		json_object_set_new(object, "module",
				    kfunc ? json_string(kfunc->module) : json_null());
		json_object_set_new(object, "sites", json_integer(used->nr_sites));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_event(const struct program_event *event)
{
	const struct user *user = &event->user;
	json_t *json = json_object();
	char text[96];

	json_object_set_new(json, "event", json_string(event->unloaded ? "unload" : "load"));
	json_object_set_new(json, "time",
			    json_string(format_time(event->time_ns, "%Y-%m-%dT%H:%M:%S", "%z", text,
						    sizeof(text))));
	json_object_set_new(json, "time_ns", json_integer(event->time_ns));
	json_object_set_new(json, "program_id", json_integer(user->prog.prog_id));
	json_object_set_new(json, "program", json_text_unless_empty(user->prog.name));
	json_object_set_new(json, "program_type",
			    event->is_known
				    ? json_string(libbpf_bpf_prog_type_str(user->prog.type) ?: "?")
				    : json_null());
	json_object_set_new(json, "program_tag",
			    json_string(format_prog_tag(user->prog.tag, text)));
	json_object_set_new(json, "uid",
			    event->is_known ? json_integer(user->prog.uid) : json_null());
	json_object_set_new(json, "pid", event->pid ? json_integer(event->pid) : json_null());
	json_object_set_new(json, "comm", json_text_unless_empty(event->comm));
	json_object_set_new(json, "kfuncs", event->is_known ? json_kfuncs(user) : json_null());
	return json;
}

static int take_event(const struct program_event *event, void *arg)
{
	struct users_watch *watch = arg;

	if (!is_wanted(watch, event))
		return 0;
	if (event->unloaded)
		watch->nr_unloaded++;
	else
		watch->nr_loaded++;
	if (!event->is_known && !event->unloaded)
		watch->nr_unknown++;
	if (watch->opts->json)
		output__json(stdout, json_event(event), false);
	else
		print_text(event);
	return 0;
}

/* --- watching --------------------------------------------------------------------------------- */

static void say_lost(struct users_watch *watch)
{
	const __u64 lost = program_watch__lost(watch->watch);

	if (lost == watch->nr_lost)
		return;
	if (watch->opts->json)
		output__json(stdout,
			     json_pack("{s:s, s:I}", "event", "lost", "count",
				       (json_int_t)(lost - watch->nr_lost)),
			     false);
	else
		printf("lost up to %llu events\n", (unsigned long long)(lost - watch->nr_lost));
	watch->nr_lost = lost;
}

static int flush(struct users_watch *watch)
{
	say_lost(watch);
	fflush(stdout);
	return ferror(stdout) ? -EPIPE : 0;
}

static int poll_events(void *arg, __u64 timeout_ns)
{
	struct users_watch *watch = arg;
	/* Ctrl-C does not wake it up. */
	const __u64 most_ns = 100 * 1000000;
	int err = program_watch__poll(watch->watch, timeout_ns < most_ns ? timeout_ns : most_ns);

	return err ?: flush(watch);
}

/* Once a second: a tracer that somebody turns off tells nothing any more. */
static int look_at_tracer(void *arg)
{
	struct users_watch *watch = arg;
	const char *why;

	if (!watch->tracer_was_off && program_watch__is_complete(watch->watch, &why) &&
	    ftrace_state() == 0) {
		watch->tracer_was_off = true;
		msg__warn("the function tracer was turned off (kernel.ftrace_enabled): programs "
			  "come and go unseen");
	}
	return 0;
}

static void say_begun(const struct users_watch *watch)
{
	const char *why;

	if (!program_watch__is_complete(watch->watch, &why))
		msg__warn("%s: programs that live only for milliseconds may be gone before it can "
			  "be seen what they call; they are reported with their kfuncs unknown",
			  why);
	msg__detail("watching");
}

static void say_end(const struct users_watch *watch)
{
	char lost[64] = "none";

	if (watch->nr_lost)
		snprintf(lost, sizeof(lost), "up to %llu events",
			 (unsigned long long)watch->nr_lost);
	fprintf(stderr, " %llu programs loaded, %llu unloaded in %.3f seconds\n",
		(unsigned long long)watch->nr_loaded, (unsigned long long)watch->nr_unloaded,
		(clock_ns() - watch->window.begin_ns) / (double)NS_PER_S);
	if (watch->nr_unknown)
		fprintf(stderr, " kfuncs unknown of %llu\n", (unsigned long long)watch->nr_unknown);
	fprintf(stderr, " losses: %s\n", lost);
}

static void explain(int err)
{
	if (err == -EPERM || err == -EACCES)
		msg__error("not allowed to watch programs: run as root; `kfunctrace doctor` tells "
			   "what is missing");
	else
		msg__error("cannot watch programs being loaded: %s", strerror(-err));
}

int users_watch__run(struct live_kernel *kernel, const struct users_watch_options *opts)
{
	static const struct run_window_calls calls = { .drain = look_at_tracer,
						       .poll = poll_events };
	const struct run_window_options window = { .duration = opts->duration };
	struct users_watch watch = { .opts = opts };
	int err = run_window__open(&watch.window, &window);

	if (!err)
		err = program_watch__open(kernel, take_event, &watch, &watch.watch);
	if (err) {
		explain(err);
		goto out;
	}
	say_begun(&watch);
	err = run_window__wait(&watch.window, &calls, &watch);
	/* What came at last. */
	if (!err)
		err = poll_events(&watch, 0);
	/* A pipe that nobody reads any more speaks for itself. */
	if (err && err != -EPIPE)
		msg__error("watching ended: %s", strerror(-err));
	if (!err)
		say_end(&watch);
out:
	program_watch__free(watch.watch);
	run_window__close(&watch.window);
	return err;
}
