/* SPDX-License-Identifier: GPL-2.0-only */
/* What holds a program, in print. */
#ifndef KFUNCTRACE_HOLDERS_TEXT_H
#define KFUNCTRACE_HOLDERS_TEXT_H

#include <linux/types.h>

struct json_t;
struct program_attachment;
struct program_holders;
struct program_process;

/* All in one line, "workload/308, cron/77"; "-" when there is none. To be freed; NULL: no memory. */
char *holders_text__processes(const struct program_holders *holders, __u32 prog_id);
char *holders_text__pins(const struct program_holders *holders, __u32 prog_id);
char *holders_text__attachments(const struct program_holders *holders, __u32 prog_id);

/* Adds holders, pins and attached, each an array. */
void holders_text__add_json(const struct program_holders *holders, __u32 prog_id,
			    struct json_t *object);

#endif
