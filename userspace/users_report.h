/* SPDX-License-Identifier: GPL-2.0-only */
/* The census of kfuncs in print: kfunctrace users. */
#ifndef KFUNCTRACE_USERS_REPORT_H
#define KFUNCTRACE_USERS_REPORT_H

#include <stdio.h>

struct pattern_list;
struct users;

struct users_report {
	const struct users *users;
	const struct pattern_list *patterns; /* on the names of kfuncs */
};

/* Both return 0 or a negative errno. */
int users_report__print_table(const struct users_report *report, FILE *out);
int users_report__print_json(const struct users_report *report, FILE *out);

#endif
