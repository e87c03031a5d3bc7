// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to the objects of kfunctrace_test.ko, for 6.1: maps have another tag there, and what
 * is in them is acquired in another way. There are no iterators.
 */
#define FOR_6_1
#include "refs_test_module.bpf.c"
