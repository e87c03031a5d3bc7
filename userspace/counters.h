/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters in the kernel and the watchers that keep them true: made, attached, drained into the
 * usage model.
 */
#ifndef KFUNCTRACE_COUNTERS_H
#define KFUNCTRACE_COUNTERS_H

#include <stdbool.h>
#include <linux/types.h>

#include "usage.h"

struct counters;
struct kernel_reader;
struct kft_reference_site;
struct kft_reference_state;
struct probe_set;
struct prog_table;
struct site_table;

/* What counts. */
enum counting_engine {
	ENGINE_BPF,
	ENGINE_MODULE, /* module_engine.h */
	ENGINE_AUTO, /* BPF, where the kernel does not refuse it; else the module, if it is there */
};

struct counters_options {
	int nr_slots;	 /* call sites told apart on a CPU, a power of two up to KFT_MAX_SLOTS */
	bool want_lines; /* source lines of call sites are wanted: counters__sites() */
	enum counting_engine engine; /* for tracing_session__prepare() */
	bool keep;		     /* ENGINE_MODULE: it counts on when we are gone */
	bool reads_on;	      /* what it counts on may be read in place of a counting of ours */
	bool want_references; /* call sites get numbers (reference_records.h) */
	bool want_events;     /* trace events of calls; only with want_references */
};

/*
 * Makes the counters, begins to follow programs and records those that are there. `reader` must
 * outlive them. Returns 0 or a negative errno with nothing left behind; -EPERM and -EBUSY when the
 * kernel refuses fentry.
 */
int counters__open(const struct counters_options *opts, struct kernel_reader *reader,
		   struct counters **counters);
void counters__free(struct counters *counters);

int counters__regions_fd(const struct counters *counters);
/* With want_references: what the reference probes need; -1 otherwise. */
struct counters_reference_maps {
	int site_caches_fd;
	int site_ids_fd;
	int transient_pages_fd;
	int state_fd;
	int images_fd, progs_fd; /* who owns which code */
};
struct counters_reference_maps counters__reference_maps(const struct counters *counters);
/* The memory behind state_fd, written by the kernel and by whoever sets the probes up. */
struct kft_reference_state *counters__reference_state(const struct counters *counters);

int counters__nr_cpus(const struct counters *counters);
int counters__nr_slots(const struct counters *counters);
/* Bytes of kernel memory that the counters and records take, but for the hash tables' own. */
__u64 counters__memory(const struct counters *counters);
/* The same before any are made, for that many possible CPUs. */
__u64 counters__memory_needed(int nr_cpus);

/*
 * All counts since the probes were attached, as rows of (kfunc, caller, site): for each probe of
 * the set the sum of its rows is all of its calls, recursion misses included. `usage` is replaced
 * and compact. Returns 0 or a negative errno; -EAGAIN when programs were being unloaded without
 * pause: nothing is lost, drain again.
 */
int counters__drain(struct counters *counters, const struct probe_set *set, struct usage *usage);
/* How long a drain waits for a moment in which no program is being unloaded; 2 s without this. */
void counters__set_patience(struct counters *counters, __u64 ns);
/* How many drains there were that did not fail. */
__u64 counters__nr_drains(const struct counters *counters);

/*
 * For whoever goes on for months: forgets programs that are gone for good, with their rows, the names
 * of their call sites and their identity, if their rows were in the last drain; without this all are
 * kept. To be called when what the last drain has brought was taken over, with the names; `drained` is
 * what it has brought. Then:
 *
 * - The rows of these programs are missing from the next drain, and are taken out of `drained`, with
 *   which it is to be compared. What they had at last was in the drain before, and nothing can add to
 *   it.
 * - No program gets the id of one that was forgotten, so no row comes again and begins anew.
 * - A program that a numbered call site belongs to stays, until the number is given back
 *   (site_numbers.h): what it holds can be told by its name.
 *
 * Does nothing when the last drain has failed. Returns 0 or a negative errno: some are forgotten the
 * next time.
 */
int counters__forget_ended(struct counters *counters, struct usage *drained);

/* Programs as of the last drain; owned by the counters. */
const struct prog_table *counters__programs(const struct counters *counters);

/*
 * Names of the call sites that have been counted so far, of programs gone as well; owned by the
 * counters. NULL with errno set when they cannot be read.
 */
const struct site_table *counters__sites(struct counters *counters);

/* Who makes the calls of a site: a program or the kernel. */
struct counters_caller {
	enum caller_kind kind;
	__u32 prog_id; /* CALLER_PROGRAM */
	__u32 subprog;
	__u64 site; /* as in struct usage_key */
};

/*
 * The caller behind a numbered call site, which may be gone by now, as of the last drain. Sites of
 * programs that have come since are unknown until the next: so drain after objects have been read,
 * before they are told.
 */
struct counters_caller counters__caller_of(const struct counters *counters,
					   const struct kft_reference_site *site);
/*
 * The same; false when it cannot be told before the next drain, for its program went after the last
 * one. `site` stands in counters__reference_state().
 */
bool counters__find_caller(const struct counters *counters, const struct kft_reference_site *site,
			   struct counters_caller *caller);
/* The caller behind a return address; right only as long as its program is there. */
struct counters_caller counters__caller_at(const struct counters *counters, __u64 address,
					   __u64 via);

/* The function of the kernel that an address lies in, or NULL (kernel_symbols__resolve()). */
const char *counters__kernel_site(const struct counters *counters, __u64 address, __u64 *offset);
/* Where that function ends, at most (kernel_symbols__end()). */
__u64 counters__kernel_function_end(const struct counters *counters, __u64 address);

/*
 * After modules came or went: symbols are read again when the next one is asked for. Names of
 * functions that were returned before are no longer valid.
 */
void counters__forget_symbols(struct counters *counters);

/* What could not be recorded for want of room: programs, images, records of ended programs. */
struct counters_losses {
	__u64 programs;
	__u64 images;
	__u64 retired;
	__u64 missed_loads; /* both watchers missed at most that many */
	__u64 missed_frees;
};
void counters__losses(const struct counters *counters, struct counters_losses *losses);

#endif
