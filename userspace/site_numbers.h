/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The numbers of call sites (reference_records.h) for months: tells what was counted by number since
 * it was asked last, and gives the numbers back to the probes whose programs are gone for good and
 * which nothing names any more. What they have counted by then is told with the last change, and
 * never by the number alone: so nothing that is told goes backwards, and none of it is another
 * program's.
 */
#ifndef KFUNCTRACE_SITE_NUMBERS_H
#define KFUNCTRACE_SITE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "../tracepoints/reference_records.h"
#include "counters.h"

struct site_numbers;

/* What works on the numbers besides the counters. */
struct site_numbers_maps {
	int objects_fd;		 /* the records of objects; -1: none are kept */
	struct kft_holds *holds; /* shared with the kernel; NULL: none are kept */
	int events_fd; /* the ring buffer of events that carry numbers; -1: none are sent */
};

/*
 * `counters` were opened with want_references, and with the maps must outlive it. One alone may work
 * on them. Returns 0 or a negative errno.
 */
int site_numbers__open(struct counters *counters, const struct site_numbers_maps *maps,
		       struct site_numbers **numbers);
void site_numbers__free(struct site_numbers *numbers);

/* A call site, and whose it is. */
struct numbered_site {
	__u32 number; /* until the changes are asked for again: then it may be another site's */
	__u32 probe;
	struct counters_caller caller;
};

/* What became of the counts of struct kft_reference_site. */
struct site_change {
	struct numbered_site site;
	__u64 unmatched, untracked, zeros, unclear; /* since the last time */
};

/*
 * References that were given back since the last time: how many, and how long they were held. Changes
 * are to be added up before they are looked at: of a reference that was being given back, the count
 * may be in one change and the bucket in the next. In the sum no more are in buckets than are counted.
 */
struct hold_change {
	bool is_ambiguous; /* it cannot be told where they were acquired, `acquired` is nothing */
	bool is_iterator;  /* there is no `released` */
	struct numbered_site acquired, released;
	struct kft_hold hold; /* but `max` is the largest so far, of this pair of sites */
};

struct site_changes {
	struct site_change *sites;
	size_t nr_sites;
	struct hold_change *holds; /* a pair of sites may be there twice */
	size_t nr_holds;
};

/*
 * What has changed since the last time; a site that is seen for the first time is told when there
 * was a drain of the counters since. To be called after each drain, about as often; names are those
 * of that drain, and counters__forget_ended() comes afterwards. Waits for a grace period when there
 * are numbers to be given back, which become free with the second or third call after their
 * programs have gone; with events not before these were polled, whose callback must look up
 * the number itself, for it is another's afterwards. Returns 0, or a negative errno: nothing is lost,
 * it comes with the next call.
 */
int site_numbers__take_changes(struct site_numbers *numbers, struct site_changes *changes);
void site_changes__free(struct site_changes *changes);

/* How many are in use, of so many; the rest is free. */
__u32 site_numbers__nr_in_use(const struct site_numbers *numbers);
__u32 site_numbers__nr_all(void);

#endif
