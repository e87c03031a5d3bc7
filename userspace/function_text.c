// SPDX-License-Identifier: GPL-2.0-only
#include "function_text.h"

#include <string.h>

#if defined(__x86_64__)

#define SITE_SIZE 5

size_t landing_pad__size(const __u8 *text)
{
	static const __u8 pads[][4] = {
		{ 0xf3, 0x0f, 0x1e, 0xfa }, /* endbr64 */
		/* Where nobody calls the function indirectly, the kernel overwrites it at boot: */
		{ 0x66, 0x0f, 0x1f, 0x00 }, /* before 6.15 */
		{ 0x0f, 0x1f, 0x40, 0xd6 }, /* since */
	};

	for (size_t i = 0; i < sizeof(pads) / sizeof(pads[0]); i++) {
		if (memcmp(text, pads[i], sizeof(pads[i])) == 0)
			return sizeof(pads[i]);
	}
	return 0;
}

bool ftrace_site__is(const __u8 *text)
{
	static const __u8 nop5[SITE_SIZE] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

	/* A call, a jump, or the breakpoint that stands there while one is being written. */
	return memcmp(text, nop5, sizeof(nop5)) == 0 || text[0] == 0xe8 || text[0] == 0xe9 ||
	       text[0] == 0xcc;
}

/* Direct calls and jumps lead to a function's first byte, or behind its landing pad. */
static bool hits(__u64 to, __u64 target)
{
	return to == target || to == target + 4;
}

static bool goes_far(const __u8 *insn, __u64 address, __u64 target)
{
	__s32 offset;

	if (insn[0] != 0xe8 && insn[0] != 0xe9)
		return false;
	memcpy(&offset, insn + 1, sizeof(offset));
	return hits(address + 5 + offset, target);
}

static bool goes_near(const __u8 *insn, __u64 address, __u64 target)
{
	return insn[0] == 0xeb && hits(address + 2 + (__s8)insn[1], target);
}

/* Filler between functions: what follows is another function's. */
static bool is_filler(const __u8 *text)
{
	return (text[0] == 0x90 && text[1] == 0x90) || (text[0] == 0x66 && text[1] == 0x90) ||
	       (text[0] == 0x66 && text[1] == 0x66) || (text[0] == 0x0f && text[1] == 0x1f) ||
	       (text[0] == 0x66 && text[1] == 0x0f && text[2] == 0x1f);
}

/*
 * Instructions are not decoded: that four bytes are by chance the distance to just this function
 * does not happen. Of the short form's one byte it would, so that one is only seen where a
 * function does nothing else: as its first instruction.
 */
bool function_text__goes_to(const __u8 *text, size_t len, __u64 address, __u64 target)
{
	size_t at;

	if (len < 4 + SITE_SIZE)
		return false;
	at = landing_pad__size(text);
	if (goes_far(text + at, address + at, target))
		return true;
	if (ftrace_site__is(text + at))
		at += SITE_SIZE;
	if (at + 2 <= len && goes_near(text + at, address + at, target))
		return true;
	for (; at + 5 <= len && !is_filler(text + at); at++) {
		if (goes_far(text + at, address + at, target))
			return true;
	}
	return false;
}

#else

size_t landing_pad__size(const __u8 *text)
{
	(void)text;
	return 0;
}

bool ftrace_site__is(const __u8 *text)
{
	(void)text;
	return false;
}

bool function_text__goes_to(const __u8 *text, size_t len, __u64 address, __u64 target)
{
	(void)text;
	(void)len;
	(void)address;
	(void)target;
	return false;
}

#endif
