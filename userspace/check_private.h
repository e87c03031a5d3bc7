/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of check; everybody else uses check.h. */
#ifndef KFUNCTRACE_CHECK_PRIVATE_H
#define KFUNCTRACE_CHECK_PRIVATE_H

#include "check.h"
#include "object_calls.h"

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

/* Adds a finding, of which object and kernel are filled in here. Returns 0 or -ENOMEM. */
int check__add_finding(const struct object_view *view, struct check_finding *finding);
int check__add_program(const struct object_view *view, const struct check_program *program);

/* Judges one program. Returns 0 or -ENOMEM. */
int check_program__judge(const struct object_view *view, const struct object_program *program,
			 bool *is_called);
/* What to say of a kfunc that is not there or does not fit. */
void check__describe_unresolved(const struct object_view *view, size_t kfunc,
				struct check_finding *finding);

#endif
