/* SPDX-License-Identifier: GPL-2.0-only */
/* Who calls: a BPF program, the kernel, or nobody knows; and how that is printed. */
#ifndef KFUNCTRACE_CALLER_H
#define KFUNCTRACE_CALLER_H

#include <stdbool.h>
#include <stddef.h>

#include "usage.h"

struct counters;
struct counters_caller;
struct json_t;
struct kft_prog;
struct kft_reference_site;
struct kft_site;
struct site_table;

struct caller {
	enum caller_kind kind;
	const struct kft_prog *prog; /* CALLER_PROGRAM; NULL when nothing is known of it */
	__u32 subprog;
	__u64 site; /* as in struct usage_key */
};

struct caller caller__of_key(const struct counters *counters, const struct usage_key *key);
struct caller caller__of_site(const struct counters *counters,
			      const struct kft_reference_site *site);
/* What counters__caller_of(), or a change of a numbered site, says. */
struct caller caller__of(const struct counters *counters, const struct counters_caller *found);

/* The program's name, "kernel" or "unknown". */
const char *caller__name(const struct caller *caller);
/* Type of the program, or NULL. */
const char *caller__type(const struct caller *caller);

/*
 * True when both are the same to people: the same program, also when it was loaded and unloaded over
 * and over under many ids. Its tag does not tell: it depends on where the maps and kfuncs of each
 * load happened to be.
 */
bool caller__is_alike(const struct caller *a, const struct caller *b);

/* What is known of the source line, or NULL. `sites` may be NULL. */
const struct kft_site *caller__line(const struct caller *caller, const struct site_table *sites);
/* "prog.bpf.c:12 in check()", "check+0x2f", "nf_hook+0x10", "-". Returns buf. */
const char *caller__format_site(const struct caller *caller, const struct counters *counters,
				const struct site_table *sites, char *buf, size_t size);

/* Adds caller, program, program_id, program_type, program_tag and program_gone. */
void caller__add_json(const struct caller *caller, struct json_t *object);
/* Adds subprogram or function, offset, file, line, and with `addresses` the kernel's address. */
void caller__add_json_site(const struct caller *caller, const struct counters *counters,
			   const struct site_table *sites, bool addresses, struct json_t *object);

#endif
