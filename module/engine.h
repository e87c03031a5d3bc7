/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The second engine: counts calls of kfuncs by ftrace handlers, where BPF trampolines are refused.
 *
 * The parts and who calls whom:
 *   engine_device.c    the control file: its commands, and what is read from it
 *   engine.c           what is counted, by whom it is owned; attaching and detaching
 *   engine_slots.c     the counters: the handlers' way, sweeping, retired counts
 *   engine_programs.c  BPF programs as they come and go
 *   engine_lines.c     source lines of call sites in them
 *   engine_reading.c   what userspace reads
 */
#ifndef KFUNCTRACE_ENGINE_H
#define KFUNCTRACE_ENGINE_H

#include <linux/bpf.h>
#include <linux/ftrace.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "counter_records.h"

struct file;
struct module;
struct seq_file;

/* Of what is written to and read from the control file: Documentation/module.rst. */
#define ENGINE_PROTOCOL 1
#define ENGINE_NAME_LEN 128

/* Which calls of a function are counted apart, in the place of NULLs. */
enum engine_count {
	COUNT_CALLS,	 /* none */
	COUNT_NULLS,	 /* those that return NULL */
	COUNT_NEGATIVES, /* those that return a negative int */
	COUNT_RELEASES,	 /* those whose first argument is NULL: they release nothing */
	NR_COUNTS
};

struct engine_kfunc {
	unsigned long address; /* where the function begins; its ftrace site is in the first bytes */
	enum engine_count count;
	bool gone; /* the module that it was in is gone */
	char name[ENGINE_NAME_LEN];
};

enum engine_state {
	ENGINE_IDLE,
	ENGINE_PREPARED, /* it has an owner, programs are watched */
	ENGINE_COUNTING,
};

struct engine {
	struct mutex mutex; /* of everything but the counters and programs */
	enum engine_state state;
	const struct file *owner; /* NULL: nobody, counting on after its owner has gone, or not ended */
	u64 begun_ns;		  /* counting began, by the monotonic clock */
	struct engine_kfunc *kfuncs;
	int nr_kfuncs;
};

extern struct engine engine;

int engine__init(void);
void engine__exit(void);

/* All with engine.mutex held. They change nothing when they fail. */
int engine__begin(const struct file *owner, u32 nr_slots);
int engine__add_kfunc(unsigned long address, const char *name, enum engine_count count);
int engine__start(void);
/* Fails when the kernel does not let go of what is attached: then all stays, and may be tried again. */
int engine__end(void);
/* Returns the kfunc whose ftrace site is or was at ip, or -1. Any context, while counting. */
int engine__kfunc_at(unsigned long ip);
/* The same without those whose module is gone: it is another function then that is there. */
int engine__find_kfunc(unsigned long ip);
/* Calls whose returns are to be seen, and that the kernel could not follow. */
unsigned long engine__missed(void);

/* --- reading ---------------------------------------------------------------------------------- */

/*
 * A reading is as of one moment, and yet does not hold engine_lock, with interrupts off, from its
 * beginning to its end: the lock is let go after some lines, and when something was changed
 * meanwhile all is read again. The last try is made in one go.
 */
struct engine_reading {
	struct seq_file *m;
	bool lines;	     /* with source lines */
	bool in_one_go;
	u64 generation;	     /* that it is of */
	unsigned int pieces; /* since the lock was let go */
	unsigned long flags;
};

void engine_reading__make(struct seq_file *m, bool lines);
/*
 * After each piece, with the lock held. False: nothing may be looked at any more, it is of no use.
 * True: nothing has changed.
 */
bool engine_reading__goes_on(struct engine_reading *reading);

/* --- control file ----------------------------------------------------------------------------- */

int engine_device__register(void);
void engine_device__unregister(void);

/* --- counters --------------------------------------------------------------------------------- */

int engine_slots__alloc(u32 nr_slots);
u32 engine_slots__nr(void);
/* Both once nothing is attached: as they were before anything was counted; no more. */
void engine_slots__clear(void);
void engine_slots__free(void);

/* What is attached: a call begins, a call returns to that address. Any context. */
void engine_slots__on_entry(unsigned long ip, unsigned long return_address, struct ftrace_ops *ops,
			    struct ftrace_regs *fregs);
void engine_slots__on_release(unsigned long ip, unsigned long return_address, struct ftrace_ops *ops,
			      struct ftrace_regs *fregs);
void engine_slots__on_call(unsigned long ip, unsigned long return_address);
void engine_slots__on_exit(unsigned long ip, unsigned long return_address, bool null);

/*
 * What retires slots and what reads them exclude each other. Whoever changes what a reading has
 * besides counts raises engine_generation, with the lock held.
 */
extern spinlock_t engine_lock;
extern u64 engine_generation;

/* Whose counts they become when slots are retired. */
struct engine_heir {
	enum engine_heir_kind {
		HEIR_PROGRAM,
		HEIR_KERNEL, /* of a module that is going: there will be no address to show */
		HEIR_NOBODY, /* unknown */
	} kind;
	u32 prog_id, subprog;
};
/* Retires what was called from (start, end]. */
void engine_slots__sweep(u64 start, u64 end, const struct engine_heir *heir);
/* Retires the slots of a kfunc whose address may become another's. */
void engine_slots__sweep_kfunc(int kfunc);
/* The same with what was called by a module; takes the lock itself. */
void engine_slots__sweep_module(const struct module *module);
/* Drops the records of a program. */
void engine_slots__forget(u32 prog_id);
void engine_slots__show(struct engine_reading *reading);
/* Calls `visit` with each return address in (start, end] that has a slot, as long as it is true. */
void engine_slots__visit(u64 start, u64 end, bool (*visit)(u64 return_address, void *arg),
			 void *arg);

/* --- programs --------------------------------------------------------------------------------- */

/* Begins, ends to follow programs as they come and go. Where one of them fails the other is called. */
int engine_programs__watch(void);
int engine_programs__unwatch(void);
/* A program that was there before. */
int engine_programs__record_fd(int fd, u32 type);
/* Its records are dropped: 0, -ENOENT, or -EBUSY when it is not gone. */
int engine_programs__forget(u32 id);
/* With engine_lock held. The heir of what was called from there; false: no image of a program. */
bool engine_programs__heir_of(u64 return_address, struct engine_heir *heir, u64 *start);
void engine_programs__show(struct engine_reading *reading);
/* The source lines of all call sites. */
void engine_programs__show_lines(struct engine_reading *reading);

/* --- source lines ----------------------------------------------------------------------------- */

/* Where the source lines of an image are, until its program goes. */
struct engine_lines {
	const char *symbol; /* what kallsyms calls the function */
	const struct btf *btf;
	const struct bpf_line_info *infos;
	void *const *addresses; /* of the code that infos are of */
	u32 first, end;		/* of the image */
};

/* `nr_subprogs`: 0 when the program is its only image. */
void engine_lines__of_image(const struct bpf_prog_aux *aux, u32 subprog, u32 nr_subprogs,
			    struct engine_lines *lines);

/* With engine_lock held. `start` is where the image begins. */
void engine_lines__keep(const struct engine_lines *lines, const struct kft_site_key *key,
			u64 start);
void engine_lines__forget(u32 prog_id);
void engine_lines__free(void);
/* False: the reading does not go on. */
bool engine_lines__show_one(struct engine_reading *reading, const struct engine_lines *lines,
			    const struct kft_site_key *key, u64 start);
void engine_lines__show_kept(struct engine_reading *reading);

/* --- memory ----------------------------------------------------------------------------------- */

/* True when a test wants this allocation to fail: the module's parameter fail_allocation. */
bool engine__allocation_fails(void);

static inline void *engine_zalloc(size_t size, gfp_t gfp)
{
	return engine__allocation_fails() ? NULL : kzalloc(size, gfp | __GFP_NOWARN);
}

#endif
