/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_BPF_ITER_RUN_H
#define KFUNCTRACE_BPF_ITER_RUN_H

#include <stddef.h>

struct bpf_program;
union bpf_iter_link_info;

/*
 * Runs a loaded iterator program to its end. *data is malloc'ed and holds the *size bytes that it
 * wrote. `info` narrows what is iterated over; NULL: everything. Returns 0 or a negative errno.
 */
int bpf_iter_run(const struct bpf_program *prog, union bpf_iter_link_info *info, char **data,
		 size_t *size);

#endif
