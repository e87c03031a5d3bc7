// SPDX-License-Identifier: GPL-2.0
/*
 * What the module's engine counts, and from when to when.
 *
 * One ftrace_ops sees the calls: on a function that nobody else traces the kernel calls its handler
 * right away, and nothing is missed, because the handler can do without ftrace's protection against
 * recursion: it calls nothing that could be traced, and so come back to it. Where returns are wanted
 * they are seen by what the kernel has for that (compat.h), and so are calls, if it shows them: two
 * handlers on one function cost much more than one. It may miss some, which it counts.
 */
#include <linux/kallsyms.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "compat.h"
#include "engine.h"

struct engine engine = { .mutex = __MUTEX_INITIALIZER(engine.mutex) };

COMPAT_EXITS(null_exits, engine_slots__on_call, engine_slots__on_exit, compat_exits_null);
COMPAT_EXITS(negative_exits, engine_slots__on_call, engine_slots__on_exit, compat_exits_negative);
/* Never registered: whether a function can be traced. */
static struct ftrace_ops try_ops = { .func = engine_slots__on_entry };

/* Indexes of kfuncs by address, while counting. */
static u16 by_address[KFT_MAX_PROBES];
static int nr_by_address;

static int fail_allocation;
module_param(fail_allocation, int, 0600);
MODULE_PARM_DESC(fail_allocation, "for tests: the allocation of the engine that is to fail, from now on counted from 1; 0: none");

static int fail_detach;
module_param(fail_detach, int, 0600);
MODULE_PARM_DESC(fail_detach, "for tests: so many times from now on the engine cannot take off what is attached");

static int set_max_active(const char *text, const struct kernel_param *param)
{
	return param_set_uint_minmax(text, param, 1, 65536);
}

static const struct kernel_param_ops max_active_ops = {
	.set = set_max_active,
	.get = param_get_uint,
};
static unsigned int max_active = COMPAT_MAX_ACTIVE;
module_param_cb(max_active, &max_active_ops, &max_active, 0400);
MODULE_PARM_DESC(max_active, "calls that may be on their way at once and be followed to their return, where the kernel wants to know");

bool engine__allocation_fails(void)
{
	return READ_ONCE(fail_allocation) > 0 && --fail_allocation == 0;
}

/* --- functions -------------------------------------------------------------------------------- */

/* An ftrace site is at most behind one endbr64. */
#define MAX_SITE_OFFSET 16

notrace int engine__kfunc_at(unsigned long ip)
{
	int low = 0, high = nr_by_address;

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (engine.kfuncs[by_address[middle]].address <= ip)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || ip - engine.kfuncs[by_address[low - 1]].address >= MAX_SITE_OFFSET)
		return -1;
	return by_address[low - 1];
}

notrace int engine__find_kfunc(unsigned long ip)
{
	int kfunc = engine__kfunc_at(ip);

	return kfunc < 0 || READ_ONCE(engine.kfuncs[kfunc].gone) ? -1 : kfunc;
}

static int compare_addresses(const void *a, const void *b)
{
	unsigned long left = engine.kfuncs[*(const u16 *)a].address;
	unsigned long right = engine.kfuncs[*(const u16 *)b].address;

	return left < right ? -1 : left > right;
}

/* kallsyms is asked for the name at the address; the other way round is not for modules. */
static bool is_function(unsigned long address, const char *name)
{
	char symbol[KSYM_SYMBOL_LEN];
	size_t len = strlen(name);

	sprint_symbol(symbol, address);
	return strncmp(symbol, name, len) == 0 && strncmp(symbol + len, "+0x0/", 5) == 0;
}

int engine__add_kfunc(unsigned long address, const char *name, enum engine_count count)
{
	struct engine_kfunc *kfunc;
	int err;

	for (int i = 0; i < engine.nr_kfuncs; i++) {
		if (!engine.kfuncs[i].gone && engine.kfuncs[i].address == address)
			return -EEXIST;
	}
	if (engine.nr_kfuncs == KFT_MAX_PROBES)
		return -E2BIG;
	if (!is_function(address, name))
		return -ENOENT;
	if (engine__allocation_fails())
		return -ENOMEM;
	err = ftrace_set_filter_ip(&try_ops, address, 0, 1);
	if (err)
		return err == -EINVAL ? -EOPNOTSUPP : err;
	kfunc = &engine.kfuncs[engine.nr_kfuncs++];
	kfunc->address = address;
	kfunc->count = count;
	strscpy(kfunc->name, name, sizeof(kfunc->name));
	return 0;
}

/* --- attaching -------------------------------------------------------------------------------- */

static bool may_be_null(const struct engine_kfunc *kfunc)
{
	return kfunc->count == COUNT_NULLS;
}

static bool may_be_negative(const struct engine_kfunc *kfunc)
{
	return kfunc->count == COUNT_NEGATIVES;
}

static bool may_release_nothing(const struct engine_kfunc *kfunc)
{
	return kfunc->count == COUNT_RELEASES;
}

static bool is_only_called(const struct engine_kfunc *kfunc)
{
	return kfunc->count == COUNT_CALLS ||
	       (!COMPAT_EXITS_SEE_CALLS && (may_be_null(kfunc) || may_be_negative(kfunc)));
}

/* Whatever sees calls, and which functions' it is to see. */
static struct entries {
	struct ftrace_ops ops;
	bool (*sees)(const struct engine_kfunc *kfunc);
} entries[] = {
	{ { .func = engine_slots__on_entry, .flags = FTRACE_OPS_FL_PERMANENT }, is_only_called },
	{ { .func = engine_slots__on_release, .flags = FTRACE_OPS_FL_PERMANENT },
	  may_release_nothing },
};

/* And whatever sees returns. */
static const struct {
	struct compat_exits *handlers;
	bool (*sees)(const struct engine_kfunc *kfunc);
} exits[] = {
	{ &null_exits, may_be_null },
	{ &negative_exits, may_be_negative },
};

unsigned long engine__missed(void)
{
	unsigned long missed = 0;

	if (engine.state != ENGINE_COUNTING)
		return 0;
	for (int i = 0; i < ARRAY_SIZE(exits); i++)
		missed += compat_exits_missed(exits[i].handlers);
	return missed;
}

static int collect(unsigned long *addresses, bool (*is_seen)(const struct engine_kfunc *kfunc))
{
	int nr = 0;

	for (int i = 0; i < engine.nr_kfuncs; i++) {
		if (!engine.kfuncs[i].gone && is_seen(&engine.kfuncs[i]))
			addresses[nr++] = engine.kfuncs[i].address;
	}
	return nr;
}

/* Without a filter all functions of the kernel are meant. */
static int attach_entries(struct entries *seen, unsigned long *addresses, int nr)
{
	int err;

	if (!nr)
		return 0;
	if (engine__allocation_fails())
		return -ENOMEM;
	err = ftrace_set_filter_ips(&seen->ops, addresses, nr, 0, 1);
	if (!err)
		err = register_ftrace_function(&seen->ops);
	if (err)
		compat_ftrace_forget(&seen->ops);
	return err;
}

static int attach_exits(struct compat_exits *handlers, unsigned long *addresses, int nr)
{
	if (nr && engine__allocation_fails())
		return -ENOMEM;
	return compat_exits_attach(handlers, addresses, nr, max_active);
}

static int attach(void)
{
	unsigned long *addresses =
		engine_zalloc(array_size(engine.nr_kfuncs, sizeof(*addresses)), GFP_KERNEL);
	int err = 0;

	if (!addresses)
		return -ENOMEM;
	for (int i = 0; i < ARRAY_SIZE(exits) && !err; i++)
		err = attach_exits(exits[i].handlers, addresses, collect(addresses, exits[i].sees));
	for (int i = 0; i < ARRAY_SIZE(entries) && !err; i++)
		err = attach_entries(&entries[i], addresses, collect(addresses, entries[i].sees));
	kfree(addresses);
	return err;
}

static bool is_attached(void)
{
	bool attached = false;

	for (int i = 0; i < ARRAY_SIZE(exits); i++)
		attached |= compat_exits_are_attached(exits[i].handlers);
	for (int i = 0; i < ARRAY_SIZE(entries); i++)
		attached |= compat_ftrace_is_attached(&entries[i].ops);
	return attached;
}

static int detach(void)
{
	int err = 0;

	if (READ_ONCE(fail_detach) > 0) {
		fail_detach--;
		return -ENOMEM;
	}
	for (int i = 0; i < ARRAY_SIZE(exits) && !err; i++)
		err = compat_exits_detach(exits[i].handlers);
	for (int i = 0; i < ARRAY_SIZE(entries) && !err; i++)
		err = compat_ftrace_detach(&entries[i].ops);
	return err;
}

int engine__start(void)
{
	int err;

	/* Attached: a start has failed, and the kernel did not let go. */
	if (engine.state != ENGINE_PREPARED || is_attached())
		return -EBUSY;
	nr_by_address = 0;
	for (int i = 0; i < engine.nr_kfuncs; i++) {
		if (!engine.kfuncs[i].gone)
			by_address[nr_by_address++] = i;
	}
	if (!nr_by_address)
		return -EINVAL;
	sort(by_address, nr_by_address, sizeof(by_address[0]), compare_addresses, NULL);

	err = attach();
	if (err) {
		/* Some of it may have counted for a moment. */
		if (!detach())
			engine_slots__clear();
		return err;
	}
	engine.begun_ns = ktime_get_ns();
	engine.state = ENGINE_COUNTING;
	return 0;
}

/* --- beginning and ending --------------------------------------------------------------------- */

int engine__begin(const struct file *owner, u32 nr_slots)
{
	int err;

	if (engine.state != ENGINE_IDLE)
		return -EBUSY;
	engine.kfuncs = engine__allocation_fails() ?
				NULL :
				kvcalloc(KFT_MAX_PROBES, sizeof(*engine.kfuncs),
					 GFP_KERNEL | __GFP_NOWARN);
	if (!engine.kfuncs)
		return -ENOMEM;
	err = engine_slots__alloc(nr_slots);
	if (err)
		goto free_kfuncs;
	engine.state = ENGINE_PREPARED;
	/* Who has to be told to end it is not there while the module is not. */
	__module_get(THIS_MODULE);
	err = engine_programs__watch();
	if (err)
		engine__end();
	else
		engine.owner = owner;
	return err;
free_kfuncs:
	kvfree(engine.kfuncs);
	engine.kfuncs = NULL;
	return err;
}

int engine__end(void)
{
	int err;

	if (engine.state == ENGINE_IDLE)
		return 0;
	/* Both wait until no handler is running any more. Until then nothing of theirs may go. */
	err = detach() ?: engine_programs__unwatch();
	if (err)
		return err;
	compat_ftrace_forget(&try_ops);
	engine_slots__free();
	nr_by_address = 0;
	engine.nr_kfuncs = 0;
	kvfree(engine.kfuncs);
	engine.kfuncs = NULL;
	engine.owner = NULL;
	engine.state = ENGINE_IDLE;
	module_put(THIS_MODULE);
	return 0;
}

/* --- modules that go -------------------------------------------------------------------------- */

static bool others_are_left(const struct module *module,
			    bool (*is_seen)(const struct engine_kfunc *kfunc))
{
	for (int i = 0; i < engine.nr_kfuncs; i++) {
		if (!engine.kfuncs[i].gone && is_seen(&engine.kfuncs[i]) &&
		    !within_module(engine.kfuncs[i].address, module))
			return true;
	}
	return false;
}

static void take_off(const struct engine_kfunc *kfunc, const struct module *module)
{
	for (int i = 0; i < ARRAY_SIZE(entries); i++) {
		if (!entries[i].sees(kfunc))
			continue;
		/* The last one must not leave an empty filter, which means all functions. */
		if (!others_are_left(module, entries[i].sees))
			compat_ftrace_detach(&entries[i].ops);
		if (compat_ftrace_is_attached(&entries[i].ops))
			ftrace_set_filter_ip(&entries[i].ops, kfunc->address, 1, 0);
	}
	for (int i = 0; i < ARRAY_SIZE(exits); i++) {
		if (exits[i].sees(kfunc))
			compat_exits_forget(exits[i].handlers, kfunc->address,
					    !others_are_left(module, exits[i].sees));
	}
}

/*
 * Its addresses become somebody else's: its kfuncs and what it calls are taken off them. Should the
 * kernel not do that for want of memory, handlers find no kfunc at those addresses any more.
 */
static void forget_module(const struct module *module)
{
	unsigned long flags;

	for (int i = 0; i < engine.nr_kfuncs; i++) {
		struct engine_kfunc *kfunc = &engine.kfuncs[i];

		if (kfunc->gone || !within_module(kfunc->address, module))
			continue;
		WRITE_ONCE(kfunc->gone, true);
		take_off(kfunc, module);
		spin_lock_irqsave(&engine_lock, flags);
		engine_slots__sweep_kfunc(i);
		spin_unlock_irqrestore(&engine_lock, flags);
	}
}

static int on_module_event(struct notifier_block *block, unsigned long event, void *data)
{
	if (event != MODULE_STATE_GOING || data == THIS_MODULE)
		return NOTIFY_DONE;
	mutex_lock(&engine.mutex);
	if (engine.state != ENGINE_IDLE) {
		forget_module(data);
		engine_slots__sweep_module(data);
	}
	mutex_unlock(&engine.mutex);
	return NOTIFY_DONE;
}

static struct notifier_block module_events = { .notifier_call = on_module_event };

int engine__init(void)
{
	int err = register_module_notifier(&module_events);

	if (err)
		return err;
	err = engine_device__register();
	if (err)
		unregister_module_notifier(&module_events);
	return err;
}

void engine__exit(void)
{
	engine_device__unregister();
	unregister_module_notifier(&module_events);
}
