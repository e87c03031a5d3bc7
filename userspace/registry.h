/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All kfuncs that a kernel has registered: name, module, flags, program types and prototype, and
 * how each of them can be seen by a tracer.
 */
#ifndef KFUNCTRACE_REGISTRY_H
#define KFUNCTRACE_REGISTRY_H

#include <stdbool.h>
#include <linux/types.h>

struct kernel_btf;
struct kernel_btf_set;
struct kernel_reader;
struct registry;

/* How a kfunc can be seen. In print: coverage__name(). */
enum kfunc_coverage {
	COVERAGE_TRACED,      /* a probe on its symbol sees every call */
	COVERAGE_SPECIALISED, /* for some callers the verifier calls a twin: probe both */
	COVERAGE_INLINED,     /* the verifier replaces the call: there is nothing to see */
	COVERAGE_NO_SITE,     /* its code has no ftrace site */
	COVERAGE_DENIED,      /* the kernel refuses tracing programs on it */
	COVERAGE_ELIDED,      /* registered, but the compiler left no symbol of it */
	COVERAGE_UNKNOWN,     /* this kernel does not let us look */
};

const char *coverage__name(enum kfunc_coverage coverage);

/* What a kfunc is registered for. The same kfunc can have other flags for another hook. */
struct kfunc_hook {
	const char *name; /* "xdp", "tracing", "common"; owned by the registry */
	__u32 flags;
	bool filtered; /* a filter of the kernel's decides on each program */
};

/*
 * One kfunc of one module. It is owned by the registry, with everything in it, and stays where it is
 * as long as that does: registry__refresh() changes what it says when its module has gone or come
 * back, but not its name, module, kbtf and index.
 */
struct kfunc {
	int index;    /* in the registry */
	bool is_gone; /* not registered now; what stands here was so before */
	const char *name;
	const char *module; /* "vmlinux" or the module's name */
	struct kernel_btf *kbtf;
	unsigned int generation; /* of kbtf, that the next two are numbers of */
	__u32 btf_id;		 /* FUNC that programs call: the public prototype */
	__u32 abi_id;		 /* FUNC with the real parameters: its _impl twin's, or btf_id */
	__u32 flags;		 /* of all hooks together */
	struct kfunc_hook *hooks;
	int nr_hooks;
	__u64 address; /* of its symbol, 0 when there is none */
	enum kfunc_coverage coverage;
	const char *reason;	   /* of the coverage, in words */
	const char *twin;	   /* COVERAGE_SPECIALISED: the other function, else NULL */
	const char *hot_in_kernel; /* why the kernel itself calls it all the time, or NULL */
};

/*
 * Reads the registry of the running kernel. `btfs` and `reader` must outlive it. With `addresses`
 * the symbols are looked up too (address, coverage). Returns 0 or a negative errno.
 */
int registry__open_live(struct kernel_btf_set *btfs, struct kernel_reader *reader,
			struct registry **registry);
void registry__free(struct registry *registry);

/* A probe can be tried: coverage that is not known is, and the kernel answers. */
bool kfunc__can_be_traced(const struct kfunc *kfunc);

/* Indexes of kfuncs; a kfunc may be in both when its module was unloaded and loaded again. */
struct registry_changes {
	int *came, nr_came; /* registered now and not before, or by another load of the module */
	int *went, nr_went;
};
void registry_changes__free(struct registry_changes *changes);
/*
 * Reads it anew, after kernel_btf_set__refresh() (live_kernel__refresh() does both). `changes` are
 * to be freed, whatever is returned: 0 or a negative errno, then the registry is as it was or has
 * part of the changes, and may be read again.
 */
int registry__refresh(struct registry *registry, struct kernel_btf_set *btfs,
		      struct kernel_reader *reader, struct registry_changes *changes);

/*
 * Kfuncs sorted by name, then module; behind them those that came later, in the order in which they
 * came. Those that are gone are among them.
 */
int registry__nr(const struct registry *registry);
const struct kfunc *registry__at(const struct registry *registry, int idx);
/* The first kfunc of that name, or NULL. */
const struct kfunc *registry__find(const struct registry *registry, const char *name);
/* True when some hook of this kernel has that name. */
bool registry__has_hook(const struct registry *registry, const char *name);

/*
 * The hook that decides for a program type ("lsm" -> "tracing"); the name itself when it is a
 * hook's, NULL when it is neither.
 */
const char *registry__hook_of_prog_type(const char *name);
/*
 * Whether a kernel of `version` (KVER) asks that hook for programs of this type: 1 yes, 0 no, such
 * programs get what is for all types at the most, -1 not known.
 */
int registry__asks_hook(const char *prog_type, unsigned int version);

#endif
