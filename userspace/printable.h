/* SPDX-License-Identifier: GPL-2.0-only */
/* Names out of files that others have made: nothing in them may steer a terminal or break JSON. */
#ifndef KFUNCTRACE_PRINTABLE_H
#define KFUNCTRACE_PRINTABLE_H

#include <stdbool.h>

/* True for UTF-8 without control characters. */
bool printable__is(const char *text);
/* Bytes of the character that `text` begins with; 0 when that is none, or a control character. */
int printable__length(const char *text);
/* Writes a '?' over each byte that is in the way of that. */
void printable__make(char *text);

#endif
