/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A caller as people know it, over reloads, reboots and hosts: not the id of a program, which is
 * another after each load, but its name and type. Nor the tag, which depends on where the maps and
 * kfuncs of each load happened to be: it is kept for the record.
 */
#ifndef KFUNCTRACE_KNOWN_PROGRAM_H
#define KFUNCTRACE_KNOWN_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "prog_tag.h"

enum known_kind {
	KNOWN_PROGRAM,
	KNOWN_KERNEL,  /* the kernel's own code */
	KNOWN_UNKNOWN, /* it could not be told */
	KNOWN_OTHER,   /* the rest, beyond max_callers */
};

struct known_program {
	enum known_kind kind;
	/* Of a program; empty otherwise. These two say which it is. */
	char name[64];
	char type[32]; /* "sched_cls" */
	/* Of the one that was seen last; may be empty or 0. */
	char tag[PROG_TAG_TEXT];
	char loader
		[64]; /* unit or process that loaded or holds it: "cron.service", "workload[138]" */
	__u32 id;
};

/*
 * A program: of name and type as much as there is room for, "?" for a type that is not known (NULL).
 * `tag` (NULL: not known) has BPF_TAG_SIZE bytes.
 */
struct known_program known_program__of(const char *name, const char *type, const __u8 *tag,
				       __u32 id, const char *loader);
/* "program", "kernel", "unknown", "other": in print, labels and files. */
const char *known_kind__name(enum known_kind kind);
/* -1: there is no such kind. */
int known_kind__parse(const char *name);
/* The same to people. */
bool known_program__equal(const struct known_program *a, const struct known_program *b);
__u64 known_program__hash(const struct known_program *program);
/* The program's name, "kernel", "unknown" or "other". */
const char *known_program__title(const struct known_program *program);

#endif
