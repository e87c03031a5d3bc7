/* SPDX-License-Identifier: GPL-2.0-only */
/* What the aggregator keeps of its privileges once it is attached. */
#ifndef KFUNCTRACE_SERVE_PRIVILEGES_H
#define KFUNCTRACE_SERVE_PRIVILEGES_H

#include <stdbool.h>

/*
 * Keeps the capabilities that the aggregator needs from now on (each with its reason in
 * serve_privileges.c), drops the others from all sets, bounding set included, and sets
 * no_new_privs. Returns 0 or a negative errno having said why.
 */
int serve_privileges__drop(void);

#endif
