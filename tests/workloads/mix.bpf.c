// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kfuncs of every kind that there are programs for without much ado: each program has a kind.
 */
/* Newer headers define these types; older ones, with which this is built as well, do not. */
#define bpf_iter_num  newer_iter_num
#define bpf_list_head newer_list_head
#define bpf_list_node newer_list_node
#include "rows.bpf.h"
#undef bpf_iter_num
#undef bpf_list_head
#undef bpf_list_node

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(mix_cpumask, bpf_cpumask_create)						\
	cannot(mix_cpumask, bpf_cpumask_acquire)						\
	cannot(mix_cpumask, bpf_cpumask_release)						\
	cannot(mix_cpumask, bpf_cpumask_set_cpu)						\
	cannot(mix_cpumask, bpf_cpumask_clear_cpu)						\
	cannot(mix_cpumask, bpf_cpumask_test_cpu)						\
	cannot(mix_cpumask, bpf_cpumask_setall)							\
	cannot(mix_cpumask, bpf_cpumask_clear)							\
	cannot(mix_cpumask, bpf_cpumask_and)							\
	cannot(mix_cpumask, bpf_cpumask_or)							\
	cannot(mix_cpumask, bpf_cpumask_equal)							\
	cannot(mix_cpumask, bpf_cpumask_first)							\
	cannot(mix_cpumask, bpf_cpumask_weight)							\
	may_fail(mix_tasks, bpf_task_from_pid)							\
	may_fail(mix_tasks, bpf_task_acquire)							\
	cannot(mix_tasks, bpf_task_release)							\
	cannot(mix_tasks, bpf_task_under_cgroup)						\
	may_fail(mix_tasks, bpf_cgroup_from_id)							\
	cannot(mix_tasks, bpf_cgroup_release)							\
	may_fail(mix_cgroups, bpf_cgroup_from_id)						\
	may_fail(mix_cgroups, bpf_cgroup_acquire)						\
	may_fail(mix_cgroups, bpf_cgroup_ancestor)						\
	cannot(mix_cgroups, bpf_cgroup_release)							\
	cannot(mix_iterators, bpf_iter_bits_new)						\
	may_fail(mix_iterators, bpf_iter_bits_next)						\
	cannot(mix_iterators, bpf_iter_bits_destroy)						\
	cannot(mix_numbers, bpf_iter_num_new)							\
	may_fail(mix_numbers, bpf_iter_num_next)						\
	cannot(mix_numbers, bpf_iter_num_destroy)						\
	cannot(mix_sections, bpf_rcu_read_lock)							\
	cannot(mix_sections, bpf_rcu_read_unlock)						\
	cannot(mix_sections, bpf_preempt_disable)						\
	cannot(mix_sections, bpf_preempt_enable)						\
	may_fail(mix_objects, bpf_obj_new_impl)							\
	cannot(mix_objects, bpf_obj_drop_impl)							\
	cannot(mix_objects, bpf_list_push_front_impl)						\
	may_fail(mix_objects, bpf_list_pop_back)						\
	cannot(mix_packet, bpf_dynptr_from_skb)							\
	cannot(mix_packet, bpf_dynptr_size)							\
	cannot(mix_packet, bpf_dynptr_is_null)							\
	cannot(mix_packet, bpf_dynptr_adjust)							\
	cannot(mix_packet, bpf_dynptr_clone)							\
	may_fail(mix_packet, bpf_dynptr_slice)							\
	cannot(mix_frame, bpf_dynptr_from_xdp)							\
	cannot(mix_frame, bpf_dynptr_is_rdonly)							\
	cannot(mix_strings, bpf_strcmp)								\
	cannot(mix_strings, bpf_strlen)								\
	cannot(mix_strings, bpf_strstr)								\
	may_fail(mix_event, bpf_task_acquire)							\
	cannot(mix_event, bpf_task_release)							\
	may_fail(mix_old, bpf_kfunc_call_test_acquire)						\
	cannot(mix_old, bpf_kfunc_call_test_release)						\
	may_fail(mix_old, bpf_kfunc_call_test_get_rdonly_mem)					\
	may_fail(mix_old, bpf_kfunc_call_test_get_rdwr_mem)					\
	cannot(mix_old, bpf_kfunc_call_test_ref)						\
	cannot(mix_old, bpf_kfunc_call_test_mem_len_pass1)					\
	cannot(mix_old, bpf_kfunc_call_test_pass_ctx)						\
	may_fail(mix_old_event, bpf_kfunc_call_test_acquire)					\
	cannot(mix_old_event, bpf_kfunc_call_test_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) KERNEL_ACQUIRE };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT)[KERNEL_ACQUIRE] = KERNEL_CALLS_OR_NULL(bpf_task_acquire) };

struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *cpumask) __kfunc;
void bpf_cpumask_clear_cpu(u32 cpu, struct bpf_cpumask *cpumask) __kfunc;
bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) __kfunc;
void bpf_cpumask_setall(struct bpf_cpumask *cpumask) __kfunc;
void bpf_cpumask_clear(struct bpf_cpumask *cpumask) __kfunc;
bool bpf_cpumask_and(struct bpf_cpumask *dst, const struct cpumask *src1,
		     const struct cpumask *src2) __kfunc;
void bpf_cpumask_or(struct bpf_cpumask *dst, const struct cpumask *src1,
		    const struct cpumask *src2) __kfunc;
bool bpf_cpumask_equal(const struct cpumask *src1, const struct cpumask *src2) __kfunc;

SEC("syscall")
int mix_cpumask(void *context)
{
	struct bpf_cpumask *some, *again;
	const struct cpumask *mask;

	some = RESULT(mix_cpumask, bpf_cpumask_create);
	if (!some)
		return 0;
	mask = &some->cpumask;
	VOID(mix_cpumask, bpf_cpumask_setall, some);
	VOID(mix_cpumask, bpf_cpumask_clear, some);
	VOID(mix_cpumask, bpf_cpumask_set_cpu, 1, some);
	VOID(mix_cpumask, bpf_cpumask_set_cpu, 2, some);
	VOID(mix_cpumask, bpf_cpumask_clear_cpu, 1, some);
	VALUE(mix_cpumask, bpf_cpumask_test_cpu, 2, mask);
	VALUE(mix_cpumask, bpf_cpumask_first, mask);
	VALUE(mix_cpumask, bpf_cpumask_weight, mask);
	VALUE(mix_cpumask, bpf_cpumask_and, some, mask, mask);
	VOID(mix_cpumask, bpf_cpumask_or, some, mask, mask);
	VALUE(mix_cpumask, bpf_cpumask_equal, mask, mask);
	again = VALUE(mix_cpumask, bpf_cpumask_acquire, some);
	VOID(mix_cpumask, bpf_cpumask_release, again);
	VOID(mix_cpumask, bpf_cpumask_release, some);
	return 0;
}

SEC("syscall")
int mix_tasks(void *context)
{
	struct task_struct *task, *again;
	struct cgroup *root;

	task = count_task_from_pid(ROW(mix_tasks, bpf_task_from_pid), KERNEL_ACQUIRE, INIT_PID);
	if (!task)
		return 0;
	root = RESULT(mix_tasks, bpf_cgroup_from_id, ROOT_CGROUP);
	if (root) {
		VALUE(mix_tasks, bpf_task_under_cgroup, task, root);
		VOID(mix_tasks, bpf_cgroup_release, root);
	}
	again = RESULT(mix_tasks, bpf_task_acquire, task);
	if (again)
		VOID(mix_tasks, bpf_task_release, again);
	VOID(mix_tasks, bpf_task_release, task);
	return 0;
}

struct cgroup *bpf_cgroup_acquire(struct cgroup *cgrp) __kfunc;
struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgrp, int level) __kfunc;

SEC("syscall")
int mix_cgroups(void *context)
{
	struct cgroup *root, *other;

	root = RESULT(mix_cgroups, bpf_cgroup_from_id, ROOT_CGROUP);
	if (!root)
		return 0;
	other = RESULT(mix_cgroups, bpf_cgroup_acquire, root);
	if (other)
		VOID(mix_cgroups, bpf_cgroup_release, other);
	other = RESULT(mix_cgroups, bpf_cgroup_ancestor, root, 0);
	if (other)
		VOID(mix_cgroups, bpf_cgroup_release, other);
	other = RESULT(mix_cgroups, bpf_cgroup_ancestor, root, 3);
	if (other)
		VOID(mix_cgroups, bpf_cgroup_release, other);
	VOID(mix_cgroups, bpf_cgroup_release, root);
	return 0;
}

struct bpf_iter_bits {
	__u64 opaque[2];
} __attribute__((aligned(8)));

int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *unsafe_ptr__ign, u32 nr_words) __kfunc;
int *bpf_iter_bits_next(struct bpf_iter_bits *it) __kfunc;
void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __kfunc;

SEC("syscall")
int mix_iterators(void *context)
{
	struct bpf_iter_bits bits;
	u64 words = 0x105;
	int n = 0;

	VALUE(mix_iterators, bpf_iter_bits_new, &bits, &words, 1);
	while (RESULT(mix_iterators, bpf_iter_bits_next, &bits))
		n++;
	VOID(mix_iterators, bpf_iter_bits_destroy, &bits);
	return n;
}

struct bpf_iter_num {
	__u64 opaque[1];
} __attribute__((aligned(8)));

int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __kfunc;
int *bpf_iter_num_next(struct bpf_iter_num *it) __kfunc;
void bpf_iter_num_destroy(struct bpf_iter_num *it) __kfunc;

SEC("syscall")
int mix_numbers(void *context)
{
	struct bpf_iter_num numbers;
	int n = 0;

	VALUE(mix_numbers, bpf_iter_num_new, &numbers, 0, 5);
	while (RESULT(mix_numbers, bpf_iter_num_next, &numbers))
		n++;
	VOID(mix_numbers, bpf_iter_num_destroy, &numbers);
	return n;
}

void bpf_preempt_disable(void) __kfunc;
void bpf_preempt_enable(void) __kfunc;

SEC("syscall")
int mix_sections(void *context)
{
	VOID(mix_sections, bpf_rcu_read_lock);
	VOID(mix_sections, bpf_preempt_disable);
	VOID(mix_sections, bpf_preempt_enable);
	VOID(mix_sections, bpf_rcu_read_unlock);
	return 0;
}

struct bpf_list_head {
	__u64 opaque[2];
} __attribute__((aligned(8)));

struct bpf_list_node {
	__u64 opaque[3];
} __attribute__((aligned(8)));

void *bpf_obj_new_impl(u64 local_type_id__k, void *meta__ign) __kfunc;
void bpf_obj_drop_impl(void *p__alloc, void *meta__ign) __kfunc;
int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node,
			     void *meta__ign, u64 off) __kfunc;
struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *head) __kfunc;

struct element {
	struct bpf_list_node node;
	__u64 value;
};

/* The verifier finds out by these names what the list holds, and what protects it. */
#define private(name) SEC(".data." #name) __attribute__((visibility("hidden"), aligned(8)))
private(elements) struct bpf_spin_lock lock;
private(elements) struct bpf_list_head list __attribute__((btf_decl_tag("contains:element:node")));

SEC("tc")
int mix_objects(struct __sk_buff *skb)
{
	struct bpf_list_node *node;
	struct element *element;

	element =
		RESULT(mix_objects, bpf_obj_new_impl, bpf_core_type_id_local(struct element), NULL);
	if (!element)
		return 0;
	bpf_spin_lock(&lock);
	VALUE(mix_objects, bpf_list_push_front_impl, &list, &element->node, NULL, 0);
	node = RESULT(mix_objects, bpf_list_pop_back, &list);
	bpf_spin_unlock(&lock);
	if (!node)
		return 0;
	element = (void *)node - offsetof(struct element, node);
	VOID(mix_objects, bpf_obj_drop_impl, element, NULL);
	return 0;
}

int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit) __kfunc;
u64 bpf_dynptr_size(const struct bpf_dynptr *p) __kfunc;
bool bpf_dynptr_is_null(const struct bpf_dynptr *p) __kfunc;
int bpf_dynptr_adjust(const struct bpf_dynptr *p, u64 start, u64 end) __kfunc;
int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone__uninit) __kfunc;
void *bpf_dynptr_slice(const struct bpf_dynptr *p, u64 offset, void *buffer,
		       u64 buffer__szk) __kfunc;

SEC("tc")
int mix_packet(struct __sk_buff *skb)
{
	struct bpf_dynptr packet, copy;
	char buffer[8];

	if (VALUE(mix_packet, bpf_dynptr_from_skb, skb, 0, &packet))
		return 0;
	VALUE(mix_packet, bpf_dynptr_size, &packet);
	VALUE(mix_packet, bpf_dynptr_is_null, &packet);
	VALUE(mix_packet, bpf_dynptr_clone, &packet, &copy);
	VALUE(mix_packet, bpf_dynptr_adjust, &copy, 4, 20);
	(void)RESULT(mix_packet, bpf_dynptr_slice, &copy, 0, buffer, sizeof(buffer));
	(void)RESULT(mix_packet, bpf_dynptr_slice, &copy, 16, buffer, sizeof(buffer));
	return 0;
}

int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *ptr__uninit) __kfunc;
bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p) __kfunc;

SEC("xdp")
int mix_frame(struct xdp_md *xdp)
{
	struct bpf_dynptr frame;

	if (!VALUE(mix_frame, bpf_dynptr_from_xdp, xdp, 0, &frame))
		VALUE(mix_frame, bpf_dynptr_is_rdonly, &frame);
	return XDP_PASS;
}

int bpf_strcmp(const char *s1__ign, const char *s2__ign) __kfunc;
int bpf_strlen(const char *s__ign) __kfunc;
int bpf_strstr(const char *s1__ign, const char *s2__ign) __kfunc;

const char hay[] = "hay with a needle in it";
const char needle[] = "needle";

SEC("syscall")
int mix_strings(void *context)
{
	VALUE(mix_strings, bpf_strcmp, hay, needle);
	VALUE(mix_strings, bpf_strlen, hay);
	return VALUE(mix_strings, bpf_strstr, hay, needle);
}

/* A test run calls bpf_fentry_test1(). */
SEC("fentry/bpf_fentry_test1")
int BPF_PROG(mix_event, int a)
{
	struct task_struct *task;

	task = RESULT(mix_event, bpf_task_acquire,
		      (struct task_struct *)bpf_get_current_task_btf());
	if (task)
		VOID(mix_event, bpf_task_release, task);
	return 0;
}

void bpf_kfunc_call_test_ref(struct prog_test_ref_kfunc *p) __kfunc;
void bpf_kfunc_call_test_mem_len_pass1(void *mem, int mem__sz) __kfunc;
void bpf_kfunc_call_test_pass_ctx(struct __sk_buff *skb) __kfunc;

SEC("tc")
int mix_old(struct __sk_buff *skb)
{
	struct prog_test_ref_kfunc *object;
	unsigned long number = 0;

	VOID(mix_old, bpf_kfunc_call_test_pass_ctx, skb);
	VOID(mix_old, bpf_kfunc_call_test_mem_len_pass1, &number, sizeof(number));
	object = RESULT(mix_old, bpf_kfunc_call_test_acquire, &number);
	if (!object)
		return 0;
	VOID(mix_old, bpf_kfunc_call_test_ref, object);
	(void)RESULT(mix_old, bpf_kfunc_call_test_get_rdonly_mem, object, 9);
	(void)RESULT(mix_old, bpf_kfunc_call_test_get_rdwr_mem, object, 8);
	VOID(mix_old, bpf_kfunc_call_test_release, object);
	return 0;
}

SEC("fentry/bpf_fentry_test1")
int BPF_PROG(mix_old_event, int a)
{
	struct prog_test_ref_kfunc *object;
	unsigned long number = a;

	object = RESULT(mix_old_event, bpf_kfunc_call_test_acquire, &number);
	if (object)
		VOID(mix_old_event, bpf_kfunc_call_test_release, object);
	return 0;
}
