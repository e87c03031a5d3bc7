/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the objects that `kfunctrace check` is tested with: each is made to meet a verdict on some of the
 * kernels, and never for another reason. What a kernel really does with them, tests/vm/check.t asks it.
 */
#ifndef TESTS_CHECK_BPF_H
#define TESTS_CHECK_BPF_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct cgroup_subsys_state {
	int id;
};

struct cgroup {
	struct cgroup_subsys_state self;
};

struct task_struct {
	int pid;
};

struct file {
	unsigned int f_flags;
};

struct bpf_iter__cgroup {
	struct cgroup *cgroup;
};

struct bpf_key {
	bool has_ref;
};

#pragma clang attribute pop

#ifndef bpf_ksym_exists
#define bpf_ksym_exists(symbol) (!!(symbol))
#endif

/* Weak or not, as the object wants it. */
#ifndef __kfunc
#define __kfunc __ksym __weak
#endif

/* Since 6.2 and later. */
struct task_struct *bpf_task_from_pid(s32 pid) __kfunc;
struct task_struct *bpf_task_acquire(struct task_struct *p) __kfunc;
void bpf_task_release(struct task_struct *p) __kfunc;
/* Only 6.1 and 6.12, and what they are called later. */
void cgroup_rstat_updated(struct cgroup *cgrp, int cpu) __kfunc;
void cgroup_rstat_flush(struct cgroup *cgrp) __kfunc;
void css_rstat_flush(struct cgroup_subsys_state *css) __kfunc;
/* On all of them. */
struct bpf_key *bpf_lookup_user_key(u32 serial, u64 flags) __kfunc;
struct bpf_key *bpf_lookup_system_key(u64 id) __kfunc;
void bpf_key_put(struct bpf_key *key) __kfunc;

#ifndef LICENSE
#define LICENSE "GPL"
#endif

/* Not global: objects are linked together. */
static char own_license[] __attribute__((section("license"), used)) = LICENSE;

#endif
