// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loops that `make bench` measures: one cheap kfunc, called again and again from one call site,
 * and the clock read before and after. Nothing else is in the loop but the release of what the
 * kfunc acquired, so that what a tracer adds to one call or one pair is the difference of two such
 * figures.
 */
#include <linux/types.h>
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

struct prog_test_ref_kfunc {
	int a;
} __attribute__((preserve_access_index));

struct bpf_cpumask {
	int usage;
} __attribute__((preserve_access_index));

/* Since 6.2. */
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;
/* Since 6.3. */
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym __weak;
extern struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *cpumask) __ksym __weak;
extern void bpf_cpumask_release(struct bpf_cpumask *cpumask) __ksym __weak;
/* The only cheap one of 6.1 that may return NULL; later it is in a module. */
extern struct prog_test_ref_kfunc *bpf_kfunc_call_test_acquire(unsigned long *scalar) __ksym __weak;
extern void bpf_kfunc_call_test_release(struct prog_test_ref_kfunc *p) __ksym __weak;

const volatile __u32 nr_calls = 1;
__u64 elapsed_ns;

static long acquire_task(__u32 i, void *ctx)
{
	struct task_struct *task = bpf_task_acquire(bpf_get_current_task_btf());

	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("syscall")
int loop_task(void *ctx)
{
	__u64 begin = bpf_ktime_get_ns();

	bpf_loop(nr_calls, acquire_task, NULL, 0);
	elapsed_ns = bpf_ktime_get_ns() - begin;
	return 0;
}

static long acquire_mask(__u32 i, struct bpf_cpumask **mask)
{
	bpf_cpumask_release(bpf_cpumask_acquire(*mask));
	return 0;
}

/* One reference is held all the time: the object is never new and never free. */
SEC("syscall")
int loop_mask(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	__u64 begin;

	if (!mask)
		return 1;
	begin = bpf_ktime_get_ns();
	bpf_loop(nr_calls, acquire_mask, &mask, 0);
	elapsed_ns = bpf_ktime_get_ns() - begin;
	bpf_cpumask_release(mask);
	return 0;
}

static long create_mask(__u32 i, void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

/* An object of its own in each turn. */
SEC("syscall")
int loop_new_mask(void *ctx)
{
	__u64 begin = bpf_ktime_get_ns();

	bpf_loop(nr_calls, create_mask, NULL, 0);
	elapsed_ns = bpf_ktime_get_ns() - begin;
	return 0;
}

static long acquire_test(__u32 i, void *ctx)
{
	unsigned long scalar = 0;
	struct prog_test_ref_kfunc *test = bpf_kfunc_call_test_acquire(&scalar);

	if (test)
		bpf_kfunc_call_test_release(test);
	return 0;
}

SEC("tc")
int loop_test(struct __sk_buff *skb)
{
	__u64 begin = bpf_ktime_get_ns();

	bpf_loop(nr_calls, acquire_test, NULL, 0);
	elapsed_ns = bpf_ktime_get_ns() - begin;
	return 0;
}

/* What the kernel's trampoline costs, whoever is behind it. */
SEC("fentry")
int empty_entry(void *ctx)
{
	return 0;
}

SEC("fexit")
int empty_exit(void *ctx)
{
	return 0;
}
