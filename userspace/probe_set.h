/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The probes on a set of kfuncs: one program each, so that the kernel keeps the recursion misses of
 * each apart and totals stay exact per kfunc.
 */
#ifndef KFUNCTRACE_PROBE_SET_H
#define KFUNCTRACE_PROBE_SET_H

#include <stdbool.h>
#include <linux/types.h>

struct kfunc;
struct live_kernel;
struct probe_set;
struct probe_template;

/* One function that is, or could not be, probed. */
struct probe {
	const struct kfunc *kfunc; /* whose calls are counted */
	const char *function;	   /* its own symbol, or its twin's */
	bool is_twin;
	bool at_exit; /* NULL returns are counted */
	int error;    /* 0: attached; else the negative errno that it failed with */
	int prog_fd, link_fd;
	__u64 address; /* of the function, 0 when not known */
};

struct probe_set_options {
	bool no_nulls; /* count at entry only: cheaper, and no NULL returns */
	/* Asked between two kfuncs; when it returns true the rest is not attached. May be NULL. */
	bool (*interrupted)(void);
};

/*
 * Loads and attaches a probe for each of `kfuncs`, and one for its twin where the verifier
 * specialises it. The index of a probe in the set is its index in the counters. One that fails
 * never stops the others: its error is kept. Returns 0, or a negative errno when nothing could be
 * begun (-E2BIG: more than KFT_MAX_PROBES; -EINTR: interrupted).
 */
int probe_set__attach(struct live_kernel *kernel, const struct probe_template *tmpl,
		      const struct kfunc *const *kfuncs, int nr_kfuncs,
		      const struct probe_set_options *opts, struct probe_set **set);

int probe_set__nr(const struct probe_set *set);
const struct probe *probe_set__at(const struct probe_set *set, int idx);
int probe_set__nr_attached(const struct probe_set *set);
/* Nanoseconds that loading and attaching took. */
void probe_set__times(const struct probe_set *set, __u64 *load_ns, __u64 *attach_ns);

/* Calls that the kernel did not show to this probe because it was already running on that CPU. */
__u64 probe_set__recursion_misses(const struct probe_set *set, int idx);

/*
 * Detaches everything and frees the set. Before 7.2 that takes about 0.14 s a probe (the kernel
 * waits for two grace periods each); killed half-way, the kernel finishes it.
 */
void probe_set__free(struct probe_set *set);

/* What an attach error means, in words. */
const char *probe__explain(const struct probe *probe);

#endif
