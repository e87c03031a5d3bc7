/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's flags, prototypes and destructors do not tell of references, or tell wrong: one
 * small table of functions and one of types. pairing.c applies them; everybody else asks it.
 */
#ifndef KFUNCTRACE_PAIRING_EXCEPTIONS_H
#define KFUNCTRACE_PAIRING_EXCEPTIONS_H

#include <stdbool.h>

#include "pairing.h"

/* Not the name of any C type: what programs allocate with bpf_obj_new() and its like. */
#define TYPE_LOCAL_OBJECT "local object"
/* What a KF_ACQUIRE or KF_RELEASE kfunc is about whose prototype says void *. */
#define TYPE_UNKNOWN "void"

struct pairing_exception {
	const char *name;
	bool has_role; /* `role` counts, not the flags; else it is none of ours without them */
	enum reference_role role;
	const char *type; /* instead of the one in the prototype, or NULL */
	bool has_arg;	  /* the object is in parameter `arg`, counted from 0 */
	int arg;
	bool is_mixed; /* NULL is the count or something else, although KF_RCU */
	bool is_new;
	const char *note;
};

/* A function that goes by the name `NAME_impl` is an exception where NAME is one. NULL: none. */
const struct pairing_exception *pairing_exception__find(const char *name);

/* What is known of a type by its name. */
struct type_trait {
	const char *name;
	enum kft_object object;
	bool has_no_count;
	bool released_after_failure;
	const char *note;
};

/* NULL: nothing. Iterators have none. */
const struct type_trait *type_trait__find(const char *name);

#endif
