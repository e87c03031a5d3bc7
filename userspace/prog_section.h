/* SPDX-License-Identifier: GPL-2.0-only */
/* What the name of a program's ELF section says, as libbpf reads it. Knows more of them than libbpf 1.1. */
#ifndef KFUNCTRACE_PROG_SECTION_H
#define KFUNCTRACE_PROG_SECTION_H

#include <stdbool.h>

#define PROG_SECTION_KIND_LEN 32

struct prog_section {
	const char
		*type; /* as libbpf_bpf_prog_type_str() has it; NULL: no name that is known here */
	bool sleepable;
	bool autoload; /* false: SEC("?...") */
	char kind
		[PROG_SECTION_KIND_LEN]; /* "fentry", "kprobe.session": without ".s", '?' and what follows */
};

void prog_section__parse(const char *name, struct prog_section *section);

#endif
