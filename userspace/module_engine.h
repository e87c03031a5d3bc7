/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine in the kernel module: what is written to and read from its control file
 * (Documentation/module.rst). It needs no BPF trampolines.
 */
#ifndef KFUNCTRACE_MODULE_ENGINE_H
#define KFUNCTRACE_MODULE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "probe_template.h"

struct module_engine;

#define MODULE_ENGINE_PATH "/dev/kfunctrace"

/*
 * Opens the control file and reads the engine's state. -ENOENT: the module is not loaded; -EPROTO:
 * it is of another version than this program; or another negative errno.
 */
int module_engine__open(struct module_engine **engine);
/* Counting that is not kept ends here. */
void module_engine__close(struct module_engine *engine);

/* It counts on, for a tool that has gone. What is asked below was so when it was opened. */
bool module_engine__is_kept(const struct module_engine *engine);
/* Somebody else is counting with it now. */
bool module_engine__is_busy(const struct module_engine *engine);

/*
 * Becomes the owner, and shows the engine all programs that there are; later ones it sees itself.
 * *nr_unseen is how many could not be shown: their calls will be unknown.
 */
int module_engine__begin(struct module_engine *engine, int nr_slots, int *nr_unseen);
/*
 * Adds a function; of a kept engine, looks it up. `*kind`: which calls are to be counted apart, one of
 * those that count; of a kept one, which are. `probe` is what its counts will go by. -EOPNOTSUPP: it
 * has no ftrace site.
 */
int module_engine__add(struct module_engine *engine, const char *function, __u64 address,
		       enum probe_kind *kind, int probe);
/* True when a kept engine counts this function. */
bool module_engine__has(const struct module_engine *engine, const char *function, __u64 address);
/* What is read from now on has the source lines of call sites. */
int module_engine__want_lines(struct module_engine *engine);
int module_engine__start(struct module_engine *engine);
/* Counts on when the file is closed. */
int module_engine__keep(struct module_engine *engine);
int module_engine__end(struct module_engine *engine);
int module_engine__forget(struct module_engine *engine, __u32 prog_id);

/* The probe of the engine's n-th function, -1: none. */
int module_engine__probe(const struct module_engine *engine, int n);
/* And whether its returns are seen. */
bool module_engine__sees_returns(const struct module_engine *engine, int n);

/*
 * Reads everything anew, ended by a zero; owned by the engine, and to be taken apart at will. Returns 0
 * or a negative errno.
 */
int module_engine__read(struct module_engine *engine, char **text);

#endif
