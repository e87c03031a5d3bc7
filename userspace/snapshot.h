/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A registry in a file: what a kernel's kfuncs look like to programs, in a form that two kernels can be
 * compared by, on any machine. No addresses, no BTF ids.
 */
#ifndef KFUNCTRACE_SNAPSHOT_H
#define KFUNCTRACE_SNAPSHOT_H

#include <stdbool.h>
#include <stdio.h>

struct json_t;
struct kernel_image;
struct live_kernel;

/* Goes up when an older reader could no longer make sense of the file. */
#define SNAPSHOT_FORMAT 1

/* Types as C has them without a name: "const struct bpf_dynptr *". */
struct snapshot_param {
	const char *type;
	const char *name;
};

struct snapshot_signature {
	const char *returns;
	struct snapshot_param *params;
	int nr_params;
};

#define SNAPSHOT_MAX_FLAGS 32

/*
 * The hook of a kfunc out of a file, which tells flags and not for which programs they are. Where they
 * are several, the others are "unknown-2" and so on.
 */
#define SNAPSHOT_HOOK_UNKNOWN "unknown"
#define SNAPSHOT_MAX_UNKNOWN  16

struct snapshot_hook {
	const char *name;
	const char *flags[SNAPSHOT_MAX_FLAGS]; /* by name, in order of their bits */
	int nr_flags;
	bool filtered;
};

struct snapshot_kfunc {
	const char *name;
	const char *module;
	const char *coverage;
	struct snapshot_hook *hooks;
	int nr_hooks;
	struct snapshot_signature signature; /* the public one */
	struct snapshot_signature abi;	     /* the real one; the same unless has_abi */
	bool has_abi;
};

/* All strings belong to the document that it was read from. */
struct snapshot {
	struct json_t *document;
	const char *release;
	const char *arch;
	struct snapshot_kfunc *kfuncs; /* sorted by name, then module */
	int nr;
};

/*
 * The kernel that somebody has named on the command line: "live", a file, or one of those that come
 * with the program by its version, "6.12" or "7.x" (the newest that matches). Returns 0, or a
 * negative errno having said what is wrong.
 */
int snapshot__open(const char *name, struct snapshot *snapshot);

/* Of the running kernel. Returns 0 or a negative errno. */
int snapshot__of_live(struct live_kernel *kernel, struct snapshot *snapshot);
/*
 * Of a kernel in a file and of modules of it, at least one in all; reads their types. Modules without
 * their kernel only when they stand alone. Returns 0, or a negative errno having said what is wrong,
 * but for -ENOMEM.
 */
int snapshot__of_images(struct kernel_image *const *images, int nr, struct snapshot *snapshot);
/*
 * Out of a file; `name` is for messages. Returns 0, or a negative errno having said what is wrong with
 * it and where.
 */
int snapshot__read(FILE *in, const char *name, struct snapshot *snapshot);
void snapshot__free(struct snapshot *snapshot);

/* As JSON, a kfunc a line, the same bytes for the same kernel. Returns 0 or -ENOMEM. */
int snapshot__write(const struct snapshot *snapshot, FILE *out);

/* NULL when there is none of that name in that module. */
const struct snapshot_kfunc *snapshot__find(const struct snapshot *snapshot, const char *name,
					    const char *module);
/* The first of that name, in whatever module. */
const struct snapshot_kfunc *snapshot__find_name(const struct snapshot *snapshot, const char *name);
/* The type that a typedef of this kernel's prototypes stands for ("__u32" for "u32"), or NULL. */
const char *snapshot__typedef(const struct snapshot *snapshot, const char *name);
const struct snapshot_hook *snapshot_kfunc__hook(const struct snapshot_kfunc *kfunc,
						 const char *name);
/* True when it is not known for which programs this hook is. */
bool snapshot_hook__is_unknown(const struct snapshot_hook *hook);
bool snapshot_hook__has_flag(const struct snapshot_hook *hook, const char *flag);

#endif
