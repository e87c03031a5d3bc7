/* SPDX-License-Identifier: GPL-2.0-only */
/* The options that every command has. */
#ifndef KFUNCTRACE_COMMON_OPTIONS_H
#define KFUNCTRACE_COMMON_OPTIONS_H

#include <getopt.h>
#include <stdio.h>

/* To be part of the array of a command's long options, and "vh" of its short ones. */
#define COMMON_LONG_OPTIONS                                                                        \
	{ "verbose", no_argument, NULL, 'v' }, { "help", no_argument, NULL, 'h' }

/*
 * Takes what getopt_long() has returned and the command has no use for itself: -v, -h, or a wrong
 * option. Returns 0, or -1 having printed the usage; --help prints and exits.
 */
int common_option__take(int c, void (*print_usage)(FILE *out));

#endif
