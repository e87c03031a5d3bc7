/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters of the kernel module's engine. */
#ifndef KFUNCTRACE_COUNTERS_MODULE_H
#define KFUNCTRACE_COUNTERS_MODULE_H

#include <stdbool.h>
#include <linux/types.h>

struct counters;
struct kernel_reader;
struct module_engine;

/*
 * Counters that read what `engine` counts; both must outlive them. With `kept` programs that are gone
 * stay in the module, for whoever reads after us. Returns 0 or a negative errno.
 */
int counters__open_module(struct module_engine *engine, int nr_slots, bool kept,
			  struct kernel_reader *reader, struct counters **counters);

/* Of the last drain. */
struct counters_module_state {
	__u64 counting_ns; /* how long it had been counting */
	/*
	 * Calls of kfuncs that may return NULL which the kernel had no room to follow: they are not
	 * counted, or, where missed_are_counted, only their returns are missing.
	 */
	__u64 missed;
	bool missed_are_counted;
};
struct counters_module_state counters__module_state(const struct counters *counters);

#endif
