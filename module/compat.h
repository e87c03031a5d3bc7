/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything in which the kernels from 6.1 on differ for these modules. Nowhere else is a version
 * looked at.
 */
#ifndef KFUNCTRACE_COMPAT_H
#define KFUNCTRACE_COMPAT_H

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/fprobe.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/uaccess.h>
#include <linux/version.h>

/* A slot's key is two addresses of the uppermost 2 GiB, and handlers get what ftrace saves of arguments. */
#if !defined(CONFIG_X86_64) || !defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS)
#error "kfunctrace's modules are for x86-64 kernels with CONFIG_DYNAMIC_FTRACE_WITH_ARGS"
#endif

/* 6.2: the compiler shall leave kfuncs as they are. */
#ifndef __bpf_kfunc
#define __bpf_kfunc __used noinline __noclone
#endif

/* Until 7.2 kfuncs have to ask for pointers that are good for sure; since then they get no others. */
#ifdef KF_TRUSTED_ARGS
#define COMPAT_KF_TRUSTED_ARGS KF_TRUSTED_ARGS
#else
#define COMPAT_KF_TRUSTED_ARGS 0
#endif

/* 6.2: objects that stay, but whose count may be zero. Before, only those that are held are good. */
#ifdef KF_RCU
#define COMPAT_KF_RCU KF_RCU
#else
#define COMPAT_KF_RCU KF_TRUSTED_ARGS
#endif

/* 6.9: sets of kfuncs say that they are. */
#ifndef BTF_KFUNCS_START
#define BTF_SET8_KFUNCS	       0
#define BTF_KFUNCS_START(name) BTF_SET8_START(name)
#define BTF_KFUNCS_END(name)   BTF_SET8_END(name)
#endif

/* 6.10: the source of a string is known from its declaration. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define compat_assign_str(field, from) __assign_str(field, from)
#else
#define compat_assign_str(field, from) __assign_str(field)
#endif

/*
 * Whether the kernel has taken this module's BTF. Without it kfuncs are registered with a warning
 * and no effect, and 6.1 and 6.12 also load a module whose BTF does not fit. Of what is exported,
 * only this tells: a program type that there is not is an error of those who have BTF. It must not
 * be asked after kfuncs have been registered, because such an error takes them back.
 */
static inline bool compat_module_btf_taken(void)
{
	static struct btf_id_set8 none = { .flags = BTF_SET8_KFUNCS };
	static const struct btf_kfunc_id_set probe = { .owner = THIS_MODULE, .set = &none };

	return THIS_MODULE->btf_data_size &&
	       register_btf_kfunc_id_set((enum bpf_prog_type)INT_MAX, &probe) != 0;
}

/* 0, or a negative error after saying why the module cannot be loaded. */
static inline int compat_require_module_btf(void)
{
	if (compat_module_btf_taken())
		return 0;
	pr_err("%s: not loaded, because the kernel has no BTF of this module; it was built without the kernel's BTF (vmlinux beside the headers) or for another kernel, see Documentation/module.rst\n",
	       THIS_MODULE->name);
	return -ENODATA;
}

/* --- ftrace ----------------------------------------------------------------------------------- */

/* 6.2 */
static __always_inline unsigned long compat_ftrace_argument(struct ftrace_regs *fregs, unsigned int n)
{
#ifdef ftrace_regs_get_argument
	return ftrace_regs_get_argument(fregs, n);
#else
	return regs_get_kernel_argument(&fregs->regs, n);
#endif
}

/*
 * Forgets the functions of an ops that is not registered, which may be used again. Before 7.3 the
 * kernel leaves pointers to what it has freed in there. Of the flags only what it was made with stays.
 */
static inline void compat_ftrace_forget(struct ftrace_ops *ops)
{
	const struct ftrace_ops made = {
		.func = ops->func,
		.flags = ops->flags & FTRACE_OPS_FL_PERMANENT,
	};

	ftrace_free_filter(ops);
	*ops = made;
}

static inline bool compat_ftrace_is_attached(const struct ftrace_ops *ops)
{
	return ops->flags & FTRACE_OPS_FL_ENABLED;
}

/*
 * Takes an ops off its functions, if it is on them, and waits until its handler is running nowhere. On
 * an error it is still there.
 */
static inline int compat_ftrace_detach(struct ftrace_ops *ops)
{
	int err = compat_ftrace_is_attached(ops) ? unregister_ftrace_function(ops) : 0;

	if (!err)
		compat_ftrace_forget(ops);
	return err;
}

/*
 * Handlers for returns. COMPAT_EXITS(exits, entered, returned, failed) defines them. `returned` gets the
 * address of the ftrace site, the return address, and what `failed` says of what was returned. Fprobes
 * know the return address since 6.5, and run `entered` as well, with the first two; before, and where
 * the kernel has no fprobes (Debian's 6.1), each function has a kretprobe, and its calls are seen
 * elsewhere.
 */
static __always_inline bool compat_exits_null(unsigned long returned)
{
	return !returned;
}

/* Of a function that returns an int. */
static __always_inline bool compat_exits_negative(unsigned long returned)
{
	return (s32)returned < 0;
}

#if IS_ENABLED(CONFIG_FPROBE) && LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)

#define COMPAT_EXITS_SEE_CALLS true

struct compat_exits {
	struct fprobe fprobe;
	bool attached;
	fprobe_entry_cb entry_handler;
	fprobe_exit_cb handler;
};

/*
 * 6.14 passes what ftrace has saved instead of pt_regs. Before, a function that another one jumps to at
 * its end (bpf_dynptr_slice_rdwr to bpf_dynptr_slice) returns, as the kernel says it, to who called
 * that one, but was entered with the address of the kernel's trampoline: it is carried from the entry
 * to the exit, so that both are of one call site.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
#define compat_fprobe_regs	     ftrace_regs
#define compat_fprobe_returned(regs) ftrace_regs_get_return_value(regs)
#define compat_fprobe_keep(data, return_address)
#define compat_fprobe_kept(data, return_address) (return_address)
#else
#define compat_fprobe_regs	     pt_regs
#define compat_fprobe_returned(regs) regs_return_value(regs)
#define compat_fprobe_keep(data, return_address) (*(unsigned long *)(data) = (return_address))
#define compat_fprobe_kept(data, return_address) (*(unsigned long *)(data))
#endif

#define COMPAT_EXITS(name, entered, function, failed)                                           \
	static notrace int name##_entered(struct fprobe *fprobe, unsigned long ip,              \
					  unsigned long return_address,                         \
					  struct compat_fprobe_regs *regs, void *data)          \
	{                                                                                       \
		compat_fprobe_keep(data, return_address);                                       \
		entered(ip, return_address);                                                    \
		return 0;                                                                       \
	}                                                                                       \
	static notrace void name##_returned(struct fprobe *fprobe, unsigned long ip,            \
					    unsigned long return_address,                       \
					    struct compat_fprobe_regs *regs, void *data)        \
	{                                                                                       \
		function(ip, compat_fprobe_kept(data, return_address),                          \
			 failed(compat_fprobe_returned(regs)));                                 \
	}                                                                                       \
	static struct compat_exits name = { .entry_handler = name##_entered,                    \
					    .handler = name##_returned }

/* Calls that may be on their way at the same time, where the kernel wants to know (before 6.14). */
#define COMPAT_MAX_ACTIVE 2048

static inline int compat_exits_attach(struct compat_exits *exits, unsigned long *addresses, int nr,
				      unsigned int max_active)
{
	int err;

	if (exits->attached)
		return -EBUSY;
	/* What it was before does not become what it is now; see compat_ftrace_forget(). */
	memset(&exits->fprobe, 0, sizeof(exits->fprobe));
	exits->fprobe.entry_handler = exits->entry_handler;
	exits->fprobe.exit_handler = exits->handler;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	exits->fprobe.nr_maxactive = max_active;
	exits->fprobe.entry_data_size = sizeof(unsigned long);
#endif
	if (!nr)
		return 0;
	err = register_fprobe_ips(&exits->fprobe, addresses, nr);
	exits->attached = !err;
	return err;
}

/* As compat_ftrace_detach(). The kernel may find no memory for it from 6.14 on. */
static inline int compat_exits_detach(struct compat_exits *exits)
{
	int err = exits->attached ? unregister_fprobe(&exits->fprobe) : 0;

	if (err)
		return err;
	/* 6.14 does not wait for handlers; 7.2 does again. */
	if (exits->attached)
		synchronize_rcu();
	exits->attached = false;
	return 0;
}

static inline bool compat_exits_are_attached(const struct compat_exits *exits)
{
	return exits->attached;
}

/* The module that the function is in is going. 6.14 takes care of that itself. */
static inline void compat_exits_forget(struct compat_exits *exits, unsigned long address, bool last)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	if (!exits->attached)
		return;
	if (last)
		compat_exits_detach(exits);
	else
		ftrace_set_filter_ip(&exits->fprobe.ops, address, 1, 0);
#endif
}

static inline unsigned long compat_exits_missed(const struct compat_exits *exits)
{
	return READ_ONCE(exits->fprobe.nmissed);
}

#else

#define COMPAT_EXITS_SEE_CALLS false

struct compat_exits {
	kretprobe_handler_t handler;
	struct kretprobe *probes;
	int nr;
};

#define COMPAT_EXITS(name, entered, function, failed)                                           \
	static notrace int name##_returned(struct kretprobe_instance *instance,                 \
					   struct pt_regs *regs)                                \
	{                                                                                       \
		function((unsigned long)get_kretprobe(instance)->kp.addr,                       \
			 get_kretprobe_retaddr(instance), failed(regs_return_value(regs)));     \
		return 0;                                                                       \
	}                                                                                       \
	static struct compat_exits name = { .handler = name##_returned }

/* Calls of one function that may be on their way at the same time. */
#define COMPAT_MAX_ACTIVE 256

/* It does not fail. */
static inline int compat_exits_detach(struct compat_exits *exits)
{
	for (int i = 0; i < exits->nr; i++)
		unregister_kretprobe(&exits->probes[i]);
	kfree(exits->probes);
	exits->probes = NULL;
	exits->nr = 0;
	return 0;
}

static inline bool compat_exits_are_attached(const struct compat_exits *exits)
{
	return exits->nr;
}

static inline int compat_exits_attach(struct compat_exits *exits, unsigned long *addresses, int nr,
				      unsigned int max_active)
{
	int err = 0;

	if (!nr)
		return 0;
	exits->probes = kcalloc(nr, sizeof(*exits->probes), GFP_KERNEL | __GFP_NOWARN);
	if (!exits->probes)
		return -ENOMEM;
	for (exits->nr = 0; exits->nr < nr; exits->nr++) {
		struct kretprobe *probe = &exits->probes[exits->nr];

		probe->kp.addr = (kprobe_opcode_t *)addresses[exits->nr];
		probe->handler = exits->handler;
		probe->maxactive = max_active;
		err = register_kretprobe(probe);
		if (err) {
			pr_info_once("%s: cannot follow %pS to its return (%d)\n", THIS_MODULE->name,
				     probe->kp.addr, err);
			compat_exits_detach(exits);
			return err;
		}
	}
	return 0;
}

/* The kernel takes kretprobes off modules that go; they still have to be detached. */
static inline void compat_exits_forget(struct compat_exits *exits, unsigned long address, bool last)
{
}

static inline unsigned long compat_exits_missed(const struct compat_exits *exits)
{
	unsigned long missed = 0;

	for (int i = 0; i < exits->nr; i++)
		missed += READ_ONCE(exits->probes[i].nmissed) +
			  READ_ONCE(exits->probes[i].kp.nmissed);
	return missed;
}

#endif

/* --- BPF programs ----------------------------------------------------------------------------- */

/* Subprograms, the main one among them; 0: it has only its own image. 6.7 has hidden ones too. */
static inline u32 compat_nr_images_of_program(const struct bpf_prog_aux *aux)
{
	if (!aux->func)
		return 0;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return aux->real_func_cnt;
#else
	return aux->func_cnt;
#endif
}

/* 6.9: where the bit is. */
static inline bool compat_program_is_sleepable(const struct bpf_prog *prog)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	return prog->sleepable;
#else
	return prog->aux->sleepable;
#endif
}

/* "bpf_prog_", the tag in hexadecimal digits, "_": what kallsyms puts before a program's name. */
#define COMPAT_SYMBOL_PREFIX_LEN (9 + 2 * BPF_TAG_SIZE + 1)

/* What kallsyms calls a program or a subprogram but the main one, "" when it is not there. */
static inline const char *compat_symbol_of_program(const struct bpf_prog *prog)
{
#ifdef CONFIG_BPF_JIT
	return prog->aux->ksym.name;
#else
	return "";
#endif
}

/*
 * The strings of a program's BTF, and their length. What a struct btf is, modules are not told; in
 * all kernels from 6.1 to 7.3 it begins with the address of the data as it came from userspace, whose
 * layout is an interface.
 */
static inline u32 compat_btf_strings(const struct btf *btf, const char **strings)
{
	const struct btf_header *data;
	struct btf_header header;

	if (get_kernel_nofault(data, (const struct btf_header *const *)btf) ||
	    get_kernel_nofault(header, data) || header.magic != BTF_MAGIC)
		return 0;
	*strings = (const char *)data + header.hdr_len + header.str_off;
	return header.str_len;
}

#endif
