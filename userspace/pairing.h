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
	REFERENCE_CONVERT, /* takes its argument's away, also when it fails, and returns another */
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
	NULL_IS_OTHER, /* not found, no memory; what has a count of zero is not found either */
	NULL_IS_ZERO,  /* the count was zero, without doubt */
	NULL_IS_MIXED, /* the count, or something else: the arguments may tell */
};

/* A type that references are held on. */
struct reference_type {
	const char *name;	/* "task_struct", as in BTF and without "struct " */
	enum kft_object object; /* what can be said of one of them */
	bool is_iterator;	/* a trio of bpf_iter_NAME_new, _next and _destroy */
	bool has_count; /* false: acquire and release only look like it (scx's idle masks) */
	bool acquired_elsewhere; /* only releases are kfuncs: its balance means nothing */
	/*
	 * The verifier wants it released although acquiring it failed: such a release releases
	 * nothing. True of iterators.
	 */
	bool released_after_failure;
	const char *note; /* what is peculiar about it, or NULL */
};

/* A function that can be probed for what it does to references. Owned by the pairing. */
struct reference_function {
	const char *name;
	/*
	 * NULL for destructors that are no kfuncs. Of the twin that the verifier calls for some
	 * programs (kfunc->twin), the kfunc that these name.
	 */
	const struct kfunc *kfunc;
	struct kernel_btf *kbtf;
	unsigned int generation; /* of kbtf, that the next two are numbers of */
	__u32 btf_id;		 /* FUNC to attach to */
	__u32 abi_id;		 /* FUNC with the real parameters */
	__u64 address;		 /* 0: the compiler left no symbol */
	enum reference_role role;
	int type;     /* index of the type that it is about: `acquires`, else `releases` */
	int acquires; /* index of the type that the program gets a reference on, -1: none */
	int releases; /* index of the type that the program loses one on, -1: none */
	/*
	 * Argument word with the object that is released, the iterator, or what an acquire that
	 * does not return its object fills (bpf_dynptr_from_file); of REFERENCE_MOVE_IN the node in
	 * the object. -1: none, the object is what it returns.
	 */
	int object_arg;
	enum reference_failure failure;
	enum null_meaning null_means;
	bool is_new; /* what it returns nobody else has a reference on (bpf_cpumask_create) */
	/*
	 * The function of this pairing that it calls or jumps to at its beginning: a destructor the
	 * release kfunc, a kfunc's old name its new one (bpf_obj_drop_impl on 7.2). Probes on both
	 * see one call twice; after a jump, with the same caller. NULL: none is seen in the code.
	 */
	const char *ends_in;
	const char *note; /* why it is not as its flags and its prototype say, or NULL */
	bool is_gone;	  /* its module is not loaded now */
};

/*
 * Reads it out of the running kernel. `kernel` must outlive it. Returns 0, or a negative errno.
 */
int pairing__open(struct live_kernel *kernel, struct pairing **pairing);
/*
 * After live_kernel__refresh(): appends what came. Indexes of types and functions stay what they
 * are, and so do pointers to functions (not those to types) and all texts; a function whose module
 * has come back has its old index. Types that the probes in the kernel are told of come from
 * references__know_types(). Returns 0 or a negative errno, -E2BIG when there are more than
 * KFT_MAX_REFERENCE_TYPES types: then functions of the newest types are left out.
 */
int pairing__extend(struct pairing *pairing);
void pairing__free(struct pairing *pairing);

/* Types sorted by name, iterators behind the others; behind them those that came later. */
int pairing__nr_types(const struct pairing *pairing);
const struct reference_type *pairing__type(const struct pairing *pairing, int idx);
/* Functions sorted by type, role and name; behind them those that came later. */
int pairing__nr_functions(const struct pairing *pairing);
const struct reference_function *pairing__function(const struct pairing *pairing, int idx);
/* By name; NULL when it does nothing to references. One that is there goes before one that is gone. */
const struct reference_function *pairing__find(const struct pairing *pairing, const char *name);

#endif
