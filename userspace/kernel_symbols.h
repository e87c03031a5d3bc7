/* SPDX-License-Identifier: GPL-2.0-only */
/* The functions of the kernel and its modules by address: who calls when no BPF program does. */
#ifndef KFUNCTRACE_KERNEL_SYMBOLS_H
#define KFUNCTRACE_KERNEL_SYMBOLS_H

#include <linux/types.h>

struct kernel_reader;
struct kernel_symbols;

/* Reads nothing yet: the first address that is asked for makes it read the symbols. */
int kernel_symbols__open(struct kernel_reader *reader, struct kernel_symbols **symbols);
void kernel_symbols__free(struct kernel_symbols *symbols);

/*
 * The next question reads them anew: modules came or went. What was resolved before is no longer
 * valid.
 */
void kernel_symbols__forget(struct kernel_symbols *symbols);

/*
 * When they could not be read, which takes long, no question reads them again before this: each one
 * is answered as if there were none.
 */
void kernel_symbols__try_again(struct kernel_symbols *symbols);

/*
 * Name of the function of vmlinux or of a module that a return address lies in, with its offset;
 * NULL when it is in neither (JIT memory, trampolines). Owned by `symbols`.
 */
const char *kernel_symbols__resolve(struct kernel_symbols *symbols, __u64 return_address,
				    __u64 *offset);

/* Where the next symbol begins behind a function that begins at `address`: its end, at most. */
__u64 kernel_symbols__end(struct kernel_symbols *symbols, __u64 address);

#endif
