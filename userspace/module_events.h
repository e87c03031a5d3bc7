/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace events of the kernel module: what lets probes make them, and what the events say of a call
 * site. While this is open the module cannot be unloaded.
 */
#ifndef KFUNCTRACE_MODULE_EVENTS_H
#define KFUNCTRACE_MODULE_EVENTS_H

#include <linux/types.h>

/* Its name, in BTF and in lsmod. */
#define MODULE_EVENTS_MODULE "kfunctrace"

struct counters;
struct kernel_btf_set;
struct module_events;

/* What a probe's events say; the texts are cut when they are too long. */
struct module_events_probe {
	const char *kfunc;
	const char *type;	 /* of the object, or NULL */
	const char *replacement; /* of a deprecated kfunc, or NULL */
};

/*
 * Finds the module's kfuncs. Returns 0, or a negative errno having said what is missing: -ENOENT
 * when the module is not loaded, -EPROTO when it is one of another version, -EBUSY when another process
 * makes events. `counters` were opened with want_references, and must outlive it.
 */
int module_events__open(struct kernel_btf_set *btfs, struct counters *counters,
			struct module_events **events);
void module_events__free(struct module_events *events);

/* Before the probes are attached. `probe` is the index in the probe set. */
void module_events__describe(struct module_events *events, __u32 probe,
			     const struct module_events_probe *what);

struct kft_module_finding;

/* Makes an event of each finding. Returns 0, or a negative errno having said why. */
int module_events__fire(const struct kft_module_finding *findings, __u32 nr);

/* For the template: see struct probe_template_module. */
struct probe_template_module module_events__template(const struct module_events *events);

#endif
