/* SPDX-License-Identifier: GPL-2.0-only */
/* A loaded program and its calls of kfuncs, as a record for userspace. */
#ifndef KFUNCTRACE_PROGRAM_USERS_H
#define KFUNCTRACE_PROGRAM_USERS_H

#include "kernel_types.h"
#include "program_calls.h"
#include "program_names.h"
#include "users_records.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct user_buffer {
	struct kft_user user;
	struct kft_user_call calls[KFT_MAX_USER_CALLS];
};

/* Two BPF programs may be at it on the same CPU, one in the middle of the other: each has its own. */
#define NR_USER_BUFFERS 2

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NR_USER_BUFFERS);
	__type(key, u32);
	__type(value, struct user_buffer);
} user_buffers SEC(".maps");

struct user_reading {
	struct bpf_prog *prog;
	u32 number; /* of the buffer */
};

static long read_call(u32 idx, struct user_reading *reading)
{
	s32 distance = called_kfunc(reading->prog, idx);
	struct user_buffer *buffer;
	u32 at;

	if (!distance)
		return 0;
	buffer = bpf_map_lookup_elem(&user_buffers, &reading->number);
	if (!buffer)
		return 1;
	at = buffer->user.nr_calls;
	if (at >= KFT_MAX_USER_CALLS) {
		buffer->user.nr_left_out++;
		return 0;
	}
	buffer->calls[at].insn = idx;
	buffer->calls[at].distance = distance;
	buffer->user.nr_calls = at + 1;
	return 0;
}

/* Returns the buffer with its calls, and when there are any with the rest; or NULL. */
static __always_inline struct user_buffer *read_user(struct bpf_prog *prog, u32 number)
{
	struct user_reading reading = { .prog = prog, .number = number };
	struct user_buffer *buffer;
	struct bpf_prog_aux *aux;

	buffer = bpf_map_lookup_elem(&user_buffers, &number);
	if (!buffer)
		return NULL;
	__builtin_memset(&buffer->user, 0, sizeof(buffer->user));
	/* The main program has the code of its subprograms as well. */
	bpf_loop(BPF_CORE_READ(prog, len), read_call, &reading, 0);
	if (!buffer->user.nr_calls)
		return buffer;
	aux = BPF_CORE_READ(prog, aux);
	buffer->user.prog_id = BPF_CORE_READ(aux, id);
	buffer->user.type = BPF_CORE_READ(prog, type);
	bpf_probe_read_kernel(buffer->user.tag, sizeof(buffer->user.tag), &prog->tag);
	buffer->user.load_time_ns = BPF_CORE_READ(aux, load_time);
	buffer->user.uid = BPF_CORE_READ(aux, user, uid.val);
	read_program_name(aux, buffer->user.name, sizeof(buffer->user.name));
	return buffer;
}

/* Bytes of it that are in use. */
static __always_inline u32 user_size(const struct user_buffer *buffer)
{
	u32 size = sizeof(buffer->user) + buffer->user.nr_calls * sizeof(buffer->calls[0]);

	/* The verifier of 6.1 must see the bound in the register that the caller checks. */
	asm volatile("" : "+r"(size));
	return size;
}

#endif
