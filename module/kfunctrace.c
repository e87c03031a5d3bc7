// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

#include "compat.h"
#include "engine.h"
#include "events.h"
#include "version.h"

static int __init kfunctrace_init(void)
{
	return compat_require_module_btf() ?: events__register() ?: engine__init();
}

static void __exit kfunctrace_exit(void)
{
	engine__exit();
}

module_init(kfunctrace_init);
module_exit(kfunctrace_exit);

MODULE_DESCRIPTION("Which BPF programs call which kernel functions: events and counters");
MODULE_AUTHOR("The kfunctrace authors");
MODULE_VERSION(KFUNCTRACE_MODULE_VERSION);
MODULE_LICENSE("GPL");
