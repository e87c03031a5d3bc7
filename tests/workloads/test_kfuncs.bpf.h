/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kfuncs of kfunctrace_test.ko (module/test.h says what they do), for BPF programs.
 */
#ifndef WORKLOADS_TEST_KFUNCS_BPF_H
#define WORKLOADS_TEST_KFUNCS_BPF_H

#include "refs.bpf.h"

struct kfunctrace_test_object {
	struct refcount refs;
	u32 index;
} __attribute__((preserve_access_index));

struct bpf_iter_kfunctrace_test {
	__u64 opaque[1];
} __attribute__((aligned(8)));

/* There is no object with this index. */
#define NO_OBJECT 1024

struct kfunctrace_test_object *kfunctrace_test_object_create(void) __kfunc;
struct kfunctrace_test_object *kfunctrace_test_object_find(u32 index) __kfunc;
struct kfunctrace_test_object *
kfunctrace_test_object_acquire(struct kfunctrace_test_object *object) __kfunc;
struct kfunctrace_test_object *
kfunctrace_test_object_kptr_get(struct kfunctrace_test_object **slot) __kfunc;
void kfunctrace_test_object_release(struct kfunctrace_test_object *object) __kfunc;
void kfunctrace_test_object_leak(struct kfunctrace_test_object *object) __kfunc;
struct kfunctrace_test_object *kfunctrace_test_object_peek(u32 index) __kfunc;
u32 kfunctrace_test_object_index(struct kfunctrace_test_object *object) __kfunc;
void kfunctrace_test_object_expire(struct kfunctrace_test_object *object) __kfunc;

u32 kfunctrace_test_plain(u32 value) __kfunc;
u32 kfunctrace_test_old(u32 value) __kfunc;
u32 kfunctrace_test_no_site(u32 value) __kfunc;
u32 kfunctrace_test_by_kernel(u32 value) __kfunc;
u32 kfunctrace_test_sleepable(u32 microseconds) __kfunc;
u32 kfunctrace_test_destructive(u32 value) __kfunc;
u32 kfunctrace_test_perfmon(u32 value) __kfunc;
u32 kfunctrace_test_spinlock_safe(u32 value) __kfunc;
u32 kfunctrace_test_implicit(u32 value) __kfunc;
u32 kfunctrace_test_sum(const __u8 *bytes, u32 bytes__sz) __kfunc;

int bpf_iter_kfunctrace_test_new(struct bpf_iter_kfunctrace_test *it, u32 n) __kfunc;
u32 *bpf_iter_kfunctrace_test_next(struct bpf_iter_kfunctrace_test *it) __kfunc;
void bpf_iter_kfunctrace_test_destroy(struct bpf_iter_kfunctrace_test *it) __kfunc;

#endif
