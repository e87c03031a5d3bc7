/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_FILE_LIMIT_H
#define KFUNCTRACE_FILE_LIMIT_H

/*
 * Lets this process open as many files as it may at all: each probe takes two file descriptors, and
 * a kernel has hundreds of kfuncs.
 */
void file_limit__raise(void);

#endif
