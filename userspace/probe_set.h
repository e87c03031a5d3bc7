/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The probes on a set of kernel functions: one program each, so that the kernel keeps the recursion
 * misses of each apart and totals stay exact per function.
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

/* A function to be probed, and what for. */
struct probe_target {
	const char *function;
	struct kernel_btf *kbtf;
	__u32 btf_id;	  /* FUNC to attach to */
	__u32 abi_id;	  /* FUNC with the real parameters */
	__u64 address;	  /* 0: there is no such symbol, the probe fails with -ENOENT */
	__u32 subject;	  /* whose calls they are: usage_key.subject of their rows */
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

/* One function that is, or could not be, probed. */
struct probe {
	struct probe_target target;
	bool is_twin; /* of the probe right before it */
	int error;    /* 0: attached; else the negative errno that it failed with */
	int prog_fd, link_fd;
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

int probe_set__nr(const struct probe_set *set);
const struct probe *probe_set__at(const struct probe_set *set, int idx);
int probe_set__nr_attached(const struct probe_set *set);
/* Nanoseconds that loading and attaching took. */
void probe_set__times(const struct probe_set *set, __u64 *load_ns, __u64 *attach_ns);

/* Calls that the kernel did not show to this probe because it was already running on that CPU. */
__u64 probe_set__recursion_misses(const struct probe_set *set, int idx);

/*
 * The probe on the other function of a specialised kfunc; -1 when it has none or that is not
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
