// SPDX-License-Identifier: GPL-2.0
/*
 * The counters of the module's engine.
 *
 * A slot belongs to one (kfunc, return address). Its key stands in one table for all CPUs, its
 * counts on each CPU by themselves. So a handler needs neither a lock nor to stay on its CPU: the
 * slot has the same number everywhere, and a count is one instruction, which nothing can interrupt
 * in the middle.
 *
 * All code of the kernel, of modules and of BPF programs lies in the uppermost 2 GiB (x86-64's
 * kernel code model), so two addresses make a key: that of the kfunc's ftrace site in the upper half,
 * the return address in the lower.
 *
 * JIT memory is reused. Before an address can belong to another program, the slots with it are
 * retired (engine_programs.c tells when): their counts move to a record of the program. No handler
 * can be counting in such a slot, because what it counts for is a call out of that memory.
 */
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/list.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "engine.h"

#define KEY_FREE     0ull /* never used */
#define KEY_RETIRED  1ull /* may be used again */
#define KEY_CLAIMING 2ull /* somebody is about to write the key */
#define KEY_LAST     KEY_CLAIMING

#define RETIRED_BITS 10
/* A slot may be taken by somebody else while it is being claimed; then look again. */
#define MAX_CLAIM_TRIES 4

/* Calls of one kfunc on one CPU that no slot has. */
struct unattributed {
	u64 table_full;
	u64 no_caller;
	u64 exits, nulls; /* of both */
};

struct slot_counts {
	u64 calls;
	u64 exits; /* returns that were seen */
	u64 nulls; /* of them, those that returned NULL */
};

static struct {
	u64 *keys;
	u64 *via; /* another function that is called there and jumps to the kfunc, or 0 */
	u64 __percpu *calls;
	u64 __percpu *exits;
	u64 __percpu *nulls;
	u32 mask;
	u32 shift;
	struct unattributed __percpu *unattributed; /* KFT_MAX_PROBES */
	struct slot_counts *orphans;		    /* KFT_MAX_PROBES */
} slots __read_mostly;

DEFINE_SPINLOCK(engine_lock);
u64 engine_generation;

/* The counts of one call site that is no more. */
struct retired {
	struct hlist_node node;
	u32 kfunc;
	u32 kind; /* enum engine_heir_kind */
	u32 prog_id, subprog;
	u64 offset; /* in the image; HEIR_KERNEL: the address, 0 when it is gone too */
	struct slot_counts counts;
};

static struct hlist_head retired_table[1 << RETIRED_BITS];
static u32 nr_retired;
static u64 lost_retired;

/* --- memory ----------------------------------------------------------------------------------- */

static u64 __percpu *alloc_counts(u32 nr)
{
	return engine__allocation_fails() ? NULL :
					    __alloc_percpu_gfp(nr * sizeof(u64), sizeof(u64),
							       GFP_KERNEL | __GFP_NOWARN);
}

static void *alloc_table(size_t nr, size_t size)
{
	return engine__allocation_fails() ? NULL :
					    __vmalloc(array_size(nr, size),
						      GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
}

int engine_slots__alloc(u32 nr_slots)
{
	/* The most that the per-CPU allocator gives at once. */
	BUILD_BUG_ON(KFT_MAX_SLOTS * sizeof(u64) > PCPU_MIN_UNIT_SIZE);
	BUILD_BUG_ON(KFT_MAX_PROBES * sizeof(struct unattributed) > PCPU_MIN_UNIT_SIZE);

	slots.mask = nr_slots - 1;
	slots.shift = 32 - ilog2(nr_slots);
	slots.keys = alloc_table(nr_slots, sizeof(u64));
	slots.via = alloc_table(nr_slots, sizeof(u64));
	slots.orphans = alloc_table(KFT_MAX_PROBES, sizeof(*slots.orphans));
	slots.calls = alloc_counts(nr_slots);
	slots.exits = alloc_counts(nr_slots);
	slots.nulls = alloc_counts(nr_slots);
	slots.unattributed = (struct unattributed __percpu *)alloc_counts(
		KFT_MAX_PROBES * sizeof(struct unattributed) / sizeof(u64));
	lost_retired = 0;
	if (slots.keys && slots.via && slots.orphans && slots.calls && slots.exits &&
	    slots.nulls && slots.unattributed)
		return 0;
	engine_slots__free();
	return -ENOMEM;
}

u32 engine_slots__nr(void)
{
	return slots.keys ? slots.mask + 1 : 0;
}

static void free_retired(bool all, u32 prog_id)
{
	struct hlist_node *next;
	struct retired *retired;

	for (int i = 0; i < ARRAY_SIZE(retired_table); i++) {
		hlist_for_each_entry_safe(retired, next, &retired_table[i], node) {
			if (!all && (retired->kind != HEIR_PROGRAM || retired->prog_id != prog_id))
				continue;
			hlist_del(&retired->node);
			kfree(retired);
			nr_retired--;
		}
	}
}

void engine_slots__clear(void)
{
	unsigned long flags;
	u32 nr = engine_slots__nr();
	int cpu;

	/* Programs go meanwhile, and retire what has a key. */
	spin_lock_irqsave(&engine_lock, flags);
	engine_generation++;
	memset(slots.keys, 0, nr * sizeof(*slots.keys));
	memset(slots.orphans, 0, KFT_MAX_PROBES * sizeof(*slots.orphans));
	free_retired(true, 0);
	lost_retired = 0;
	spin_unlock_irqrestore(&engine_lock, flags);
	for_each_possible_cpu(cpu) {
		memset(per_cpu_ptr(slots.calls, cpu), 0, nr * sizeof(u64));
		memset(per_cpu_ptr(slots.exits, cpu), 0, nr * sizeof(u64));
		memset(per_cpu_ptr(slots.nulls, cpu), 0, nr * sizeof(u64));
		memset(per_cpu_ptr(slots.unattributed, cpu), 0,
		       KFT_MAX_PROBES * sizeof(struct unattributed));
	}
}

void engine_slots__free(void)
{
	vfree(slots.keys);
	vfree(slots.via);
	vfree(slots.orphans);
	free_percpu(slots.calls);
	free_percpu(slots.exits);
	free_percpu(slots.nulls);
	free_percpu(slots.unattributed);
	memset(&slots, 0, sizeof(slots));
	free_retired(true, 0);
}

/* --- counting --------------------------------------------------------------------------------- */

static __always_inline u32 home_of(u64 key)
{
	/*
	 * One call site calls one kfunc, so the return address alone spreads keys. The mask keeps UBSAN
	 * out of here, whose check would cost more than all the rest.
	 */
	return ((u32)key * GOLDEN_RATIO_32) >> (slots.shift & 31);
}

static __always_inline u64 make_key(unsigned long ip, unsigned long return_address)
{
	return (u64)ip << 32 | (u32)return_address;
}

static u64 key_ip(u64 key)
{
	return key >> 32 | 0xffffffffull << 32;
}

static u64 key_caller(u64 key)
{
	return (u32)key | 0xffffffffull << 32;
}

/*
 * The function that the call before a return address names, when it is not the kfunc: kfuncs that
 * end in a call of another one are compiled to a jump there, and the other then finds the address
 * of their caller. That program did not call it. 0: called directly, or not by a plain call.
 *
 * What is read is there, but for an address that is none of a caller. copy_from_kernel_nofault() is a
 * function that could be counted, and its handler would come back here.
 */
static notrace u64 called_instead(unsigned long ip, unsigned long return_address)
{
	u64 target = 0;
	s32 distance;
	u8 opcode;

	pagefault_disable();
	__get_kernel_nofault(&opcode, (u8 *)return_address - 5, u8, unreadable);
	__get_kernel_nofault(&distance, (s32 *)(return_address - 4), s32, unreadable);
	if (opcode == 0xe8)
		target = return_address + distance;
unreadable:
	pagefault_enable();
	return ip - target < 16 ? 0 : target;
}

/* The slot of a key, or a new one; -1: none is free. Rare: the first call from each call site. */
static noinline notrace int find_slot(u64 key, unsigned long ip, unsigned long return_address)
{
	u32 home = home_of(key);
	u64 seen, free_key;
	int free_at;

	for (int tries = 0; tries < MAX_CLAIM_TRIES; tries++) {
		free_at = -1;
		free_key = 0;
		for (u32 i = 0; i < KFT_MAX_DISPLACEMENT; i++) {
			u32 at = (home + i) & slots.mask;

			seen = smp_load_acquire(&slots.keys[at]);
			if (seen == key)
				return at;
			if (seen < KEY_CLAIMING && free_at < 0) {
				free_at = at;
				free_key = seen;
			}
		}
		if (free_at < 0)
			return -1;
		if (cmpxchg(&slots.keys[free_at], free_key, KEY_CLAIMING) != free_key)
			continue;
		slots.via[free_at] = called_instead(ip, return_address);
		/*
		 * Another CPU may own a second slot of this key by now. Neither is wrong: whoever
		 * reads or retires looks at all of them.
		 */
		smp_store_release(&slots.keys[free_at], key);
		return free_at;
	}
	return -1;
}

static noinline notrace void count_elsewhere(unsigned long ip, unsigned long return_address,
					     bool is_exit, bool null)
{
	u64 key = make_key(ip, return_address);
	bool no_caller = key_caller(key) != return_address;
	int kfunc = engine__find_kfunc(ip), at;

	/*
	 * From 6.14 on a call that an earlier counting saw may return in this one. And where a kfunc
	 * was whose module is gone, something else may be by now.
	 */
	if (kfunc < 0)
		return;
	at = no_caller ? -1 : find_slot(key, ip, return_address);
	if (at >= 0) {
		if (is_exit)
			this_cpu_inc(slots.exits[at]);
		else
			this_cpu_inc(slots.calls[at]);
		if (null)
			this_cpu_inc(slots.nulls[at]);
		return;
	}
	if (is_exit)
		this_cpu_inc(slots.unattributed[kfunc].exits);
	else if (no_caller)
		this_cpu_inc(slots.unattributed[kfunc].no_caller);
	else
		this_cpu_inc(slots.unattributed[kfunc].table_full);
	if (null)
		this_cpu_inc(slots.unattributed[kfunc].nulls);
}

static __always_inline void count(unsigned long ip, unsigned long return_address, bool is_exit,
				  bool null)
{
	u64 key = make_key(ip, return_address);
	unsigned long at = home_of(key);

	/* It is looked at once, in one instruction; with READ_ONCE() it would be three. */
	if (unlikely(data_race(slots.keys[at]) != key)) {
		count_elsewhere(ip, return_address, is_exit, null);
		return;
	}
	/* Addressed by index a second time: to keep the offset costs two instructions more. */
	OPTIMIZER_HIDE_VAR(at);
	if (is_exit)
		this_cpu_inc(slots.exits[at]);
	else
		this_cpu_inc(slots.calls[at]);
	if (null)
		this_cpu_inc(slots.nulls[at]);
}

void notrace engine_slots__on_entry(unsigned long ip, unsigned long return_address,
				    struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	count(ip, return_address, false, false);
}

void notrace engine_slots__on_release(unsigned long ip, unsigned long return_address,
				      struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	count(ip, return_address, false, !compat_ftrace_argument(fregs, 0));
}

void notrace engine_slots__on_call(unsigned long ip, unsigned long return_address)
{
	count(ip, return_address, false, false);
}

void notrace engine_slots__on_exit(unsigned long ip, unsigned long return_address, bool null)
{
	count(ip, return_address, true, null);
}

/* --- retiring --------------------------------------------------------------------------------- */

static void add_counts(struct slot_counts *sum, const struct slot_counts *counts)
{
	sum->calls += counts->calls;
	sum->exits += counts->exits;
	sum->nulls += counts->nulls;
}

/* Exits before calls: what is returning meanwhile must not look as if it had returned twice. */
static struct slot_counts counts_of(u32 at)
{
	struct slot_counts counts = {};
	int cpu;

	for_each_possible_cpu(cpu) {
		counts.nulls += READ_ONCE(per_cpu_ptr(slots.nulls, cpu)[at]);
		counts.exits += READ_ONCE(per_cpu_ptr(slots.exits, cpu)[at]);
	}
	for_each_possible_cpu(cpu)
		counts.calls += READ_ONCE(per_cpu_ptr(slots.calls, cpu)[at]);
	return counts;
}

static void clear_counts(u32 at)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		per_cpu_ptr(slots.calls, cpu)[at] = 0;
		per_cpu_ptr(slots.exits, cpu)[at] = 0;
		per_cpu_ptr(slots.nulls, cpu)[at] = 0;
	}
}

static struct retired *find_retired(const struct retired *like)
{
	u32 hash = jhash_3words(like->kfunc, like->prog_id ^ like->subprog << 20, like->offset, 0);
	struct hlist_head *head = &retired_table[hash_32(hash, RETIRED_BITS)];
	struct retired *retired;

	hlist_for_each_entry(retired, head, node) {
		if (retired->kfunc == like->kfunc && retired->kind == like->kind &&
		    retired->prog_id == like->prog_id && retired->subprog == like->subprog &&
		    retired->offset == like->offset)
			return retired;
	}
	if (nr_retired >= KFT_MAX_RETIRED)
		return NULL;
	/* Not the sweeping task's to wait for: it holds a lock. */
	retired = engine_zalloc(sizeof(*retired), GFP_ATOMIC);
	if (!retired)
		return NULL;
	*retired = *like;
	hlist_add_head(&retired->node, head);
	nr_retired++;
	return retired;
}

static void retire(u32 at, const struct engine_heir *heir, u64 start)
{
	u64 key = slots.keys[at], via = slots.via[at];
	struct slot_counts counts = counts_of(at);
	struct retired like = { .kind = heir->kind }, *retired = NULL;
	int kfunc = engine__kfunc_at(key_ip(key));

	engine_generation++;
	if (!WARN_ON_ONCE(kfunc < 0)) {
		like.kfunc = kfunc;
		if (via) {
			like.kind = HEIR_KERNEL;
			like.offset = via;
		} else if (heir->kind == HEIR_PROGRAM) {
			like.prog_id = heir->prog_id;
			like.subprog = heir->subprog;
			like.offset = key_caller(key) - start;
		}
		if (like.kind != HEIR_NOBODY) {
			retired = find_retired(&like);
			if (!retired)
				lost_retired++;
		}
		add_counts(retired ? &retired->counts : &slots.orphans[kfunc], &counts);
	}
	clear_counts(at);
	/* Empty first, then free. */
	smp_store_release(&slots.keys[at], KEY_RETIRED);
}

void engine_slots__sweep(u64 start, u64 end, const struct engine_heir *heir)
{
	for (u32 at = 0; slots.keys && at <= slots.mask; at++) {
		u64 key = READ_ONCE(slots.keys[at]), caller = key_caller(key);

		if (key > KEY_LAST && caller > start && caller <= end)
			retire(at, heir, start);
	}
}

void engine_slots__sweep_kfunc(int kfunc)
{
	for (u32 at = 0; slots.keys && at <= slots.mask; at++) {
		u64 key = READ_ONCE(slots.keys[at]), start = 0;
		struct engine_heir heir = { .kind = HEIR_KERNEL };

		if (key <= KEY_LAST || engine__kfunc_at(key_ip(key)) != kfunc)
			continue;
		/* A caller in neither is of the kernel; which, is not kept. */
		engine_programs__heir_of(key_caller(key), &heir, &start);
		retire(at, &heir, start);
	}
}

void engine_slots__sweep_module(const struct module *module)
{
	static const struct engine_heir kernel = { .kind = HEIR_KERNEL };
	unsigned long flags;

	spin_lock_irqsave(&engine_lock, flags);
	for (u32 at = 0; slots.keys && at <= slots.mask; at++) {
		u64 key = READ_ONCE(slots.keys[at]);

		if (key > KEY_LAST && within_module(key_caller(key) - 1, module))
			retire(at, &kernel, 0);
	}
	spin_unlock_irqrestore(&engine_lock, flags);
}

void engine_slots__visit(u64 start, u64 end, bool (*visit)(u64 return_address, void *arg),
			 void *arg)
{
	for (u32 at = 0; slots.keys && at <= slots.mask; at++) {
		u64 key = READ_ONCE(slots.keys[at]), caller = key_caller(key);

		if (key > KEY_LAST && caller > start && caller <= end && !visit(caller, arg))
			return;
	}
}

void engine_slots__forget(u32 prog_id)
{
	engine_generation++;
	free_retired(false, prog_id);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool show_slot(struct engine_reading *reading, u32 at)
{
	u64 key = smp_load_acquire(&slots.keys[at]);
	struct slot_counts counts;

	if (key <= KEY_LAST)
		return true;
	counts = counts_of(at);
	seq_printf(reading->m, "slot %d 0x%llx 0x%llx %llu %llu %llu\n",
		   engine__kfunc_at(key_ip(key)), key_caller(key), slots.via[at], counts.calls,
		   counts.exits, counts.nulls);
	return engine_reading__goes_on(reading);
}

static bool show_unattributed(struct engine_reading *reading, int kfunc)
{
	const struct slot_counts *orphans = &slots.orphans[kfunc];
	struct unattributed sum = {};
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct unattributed *one = &per_cpu_ptr(slots.unattributed, cpu)[kfunc];

		sum.nulls += READ_ONCE(one->nulls);
		sum.exits += READ_ONCE(one->exits);
		sum.table_full += READ_ONCE(one->table_full);
		sum.no_caller += READ_ONCE(one->no_caller);
	}
	sum.exits += orphans->exits;
	sum.nulls += orphans->nulls;
	if (sum.table_full || sum.no_caller || orphans->calls || sum.exits)
		seq_printf(reading->m, "unknown %d %llu %llu %llu %llu %llu\n", kfunc,
			   sum.table_full, sum.no_caller, orphans->calls, sum.exits, sum.nulls);
	return engine_reading__goes_on(reading);
}

static bool show_retired(struct engine_reading *reading, const struct retired *retired)
{
	static const char *const kinds[] = { "program", "kernel", "nobody" };

	seq_printf(reading->m, "retired %u %s %u %u 0x%llx %llu %llu %llu\n", retired->kfunc,
		   kinds[retired->kind], retired->prog_id, retired->subprog, retired->offset,
		   retired->counts.calls, retired->counts.exits, retired->counts.nulls);
	return engine_reading__goes_on(reading);
}

void engine_slots__show(struct engine_reading *reading)
{
	struct retired *retired;

	seq_printf(reading->m, "lost-records %llu\n", lost_retired);
	for (u32 at = 0; slots.keys && at <= slots.mask; at++) {
		if (!show_slot(reading, at))
			return;
	}
	for (int i = 0; slots.keys && i < engine.nr_kfuncs; i++) {
		if (!show_unattributed(reading, i))
			return;
	}
	for (int i = 0; i < ARRAY_SIZE(retired_table); i++) {
		hlist_for_each_entry(retired, &retired_table[i], node) {
			if (!show_retired(reading, retired))
				return;
		}
	}
}
