// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which loaded programs call which kfuncs, out of their own code (program_calls.h). Needs no
 * permission to see addresses, and no tracing.
 */
#include "kernel_types.h"
#include "program_calls.h"
#include "program_names.h"
#include "users_records.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct buffer {
	struct kft_user head;
	__s32 calls[KFT_MAX_USER_CALLS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct buffer);
} scratch SEC(".maps");

struct reading {
	struct bpf_prog *prog;
};

static long read_call(u32 idx, struct reading *reading)
{
	s32 call = called_kfunc(reading->prog, idx);
	struct buffer *buffer;
	u32 zero = 0, at;

	if (!call)
		return 0;
	buffer = bpf_map_lookup_elem(&scratch, &zero);
	if (!buffer)
		return 1;
	at = buffer->head.nr_calls;
	if (at >= KFT_MAX_USER_CALLS) {
		buffer->head.nr_left_out++;
		return 0;
	}
	buffer->calls[at] = call;
	buffer->head.nr_calls = at + 1;
	return 0;
}

SEC("iter/bpf_prog")
int show_users(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *prog = ctx->prog;
	struct reading reading = { .prog = prog };
	struct bpf_prog_aux *aux;
	struct buffer *buffer;
	u32 zero = 0, size;

	if (!prog)
		return 0;
	buffer = bpf_map_lookup_elem(&scratch, &zero);
	if (!buffer)
		return 0;
	__builtin_memset(&buffer->head, 0, sizeof(buffer->head));
	bpf_loop(BPF_CORE_READ(prog, len), read_call, &reading, 0);
	if (!buffer->head.nr_calls)
		return 0;

	aux = BPF_CORE_READ(prog, aux);
	buffer->head.prog_id = BPF_CORE_READ(aux, id);
	buffer->head.type = BPF_CORE_READ(prog, type);
	bpf_probe_read_kernel(buffer->head.tag, sizeof(buffer->head.tag), &prog->tag);
	buffer->head.load_time_ns = BPF_CORE_READ(aux, load_time);
	buffer->head.uid = BPF_CORE_READ(aux, user, uid.val);
	read_program_name(aux, buffer->head.name, sizeof(buffer->head.name));

	size = sizeof(buffer->head) + buffer->head.nr_calls * sizeof(buffer->calls[0]);
	/* The verifier of 6.1 must see the bound in the register that it checks. */
	asm volatile("" : "+r"(size));
	if (size > sizeof(*buffer))
		return 0;
	bpf_seq_write(ctx->meta->seq, buffer, size);
	return 0;
}
