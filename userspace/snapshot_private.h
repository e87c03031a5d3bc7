/* SPDX-License-Identifier: GPL-2.0-only */
/* For those that make snapshots; everybody else uses snapshot.h. */
#ifndef KFUNCTRACE_SNAPSHOT_PRIVATE_H
#define KFUNCTRACE_SNAPSHOT_PRIVATE_H

struct json_t;
struct snapshot;

/*
 * Takes a document over, which is released in any case. Returns 0, or a negative errno having said
 * what is wrong in `name`.
 */
int snapshot__take(struct json_t *document, const char *name, struct snapshot *snapshot);

#endif
