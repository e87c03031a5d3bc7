/* SPDX-License-Identifier: GPL-2.0-only */
/* For those that make snapshots; everybody else uses snapshot.h. */
#ifndef KFUNCTRACE_SNAPSHOT_PRIVATE_H
#define KFUNCTRACE_SNAPSHOT_PRIVATE_H

#include <stdbool.h>
#include <linux/types.h>

struct btf;
struct json_t;
struct kfunc_hook;
struct snapshot;

/*
 * Takes a document over, which is released in any case. Returns 0, or a negative errno having said
 * what is wrong in `name`.
 */
int snapshot__take(struct json_t *document, const char *name, struct snapshot *snapshot);

/* A snapshot in the making. */
struct snapshot_builder {
	unsigned int version; /* KVER: the meaning of flags depends on it */
	struct json_t *kfuncs;
	struct json_t *typedefs;
};

/* A kfunc as its makers know it. */
struct snapshot_entry {
	const char *name;
	const char *module;
	const struct btf *btf;
	__u32 func_id; /* FUNC that programs call */
	__u32 abi_id;  /* FUNC with the real parameters, or func_id */
	const struct kfunc_hook *hooks;
	int nr_hooks;
	bool filters_unknown;
	const char *coverage;
};

/* Returns 0 or -ENOMEM. */
int snapshot_builder__begin(struct snapshot_builder *builder, unsigned int version);
/* In any order. Returns 0 or -ENOMEM. */
int snapshot_builder__add(struct snapshot_builder *builder, const struct snapshot_entry *entry);
/* Makes the snapshot; `name` is for messages. Returns 0 or a negative errno, having freed the rest. */
int snapshot_builder__finish(struct snapshot_builder *builder, const char *release,
			     const char *arch, const char *name, struct snapshot *snapshot);
/* Instead of finishing it. */
void snapshot_builder__drop(struct snapshot_builder *builder);

#endif
