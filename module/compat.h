/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything in which the kernels from 6.1 on differ for these modules. Nowhere else is a version
 * looked at.
 */
#ifndef KFUNCTRACE_COMPAT_H
#define KFUNCTRACE_COMPAT_H

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/version.h>

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

#endif
