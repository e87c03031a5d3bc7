/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KFUNCTRACE_MODULE_EVENTS_H
#define KFUNCTRACE_MODULE_EVENTS_H

#include <linux/types.h>

struct kft_module_event;
struct kft_module_site;

/* Kfuncs: see events.c. */
u32 kfunctrace_listening_v1(void);
void kfunctrace_event_v1(const struct kft_module_event *event, u32 event__sz,
			 const struct kft_module_site *site, u32 site__sz);
u64 kfunctrace_function_v1(u64 address);

/* Lets tracing programs make trace events. Returns 0 or a negative errno. */
int events__register(void);

#endif
