/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which calls of kfuncs the verifier comes to when it walks through a program on a given kernel. Code
 * behind a test that is false there (bpf_ksym_exists(), a constant, LINUX_KERNEL_VERSION) is dead to it.
 */
#ifndef KFUNCTRACE_OBJECT_FLOW_H
#define KFUNCTRACE_OBJECT_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct object_calls;
struct object_program;

/* What of a kernel decides on the way through a program; arrays by the object's kfuncs. */
struct flow_kernel {
	const bool *has;	   /* libbpf finds it there */
	const bool *may_be_null;   /* what it returns */
	const __u8 *refuses_null;  /* a bit for each argument */
	__u32 version_code;	   /* LINUX_KERNEL_VERSION; 0: not known */
	bool skips_unused_globals; /* the verifier looks only at global functions that are called */
};

/* A call of a kfunc. */
struct flow_call {
	size_t kfunc;
	size_t function; /* where it stands */
	size_t insn;
	bool is_reached;	  /* the verifier comes here, as far as can be told */
	bool is_certain;	  /* it does without doubt */
	bool in_callback;	  /* only functions get here whose address was taken */
	bool is_tested;		  /* what it returned is compared with NULL */
	bool is_misused;	  /* what it may have returned is used as if it were not NULL ... */
	bool is_misused_for_sure; /* or on a way that the verifier may know to be none */
	size_t misused_at;	  /* ... here, in the same function */
};

struct flow {
	struct flow_call *calls; /* all of the program, also what is not reached */
	size_t nr;
};

/* Returns 0 or -ENOMEM; to be freed in any case. */
int object_flow__follow(const struct object_calls *calls, const struct object_program *program,
			const struct flow_kernel *kernel, struct flow *flow);
void flow__free(struct flow *flow);

#endif
