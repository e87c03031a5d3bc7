// SPDX-License-Identifier: GPL-2.0-only
#include "prog_tag.h"

#include <stdio.h>

const char *format_prog_tag(const __u8 *tag, char *buf)
{
	for (int i = 0; i < BPF_TAG_SIZE; i++)
		snprintf(buf + 2 * i, 3, "%02x", tag[i]);
	return buf;
}
