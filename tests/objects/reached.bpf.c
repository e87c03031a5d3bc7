// SPDX-License-Identifier: GPL-2.0-only
/* Calls behind calls: in functions, in callbacks, in functions that the verifier looks at apart. */
#include "check.bpf.h"

const volatile bool no = false;

static __noinline int deep(u32 pid)
{
	struct task_struct *found = bpf_task_from_pid(pid);

	if (found)
		bpf_task_release(found);
	return pid + 1;
}

static __noinline int middle(u32 pid)
{
	return deep(pid) + bpf_get_smp_processor_id();
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(reached_by_function, struct task_struct *task)
{
	return middle(task->pid) > 7 ? 0 : 1;
}

static long callback(u32 index, void *context)
{
	return deep(index) < 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(reached_by_callback, struct task_struct *task)
{
	bpf_loop(4, callback, NULL, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(reached_by_dead_function, struct task_struct *task)
{
	return no ? middle(task->pid) : 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(reached_by_dead_callback, struct task_struct *task)
{
	if (no)
		bpf_loop(4, callback, NULL, 0);
	return 0;
}

/* Global: older kernels look at it also when nobody calls it. */
__noinline int global_function(u32 pid)
{
	struct task_struct *found = bpf_task_from_pid(pid);

	if (found)
		bpf_task_release(found);
	return pid ? 1 : 2;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(reached_by_global, struct task_struct *task)
{
	return global_function(task->pid) ? 0 : 1;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(reached_by_dead_global, struct task_struct *task)
{
	return no ? global_function(task->pid) : 0;
}

/* The same for what is gone on the newest. */
__noinline int global_gone(u32 pid)
{
	cgroup_rstat_flush(NULL);
	return pid ? 1 : 2;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(reached_by_dead_gone, struct task_struct *task)
{
	return no ? global_gone(task->pid) : 0;
}

/* The verifier knows what is passed to functions, and what they return. */
static __noinline int find_if(bool wanted, u32 pid)
{
	return wanted ? middle(pid) : 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(reached_by_false_argument, struct task_struct *task)
{
	return find_if(no, task->pid) ? 0 : 1;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(reached_by_argument, struct task_struct *task)
{
	return find_if(!no, task->pid) ? 0 : 1;
}

static __noinline bool is_wanted(void)
{
	return no;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(reached_by_false_result, struct task_struct *task)
{
	return is_wanted() ? middle(task->pid) : 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(reached_by_nobody, struct task_struct *task)
{
	return task->pid == 1;
}
