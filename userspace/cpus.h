/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_CPUS_H
#define KFUNCTRACE_CPUS_H

/*
 * One more than the highest CPU number that this kernel can ever have, or a negative errno. Not the
 * number of possible CPUs: their numbers may have gaps, and a counter is found by number.
 */
int cpus__nr_ids(void);
/* The same out of a list such as "0-3,8-11". -EINVAL when it is none. */
int cpus__parse_nr_ids(const char *list);

#endif
