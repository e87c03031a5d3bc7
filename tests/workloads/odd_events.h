/* SPDX-License-Identifier: GPL-2.0-only */
/* What odd_events.c hands to its BPF programs, and what they say. */
#ifndef WORKLOADS_ODD_EVENTS_H
#define WORKLOADS_ODD_EVENTS_H

#include "../../tracepoints/module_records.h"

struct odd {
	struct kft_module_event event;
	struct kft_module_site site;
	__u64 address;
	__u64 function; /* that it is in, as the module says */
	__u32 listening;
	__u32 runs;
};

#endif
