// SPDX-License-Identifier: GPL-2.0
/* The kfuncs by which tracing programs make trace events. */
#include "compat.h"

#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "events.h"
#include "module_records.h"

#define CREATE_TRACE_POINTS
#include "kfunc_trace.h"

/* A copy of a site's texts: the original may change while it is read. */
struct texts {
	char kfunc[KFT_MODULE_NAME_LEN];
	char program[KFT_MODULE_NAME_LEN];
	char other[KFT_MODULE_NAME_LEN]; /* type or replacement */
};

static void copy_text(char *to, const char *from, size_t size)
{
	memcpy(to, from, size);
	to[size - 1] = '\0';
}

static void copy_texts(struct texts *texts, const struct kft_module_site *site)
{
	copy_text(texts->kfunc, site->kfunc, sizeof(site->kfunc));
	copy_text(texts->program, site->program, sizeof(site->program));
}

static noinline void fire_call(const struct kft_module_site *site)
{
	struct texts texts;

	copy_texts(&texts, site);
	trace_kfunc_call(texts.kfunc, site->prog_id, texts.program);
}

static noinline void fire_deprecated(const struct kft_module_site *site)
{
	struct texts texts;

	copy_texts(&texts, site);
	copy_text(texts.other, site->replacement, sizeof(site->replacement));
	trace_kfunc_deprecated(texts.kfunc, site->prog_id, texts.program, texts.other);
}

static noinline void fire_object(const struct kft_module_event *event,
				 const struct kft_module_site *site)
{
	const void *object = (const void *)(unsigned long)event->object;
	struct texts texts;

	copy_texts(&texts, site);
	copy_text(texts.other, site->type, sizeof(site->type));
#define FIRE(name)                                                                                 \
	trace_##name(texts.kfunc, site->prog_id, texts.program, texts.other, object, event->count, \
		     event->duration_ns)
	switch (event->kind) {
	case KFT_MODULE_ACQUIRE:
		FIRE(kfunc_acquire);
		break;
	case KFT_MODULE_RELEASE:
		FIRE(kfunc_release);
		break;
	case KFT_MODULE_REFCOUNT_ZERO:
		FIRE(kfunc_refcount_zero);
		break;
	case KFT_MODULE_STALE:
		FIRE(kfunc_stale);
		break;
	}
#undef FIRE
}

/*
 * What somebody listens to, KFT_MODULE_LISTENED(kind) of each. Probes ask before they go to the
 * trouble of making an event; while nobody listens it is a row of instructions that do nothing.
 */
__bpf_kfunc u32 kfunctrace_listening_v1(void)
{
	u32 kinds = 0;

	if (trace_kfunc_call_enabled())
		kinds |= KFT_MODULE_LISTENED(KFT_MODULE_CALL);
	if (trace_kfunc_acquire_enabled())
		kinds |= KFT_MODULE_LISTENED(KFT_MODULE_ACQUIRE);
	if (trace_kfunc_release_enabled())
		kinds |= KFT_MODULE_LISTENED(KFT_MODULE_RELEASE);
	if (trace_kfunc_refcount_zero_enabled())
		kinds |= KFT_MODULE_LISTENED(KFT_MODULE_REFCOUNT_ZERO);
	if (trace_kfunc_deprecated_enabled())
		kinds |= KFT_MODULE_LISTENED(KFT_MODULE_DEPRECATED);
	if (trace_kfunc_stale_enabled())
		kinds |= KFT_MODULE_LISTENED(KFT_MODULE_STALE);
	return kinds;
}

/*
 * Makes an event, when somebody listens. What it is given is memory that the verifier has checked,
 * and no more: nothing in it is trusted.
 */
__bpf_kfunc void kfunctrace_event_v1(const struct kft_module_event *event, u32 event__sz,
				     const struct kft_module_site *site, u32 site__sz)
{
	if (event__sz < sizeof(*event) || site__sz < sizeof(*site))
		return;
	switch (event->kind) {
	case KFT_MODULE_CALL:
		if (trace_kfunc_call_enabled())
			fire_call(site);
		break;
	case KFT_MODULE_ACQUIRE:
		if (trace_kfunc_acquire_enabled())
			fire_object(event, site);
		break;
	case KFT_MODULE_RELEASE:
		if (trace_kfunc_release_enabled())
			fire_object(event, site);
		break;
	case KFT_MODULE_REFCOUNT_ZERO:
		if (trace_kfunc_refcount_zero_enabled())
			fire_object(event, site);
		break;
	case KFT_MODULE_DEPRECATED:
		if (trace_kfunc_deprecated_enabled())
			fire_deprecated(site);
		break;
	case KFT_MODULE_STALE:
		if (trace_kfunc_stale_enabled())
			fire_object(event, site);
		break;
	}
}

/*
 * Where the function begins that an address is in, of the kernel's or of a BPF program's; 0 when it
 * is in none. The kernel's own lookup is not for modules, its text is.
 */
__bpf_kfunc u64 kfunctrace_function_v1(u64 address)
{
	char text[KSYM_SYMBOL_LEN], *plus, *slash;
	unsigned long offset;

	/* "name+0x12/0x80 [module]" */
	sprint_symbol(text, address);
	/* What stands between a program and a function is neither. */
	if (str_has_prefix(text, "bpf_trampoline_") || str_has_prefix(text, "bpf_dispatcher_"))
		return 0;
	plus = strrchr(text, '+');
	slash = plus ? strchr(plus, '/') : NULL;
	if (!slash)
		return 0;
	*slash = '\0';
	return kstrtoul(plus + 1, 0, &offset) || offset > address ? 0 : address - offset;
}

BTF_KFUNCS_START(event_kfuncs)
BTF_ID_FLAGS(func, kfunctrace_listening_v1)
BTF_ID_FLAGS(func, kfunctrace_event_v1)
BTF_ID_FLAGS(func, kfunctrace_function_v1)
BTF_KFUNCS_END(event_kfuncs)

static const struct btf_kfunc_id_set event_set = {
	.owner = THIS_MODULE,
	.set = &event_kfuncs,
};

int events__register(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &event_set);
}
