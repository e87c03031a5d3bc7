// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hot path: templates of the program that sits on every traced kfunc and counts its calls by
 * return address: in all one load, one comparison and one increment (probe_frame.h).
 */
#include "probe_frame.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int count_miss(void *volatile *ctx, const enum frame_access access,
				      const enum call_check check)
{
	u64 at = find_slot(ctx, access, check);
	struct kft_region *region;
	struct kft_slot *slot;

	if (at == NO_SLOT)
		return 0;
	region = own_region(&at);
	slot = (void *)region->slots + (at & (sizeof(region->slots) - sizeof(*slot)));
	slot->calls++;
	if (has_failed(*ctx, check))
		region->nulls[(at / sizeof(*slot)) & (KFT_MAX_SLOTS - 1)]++;
	return 0;
}

static __always_inline int count_call(void *ctx, const enum frame_access access,
				      const enum call_check check)
{
	/*
	 * On the stack, and everything else computed again on the miss path: a callee-saved
	 * register, wherever in the program it is used, is pushed and popped on every call of the
	 * kfunc. `make check-bench` notices.
	 */
	void *volatile saved_ctx = ctx;
	struct kft_region *region;
	struct kft_slot *slot;
	u64 caller, bits, at;

	caller = FRAME_WORD(access == FRAME_CAST ? cast_context(ctx) : ctx, access,
			    PATCH_OFF_CALLER);
	region = own_region(&caller);
	PATCHED_IMM64(bits, PATCH_PROBE_BITS);
	at = home_offset(caller);
	slot = (void *)region->slots + at;
	if (unlikely(slot->key != (caller ^ bits)))
		return count_miss(&saved_ctx, access, check);
	slot->calls++;
	if (unlikely(has_failed(saved_ctx, check)))
		region->nulls[at / sizeof(*slot)]++;
	return 0;
}

SEC("fentry")
int count_entry_cast(void *ctx)
{
	return count_call(ctx, FRAME_CAST, AT_ENTRY);
}

SEC("fentry")
int count_release_cast(void *ctx)
{
	return count_call(ctx, FRAME_CAST, ENTRY_NULL);
}

SEC("fentry")
int count_release_read(void *ctx)
{
	return count_call(ctx, FRAME_PROBE_READ, ENTRY_NULL);
}

SEC("fexit")
int count_exit_cast(void *ctx)
{
	return count_call(ctx, FRAME_CAST, EXIT_NULL);
}

SEC("fentry")
int count_entry_read(void *ctx)
{
	return count_call(ctx, FRAME_PROBE_READ, AT_ENTRY);
}

SEC("fexit")
int count_exit_read(void *ctx)
{
	return count_call(ctx, FRAME_PROBE_READ, EXIT_NULL);
}

SEC("fexit")
int count_exit_negative_cast(void *ctx)
{
	return count_call(ctx, FRAME_CAST, EXIT_NEGATIVE);
}

SEC("fexit")
int count_exit_negative_read(void *ctx)
{
	return count_call(ctx, FRAME_PROBE_READ, EXIT_NEGATIVE);
}

/*
 * Writes the words of the frame into the slots of the region. Userspace runs it once on a function
 * of the kernel's own tests to learn what a frame with fexit looks like here.
 */
SEC("fexit")
int show_frame(void *ctx)
{
	u64 nothing = 0;
	struct kft_region *region = own_region(&nothing);

	region->slots[0].key = FRAME_WORD(ctx, FRAME_PROBE_READ, PATCH_OFF_WORD0);
	region->slots[1].key = FRAME_WORD(ctx, FRAME_PROBE_READ, PATCH_OFF_WORD1);
	region->slots[2].key = FRAME_WORD(ctx, FRAME_PROBE_READ, PATCH_OFF_WORD2);
	region->slots[0].calls++;
	return 0;
}
