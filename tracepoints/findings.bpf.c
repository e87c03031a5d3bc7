// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes trace events of what userspace has found: an iterator over a map with the findings. Only
 * tracing programs may call the module, and of these an iterator runs when it is asked to.
 */
#include "kernel_types.h"
#include "module_records.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* As many as there are findings. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kft_module_finding);
} findings SEC(".maps");

extern void kfunctrace_event_v1(const struct kft_module_event *event, u32 event__sz,
				const struct kft_module_site *site, u32 site__sz) __ksym;

SEC("iter/bpf_map_elem")
int fire_findings(struct bpf_iter__bpf_map_elem *ctx)
{
	struct kft_module_finding *finding = ctx->value;

	if (finding)
		kfunctrace_event_v1(&finding->event, sizeof(finding->event), &finding->site,
				    sizeof(finding->site));
	return 0;
}
