/* SPDX-License-Identifier: GPL-2.0-only */
/* A kernel's pairing in print: `kfunctrace refs --pairs`. */
#ifndef KFUNCTRACE_PAIRS_REPORT_H
#define KFUNCTRACE_PAIRS_REPORT_H

#include <stdbool.h>

struct pairing;

/* To stdout: a table with a row for each function, or JSON. Returns 0 or a negative errno. */
int pairs_report__print(const struct pairing *pairing, bool json);

#endif
