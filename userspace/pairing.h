/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which functions of a kernel take and give back references, of what type, and which belong
 * together. Nothing of it stands in a table of ours that the kernel can tell itself: the type of an
 * acquire is what it returns, that of a release what it takes, and what maps release is in the
 * kernel's dtor_kfunc_tab. The few cases in which that is not true are in pairing_exceptions.c, each
 * with its reason.
 */
#ifndef KFUNCTRACE_PAIRING_H
#define KFUNCTRACE_PAIRING_H

#include <stdbool.h>
#include <linux/types.h>

#include "../tracepoints/reference_records.h"

struct kernel_btf;
struct kfunc;
struct live_kernel;
struct pairing;

enum reference_role {
	REFERENCE_ACQUIRE,
	REFERENCE_RELEASE,
	REFERENCE_CONVERT,    /* takes its argument's away, also when it fails, and returns another */
	REFERENCE_DESTRUCTOR, /* releases what a map or a container held; the kernel calls it */
	REFERENCE_MOVE_IN,    /* into a list or tree: the reference stays outstanding... */
	REFERENCE_MOVE_OUT,   /* ...and comes out again */
	REFERENCE_ITER_NEW,
	REFERENCE_ITER_NEXT,
	REFERENCE_ITER_DESTROY,
};

/* "acquire", "release", "convert", "destructor" ... */
const char *reference_role__name(enum reference_role role);

/* How a function says that it has failed: then nothing was acquired. */
enum reference_failure {
	FAILS_NEVER,
	FAILS_WITH_NULL,     /* returns 0; of ITER_NEXT: the last element has been */
	FAILS_WITH_NEGATIVE, /* returns a negative int */
};

/* What the NULL of an acquire means. */
enum null_meaning {
	NULL_IS_OTHER, /* never the count: not found, no memory */
	NULL_IS_ZERO,  /* the count was zero, without doubt */
	NULL_IS_MIXED, /* the count, or something else: the arguments may tell */
};

/* A type that references are held on. */
struct reference_type {
	const char *name;      /* "task_struct", as in BTF and without "struct " */
	enum kft_object object; /* what can be said of one of them */
	bool is_iterator;      /* a trio of bpf_iter_NAME_new, _next and _destroy */
	bool has_count;	       /* false: acquire and release only look like it (scx's idle masks) */
	bool acquired_elsewhere; /* only releases are kfuncs: its balance means nothing */
	const char *note;      /* what is peculiar about it, or NULL */
};

/* A function that can be probed for what it does to references. Owned by the pairing. */
struct reference_function {
	const char *name;
	const struct kfunc *kfunc; /* NULL for destructors that are no kfuncs */
	struct kernel_btf *kbtf;
	__u32 btf_id;  /* FUNC to attach to */
	__u32 abi_id;  /* FUNC with the real parameters */
	__u64 address; /* 0: the compiler left no symbol */
	enum reference_role role;
	int acquires;	/* index of the type that it returns a reference on, -1: none */
	int releases;	/* index of the type that it takes one from, -1: none */
	int object_arg; /* argument word with the object or iterator that is released; -1: none */
	enum reference_failure failure;
	enum null_meaning null_means;
	bool is_new; /* what it returns nobody else has a reference on (bpf_cpumask_create) */
	/*
	 * Of a destructor: the release kfunc that it ends in, by a call or a jump; a probe on that
	 * one sees what the destructor releases, with the kernel as caller. NULL: none.
	 */
	const char *ends_in;
	const char *note; /* why it is not as its flags and its prototype say, or NULL */
};

/*
 * Reads it out of the running kernel. `kernel` must outlive it. Returns 0, or a negative errno.
 */
int pairing__open(struct live_kernel *kernel, struct pairing **pairing);
void pairing__free(struct pairing *pairing);

/* Types sorted by name, iterators behind the others. */
int pairing__nr_types(const struct pairing *pairing);
const struct reference_type *pairing__type(const struct pairing *pairing, int idx);
/* Functions sorted by type, role and name. */
int pairing__nr_functions(const struct pairing *pairing);
const struct reference_function *pairing__function(const struct pairing *pairing, int idx);
/* By name; NULL when it does nothing to references. */
const struct reference_function *pairing__find(const struct pairing *pairing, const char *name);

#endif
