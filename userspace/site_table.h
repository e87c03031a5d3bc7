/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for call sites in BPF programs: subprogram, source file and line. The kernel side records
 * them (programs.bpf.c, or the module), for programs that are gone as well; here they are kept and
 * found.
 */
#ifndef KFUNCTRACE_SITE_TABLE_H
#define KFUNCTRACE_SITE_TABLE_H

#include <stddef.h>
#include <linux/types.h>

#include "../tracepoints/counter_records.h"

struct prog_table;

struct site_table {
	struct named_site {
		struct kft_site_key key;
		struct kft_site site;
	} *sites; /* sorted by key */
	size_t nr, room;
};

/* Takes what the map holds out of it. Returns 0 or a negative errno. */
int site_table__take(struct site_table *table, int sites_fd);
/* Adds one; what is there already is dropped by sorting, without which nothing is found. */
int site_table__add(struct site_table *table, const struct kft_site_key *key,
		    const struct kft_site *site);
void site_table__sort(struct site_table *table);
/* NULL when nothing is known of the site. */
const struct kft_site *site_table__find(const struct site_table *table, __u32 prog_id,
					__u32 subprog, __u64 offset);
/* Keeps only sites of programs that the table of programs knows. */
void site_table__forget(struct site_table *table, const struct prog_table *programs);
void site_table__free(struct site_table *table);

#endif
