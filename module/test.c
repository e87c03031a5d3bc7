// SPDX-License-Identifier: GPL-2.0
/*
 * kfunctrace_test.ko: kfuncs for tests. Each counts its calls itself, as the truth that tests
 * compare with: debugfs has them in kfunctrace_test/calls.
 *
 * BPF programs may call them in any context, also in that of an NMI: nothing here takes a lock. And
 * they may call them with anything that the verifier lets through.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "test.h"
#include "version.h"

#define N_OBJECTS	 1024
#define MAX_HOLDS	 (1 << 30) /* far from where a refcount_t saturates, with a warning */
#define MAX_SLEEP_US	 10000
#define MAX_KERNEL_CALLS 1000000
#define MAX_ITERATIONS	 65536

/* --- counting -------------------------------------------------------------------- */

/* clang-format off */
#define FOR_EACH_KFUNC(do)					\
	do(kfunctrace_test_object_create)			\
	do(kfunctrace_test_object_find)				\
	do(kfunctrace_test_object_acquire)			\
	do(kfunctrace_test_object_kptr_get)			\
	do(kfunctrace_test_object_release)			\
	do(kfunctrace_test_object_leak)				\
	do(kfunctrace_test_object_destroy)			\
	do(kfunctrace_test_object_peek)				\
	do(kfunctrace_test_object_index)			\
	do(kfunctrace_test_object_expire)			\
	do(kfunctrace_test_plain)				\
	do(kfunctrace_test_old)					\
	do(kfunctrace_test_no_site)				\
	do(kfunctrace_test_by_kernel)				\
	do(kfunctrace_test_sleepable)				\
	do(kfunctrace_test_destructive)				\
	do(kfunctrace_test_perfmon)				\
	do(kfunctrace_test_spinlock_safe)			\
	do(kfunctrace_test_implicit)				\
	do(kfunctrace_test_sum)					\
	do(bpf_iter_kfunctrace_test_new)			\
	do(bpf_iter_kfunctrace_test_next)			\
	do(bpf_iter_kfunctrace_test_destroy)
/* clang-format on */

#define NUMBER_OF(name) NUMBER_##name,
#define NAME_OF(name)	#name,

enum { FOR_EACH_KFUNC(NUMBER_OF) N_KFUNCS };

static const char *const names[] = { FOR_EACH_KFUNC(NAME_OF) };

struct test_counts {
	u64 calls[N_KFUNCS];
	u64 nulls[N_KFUNCS];
};

static DEFINE_PER_CPU(struct test_counts, test_counts);

#define COUNT_CALL(name) this_cpu_inc(test_counts.calls[NUMBER_##name])

/* Returns the pointer, and counts when it is NULL. */
#define COUNT_RESULT(name, pointer)                                                                \
	({                                                                                         \
		typeof(pointer) pointer__ = (pointer);                                             \
                                                                                                   \
		COUNT_CALL(name);                                                                  \
		if (!pointer__)                                                                    \
			this_cpu_inc(test_counts.nulls[NUMBER_##name]);                            \
		pointer__;                                                                         \
	})

/* --- objects --------------------------------------------------------------------- */

static struct kfunctrace_test_object objects[N_OBJECTS];

/* One that nobody has. */
static struct kfunctrace_test_object *take_object(void)
{
	u32 i;

	for (i = 0; i < N_OBJECTS; i++) {
		if (atomic_cmpxchg(&objects[i].holds, 0, 1) == 0) {
			refcount_set(&objects[i].refs, 1);
			return &objects[i];
		}
	}
	return NULL;
}

/* First it is held, so that it is not given out anew while its count is looked at. */
static struct kfunctrace_test_object *get_object(struct kfunctrace_test_object *object)
{
	if (atomic_read(&object->holds) >= MAX_HOLDS || !atomic_inc_not_zero(&object->holds))
		return NULL;
	if (refcount_inc_not_zero(&object->refs))
		return object;
	atomic_dec(&object->holds);
	return NULL;
}

/* The count may be zero already; refcount_dec() would complain. */
static void put_object(struct kfunctrace_test_object *object)
{
	int refs = refcount_read(&object->refs);

	while (refs > 0 && !atomic_try_cmpxchg(&object->refs.refs, &refs, refs - 1))
		;
	atomic_dec(&object->holds);
}

__bpf_kfunc struct kfunctrace_test_object *kfunctrace_test_object_create(void)
{
	return COUNT_RESULT(kfunctrace_test_object_create, take_object());
}

__bpf_kfunc struct kfunctrace_test_object *kfunctrace_test_object_find(u32 index)
{
	return COUNT_RESULT(kfunctrace_test_object_find,
			    index < N_OBJECTS ? get_object(&objects[index]) : NULL);
}

__bpf_kfunc struct kfunctrace_test_object *
kfunctrace_test_object_acquire(struct kfunctrace_test_object *object)
{
	return COUNT_RESULT(kfunctrace_test_object_acquire, get_object(object));
}

#ifdef KF_KPTR_GET
__bpf_kfunc struct kfunctrace_test_object *
kfunctrace_test_object_kptr_get(struct kfunctrace_test_object **slot)
{
	struct kfunctrace_test_object *object = READ_ONCE(*slot);

	return COUNT_RESULT(kfunctrace_test_object_kptr_get, object ? get_object(object) : NULL);
}
#endif

__bpf_kfunc void kfunctrace_test_object_release(struct kfunctrace_test_object *object)
{
	COUNT_CALL(kfunctrace_test_object_release);
	put_object(object);
}

__bpf_kfunc void kfunctrace_test_object_leak(struct kfunctrace_test_object *object)
{
	COUNT_CALL(kfunctrace_test_object_leak);
	/* As if to work on it; and then this one is forgotten. */
	kfunctrace_test_object_acquire(object);
	put_object(object);
}

/* 6.1 calls it for slots that hold nothing, too. */
__bpf_kfunc void kfunctrace_test_object_destroy(void *object)
{
	COUNT_CALL(kfunctrace_test_object_destroy);
	if (object)
		put_object(object);
}

#ifdef KF_RCU_PROTECTED
__bpf_kfunc struct kfunctrace_test_object *kfunctrace_test_object_peek(u32 index)
{
	return COUNT_RESULT(kfunctrace_test_object_peek,
			    index < N_OBJECTS ? &objects[index] : NULL);
}
#endif

__bpf_kfunc u32 kfunctrace_test_object_index(struct kfunctrace_test_object *object)
{
	COUNT_CALL(kfunctrace_test_object_index);
	return object->index;
}

__bpf_kfunc void kfunctrace_test_object_expire(struct kfunctrace_test_object *object)
{
	COUNT_CALL(kfunctrace_test_object_expire);
	refcount_set(&object->refs, 0);
}

/* --- kfuncs that only have a flag, or something else, about them -------------------- */

__bpf_kfunc u32 kfunctrace_test_plain(u32 value)
{
	COUNT_CALL(kfunctrace_test_plain);
	return value;
}

__bpf_kfunc u32 kfunctrace_test_old(u32 value)
{
	COUNT_CALL(kfunctrace_test_old);
	return value;
}

__bpf_kfunc notrace u32 kfunctrace_test_no_site(u32 value)
{
	COUNT_CALL(kfunctrace_test_no_site);
	return value;
}

__bpf_kfunc u32 kfunctrace_test_by_kernel(u32 value)
{
	COUNT_CALL(kfunctrace_test_by_kernel);
	return value;
}

__bpf_kfunc u32 kfunctrace_test_sleepable(u32 microseconds)
{
	u32 least = clamp_t(u32, microseconds, 1, MAX_SLEEP_US);

	COUNT_CALL(kfunctrace_test_sleepable);
	usleep_range(least, 2 * least);
	return microseconds;
}

__bpf_kfunc u32 kfunctrace_test_destructive(u32 value)
{
	COUNT_CALL(kfunctrace_test_destructive);
	return value;
}

#ifdef KF_PERFMON
__bpf_kfunc u32 kfunctrace_test_perfmon(u32 value)
{
	COUNT_CALL(kfunctrace_test_perfmon);
	return value;
}
#endif

#ifdef KF_SPINLOCK_SAFE
__bpf_kfunc u32 kfunctrace_test_spinlock_safe(u32 value)
{
	COUNT_CALL(kfunctrace_test_spinlock_safe);
	return value;
}
#endif

#ifdef KF_IMPLICIT_ARGS
__bpf_kfunc u32 kfunctrace_test_implicit(u32 value, struct bpf_prog_aux *aux)
{
	COUNT_CALL(kfunctrace_test_implicit);
	return aux ? value : 0;
}
#endif

__bpf_kfunc u32 kfunctrace_test_sum(const u8 *bytes, u32 bytes__sz)
{
	u32 i, sum = 0;

	COUNT_CALL(kfunctrace_test_sum);
	for (i = 0; bytes && i < bytes__sz; i++)
		sum += bytes[i];
	return sum;
}

/* --- an iterator ------------------------------------------------------------------- */

#ifdef KF_ITER_NEW
struct test_iter {
	u32 left;
	u32 number; /* plus one */
};

__bpf_kfunc int bpf_iter_kfunctrace_test_new(struct bpf_iter_kfunctrace_test *it, u32 n)
{
	struct test_iter *iter = (struct test_iter *)it;

	BUILD_BUG_ON(sizeof(*iter) != sizeof(*it));
	COUNT_CALL(bpf_iter_kfunctrace_test_new);
	iter->number = 0;
	iter->left = 0;
	if (n > MAX_ITERATIONS)
		return -E2BIG;
	iter->left = n;
	return 0;
}

static u32 *next_number(struct test_iter *iter)
{
	if (!iter->left)
		return NULL;
	iter->left--;
	iter->number++;
	return &iter->number;
}

__bpf_kfunc u32 *bpf_iter_kfunctrace_test_next(struct bpf_iter_kfunctrace_test *it)
{
	return COUNT_RESULT(bpf_iter_kfunctrace_test_next, next_number((struct test_iter *)it));
}

__bpf_kfunc void bpf_iter_kfunctrace_test_destroy(struct bpf_iter_kfunctrace_test *it)
{
	COUNT_CALL(bpf_iter_kfunctrace_test_destroy);
}
#endif

/* --- registration ------------------------------------------------------------------ */

/* KF_FASTCALL is for kfuncs that spare registers, and KF_ARENA_* for arenas: they are left out. */

BTF_KFUNCS_START(kfuncs)
BTF_ID_FLAGS(func, kfunctrace_test_object_create, KF_ACQUIRE | KF_RET_NULL)
BTF_ID_FLAGS(func, kfunctrace_test_object_find, KF_ACQUIRE | KF_RET_NULL)
BTF_ID_FLAGS(func, kfunctrace_test_object_acquire, KF_ACQUIRE | COMPAT_KF_RCU | KF_RET_NULL)
#ifdef KF_KPTR_GET
BTF_ID_FLAGS(func, kfunctrace_test_object_kptr_get, KF_ACQUIRE | KF_KPTR_GET | KF_RET_NULL)
#endif
BTF_ID_FLAGS(func, kfunctrace_test_object_release, KF_RELEASE)
BTF_ID_FLAGS(func, kfunctrace_test_object_leak, KF_RELEASE)
#ifdef KF_RCU_PROTECTED
BTF_ID_FLAGS(func, kfunctrace_test_object_peek, KF_RET_NULL | KF_RCU_PROTECTED)
#endif
BTF_ID_FLAGS(func, kfunctrace_test_object_index, COMPAT_KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, kfunctrace_test_object_expire, COMPAT_KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, kfunctrace_test_plain)
BTF_ID_FLAGS(func, kfunctrace_test_old)
BTF_ID_FLAGS(func, kfunctrace_test_no_site)
BTF_ID_FLAGS(func, kfunctrace_test_by_kernel)
BTF_ID_FLAGS(func, kfunctrace_test_sleepable, KF_SLEEPABLE)
BTF_ID_FLAGS(func, kfunctrace_test_destructive, KF_DESTRUCTIVE)
#ifdef KF_PERFMON
BTF_ID_FLAGS(func, kfunctrace_test_perfmon, KF_PERFMON)
#endif
#ifdef KF_SPINLOCK_SAFE
BTF_ID_FLAGS(func, kfunctrace_test_spinlock_safe, KF_SPINLOCK_SAFE)
#endif
#ifdef KF_IMPLICIT_ARGS
BTF_ID_FLAGS(func, kfunctrace_test_implicit, KF_IMPLICIT_ARGS)
#endif
BTF_ID_FLAGS(func, kfunctrace_test_sum)
#ifdef KF_ITER_NEW
BTF_ID_FLAGS(func, bpf_iter_kfunctrace_test_new, KF_ITER_NEW)
BTF_ID_FLAGS(func, bpf_iter_kfunctrace_test_next, KF_ITER_NEXT | KF_RET_NULL)
BTF_ID_FLAGS(func, bpf_iter_kfunctrace_test_destroy, KF_ITER_DESTROY)
#endif
BTF_KFUNCS_END(kfuncs)

static const struct btf_kfunc_id_set kfunc_set = {
	.owner = THIS_MODULE,
	.set = &kfuncs,
};

BTF_ID_LIST(destructor_ids)
BTF_ID(struct, kfunctrace_test_object)
BTF_ID(func, kfunctrace_test_object_destroy)

static int register_kfuncs(void)
{
	static const enum bpf_prog_type types[] = {
		BPF_PROG_TYPE_TRACING,
		BPF_PROG_TYPE_SYSCALL,
		BPF_PROG_TYPE_SCHED_CLS,
		BPF_PROG_TYPE_XDP,
	};
	const struct btf_id_dtor_kfunc destructor = {
		.btf_id = destructor_ids[0],
		.kfunc_btf_id = destructor_ids[1],
	};
	int i, err;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		err = register_btf_kfunc_id_set(types[i], &kfunc_set);
		if (err)
			return err;
	}
	return register_btf_id_dtor_kfuncs(&destructor, 1, THIS_MODULE);
}

/* --- debugfs ----------------------------------------------------------------------- */

static int calls_show(struct seq_file *file, void *unused)
{
	int i, cpu;

	for (i = 0; i < N_KFUNCS; i++) {
		u64 calls = 0, nulls = 0;

		for_each_possible_cpu(cpu)
		{
			calls += per_cpu(test_counts.calls[i], cpu);
			nulls += per_cpu(test_counts.nulls[i], cpu);
		}
		seq_printf(file, "%s %llu %llu\n", names[i], calls, nulls);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(calls);

/* How many objects are held, and all counts and holds together. */
static int objects_show(struct seq_file *file, void *unused)
{
	u64 held = 0, refs = 0, holds = 0;
	int i;

	for (i = 0; i < N_OBJECTS; i++) {
		refs += refcount_read(&objects[i].refs);
		holds += atomic_read(&objects[i].holds);
		held += atomic_read(&objects[i].holds) > 0;
	}
	seq_printf(file, "held %llu\nrefs %llu\nholds %llu\n", held, refs, holds);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(objects);

/* So many calls by the kernel itself. */
static int call_by_kernel(void *unused, u64 n)
{
	u64 i;

	if (n > MAX_KERNEL_CALLS)
		return -ERANGE;
	for (i = 0; i < n; i++) {
		kfunctrace_test_by_kernel(i);
		cond_resched();
	}
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(call_by_kernel_fops, NULL, call_by_kernel, "%llu\n");

static struct dentry *folder;

static void make_files(void)
{
	folder = debugfs_create_dir("kfunctrace_test", NULL);
	debugfs_create_file("calls", 0400, folder, NULL, &calls_fops);
	debugfs_create_file("objects", 0400, folder, NULL, &objects_fops);
	debugfs_create_file_unsafe("call_by_kernel", 0200, folder, NULL, &call_by_kernel_fops);
}

static int __init kfunctrace_test_init(void)
{
	u32 i;
	int err;

	err = compat_require_module_btf();
	if (err)
		return err;
	for (i = 0; i < N_OBJECTS; i++)
		objects[i].index = i;
	err = register_kfuncs();
	if (err)
		return err;
	make_files();
	return 0;
}

/* A program or map that has to do with the kfuncs keeps the module. */
static void __exit kfunctrace_test_exit(void)
{
	debugfs_remove(folder);
}

module_init(kfunctrace_test_init);
module_exit(kfunctrace_test_exit);

MODULE_DESCRIPTION("Kfuncs for the tests of kfunctrace");
MODULE_AUTHOR("The kfunctrace authors");
MODULE_VERSION(KFUNCTRACE_MODULE_VERSION);
MODULE_LICENSE("GPL");
