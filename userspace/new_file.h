/* SPDX-License-Identifier: GPL-2.0-only */
/* A file that is there as a whole or not at all: who reads it meanwhile sees what was there before. */
#ifndef KFUNCTRACE_NEW_FILE_H
#define KFUNCTRACE_NEW_FILE_H

#include <stdio.h>

struct new_file {
	FILE *out;
	char *path;	 /* what it will be; the end of a link that was given */
	char *temporary; /* NULL: it is written where it is, which is no regular file */
};

/*
 * "-" is standard output. Returns 0, or a negative errno having said why. To be finished only then.
 */
int new_file__open(struct new_file *file, const char *path);
/*
 * Puts it in its place, or when `failed` leaves what was there. Returns 0, or a negative errno having
 * said why.
 */
int new_file__finish(struct new_file *file, int failed);

#endif
