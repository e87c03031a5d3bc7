// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which loaded programs call which kfuncs, out of their own code (program_users.h). Needs no
 * permission to see addresses, and no tracing.
 */
#include "kernel_types.h"
#include "program_users.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("iter/bpf_prog")
int show_users(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *prog = ctx->prog;
	struct user_buffer *buffer;
	u32 size;

	if (!prog)
		return 0;
	buffer = read_user(prog, 0);
	if (!buffer || !buffer->user.nr_calls)
		return 0;
	size = user_size(buffer);
	if (size <= sizeof(*buffer))
		bpf_seq_write(ctx->meta->seq, buffer, size);
	return 0;
}
