/* SPDX-License-Identifier: GPL-2.0-only */
/* What the first bytes of a kernel function's code tell. */
#ifndef KFUNCTRACE_FUNCTION_TEXT_H
#define KFUNCTRACE_FUNCTION_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/*
 * Bytes that the landing pad of indirect calls takes at the beginning of a function, 0 when there
 * is none. `text` has at least four bytes.
 */
size_t landing_pad__size(const __u8 *text);

/*
 * An ftrace site is a five-byte no-op, or the call or jump that was written over it, at the very
 * beginning of a function or behind its landing pad. Compiled code begins with neither, unless it
 * does nothing but jump.
 */
bool ftrace_site__is(const __u8 *text);

/*
 * True when the function of which `text` are the first bytes, at `address`, calls the function at
 * `target` or jumps to it, within these bytes. Always false where we do not know the machine's code.
 */
bool function_text__goes_to(const __u8 *text, size_t len, __u64 address, __u64 target);

#endif
