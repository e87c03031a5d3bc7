/* SPDX-License-Identifier: GPL-2.0-only */
/* Compressed data as kernels and modules come in: xz, zstd, lz4, gzip, bzip2, lzma. */
#ifndef KFUNCTRACE_UNPACK_H
#define KFUNCTRACE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

struct archive;

/* More than any kernel with all its debugging information has; what unpacks to more is refused. */
#define UNPACK_MAX ((size_t)2 << 30)

/* Lets an archive read these compressions, and none that would start a program. */
void unpack__allow_filters(struct archive *archive);

/* True when the data begins as one of these compressions does. */
bool unpack__is_packed(const void *data, size_t size);

/*
 * Unpacks the whole; `name` is for messages. `*unpacked` is to be freed. Returns 0, or a negative
 * errno having said what is wrong.
 */
int unpack__all(const char *name, const void *data, size_t size, void **unpacked,
		size_t *unpacked_size);

/*
 * The kernel inside of a bzImage, which is what Debian's vmlinuz is on x86. True when it is one.
 */
bool bzimage__is(const void *data, size_t size);
/* As unpack__all(), for the kernel in it. */
int bzimage__unpack(const char *name, const void *data, size_t size, void **unpacked,
		    size_t *unpacked_size);

#endif
