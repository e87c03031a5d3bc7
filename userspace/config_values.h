/* SPDX-License-Identifier: GPL-2.0-only */
/* Values as people write them in a configuration: a number and its unit. */
#ifndef KFUNCTRACE_CONFIG_VALUES_H
#define KFUNCTRACE_CONFIG_VALUES_H

#include <stdbool.h>

/*
 * All take a decimal number without a sign, and directly behind it a unit. False, and nothing
 * written, when that is not what stands there.
 */

/* Seconds: "10s", "500ms", "5min", "2h", "14d", "2w"; a number alone are seconds. */
bool config_value__time(const char *text, double *seconds);
/* Bytes: "256M"; K, M, G and T are powers of 1024, a number alone are bytes. */
bool config_value__bytes(const char *text, double *bytes);
/* "1%" is 0.01. The sign has to be there: a bare 1 could be meant as either. */
bool config_value__share(const char *text, double *share);
/* A number without a unit. */
bool config_value__number(const char *text, double *number);

#endif
