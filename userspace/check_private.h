/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of check; everybody else uses check.h. */
#ifndef KFUNCTRACE_CHECK_PRIVATE_H
#define KFUNCTRACE_CHECK_PRIVATE_H

#include "check.h"
#include "object_calls.h"
#include "object_flow.h"

/* What libbpf finds for a kfunc that an object declares. */
enum resolution {
	RESOLVED,
	ABSENT,
	MISMATCH, /* a prototype that it refuses */
};

/* An object on a kernel. */
struct object_view {
	struct check *check;
	size_t object, kernel;
	const struct object_calls *calls;
	/* By the object's kfuncs. */
	enum resolution *resolutions;
	const struct snapshot_kfunc **have; /* NULL: the kernel has none of that name */
	const char **why;		    /* of a mismatch, or of a doubtful match */
	bool *is_doubtful;
	enum check_outcome outcome; /* of the object as a whole */
};

/* A program on a kernel, and one of its kfuncs at a time. */
struct judgement {
	const struct object_view *view;
	const struct object_program *program;
	const struct check_kernel *kernel;
	struct flow flow;
	bool *used;		      /* functions that are loaded with it */
	bool has_sleepable_callbacks; /* some function of it may run where sleeping is allowed */
	enum check_outcome outcome;
	int nr_kfuncs;
	/* The kfunc. */
	size_t idx;
	const struct object_kfunc *kfunc;
	const struct snapshot_kfunc *have;
	const struct snapshot_hook *hook;
	const struct flow_call *call; /* one that is reached, if any is */
	const struct flow_call *misused;
	size_t address_function, address_insn;
	bool is_address_taken;
	bool is_found; /* something was said about it */
};

/* Adds a finding, of which object and kernel are filled in here. Returns 0 or -ENOMEM. */
int check__add_finding(const struct object_view *view, struct check_finding *finding);
int check__add_program(const struct object_view *view, const struct check_program *program);

/* Judges one program. Returns 0 or -ENOMEM. */
int check_program__judge(const struct object_view *view, const struct object_program *program,
			 bool *is_called);
/* Says all that there is to say about the kfunc in hand. Returns 0 or -ENOMEM. */
int check_kfunc__judge(struct judgement *judgement);
/* The hook that decides for programs of a type, and whose flags count; NULL: none, or not known. */
const struct snapshot_hook *check__hook_of(const struct snapshot_kfunc *kfunc, const char *type);
/* What to say of a kfunc that is not there or does not fit. */
void check__describe_unresolved(const struct object_view *view, size_t kfunc,
				struct check_finding *finding);

#endif
