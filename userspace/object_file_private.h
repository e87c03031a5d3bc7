/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files that read an object; everybody else uses object_file.h. */
#ifndef KFUNCTRACE_OBJECT_FILE_PRIVATE_H
#define KFUNCTRACE_OBJECT_FILE_PRIVATE_H

struct object_file;
struct object_section;

/* Notes what is wrong. Returns err. */
int object_file__complain(struct object_file *file, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The first of that name which has data, or NULL. */
const struct object_section *object_file__section(const struct object_file *file, const char *name);
/* Lines and CO-RE relocations out of .BTF.ext. Returns 0, also when there is none, or a negative errno. */
int object_file__take_btf_ext(struct object_file *file);

#endif
