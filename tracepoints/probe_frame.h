/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all probe templates do first: find the caller's return address and its slot. See
 * patch_points.h for how a template becomes a program.
 *
 * On the fast path nothing is called: the caller's address is one load off the trampoline's frame,
 * it is hashed to a slot of this CPU's table, and the slot is already its own. Everything else is
 * the miss path.
 *
 * How the frame looks (x86-64; n words of arguments, then from ctx[n] on, a word each):
 *
 *   fentry programs only:         rbp, kfunc + 5 or 9, caller
 *   fexit on it as well:          return value, rbp, kfunc + 5 or 9, caller
 *   the same, and the trampoline
 *   is jumped to, not called:     return value, rbp, caller
 *
 * The last is how 7.x does it with CONFIG_DYNAMIC_FTRACE_WITH_JMP. The shape changes while we are
 * attached, when another tool comes or goes. An address inside the kfunc itself never owns a slot,
 * so a changed shape ends on the miss path, which looks again.
 */
#ifndef KFUNCTRACE_PROBE_FRAME_H
#define KFUNCTRACE_PROBE_FRAME_H

#include "kernel_types.h"
#include "counter_records.h"
#include "patch_points.h"

#include <bpf/bpf_helpers.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* How words are read off the frame. */
enum frame_access {
	/* Since 6.2: the context is cast to a read-only struct, a load from which cannot fault. */
	FRAME_CAST,
	/* Before: a helper call a word. */
	FRAME_PROBE_READ,
};

#define PATCHED_IMM(value, point)   asm volatile("%0 = %1" : "=r"(value) : "i"(point))
#define PATCHED_IMM64(value, point) asm volatile("%0 = %1 ll" : "=r"(value) : "i"(point))

static __always_inline void *cast_context(void *ctx)
{
	register void *arg asm("r1") = ctx;
	register void *regs asm("r0");

	/*
	 * A call of a kfunc, written out because an extern would need a relocation. The verifier
	 * replaces it by a move.
	 */
	asm volatile("r2 = %[type]\n"
		     "call %[cast]\n"
		     : [regs] "=r"(regs), "+r"(arg)
		     : [type] "i"(PATCH_REGS_TYPE), [cast] "i"(PATCH_CAST_KFUNC)
		     : "r2", "r3", "r4", "r5");
	return regs;
}

#define FRAME_WORD(frame, access, point)                                                           \
	({                                                                                         \
		u64 __word;                                                                        \
		if ((access) == FRAME_CAST) {                                                      \
			asm volatile("%0 = *(u64 *)(%1 + %2)"                                      \
				     : "=r"(__word)                                                \
				     : "r"(frame), "i"(point));                                    \
		} else {                                                                           \
			void *__from = (frame);                                                    \
			asm volatile("%0 += %1" : "+r"(__from) : "i"(point));                      \
			bpf_probe_read_kernel(&__word, sizeof(__word), __from);                    \
		}                                                                                  \
		__word;                                                                            \
	})

/* Deeper in the stack than anything that the compiler has put there. */
#define KEEP_OFFSET 256

/*
 * The number of this CPU, in the 64 bits in which it is returned. A value that the caller still
 * needs is spilled and filled right around the call, deeper than the rest of the stack: the pattern
 * of bpf_fastcall, which the verifier removes (since 6.12), because inlined as it is the call
 * clobbers r0 only. Otherwise it costs as much as a callee-saved register, which has to be pushed
 * and popped.
 */
static __always_inline u64 processor_id(u64 *keep)
{
	register u64 cpu asm("r0");
	register u64 kept asm("r4") = *keep;

	asm volatile("*(u64 *)(r10 - %[offset]) = %[kept]\n"
		     "call %[processor_id]\n"
		     "%[kept] = *(u64 *)(r10 - %[offset])\n"
		     : [cpu] "=r"(cpu), [kept] "+r"(kept)
		     : [offset] "i"(KEEP_OFFSET), [processor_id] "i"(BPF_FUNC_get_smp_processor_id)
		     : "r1", "r2", "r3", "r5");
	*keep = kept;
	return cpu;
}

/*
 * The region of this CPU; never NULL. Keeps a value, see processor_id(). Ends the program when the
 * CPU number is out of range. Where the verifier knows that it is not (since 6.10) it removes the
 * comparison, provided that nobody else goes where it leads: hence a way out of its own.
 */
static __always_inline struct kft_region *own_region(u64 *keep)
{
	u64 cpu = processor_id(keep);
	struct kft_region *regions;

	asm volatile goto("if %0 >= %1 goto %l2" : : "r"(cpu), "i"(PATCH_NR_CPUS) : : out_of_range);
	PATCHED_IMM64(regions, PATCH_REGIONS);
	return &regions[cpu];
out_of_range:
	asm volatile("r0 = 0\n"
		     "exit" ::
			     : "r0");
	__builtin_unreachable();
}

/* Byte offset of the slot in which the search for a return address begins. */
static __always_inline u64 home_offset(u64 caller)
{
	/* Fibonacci hashing of the lower half: kernel code lies within 2 GiB. */
	u64 offset = ((u32)caller * 0x9e3779b1u) >> 16;

	asm volatile("%0 &= %1" : "+r"(offset) : "i"(PATCH_SLOT_MASK));
	return offset;
}

static __always_inline bool is_kernel_address(u64 address)
{
	return address >> 48 == 0xffff;
}

/* The trampoline was called from the ftrace site, at most endbr64 and a call into the function. */
static __always_inline bool inside_kfunc(u64 address)
{
	u64 func;

	PATCHED_IMM64(func, PATCH_FUNC);
	return address - func - 1 < 16;
}

static __always_inline bool is_return_hook(u64 address)
{
	u64 rethook, fgraph;

	PATCHED_IMM64(rethook, PATCH_RETHOOK);
	PATCHED_IMM64(fgraph, PATCH_FGRAPH);
	return address == rethook || address == fgraph;
}

/*
 * A kretprobe or function_graph has put its own address where the caller's stood. The unwinder
 * knows the true one; this costs thousands of instructions, on those calls only.
 */
static __always_inline u64 caller_from_stack(void *ctx)
{
	u64 stack[8] = {};

	if (bpf_get_stack(ctx, stack, sizeof(stack), 0) <= 0)
		return 0;
	for (int i = 0; i < 7; i++) {
		if (inside_kfunc(stack[i]))
			return stack[i + 1];
	}
	/* A trampoline that was jumped to leaves no word of the kfunc: program, trampoline, caller.
	 */
	return stack[2];
}

/* The caller's address whatever the shape of the frame; 0 when it cannot be told. */
static __always_inline u64 find_caller(void *volatile *ctx, const enum frame_access access)
{
	void *frame = access == FRAME_CAST ? cast_context(*ctx) : NULL;
	/* Each read may be a call, see count_call() for what must not live across one. */
	volatile u64 word0 =
		FRAME_WORD(access == FRAME_CAST ? frame : *ctx, access, PATCH_OFF_WORD0);
	volatile u64 word1 =
		FRAME_WORD(access == FRAME_CAST ? frame : *ctx, access, PATCH_OFF_WORD1);
	u64 caller;

	if (!inside_kfunc(word0) && inside_kfunc(word1))
		caller = FRAME_WORD(access == FRAME_CAST ? frame : *ctx, access, PATCH_OFF_WORD2);
	else
		caller = word1;

	if (unlikely(is_return_hook(caller))) {
		caller = caller_from_stack(*ctx);
		if (is_return_hook(caller))
			return 0;
	}
	return is_kernel_address(caller) ? caller : 0;
}

/* How it is told that a call did nothing: the function has failed, or had nothing to do. */
enum call_check {
	AT_ENTRY,      /* not known yet */
	ENTRY_NULL,    /* the object that it is given is NULL */
	EXIT_NULL,     /* returns 0 */
	EXIT_NEGATIVE, /* returns a negative int */
};

static __always_inline u64 argument(void *ctx)
{
	u64 value;

	asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value) : "r"(ctx), "i"(PATCH_OFF_OBJECT));
	return value;
}

static __always_inline u64 return_value(void *ctx)
{
	u64 value;

	asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value) : "r"(ctx), "i"(PATCH_OFF_RETURN));
	return value;
}

static __always_inline bool has_failed(void *ctx, const enum call_check check)
{
	if (check == ENTRY_NULL)
		return argument(ctx) == 0;
	if (check == EXIT_NULL)
		return return_value(ctx) == 0;
	if (check == EXIT_NEGATIVE)
		return (s32)return_value(ctx) < 0;
	return false;
}

static __always_inline void count_unattributed(struct kft_region *region, bool no_caller,
					       bool failed)
{
	u64 probe;

	PATCHED_IMM(probe, PATCH_PROBE);
	if (probe >= KFT_MAX_PROBES)
		return;
	if (no_caller)
		region->unattributed[probe].no_caller++;
	else
		region->unattributed[probe].table_full++;
	if (failed)
		region->unattributed[probe].nulls++;
}

/*
 * The function that the call before a return address names, when it is not this kfunc: kfuncs that
 * end in a call of another one are compiled to a jump there, and the other then finds the address of
 * their caller. That program did not call it. 0: called directly, or not by a plain call.
 */
static __always_inline u64 called_instead(u64 caller)
{
	/* On the stack for the sake of the fast path, see count_call(). */
	volatile u64 saved_caller = caller;
	u64 bytes, func, target;

	/* e8 and the distance to the target are the last five of the eight bytes before. */
	bpf_probe_read_kernel(&bytes, sizeof(bytes), (void *)(caller - sizeof(bytes)));
	if ((bytes >> 24 & 0xff) != 0xe8)
		return 0;
	target = saved_caller + (s64)(s32)(bytes >> 32);
	PATCHED_IMM64(func, PATCH_FUNC);
	return target - func < 16 ? 0 : target;
}

#define NO_SLOT (~0ull)

/*
 * Everything that is not the second or later call from an address in its home slot. Finds the slot
 * or claims one, and returns its byte offset. All slots within reach are looked at for the key
 * before a free one is claimed: slots become free again in between (program gone), and a key must
 * never own two. NO_SLOT: the call has been counted as unattributed.
 */
static __always_inline u64 find_slot(void *volatile *ctx, const enum frame_access access,
				     const enum call_check check)
{
	u64 caller = find_caller(ctx, access);
	struct kft_region *region = own_region(&caller);
	/* On the stack for the sake of the fast path, see count_call(). */
	volatile u64 free_at = NO_SLOT, free_key = 0;
	struct kft_slot *slot;
	u64 key, bits, at, via;

	if (!caller) {
		count_unattributed(region, true, has_failed(*ctx, check));
		return NO_SLOT;
	}
	PATCHED_IMM64(bits, PATCH_PROBE_BITS);
	key = caller ^ bits;
	at = home_offset(caller);

#pragma nounroll
	for (u32 i = 0; i < KFT_MAX_DISPLACEMENT; i++) {
		slot = (void *)region->slots + at;
		if (slot->key == key)
			return at;
		if (slot->key <= KFT_SLOT_RETIRED && free_at == NO_SLOT) {
			free_at = at;
			free_key = slot->key;
		}
		at += sizeof(*slot);
		asm volatile("%0 &= %1" : "+r"(at) : "i"(PATCH_SLOT_MASK));
	}
	at = free_at;
	if (at == NO_SLOT) {
		count_unattributed(region, false, has_failed(*ctx, check));
		return NO_SLOT;
	}
	slot = (void *)region->slots + (at & (sizeof(region->slots) - sizeof(*slot)));
	/* Another kfunc's probe may have interrupted us and taken it: rare, and then said so. */
	if (__sync_val_compare_and_swap(&slot->key, free_key, key) != free_key) {
		count_unattributed(region, false, has_failed(*ctx, check));
		return NO_SLOT;
	}
	if (free_key == KFT_SLOT_FREE) {
		u64 claim = __sync_fetch_and_add(&region->nr_claims, 1);

		if (claim < KFT_MAX_SLOTS)
			region->claims[claim] = at / sizeof(*slot) + 1;
	}
	free_at = at;
	/* Read back rather than kept: it would take a register through all of the above. */
	via = called_instead(slot->key | 0xffffull << 48);
	region = own_region(&via);
	at = free_at & (sizeof(region->slots) - sizeof(*slot));
	slot = (void *)region->slots + at;
	region->via[at / sizeof(*slot)] = via;
	return at;
}

#endif
