/* SPDX-License-Identifier: GPL-2.0-only */
/* The tag of a BPF program: the kernel's hash of its instructions (BPF_TAG_SIZE bytes). */
#ifndef KFUNCTRACE_PROG_TAG_H
#define KFUNCTRACE_PROG_TAG_H

#include <linux/bpf.h>
#include <linux/types.h>

/* Room for a tag in hexadecimal digits, with the terminating 0. */
#define PROG_TAG_TEXT (2 * BPF_TAG_SIZE + 1)

/* As bpftool prints it. Returns buf, which has room for PROG_TAG_TEXT. */
const char *format_prog_tag(const __u8 *tag, char *buf);

#endif
