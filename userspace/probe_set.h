/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The probes on a set of kernel functions: one program each, so that the kernel keeps the recursion
 * misses of each apart and totals stay exact per function. Probes may be added and detached while
 * others count: a function keeps its index for as long as there is the set, and what was counted by
 * it stays counted.
 */
#ifndef KFUNCTRACE_PROBE_SET_H
#define KFUNCTRACE_PROBE_SET_H

#include <stdbool.h>
#include <linux/types.h>

#include "probe_template.h"

struct kernel_btf;
struct kfunc;
struct live_kernel;
struct module_events;
struct probe_set;

/*
 * A function to be probed, and what for. The set keeps its pointers: texts and kbtf must outlive it,
 * as those of a registry and a pairing do, also when the module has gone.
 */
struct probe_target {
	const char *function;
	struct kernel_btf *kbtf;
	unsigned int generation; /* of kbtf, that the next two are numbers of */
	__u32 btf_id;		 /* FUNC to attach to */
	__u32 abi_id;		 /* FUNC with the real parameters */
	__u64 address;		 /* 0: there is no such symbol, the probe fails with -ENOENT */
	__u32 subject;		 /* whose calls they are: usage_key.subject of their rows */
	const char *twin; /* the other function of a specialised kfunc (kfunc_quirks.h), or NULL */
	enum probe_kind kind;
	/* As in struct probe_params. */
	int object_arg;
	__u32 type, released, flags;
	/* For trace events, see struct module_events_probe. */
	const char *event_type, *event_replacement;
};

/* What counts all calls of a kfunc; the registry's index is the subject. */
struct probe_target probe_target__of_kfunc(const struct kfunc *kfunc, bool no_nulls);

enum probe_state {
	PROBE_PLANNED, /* has an index, and was not attached so far */
	PROBE_ATTACHED,
	PROBE_DETACHED, /* counts no more; what it has counted is there */
	PROBE_FAILED,	/* `error` says why */
};

/* One function that is, was, or could not be, probed. */
struct probe {
	struct probe_target target;
	enum probe_state state;
	bool is_twin;	   /* of the probe right before it */
	bool was_attached; /* now or earlier: there may be counts of it */
	int error;	   /* 0, or the negative errno that it failed with */
	int prog_fd, link_fd;
	/* Of its programs before this one. */
	__u64 past_misses, past_run_ns, past_runs;
};

/*
 * Loads and attaches a probe for each of `targets`, and one for its twin where the verifier
 * specialises it. The index of a probe in the set is its index in the counters. One that fails
 * never stops the others: its error is kept. `interrupted` is asked between two of them; when it
 * returns true the rest is not attached; may be NULL. With `events` these are told of each probe.
 * Returns 0, or a negative errno when nothing
 * could be begun (-E2BIG: more than KFT_MAX_PROBES; -EINTR: interrupted).
 */
int probe_set__attach(struct live_kernel *kernel, const struct probe_template *tmpl,
		      const struct probe_target *targets, int nr_targets, bool (*interrupted)(void),
		      struct module_events *events, struct probe_set **set);

/*
 * How probes get onto their functions where they are no BPF programs. `load` and `finish` return 0
 * or a negative errno; that of `load` is the probe's, that of `finish`, which comes when all are
 * loaded, is everybody's.
 */
struct probe_attacher {
	int (*load)(const struct probe_attacher *attacher, struct probe *probe, int idx);
	int (*finish)(const struct probe_attacher *attacher);
};
int probe_set__attach_by(struct live_kernel *kernel, const struct probe_attacher *attacher,
			 const struct probe_target *targets, int nr_targets,
			 bool (*interrupted)(void), struct probe_set **set);

/*
 * The index that a target has in this set or, from now on, will have: that of the probe that there
 * was on this function of this module (also when the module was unloaded meanwhile), else a new one.
 * Nothing is attached. -E2BIG: KFT_MAX_PROBES functions have had one, -EOPNOTSUPP: the set was made
 * by probe_set__attach_by().
 */
int probe_set__reserve(struct probe_set *set, const struct probe_target *target);

/*
 * Attaches more probes, as probe_set__attach() does and with what that was given, which has to be
 * there still. Those that are attached stay as they are; one that was detached goes on counting at
 * its index, for the subject that it had. A twin that could not be attached at first is left alone,
 * because the twin's calls have been counted as the kernel's since. Returns how many probes were
 * attached, or a negative errno: -EINTR as above, those attached by then stay; -E2BIG: no room for
 * all of them, none was attached; -EOPNOTSUPP as above.
 */
int probe_set__add(struct probe_set *set, const struct probe_target *targets, int nr_targets);

/*
 * Detaches probes, each with its twin; indexes of those that are not attached are skipped. Counts,
 * recursion misses and run time stay as they are at the end of the last run, which is waited for
 * once. The functions are free when this returns; a module they are in can be unloaded a moment
 * later, when the kernel has freed the programs. Before 7.2 the kernel takes about 0.14 s for each
 * probe, one after the other: who has other things to do detaches a few at a time.
 * Returns how many were detached, or a negative errno.
 */
int probe_set__detach(struct probe_set *set, const int *idxs, int nr);
/* All probes on functions of a module. */
int probe_set__detach_module(struct probe_set *set, const char *module);

enum probe_state probe_set__state(const struct probe_set *set, int idx);

/*
 * What a probe has cost: the time that its programs ran and how often, those of its twin included
 * (of which nothing is said under the twin's own index, so that sums are right). Counted by the
 * kernel only while somebody has statistics enabled (bpf_enable_stats(BPF_STATS_RUN_TIME)). Never
 * less than before, also over detaching and attaching again.
 */
void probe_set__run_stats(const struct probe_set *set, int idx, __u64 *run_ns, __u64 *runs);

int probe_set__nr(const struct probe_set *set);
/* Stays where it is as long as the set. */
const struct probe *probe_set__at(const struct probe_set *set, int idx);
int probe_set__nr_attached(const struct probe_set *set);
/* Nanoseconds that loading and attaching took. */
void probe_set__times(const struct probe_set *set, __u64 *load_ns, __u64 *attach_ns);

/*
 * Calls that the kernel did not show to this probe because it was already running on that CPU;
 * those of its earlier programs included.
 */
__u64 probe_set__recursion_misses(const struct probe_set *set, int idx);

/*
 * The probe on the other function of a specialised kfunc; -1 when it has none or that was never
 * attached.
 */
int probe_set__twin(const struct probe_set *set, int idx);

/*
 * Detaches everything and frees the set. Before 7.2 that takes about 0.14 s a probe (the kernel
 * waits for two grace periods each); killed half-way, the kernel finishes it.
 */
void probe_set__free(struct probe_set *set);

/* What an attach error means, in words. */
const char *probe__explain(const struct probe *probe);

#endif
