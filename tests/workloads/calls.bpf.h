/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel types, kfuncs and the counting of calls, for the BPF programs of the workloads.
 *
 * All kfuncs are weak, so that one object serves kernels with different sets of them. Their
 * prototypes are compared by kind only, but structs must be defined, be it with no member.
 */
#ifndef WORKLOADS_CALLS_BPF_H
#define WORKLOADS_CALLS_BPF_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "truth.h"

typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct atomic {
	int counter;
};

struct refcount {
	struct atomic refs;
};

/* The count of a percpu_ref is in here once it has been killed. */
struct percpu_ref_data {
	struct atomic count;
};

struct percpu_ref {
	struct percpu_ref_data *data;
};

struct cgroup_subsys_state {
	int id;
	struct percpu_ref refcnt;
};

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
};

struct cpumask {
	unsigned long bits[1];
};

struct bpf_cpumask {
	struct cpumask cpumask;
	struct refcount usage;
};

struct task_struct {
	int pid;
	unsigned int ptrace;
	struct task_struct *real_parent;
	struct task_struct *parent;
	const struct cpumask *cpus_ptr;
	struct refcount rcu_users;
};

/* The test kfuncs of 6.1. */
struct prog_test_ref_kfunc {
	int a;
	struct refcount cnt;
};

#pragma clang attribute pop

#define __kfunc __ksym __weak

struct task_struct *bpf_task_from_pid(s32 pid) __kfunc;
struct task_struct *bpf_task_acquire(struct task_struct *p) __kfunc;
void bpf_task_release(struct task_struct *p) __kfunc;
long bpf_task_under_cgroup(struct task_struct *task, struct cgroup *ancestor) __kfunc;
struct cgroup *bpf_cgroup_from_id(u64 cgid) __kfunc;
void bpf_cgroup_release(struct cgroup *cgrp) __kfunc;

struct bpf_cpumask *bpf_cpumask_create(void) __kfunc;
void bpf_cpumask_release(struct bpf_cpumask *cpumask) __kfunc;
void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *cpumask) __kfunc;
u32 bpf_cpumask_first(const struct cpumask *cpumask) __kfunc;
u32 bpf_cpumask_any_and_distribute(const struct cpumask *src1, const struct cpumask *src2) __kfunc;
bool bpf_cpumask_intersects(const struct cpumask *src1, const struct cpumask *src2) __kfunc;
u32 bpf_cpumask_weight(const struct cpumask *cpumask) __kfunc;

void bpf_rcu_read_lock(void) __kfunc;
void bpf_rcu_read_unlock(void) __kfunc;

struct prog_test_ref_kfunc *bpf_kfunc_call_test_acquire(unsigned long *scalar_ptr) __kfunc;
void bpf_kfunc_call_test_release(struct prog_test_ref_kfunc *p) __kfunc;
int *bpf_kfunc_call_test_get_rdonly_mem(struct prog_test_ref_kfunc *p,
					const int rdonly_buf_size) __kfunc;
int *bpf_kfunc_call_test_get_rdwr_mem(struct prog_test_ref_kfunc *p,
				      const int rdwr_buf_size) __kfunc;

/* There is no process with such a number, and there is one with this. */
#define NO_PID	 (-1)
#define INIT_PID 1

/* The root of the cgroup hierarchy, and nothing. */
#define ROOT_CGROUP 1
#define NO_CGROUP   (~0ULL >> 1)

/* Rows of the truth; the array must be called `truth`. */
#define TRUTH struct truth_row truth[] SEC(TRUTH_SECTION)
#define CALLS(function, caller)                                                                    \
	{                                                                                          \
		.kfunc = #function, .program = #caller                                             \
	}
#define CALLS_OR_NULL(function, caller)                                                            \
	{                                                                                          \
		.kfunc = #function, .program = #caller, .has_null = 1                              \
	}
#define SITE(function, caller, part)                                                               \
	{                                                                                          \
		.kfunc = #function, .program = #caller, .subprogram = #part                        \
	}
#define SITE_OR_NULL(function, caller, part)                                                       \
	{                                                                                          \
		.kfunc = #function, .program = #caller, .subprogram = #part, .has_null = 1         \
	}
#define KERNEL_CALLS(function)                                                                     \
	{                                                                                          \
		.kfunc = #function                                                                 \
	}
#define KERNEL_CALLS_OR_NULL(function)                                                             \
	{                                                                                          \
		.kfunc = #function, .has_null = 1                                                  \
	}

#define count_call(row) ((void)__sync_fetch_and_add(&truth[row].calls, 1))

/* Counts a call by what it returned, and is that. */
#define count_result(row, result)                                                                  \
	({                                                                                         \
		typeof(result) result__ = (result);                                                \
                                                                                                   \
		count_call(row);                                                                   \
		if (!result__)                                                                     \
			__sync_fetch_and_add(&truth[row].null_returns, 1);                         \
		result__;                                                                          \
	})

/* The same for a row that is about one call site: calls and notes the line. */
#define count_result_at(row, call)                                                                 \
	({                                                                                         \
		truth[row].line = __LINE__;                                                        \
		count_result(row, call);                                                           \
	})
#define count_call_at(row, call)                                                                   \
	do {                                                                                       \
		truth[row].line = __LINE__;                                                        \
		call;                                                                              \
		count_call(row);                                                                   \
	} while (0)

/*
 * bpf_task_from_pid() calls bpf_task_acquire() inside, when there is such a task. That its count
 * may have become zero already cannot be seen from here, so ask for no task that is about to go.
 */
#define count_task_from_pid(row, kernel_row, pid)                                                  \
	({                                                                                         \
		struct task_struct *task__ = bpf_task_from_pid(pid);                               \
                                                                                                   \
		if (task__)                                                                        \
			count_call(kernel_row);                                                    \
		count_result(row, task__);                                                         \
	})

#define count_task_from_pid_at(row, kernel_row, pid)                                               \
	({                                                                                         \
		truth[row].line = __LINE__;                                                        \
		count_task_from_pid(row, kernel_row, pid);                                         \
	})

char LICENSE[] SEC("license") = "GPL";

#endif
