/* SPDX-License-Identifier: GPL-2.0-only */
/* The smallest tracing program there is: to find out what a kernel allows by asking it. */
#ifndef KFUNCTRACE_STUB_PROG_H
#define KFUNCTRACE_STUB_PROG_H

#include <linux/bpf.h>
#include <linux/types.h>

struct btf;

/* A function of the kernel's BPF self tests that every test run of a tracing program calls. */
#define STUB_TEST_FUNCTION "bpf_fentry_test1"

/*
 * Loads a program that does nothing, for the FUNC `btf_id` of the BTF object `btf_fd` (0: vmlinux)
 * and a tracing attach type. Loading is where the kernel says that a function is denied. Returns
 * its fd or a negative errno.
 */
int stub_prog__load(enum bpf_attach_type type, __u32 btf_id, int btf_fd);

/* Runs a loaded tracing program's test: the kernel then calls its own bpf_fentry_test functions. */
int stub_prog__run_tests(int prog_fd);

/*
 * Loads a stub for STUB_TEST_FUNCTION, attaches it (BPF_TRACE_FENTRY or BPF_TRACE_FEXIT) and makes
 * the kernel call that function: the only honest answer to whether this kernel lets us trace.
 * Returns 0 or a negative errno; -ENOSYS when the kernel lacks the function.
 */
int stub_prog__try_attach(const struct btf *vmlinux, enum bpf_attach_type type);

#endif
