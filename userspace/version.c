// SPDX-License-Identifier: GPL-2.0-only
#include "version.h"

/* The Makefile compiles this file, and no other, again when it has changed. */
#ifndef KFUNCTRACE_VERSION
#define KFUNCTRACE_VERSION "unknown"
#endif

const char *kfunctrace_version(void)
{
	return KFUNCTRACE_VERSION;
}
