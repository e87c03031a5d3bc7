/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kfuncs for tests: one for each flag that kernels know, on an object whose count a test can drive
 * to zero. None of them is of any use otherwise.
 */
#ifndef KFUNCTRACE_TEST_H
#define KFUNCTRACE_TEST_H

#include <linux/refcount.h>
#include <linux/types.h>

struct bpf_prog_aux;

/*
 * Objects are never freed, so that a pointer to one is always good. `refs` is what programs and
 * observers look at. `holds` is what is really held, and an object with none may be given out anew;
 * it is never less than `refs`.
 */
struct kfunctrace_test_object {
	refcount_t refs;
	atomic_t holds;
	u32 index;
};

/* Acquire and release. */
struct kfunctrace_test_object *kfunctrace_test_object_create(void);
/* NULL when there is no such object, and when its count is zero. */
struct kfunctrace_test_object *kfunctrace_test_object_find(u32 index);
/* NULL when the count is zero. */
struct kfunctrace_test_object *
kfunctrace_test_object_acquire(struct kfunctrace_test_object *object);
/* The same of one that a map holds; 6.1 only. */
struct kfunctrace_test_object *
kfunctrace_test_object_kptr_get(struct kfunctrace_test_object **object);
void kfunctrace_test_object_release(struct kfunctrace_test_object *object);
/*
 * Gives the reference back, but takes one of its own before and forgets it: a bug that refs shows as
 * references which the kernel has acquired here and never released.
 */
void kfunctrace_test_object_leak(struct kfunctrace_test_object *object);
/* What maps call. */
void kfunctrace_test_object_destroy(void *object);

/* Without a reference; NULL when there is no such object. */
struct kfunctrace_test_object *kfunctrace_test_object_peek(u32 index);
u32 kfunctrace_test_object_index(struct kfunctrace_test_object *object);
/* From now on the count is zero, whoever holds it. */
void kfunctrace_test_object_expire(struct kfunctrace_test_object *object);

/* They return their argument. */
u32 kfunctrace_test_plain(u32 value);
u32 kfunctrace_test_old(u32 value); /* is in a catalogue of deprecated kfuncs */
u32 kfunctrace_test_no_site(u32 value);
u32 kfunctrace_test_by_kernel(u32 value); /* called by the kernel, too */
u32 kfunctrace_test_sleepable(u32 microseconds);
u32 kfunctrace_test_destructive(u32 value); /* is not */
u32 kfunctrace_test_perfmon(u32 value);
u32 kfunctrace_test_spinlock_safe(u32 value);
u32 kfunctrace_test_implicit(u32 value, struct bpf_prog_aux *aux);

/* The sum of some bytes. */
u32 kfunctrace_test_sum(const u8 *bytes, u32 bytes__sz);

/* An iterator over the numbers below n. */
struct bpf_iter_kfunctrace_test {
	u64 opaque[1];
} __aligned(8);

int bpf_iter_kfunctrace_test_new(struct bpf_iter_kfunctrace_test *it, u32 n);
u32 *bpf_iter_kfunctrace_test_next(struct bpf_iter_kfunctrace_test *it);
void bpf_iter_kfunctrace_test_destroy(struct bpf_iter_kfunctrace_test *it);

#endif
