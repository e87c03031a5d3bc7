// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells of programs that call kfuncs when they are loaded and unloaded, with their calls, however
 * short they live: perf_event_bpf_event(LOAD) runs before a new program has a file descriptor, and
 * with UNLOAD while all of it is still there.
 *
 * A tracing program that is running on a CPU is not run a second time there (recursion miss), so
 * there are two of them. Whichever comes first tells, the other finds that it was told.
 */
#include "kernel_types.h"
#include "program_users.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define PERF_BPF_EVENT_PROG_LOAD   1
#define PERF_BPF_EVENT_PROG_UNLOAD 2

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} events SEC(".maps");

/* Events that one of the two has told; what the other one has missed is forgotten some time. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u8);
} told SEC(".maps");

/* Events for which the ring buffer had no room. */
__u64 nr_lost;

static __always_inline int tell(struct bpf_prog *prog, int event, u32 number)
{
	u64 key = (u64)BPF_CORE_READ(prog, aux, id) << 2 | event;
	struct user_buffer *buffer;
	u8 yes = 1;
	u32 size;

	if (event != PERF_BPF_EVENT_PROG_LOAD && event != PERF_BPF_EVENT_PROG_UNLOAD)
		return 0;
	if (!bpf_map_delete_elem(&told, &key))
		return 0;
	bpf_map_update_elem(&told, &key, &yes, BPF_ANY);
	buffer = read_user(prog, number);
	if (!buffer || !buffer->user.nr_calls)
		return 0;
	buffer->user.event =
		event == PERF_BPF_EVENT_PROG_LOAD ? KFT_USER_LOADED : KFT_USER_UNLOADED;
	buffer->user.time_ns = bpf_ktime_get_ns();
	buffer->user.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(buffer->user.comm, sizeof(buffer->user.comm));
	size = user_size(buffer);
	if (size <= sizeof(*buffer) && bpf_ringbuf_output(&events, buffer, size, 0))
		__sync_fetch_and_add(&nr_lost, 1);
	return 0;
}

SEC("fentry/perf_event_bpf_event")
int BPF_PROG(program_event, struct bpf_prog *prog, int event)
{
	return tell(prog, event, 0);
}

SEC("fentry/perf_event_bpf_event")
int BPF_PROG(program_event_again, struct bpf_prog *prog, int event)
{
	return tell(prog, event, 1);
}
