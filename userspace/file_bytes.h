/* SPDX-License-Identifier: GPL-2.0-only */
/* A file's bytes in memory: mapped, or allocated when they have been unpacked. */
#ifndef KFUNCTRACE_FILE_BYTES_H
#define KFUNCTRACE_FILE_BYTES_H

#include <stdbool.h>
#include <stddef.h>

struct file_bytes {
	void *data;
	size_t size;
	bool mapped; /* otherwise from malloc() */
};

/*
 * A regular file that is not empty. Returns 0, or a negative errno having said what is wrong with
 * it.
 */
int file_bytes__read(const char *path, struct file_bytes *bytes);
void file_bytes__free(struct file_bytes *bytes);

#endif
