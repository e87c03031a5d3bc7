/* SPDX-License-Identifier: GPL-2.0-only */
/* A kfunc's signature out of BTF: printed as C, and its annotated parameters explained. */
#ifndef KFUNCTRACE_PROTOTYPE_H
#define KFUNCTRACE_PROTOTYPE_H

#include <stddef.h>
#include <linux/types.h>

struct btf;
struct btf_type;

#define PROTOTYPE_LEN 1024

/*
 * Writes the C prototype of FUNC `func_id` into buf, parameter names included:
 * "struct task_struct *bpf_task_acquire(struct task_struct *p)". A non-NULL `name` stands in for
 * the function's own. Returns 0, -EINVAL when the id is no function, -E2BIG when buf is too small.
 */
int prototype__format(const struct btf *btf, __u32 func_id, const char *name, char *buf,
		      size_t size);

/* Writes a type as C has it without a name: "const struct bpf_dynptr *". The same errors. */
int prototype__format_type(const struct btf *btf, __u32 type_id, char *buf, size_t size);

/* The FUNC_PROTO of FUNC `func_id`, or NULL. */
const struct btf_type *prototype__type(const struct btf *btf, __u32 func_id);

/*
 * 64-bit words that the arguments of `func_id` take in a tracing program's context: one each, and
 * two for a structure of more than eight bytes passed by value. Negative errno when it is no
 * function.
 */
int prototype__nr_arg_words(const struct btf *btf, __u32 func_id);

/* The first of these words that belongs to parameter `param`, counted from 0. */
int prototype__arg_word(const struct btf *btf, __u32 func_id, int param);

/*
 * Name of what a pointer of type `type_id` points at, without "struct", qualifiers, typedefs and
 * tags; NULL when it is no pointer, or one to void or to what has no name.
 */
const char *prototype__pointee(const struct btf *btf, __u32 type_id);

/* True when the function returns a pointer, so that a return of 0 is NULL. */
int prototype__returns_pointer(const struct btf *btf, __u32 func_id);

/*
 * What the verifier reads out of a parameter's name ("data__sz") or its type ("struct
 * nf_conn___init"): one explanation in words, or NULL when the parameter has no annotation.
 */
const char *prototype__explain_param(const struct btf *btf, __u32 type_id, const char *name);

#endif
