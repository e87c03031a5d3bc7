/* SPDX-License-Identifier: GPL-2.0-only */
/* What check found, in print. All return 0 or -ENOMEM. */
#ifndef KFUNCTRACE_CHECK_REPORT_H
#define KFUNCTRACE_CHECK_REPORT_H

#include <stdbool.h>
#include <stdio.h>

struct check;

/* A table of what is not plainly fine, and a line for each kernel. `all`: of everything. */
int check_report__text(const struct check *check, bool all, FILE *out);
int check_report__json(const struct check *check, FILE *out);
/* SARIF 2.1.0, what code hosts show beside the source. */
int check_report__sarif(const struct check *check, FILE *out);

#endif
