/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernels and modules in Debian packages as they are downloaded. */
#ifndef KFUNCTRACE_KERNEL_PACKAGE_H
#define KFUNCTRACE_KERNEL_PACKAGE_H

struct kernel_image;

/*
 * Calls `take`, which takes the image over, for each kernel in a package and for each module that may
 * bring kfuncs, until it returns something else than 0. The package is read as a stream, and of the
 * other files nothing is kept. Returns 0, or a negative errno having said what is wrong.
 */
int kernel_package__read(const char *path, int (*take)(struct kernel_image *image, void *arg),
			 void *arg);

#endif
