/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the numbers' way from use to use (site_numbers.c) and what has to be asked of the kernel
 * about it (site_numbers_live.c), or of a test.
 */
#ifndef KFUNCTRACE_SITE_NUMBERS_PRIVATE_H
#define KFUNCTRACE_SITE_NUMBERS_PRIVATE_H

#include "site_numbers.h"

/* One bool a number. */
struct number_set {
	bool has[KFT_MAX_REFERENCE_SITES];
};

struct site_numbers_source {
	/* How many times the programs were read. */
	__u64 (*nr_drains)(void *arg);
	/* Whether the program of a site that is retired is gone for good, as of the last drain. */
	bool (*is_gone)(void *arg, __u32 prog_id);
	/* counters__find_caller() */
	bool (*find_caller)(void *arg, const struct kft_reference_site *site,
			    struct counters_caller *caller);
	/* Adds those of `asked` by which a probe that begins now could find its site. */
	int (*find_reachable)(void *arg, const struct number_set *asked, struct number_set *found);
	/* Adds those that are named by an object on which references are held, be it for a moment. */
	int (*find_holders)(void *arg, struct number_set *found);
	/* Waits until every probe that is running has ended. */
	int (*wait_for_probes)(void *arg);
	/* How much was written to the ring of events, and read from it. */
	__u64 (*events_written)(void *arg);
	__u64 (*events_read)(void *arg);
	void (*free)(void *arg);
};

/*
 * `source` must outlive it; its free() is called with `arg` at the end, also when this fails. Returns
 * 0 or -ENOMEM.
 */
int site_numbers__new(const struct site_numbers_source *source, void *arg,
		      struct kft_reference_state *state, struct kft_holds *holds,
		      struct site_numbers **numbers);

#endif
