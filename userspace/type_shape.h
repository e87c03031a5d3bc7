/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types as libbpf compares them when it looks for a kfunc that a program declares: by what they are
 * (a number, a pointer to a structure), not by what they are called. Out of BTF and out of the text of
 * snapshots.
 */
#ifndef KFUNCTRACE_TYPE_SHAPE_H
#define KFUNCTRACE_TYPE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct btf;
struct snapshot;
struct snapshot_signature;

enum type_kind {
	TYPE_UNKNOWN, /* cannot be told: fits everything */
	TYPE_VOID,
	TYPE_INT,
	TYPE_FLOAT,
	TYPE_STRUCT,
	TYPE_UNION,
	TYPE_ENUM,
	TYPE_FORWARD, /* declared and not defined */
	TYPE_POINTER,
	TYPE_ARRAY,
	TYPE_FUNCTION,
};

struct type_shape {
	enum type_kind kind;
	char name[64];
	int size; /* of a number in bytes, 0: not known */
	bool is_signed;
	struct type_shape *to; /* what it points at, is made of or returns */
	struct type_shape *params;
	int nr_params;
};

enum type_match {
	TYPES_DIFFER,	/* libbpf refuses */
	TYPES_DOUBTFUL, /* libbpf lets it pass, the verifier may not: a pointer to something else */
	TYPES_CLOSE,	/* both let it pass: a number of another size */
	TYPES_SAME,
};

/*
 * Both return a shape, which is TYPE_UNKNOWN when the type makes no sense, or NULL without memory.
 * `typedefs` are looked up in the snapshot, which may be NULL.
 */
struct type_shape *type_shape__parse(const char *text, const struct snapshot *snapshot);
struct type_shape *type_shape__of_btf(const struct btf *btf, __u32 type_id);
/* A function's: what it takes and returns. */
struct type_shape *type_shape__of_signature(const struct snapshot_signature *signature,
					    const struct snapshot *snapshot);
void type_shape__free(struct type_shape *shape);

/*
 * How `want`, which a program was written for, and `have` of a kernel match. In `why`, if something
 * does not: "parameter 2: struct foo * in the program, u64 in the kernel".
 */
enum type_match type_shape__compare(const struct type_shape *want, const struct type_shape *have,
				    char *why, size_t size);

/* In words: "a pointer to struct foo". Returns buf. */
const char *type_shape__format(const struct type_shape *shape, char *buf, size_t size);

#endif
