// SPDX-License-Identifier: GPL-2.0-only
#include "message.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include <bpf/libbpf.h>

static int verbosity;

void msg__set_verbosity(int level)
{
	verbosity = level;
}

int msg__verbosity(void)
{
	return verbosity;
}

static void say(const char *kind, const char *fmt, va_list args)
{
	/* One write a message, so that messages of parent and child do not mix. */
	char line[2048];
	int len = vsnprintf(line, sizeof(line), fmt, args);

	/* Names of files are anything; several lines are the kernel's or libbpf's own. */
	for (char *c = line; len >= 0 && *c; c++) {
		if (iscntrl((unsigned char)*c) && *c != '\n' && *c != '\t')
			*c = '?';
	}
	if (len >= 0)
		fprintf(stderr, "kfunctrace: %s%s\n", kind, line);
}

void msg__error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("", fmt, args);
	va_end(args);
}

void msg__warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("warning: ", fmt, args);
	va_end(args);
}

void msg__detail(const char *fmt, ...)
{
	va_list args;

	if (verbosity < 1)
		return;
	va_start(args, fmt);
	say("", fmt, args);
	va_end(args);
}

static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (verbosity < 2 || (level == LIBBPF_DEBUG && verbosity < 3))
		return 0;
	return vfprintf(stderr, fmt, args);
}

void msg__route_libbpf(void)
{
	libbpf_set_print(print_libbpf);
}
