/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The truth as a file: an array of rows or, for references, an object with the rows and more.
 */
#ifndef WORKLOADS_TRUTH_FILE_H
#define WORKLOADS_TRUTH_FILE_H

#include <stddef.h>

struct references;
struct truth_row;

/* The file is there whole or not at all. References may be NULL. */
int truth_file__write(const char *path, const struct truth_row *rows, size_t n,
		      const struct references *references);

#endif
