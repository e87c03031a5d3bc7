/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the aggregator has in the kernel: probes on the kfuncs that the configuration chooses, whose
 * counts, references and events are added to the aggregate.
 */
#ifndef KFUNCTRACE_COUNTING_H
#define KFUNCTRACE_COUNTING_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct aggregate;
struct counting;
struct live_kernel;
struct notices;
struct program_loaders;
struct serve_config;

struct counting_options {
	const struct serve_config *config; /* until counting__reconfigure() brings another */
	struct aggregate *aggregate;
	struct notices *notices;
	struct program_loaders *loaders; /* of the callers that are seen */
	void (*pause)(void *arg);	 /* called now and then while something takes long */
	void *pause_arg;
};

/*
 * Opens the kernel and attaches. All must outlive it. Returns 0 or a negative errno having said why.
 */
int counting__open(const struct counting_options *opts, struct counting **counting);
/* Takes the probes off. Before 7.2 that takes the kernel long. */
void counting__close(struct counting *counting);

/* Bytes of kernel memory that counters and records take. */
__u64 counting__kernel_memory(const struct counting *counting);
struct live_kernel *counting__kernel(struct counting *counting);
/* Programs that have been counted and came after loaders were looked for. */
bool counting__has_newcomers(const struct counting *counting);

/* In words, why no call is counted at the moment; NULL: calls are, or are not to be (count = off). */
const char *counting__obstacle(const struct counting *counting);
/*
 * Adds what has been counted since the last time; `now` in seconds since 1970. Returns 0 or a negative
 * errno: -EAGAIN when nothing could be read at the moment, and nothing is lost.
 */
int counting__drain(struct counting *counting, __s64 now);
/* Readable when there are events; -1: there never are. */
int counting__events_fd(const struct counting *counting);
/* Takes the events that are there. Returns 0 or a negative errno. */
int counting__take_events(struct counting *counting);
/* Looks at the objects on which references are held. Returns 0 or a negative errno. */
int counting__look_at_objects(struct counting *counting);

/*
 * While the host's function tracing is off, probes neither come nor go (ftrace_state.h): what asks for it
 * is refused with -EBUSY, or is done later.
 *
 * Modules came or went: probes come onto the kfuncs of those that came, and what is gone is let go of;
 * also what a configuration chose and could not be followed then. Returns 0 or a negative errno having
 * said why: it is to be called again.
 */
int counting__follow_modules(struct counting *counting);
/* Whether probes are still to come or go. */
bool counting__is_behind(const struct counting *counting);
/*
 * Lets go of a module, so that it can be unloaded; its kfuncs are not probed again before it has been
 * unloaded, or a configuration chooses other modules. Returns how many probes were taken off, -ENOENT
 * when the kernel has no such module with kfuncs, or another negative errno.
 */
int counting__release_module(struct counting *counting, const char *module);
/*
 * Attaches and detaches what another configuration chooses differently, now or with a later
 * counting__follow_modules(). 0 or a negative errno: then all is as it was, or it has said what is not.
 */
int counting__reconfigure(struct counting *counting, const struct serve_config *config);

/* A unit of what the governor may take off: a kfunc, or all functions of a type of reference. */
struct counting_unit {
	const char *name;   /* the kfunc, or the type */
	__u64 run_ns, runs; /* of its probes so far, where the kernel measures */
	bool attached;
};
/* Replaces what was there; owned by `counting`, until the next call. Returns how many. */
size_t counting__units(struct counting *counting, const struct counting_unit **units);
/*
 * Takes a unit off, until the configuration is read anew. Returns how many probes, or a negative
 * errno.
 */
int counting__detach_unit(struct counting *counting, const char *name);

#endif
