/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the files are that come with the program: snapshots of kernels, deprecations. */
#ifndef KFUNCTRACE_DATA_PATH_H
#define KFUNCTRACE_DATA_PATH_H

#include <stddef.h>

/*
 * The path of `name` ("kernels"): in $KFUNCTRACE_DATA when that is set, else where the program was
 * built (share/ beside it) or installed (../share/kfunctrace). Writes it into buf and returns that;
 * NULL when it is in none of these places.
 */
const char *data_path(const char *name, char *buf, size_t size);

#endif
