/* SPDX-License-Identifier: GPL-2.0-only */
/* What cmocka wants included before it, and cmocka. */
#ifndef KFUNCTRACE_TESTS_UNIT_H
#define KFUNCTRACE_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
