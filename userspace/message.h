/* SPDX-License-Identifier: GPL-2.0-only */
/* Everything that the program says on stderr goes through here, so that it reads alike. */
#ifndef KFUNCTRACE_MESSAGE_H
#define KFUNCTRACE_MESSAGE_H

/* Exit statuses of every command (Documentation/kfunctrace.rst). */
enum exit_status {
	EXIT_FINE = 0,
	EXIT_FOUND = 1,	  /* found what it was asked to look for: check, diff */
	EXIT_TROUBLE = 2, /* usage, environment, input or output */
};

/* How much is said: 0 as usual, 1 for -v, 2 for -vv (libbpf's own messages as well). */
void msg__set_verbosity(int verbosity);
int msg__verbosity(void);

/* Say what was being done, to what, why it failed and what to do. No trailing newline. */
void msg__error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void msg__warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Printed only with -v. */
void msg__detail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Routes libbpf's messages: silent but with -vv. The kernel's verifier log comes this way too. */
void msg__route_libbpf(void);

#endif
