// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loops over open-coded iterators: to the end, to a break, and over iterators that could not be
 * made and must be destroyed nevertheless.
 */
#include "refs.bpf.h"

struct bpf_iter_task {
	__u64 opaque[3];
} __attribute__((aligned(8)));

struct bpf_iter_css {
	__u64 opaque[3];
} __attribute__((aligned(8)));

struct bpf_iter_bits {
	__u64 opaque[2];
} __attribute__((aligned(8)));

struct bpf_iter_num {
	__u64 opaque[1];
} __attribute__((aligned(8)));

int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task__nullable,
		      unsigned int flags) __kfunc;
struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __kfunc;
void bpf_iter_task_destroy(struct bpf_iter_task *it) __kfunc;

int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *start,
		     unsigned int flags) __kfunc;
struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it) __kfunc;
void bpf_iter_css_destroy(struct bpf_iter_css *it) __kfunc;

int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *unsafe_ptr__ign, u32 nr_words) __kfunc;
int *bpf_iter_bits_next(struct bpf_iter_bits *it) __kfunc;
void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __kfunc;

int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __kfunc;
int *bpf_iter_num_next(struct bpf_iter_num *it) __kfunc;
void bpf_iter_num_destroy(struct bpf_iter_num *it) __kfunc;

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	cannot(iterate_tasks, bpf_rcu_read_lock)						\
	cannot(iterate_tasks, bpf_iter_task_new)						\
	may_fail(iterate_tasks, bpf_iter_task_next)						\
	cannot(iterate_tasks, bpf_iter_task_destroy)						\
	cannot(iterate_tasks, bpf_rcu_read_unlock)						\
	may_fail(iterate_css, bpf_cgroup_from_id)						\
	cannot(iterate_css, bpf_rcu_read_lock)							\
	cannot(iterate_css, bpf_iter_css_new)							\
	may_fail(iterate_css, bpf_iter_css_next)						\
	cannot(iterate_css, bpf_iter_css_destroy)						\
	cannot(iterate_css, bpf_rcu_read_unlock)						\
	cannot(iterate_css, bpf_cgroup_release)							\
	cannot(iterate_bits, bpf_iter_bits_new)							\
	may_fail(iterate_bits, bpf_iter_bits_next)						\
	cannot(iterate_bits, bpf_iter_bits_destroy)						\
	cannot(iterate_numbers, bpf_iter_num_new)						\
	may_fail(iterate_numbers, bpf_iter_num_next)						\
	cannot(iterate_numbers, bpf_iter_num_destroy)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) N_ROWS };

TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT) };

enum { TASKS, CSS, BITS, NUMBERS };

struct iteration_row iterations[] SEC(ITERATIONS_SECTION) = {
	[TASKS] = { .type = "task", .program = "iterate_tasks" },
	[CSS] = { .type = "css", .program = "iterate_css" },
	[BITS] = { .type = "bits", .program = "iterate_bits" },
	[NUMBERS] = { .type = "num", .program = "iterate_numbers" },
};

static __always_inline void note(u32 which, int err, u32 elements)
{
	struct iteration_row *row = &iterations[which];
	u64 i = row->made;

	row->destroyed++;
	if (err) {
		row->failed++;
	} else {
		row->made++;
		row->elements += elements;
		if (i < MAX_ITERATIONS)
			row->per_iteration[i] = elements;
	}
	step.value = elements;
	step_done();
}

/* The rest of a loop: one more element, and whether it is enough. */
#define enough(elements) (++(elements) == step.n)

SEC("syscall")
int iterate_tasks(void *context)
{
	struct bpf_iter_task iterator;
	u32 elements = 0;
	int err;

	VOID(iterate_tasks, bpf_rcu_read_lock);
	err = VALUE(iterate_tasks, bpf_iter_task_new, &iterator,
		    (struct task_struct *)bpf_get_current_task_btf(), step.flags);
	while (RESULT(iterate_tasks, bpf_iter_task_next, &iterator)) {
		if (enough(elements))
			break;
	}
	VOID(iterate_tasks, bpf_iter_task_destroy, &iterator);
	VOID(iterate_tasks, bpf_rcu_read_unlock);
	note(TASKS, err, elements);
	return 0;
}

SEC("syscall")
int iterate_css(void *context)
{
	struct bpf_iter_css iterator;
	struct cgroup *cgroup;
	u32 elements = 0;
	int err;

	cgroup = RESULT(iterate_css, bpf_cgroup_from_id, step.cgroup_id);
	if (!cgroup)
		return 0;
	VOID(iterate_css, bpf_rcu_read_lock);
	err = VALUE(iterate_css, bpf_iter_css_new, &iterator, &cgroup->self, step.flags);
	while (RESULT(iterate_css, bpf_iter_css_next, &iterator)) {
		if (enough(elements))
			break;
	}
	VOID(iterate_css, bpf_iter_css_destroy, &iterator);
	VOID(iterate_css, bpf_rcu_read_unlock);
	VOID(iterate_css, bpf_cgroup_release, cgroup);
	note(CSS, err, elements);
	return 0;
}

u64 words[2] = { 0x105, 0x8000000000000000 };

SEC("syscall")
int iterate_bits(void *context)
{
	struct bpf_iter_bits iterator;
	u32 elements = 0;
	int err;

	err = VALUE(iterate_bits, bpf_iter_bits_new, &iterator, words, step.flags);
	while (RESULT(iterate_bits, bpf_iter_bits_next, &iterator)) {
		if (enough(elements))
			break;
	}
	VOID(iterate_bits, bpf_iter_bits_destroy, &iterator);
	note(BITS, err, elements);
	return 0;
}

SEC("syscall")
int iterate_numbers(void *context)
{
	struct bpf_iter_num iterator;
	u32 elements = 0;
	int err;

	err = VALUE(iterate_numbers, bpf_iter_num_new, &iterator, 0, (int)step.flags);
	while (RESULT(iterate_numbers, bpf_iter_num_next, &iterator)) {
		if (enough(elements))
			break;
	}
	VOID(iterate_numbers, bpf_iter_num_destroy, &iterator);
	note(NUMBERS, err, elements);
	return 0;
}
