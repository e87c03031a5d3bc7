// SPDX-License-Identifier: GPL-2.0-only
#include "printable.h"

#include <stddef.h>

/* Control characters are 1 byte, or 2 from U+0080 on. */
int printable__length(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	unsigned int code;
	int len = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

	if (len == 1)
		return at[0] >= 0x20 && at[0] != 0x7f;
	if (!len || at[0] > 0xf4)
		return 0;
	code = at[0] & (0xff >> (len + 1));
	for (int i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	/* Longer than need be, halves of UTF-16, behind the end. */
	if ((len == 2 && code < 0xa0) || (len == 3 && code < 0x800) || (len == 4 && code < 0x10000))
		return 0;
	return (code >= 0xd800 && code < 0xe000) || code > 0x10ffff ? 0 : len;
}

bool printable__is(const char *text)
{
	while (*text) {
		int len = printable__length(text);

		if (!len)
			return false;
		text += len;
	}
	return true;
}

void printable__make(char *text)
{
	while (*text) {
		int len = printable__length(text);

		if (!len)
			*text = '?';
		text += len ?: 1;
	}
}
