// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that call the kfuncs of kfunctrace.ko, one for each type that may or may not (odd_events.c).
 */
#include <linux/types.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "odd_events.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct odd);
} odds SEC(".maps");

extern __u32 kfunctrace_listening_v1(void) __ksym;
extern void kfunctrace_event_v1(const struct kft_module_event *event, __u32 event__sz,
				const struct kft_module_site *site, __u32 site__sz) __ksym;
extern __u64 kfunctrace_function_v1(__u64 address) __ksym;

static struct odd *find_odd(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&odds, &zero);
}

SEC("fentry/bpf_fentry_test1")
int tell_tracing(void *ctx)
{
	struct odd *odd = find_odd();

	if (!odd)
		return 0;
	odd->listening = kfunctrace_listening_v1();
	kfunctrace_event_v1(&odd->event, sizeof(odd->event), &odd->site, sizeof(odd->site));
	/* Less than it should be: no event. */
	kfunctrace_event_v1(&odd->event, 8, &odd->site, sizeof(odd->site));
	kfunctrace_event_v1(&odd->event, sizeof(odd->event), &odd->site, 8);
	odd->function = kfunctrace_function_v1(odd->address);
	odd->runs++;
	return 0;
}

#define TELL(type)                                                                                 \
	SEC(#type)                                                                                 \
	int tell_##type(void *ctx)                                                                 \
	{                                                                                          \
		struct odd *odd = find_odd();                                                      \
                                                                                                   \
		if (odd)                                                                           \
			kfunctrace_event_v1(&odd->event, sizeof(odd->event), &odd->site,           \
					    sizeof(odd->site));                                    \
		return 0;                                                                          \
	}

TELL(xdp)
TELL(tc)
TELL(syscall)
