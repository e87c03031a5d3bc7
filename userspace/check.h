/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether the programs of BPF object files load on kernels, as far as their calls of kfuncs decide: a
 * verdict for each (program, kfunc, kernel), and what follows for the program.
 */
#ifndef KFUNCTRACE_CHECK_H
#define KFUNCTRACE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "snapshot.h"

struct deprecations;
struct text_pool;

enum check_verdict {
	CHECK_OK,
	CHECK_DEAD, /* the verifier does not come to the call there */
	CHECK_MISSING,
	CHECK_MISSING_WEAK,
	CHECK_INCOMPATIBLE, /* libbpf refuses the prototype */
	CHECK_CHANGED,	    /* libbpf does not, and the verifier may */
	CHECK_NOT_ALLOWED,  /* for programs of this type */
	CHECK_FILTERED,	    /* a filter of the kernel's decides */
	CHECK_UNKNOWN,	    /* what the snapshot or the object does not tell */
	CHECK_SLEEPABLE,    /* the kfunc may sleep, the program may not */
	CHECK_NULL,	    /* used without a test for NULL */
	CHECK_RETURNS_NULL, /* it did not on the kernel that the program was built for */
	CHECK_ADDRESS,	    /* the program takes its address, which the kernel refuses */
	CHECK_NO_SYMBOL,    /* registered, but the kernel finds no code */
	CHECK_LICENSE,
	CHECK_DEPRECATED,
	CHECK_MODULE, /* a module has it, which must be loaded first */
	CHECK_NR_VERDICTS
};

/* What follows for loading. In order: the worst of several counts. */
enum check_outcome {
	CHECK_LOADS,
	CHECK_UNDECIDED,
	CHECK_BREAKS,
};

/* All strings here and below belong to the check. */
struct check_finding {
	size_t object, kernel;
	const char *program; /* NULL: no program calls it, and libbpf looks for it all the same */
	const char *section;
	bool autoload;
	const char *kfunc;
	const char *module; /* that has it on that kernel, or NULL */
	enum check_verdict verdict;
	enum check_outcome outcome;
	bool whole_object;	 /* libbpf then loads none of the object's programs */
	const char *what;	 /* NULL when the verdict says it all */
	const char *advice;	 /* what to do, or NULL */
	const char *replacement; /* of a kfunc that is deprecated or gone, or NULL */
	const char *file;	 /* source of the call; NULL: not known */
	int line;
};

/* A program on a kernel. */
struct check_program {
	size_t object, kernel;
	const char *name;
	const char *section;
	const char *type; /* NULL: not known */
	bool sleepable;
	bool autoload;
	int nr_kfuncs; /* that it calls */
	enum check_outcome outcome;
};

struct check_object {
	const char *path;
	const char *error; /* why it could not be judged, or NULL */
};

struct check_kernel {
	const char *name;  /* as it was asked for */
	const char *label; /* as a person calls it: "6.12", or its release */
	struct snapshot snapshot;
	unsigned int version;
};

struct check {
	struct check_kernel *kernels;
	size_t nr_kernels;
	bool has_baseline; /* the first of them is only what programs were built for */
	struct check_object *objects;
	size_t nr_objects;
	struct check_program *programs;
	size_t nr_programs;
	struct check_finding *findings; /* by object, kernel, program, kfunc */
	size_t nr_findings;
	struct deprecations *deprecations;
	struct text_pool *texts;
};

/* "missing-weak": in print and in JSON. */
const char *check_verdict__name(enum check_verdict verdict);
/* One sentence: what the verdict means. */
const char *check_verdict__explain(enum check_verdict verdict);
/* "yes", "no" and "unknown": whether it loads. */
const char *check_outcome__name(enum check_outcome outcome);

/* Returns 0 or -ENOMEM; to be freed in any case. */
int check__init(struct check *check);
void check__free(struct check *check);
/*
 * A kernel by its name (snapshot__open()), before the first object. Returns 0 or a negative errno having
 * said why.
 */
int check__add_kernel(struct check *check, const char *name);
/* The kernel that the programs were built for; before the others. */
int check__add_baseline(struct check *check, const char *name);

/*
 * Judges an object file that is in memory. Returns 0; -ENOEXEC when it is none or not linked yet, another
 * negative errno when it is a damaged one, with the object's `error` set.
 */
int check__object(struct check *check, const char *path, void *data, size_t size);

/* An object file of which nothing could be read: that is not to look like nothing was wrong. Or -ENOMEM. */
int check__unreadable(struct check *check, const char *path, const char *error);

/* Takes the last object back, of which nothing could be judged. */
void check__forget_object(struct check *check);

/* What most people do not want to see: nothing is to be done. */
bool check_finding__is_fine(const struct check_finding *finding);
/* True when the finding makes the exit status 1: the program would be loaded, and is not. */
bool check_finding__counts(const struct check_finding *finding);

#endif
