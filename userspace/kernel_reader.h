/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads tables out of the running kernel with BPF iterators (tracepoints/registry.bpf.c). Needs
 * neither fentry nor a module nor readable addresses in /proc/kallsyms.
 */
#ifndef KFUNCTRACE_KERNEL_READER_H
#define KFUNCTRACE_KERNEL_READER_H

#include "kernel_btf.h"
#include "../tracepoints/registry_records.h"

struct kernel_reader;

/* The symbol that calls in a BPF program's code are relative to. */
#define KERNEL_CALL_BASE "__bpf_call_base"

/*
 * Loads the iterators. Needs CAP_BPF and CAP_PERFMON (or root) and a kernel from 6.1 on with BTF.
 * Returns 0 or a negative errno.
 */
int kernel_reader__open(struct kernel_btf_set *btfs, struct kernel_reader **reader);
void kernel_reader__close(struct kernel_reader *reader);

/* One kfunc set: `pairs` has set->cnt entries. A negative return ends the reading with it. */
typedef int (*kfunc_set_fn)(const struct kft_kfunc_set_record *set,
			    const struct kft_kfunc_pair *pairs, void *arg);
/* Calls fn for each set that the kernel has registered. Returns 0 or a negative errno. */
int kernel_reader__kfunc_sets(struct kernel_reader *reader, kfunc_set_fn fn, void *arg);

/* The destructors of one BTF: there are destructors->cnt of `pairs`. */
typedef int (*destructors_fn)(const struct kft_destructors_record *destructors,
			      const struct kft_destructor *pairs, void *arg);
/* Calls fn for each BTF that has registered any. Returns 0 or a negative errno. */
int kernel_reader__destructors(struct kernel_reader *reader, destructors_fn fn, void *arg);

typedef int (*kernel_symbol_fn)(const struct kft_symbol_record *symbol, void *arg);
/*
 * Calls fn for each kernel symbol that has one of `names`; a name may have several symbols or none.
 * Returns 0 or a negative errno.
 */
int kernel_reader__symbols(struct kernel_reader *reader, const char *const *names, int nr_names,
			   kernel_symbol_fn fn, void *arg);

/* Calls fn for every function symbol there is, in no order. Returns 0 or a negative errno. */
int kernel_reader__text_symbols(struct kernel_reader *reader, kernel_symbol_fn fn, void *arg);

#endif
