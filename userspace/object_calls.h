/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of a BPF object file call: its functions, who refers to whom, and the kfuncs that
 * it declares (extern ... __ksym).
 */
#ifndef KFUNCTRACE_OBJECT_CALLS_H
#define KFUNCTRACE_OBJECT_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "object_file.h"
#include "prog_section.h"

/* A function that the object declares as one of the kernel's. */
struct object_kfunc {
	const char *declared; /* "bpf_task_acquire___new" */
	char *name;	      /* what libbpf looks for: without ___ and what follows */
	bool is_weak;
	__u32 proto_id; /* FUNC_PROTO in the object's BTF */
};

enum object_ref_kind {
	REF_CALL,     /* of a function of the object */
	REF_CALLBACK, /* its address is taken */
	REF_KFUNC_CALL,
	REF_KFUNC_ADDRESS,  /* as bpf_ksym_exists() does */
	REF_DATA,	    /* address in a section of constants */
	REF_KERNEL_VERSION, /* LINUX_KERNEL_VERSION of .kconfig */
	REF_CONFIG,	    /* something else that libbpf fills in */
	REF_CORE_TEST,	    /* whether the kernel has something, which libbpf fills in (CO-RE) */
	REF_CORE,	    /* another constant of that kind */
	REF_NEAR_CALL,	    /* inside only: a call that has no relocation */
};

struct object_ref {
	size_t insn; /* in the section */
	enum object_ref_kind kind;
	size_t target; /* index of the function or kfunc; number of the section */
	__u64 offset;  /* REF_DATA: in it */
};

/* A function of the object: a program, or what programs call. */
struct object_function {
	const char *name;
	size_t section;
	size_t begin, end; /* instructions */
	bool is_global;	   /* the verifier looks at it on its own */
	/* References from within, sorted by instruction. */
	const struct object_ref *refs;
	size_t nr_refs;
};

struct object_program {
	const char *name;
	const char *section_name; /* without '?' */
	struct prog_section section;
	size_t function;
};

struct object_calls {
	const struct object_file *file;
	struct object_kfunc *kfuncs;
	size_t nr_kfuncs;
	struct object_function *functions; /* sorted by section and place */
	size_t nr_functions;
	struct object_program *programs;
	size_t nr_programs;
	struct object_ref *refs;
	size_t nr_refs;
	char error[160];
};

/*
 * `file` must outlive it. Returns 0 or a negative errno, -ENOEXEC when the object is not linked yet: `error`
 * says what is wrong with it. To be freed in any case.
 */
int object_calls__read(struct object_calls *calls, const struct object_file *file);
void object_calls__free(struct object_calls *calls);

/* The reference at an instruction of a function, or NULL. */
const struct object_ref *object_function__ref(const struct object_function *function, size_t insn);
/* The source line of an instruction. False when it is not known. */
bool object_calls__line(const struct object_calls *calls, const struct object_function *function,
			size_t insn, const char **file, int *line);
/*
 * Marks in `used` (one for each function) those which libbpf loads with a program: itself and all that
 * it refers to, however the code runs. Returns 0 or -ENOMEM.
 */
int object_calls__closure(const struct object_calls *calls, size_t function, bool *used);

#endif
