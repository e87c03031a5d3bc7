// SPDX-License-Identifier: GPL-2.0-only
/* Kfuncs behind filters of the kernel's, which are only for LSM programs, or only for iterators. */
#include "check.bpf.h"

struct sock_common {
	int unused;
};

struct file *bpf_get_task_exe_file(struct task_struct *task) __kfunc;
void bpf_put_file(struct file *file) __kfunc;
int bpf_sock_destroy(struct sock_common *sock) __kfunc;

SEC("lsm.s/task_alloc")
int BPF_PROG(filters_lsm, struct task_struct *task)
{
	struct file *file = bpf_get_task_exe_file(bpf_get_current_task_btf());

	if (file)
		bpf_put_file(file);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(filters_tp, struct task_struct *task)
{
	struct file *file = bpf_get_task_exe_file(bpf_get_current_task_btf());

	if (file)
		bpf_put_file(file);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(filters_sock, struct task_struct *task)
{
	bpf_sock_destroy((void *)task);
	return 0;
}
