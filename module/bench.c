// SPDX-License-Identifier: GPL-2.0
/*
 * kfunctrace_bench.ko: handlers that do nothing on one function, which is what the cost of the
 * engine's handlers is compared with (make bench).
 */
#include "compat.h"
#include "version.h"

static unsigned long address;
module_param(address, ulong, 0400);
MODULE_PARM_DESC(address, "of the function");

static bool exits;
module_param(exits, bool, 0400);
MODULE_PARM_DESC(exits, "its returns instead of its calls");

static void notrace do_nothing(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
}

static __always_inline void __maybe_unused enter_nothing(unsigned long ip, unsigned long return_address)
{
}

static __always_inline void return_nothing(unsigned long ip, unsigned long return_address, bool null)
{
}

static struct ftrace_ops ops = { .func = do_nothing };
COMPAT_EXITS(returns, enter_nothing, return_nothing, compat_exits_null);

static int __init bench_init(void)
{
	int err;

	if (exits)
		return compat_exits_attach(&returns, &address, 1, COMPAT_MAX_ACTIVE);
	err = ftrace_set_filter_ip(&ops, address, 0, 0);
	if (!err)
		err = register_ftrace_function(&ops);
	if (err)
		compat_ftrace_forget(&ops);
	return err;
}

static void __exit bench_exit(void)
{
	/* Nothing can keep the module any more, should the kernel not let go of it. */
	WARN_ON(exits ? compat_exits_detach(&returns) : compat_ftrace_detach(&ops));
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Empty handlers on a function, to compare costs with");
MODULE_AUTHOR("The kfunctrace authors");
MODULE_VERSION(KFUNCTRACE_MODULE_VERSION);
MODULE_LICENSE("GPL");
