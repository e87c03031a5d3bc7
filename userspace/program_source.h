/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the instructions of a loaded program come from: subprogram, file and line. */
#ifndef KFUNCTRACE_PROGRAM_SOURCE_H
#define KFUNCTRACE_PROGRAM_SOURCE_H

#include <linux/types.h>

struct btf;
struct program_source;

/* Returns 0; -ENODATA when it was loaded without BTF; another negative errno, when it is gone. */
int program_source__open(__u32 prog_id, struct program_source **source);
void program_source__free(struct program_source *source);

/*
 * All may be asked with NULL, which has nothing. Instructions are numbered as the kernel has them,
 * after the verifier (xlated).
 */

/* The program's name in full, or NULL. */
const char *program_source__name(const struct program_source *source);
/* The subprogram that has the instruction, or NULL. */
const char *program_source__function(const struct program_source *source, __u32 insn);
/* The file, and the line in *line; NULL when it is not known. */
const char *program_source__file(const struct program_source *source, __u32 insn, __u32 *line);
/* The types of its object; NULL when there are none. */
const struct btf *program_source__btf(const struct program_source *source);

/* The record that an instruction belongs to: the last of `offsets` (ascending) up to it, or -1. */
int program_source__last_up_to(const __u32 *first, __u32 nr, __u32 record_size, __u32 insn);

#endif
