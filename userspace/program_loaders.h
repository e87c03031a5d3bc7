/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who holds a program that is loaded: a unit of systemd, else a process. Looked for in /proc now and
 * then, which takes time on hosts with many processes.
 */
#ifndef KFUNCTRACE_PROGRAM_LOADERS_H
#define KFUNCTRACE_PROGRAM_LOADERS_H

#include <stddef.h>
#include <linux/types.h>

struct kernel_btf_set;
struct program_loaders;

struct program_loaders *program_loaders__new(void);
void program_loaders__free(struct program_loaders *loaders);
/* Replaces what was known. Returns 0 or a negative errno. */
int program_loaders__look(struct program_loaders *loaders, struct kernel_btf_set *btfs);
/* The newest program that there was at the last look, whether anybody holds it or not. */
__u32 program_loaders__newest(const struct program_loaders *loaders);
/* "cron.service", "workload[138]", or "" when nobody is known. */
const char *program_loaders__of(const struct program_loaders *loaders, __u32 prog_id);

#endif
