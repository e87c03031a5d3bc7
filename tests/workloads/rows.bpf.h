/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For programs that call many kfuncs: a row of the truth for each program and kfunc, from one list
 *
 *	#define FOR_EACH_ROW(may_fail, cannot)
 *		may_fail(program, kfunc_that_may_return_null)
 *		cannot(program, kfunc_that_returns_no_null)
 *
 * and calls that are counted in the row of their program and kfunc.
 */
#ifndef WORKLOADS_ROWS_BPF_H
#define WORKLOADS_ROWS_BPF_H

#include "calls.bpf.h"

#define ROW(caller, function)	      CALL_##caller##_##function
#define RESULT(caller, function, ...) count_result(ROW(caller, function), function(__VA_ARGS__))
#define VOID(caller, function, ...)                                                                \
	do {                                                                                       \
		function(__VA_ARGS__);                                                             \
		count_call(ROW(caller, function));                                                 \
	} while (0)
/* One that cannot return NULL. */
#define VALUE(caller, function, ...)                                                               \
	({                                                                                         \
		count_call(ROW(caller, function));                                                 \
		function(__VA_ARGS__);                                                             \
	})

#define NAME_OF_ROW(caller, function) ROW(caller, function),
#define MAY_FAIL(caller, function)    [ROW(caller, function)] = CALLS_OR_NULL(function, caller),
#define CANNOT(caller, function)      [ROW(caller, function)] = CALLS(function, caller),

#endif
