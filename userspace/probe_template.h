/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counting program as a template (tracepoints/probe.bpf.c): fills it in for one kfunc and loads
 * it. Knows the instructions' patch points and how a trampoline's frame looks on this kernel.
 */
#ifndef KFUNCTRACE_PROBE_TEMPLATE_H
#define KFUNCTRACE_PROBE_TEMPLATE_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/types.h>

struct kernel_btf_set;
struct kernel_reader;
struct probe_template;

/* What a probe does. */
enum probe_kind {
	PROBE_COUNT_ENTRY,	   /* counts calls */
	PROBE_COUNT_RELEASE,	   /* counts those of no object (NULL) as well */
	PROBE_COUNT_EXIT,	   /* counts those that return NULL as well */
	PROBE_COUNT_EXIT_NEGATIVE, /* counts those that return a negative int as well */
	/* These look at the object as well (references.bpf.c), and need probe_template__maps(). */
	PROBE_ACQUIRE,
	PROBE_RELEASE,
	PROBE_CONVERT,
	PROBE_ITER_NEW,
	PROBE_ITER_NEXT,
	PROBE_ITER_DESTROY,
	/*
	 * Count, and make a trace event of each call (kernel module): need maps and
	 * probe_template__set_module(). In the order of those that count.
	 */
	PROBE_CALL_ENTRY,
	PROBE_CALL_RELEASE,
	PROBE_CALL_EXIT,
	PROBE_CALL_EXIT_NEGATIVE,
	PROBE_NR_KINDS
};

enum bpf_attach_type probe_kind__attach_type(enum probe_kind kind);

/* One function's probe. */
struct probe_params {
	__u32 probe;	  /* index: whose counts they are */
	const char *name; /* of the function, for `bpftool prog` */
	enum probe_kind kind;
	__u32 btf_id;	  /* FUNC to attach to */
	int btf_fd;	  /* BTF object of a module, 0 for vmlinux */
	int nr_arg_words; /* prototype__nr_arg_words() of the real ABI */
	__u64 address;	  /* of the function */
	/* Of kinds that look at the object: */
	int object_arg; /* argument word that it is in, or that tells why there is none; -1: none */
	__u32 type;	/* index of the type that is acquired */
	__u32 released; /* index of the type that is released */
	__u32 flags;	/* KFT_DO_... and others (reference_records.h) */
};

/* Maps that reference probes work on; the values behind the last two are addressed directly. */
struct probe_template_maps {
	int objects_fd;
	int holds_fd;
	int site_ids_fd;
	int transient_pages_fd;
	int events_fd;
	int site_caches_fd;
	int state_fd;
};

/*
 * Learns what it needs of the kernel, among it the frame of a function that has fexit on it, by
 * attaching to a function of the kernel's own BPF tests and running that. `regions_fd` is the map
 * of struct kft_region, one for each of `nr_cpus` possible CPUs; nr_slots of each are used (a power
 * of two, at most KFT_MAX_SLOTS). Returns 0 or a negative errno; -EPERM and -EBUSY when this kernel
 * refuses fentry.
 */
int probe_template__open(struct kernel_btf_set *btfs, struct kernel_reader *reader, int regions_fd,
			 int nr_cpus, int nr_slots, struct probe_template **tmpl);
void probe_template__free(struct probe_template *tmpl);

/* What makes trace events: the kernel module's kfuncs, and what tells them who calls. */
struct probe_template_module {
	int btf_fd;
	__u32 event_id;	    /* FUNC kfunctrace_event_v1 in that BTF */
	__u32 function_id;  /* FUNC kfunctrace_function_v1 */
	__u32 listening_id; /* FUNC kfunctrace_listening_v1 */
	int sites_fd;	    /* struct kft_module_sites */
	int images_fd, progs_fd;
};

/* Without it no probe makes trace events. */
void probe_template__set_module(struct probe_template *tmpl,
				const struct probe_template_module *module);

/* Says what reference probes work on. */
void probe_template__set_maps(struct probe_template *tmpl, const struct probe_template_maps *maps);

/* Loads the program for one function. Returns its fd or a negative errno. */
int probe_template__load(const struct probe_template *tmpl, const struct probe_params *params);

#endif
