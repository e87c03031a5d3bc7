/* SPDX-License-Identifier: GPL-2.0-only */
/* Which kfunc it is that an instruction of a loaded program calls (program_calls.h). */
#ifndef KFUNCTRACE_CALL_TARGETS_H
#define KFUNCTRACE_CALL_TARGETS_H

#include <stdbool.h>
#include <linux/types.h>

struct call_targets;
struct kfunc;
struct live_kernel;

struct call_target {
	__u64 address;
	const struct kfunc *kfunc; /* NULL: a function that is not in the registry */
	bool is_twin;		   /* the verifier has put its twin there (kfunc_quirks.h) */
};

/* `kernel` must outlive it. Returns 0 or a negative errno. */
int call_targets__open(struct live_kernel *kernel, struct call_targets **targets);
void call_targets__free(struct call_targets *targets);

/* False when this kernel hides where its functions are: no call can be named. */
bool call_targets__are_known(const struct call_targets *targets);
/* The function so far from __bpf_call_base. */
struct call_target call_targets__at(const struct call_targets *targets, __s32 distance);

#endif
