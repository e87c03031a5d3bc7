/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel does with single kfuncs and says in no table of its own: which calls its verifier
 * replaces, which targets it swaps, and which kfuncs the kernel itself calls. The one place for it.
 */
#ifndef KFUNCTRACE_KFUNC_QUIRKS_H
#define KFUNCTRACE_KFUNC_QUIRKS_H

#include <stdbool.h>

/*
 * The function that the verifier calls for some programs in place of this kfunc
 * (specialize_kfunc() in the kernel's verifier), or NULL. Whether a kernel has it, its BTF says.
 */
const char *kfunc_quirk__twin(const char *name);

/* Why no call of this kfunc exists in programs on a kernel of `version`, or NULL. */
const char *kfunc_quirk__inlined(const char *name, unsigned int version);

/*
 * Why the kernel itself calls this kfunc all the time, or NULL. Such kfuncs are counted only when
 * asked for: their own calls would cost more than the programs' calls tell.
 */
const char *kfunc_quirk__hot_in_kernel(const char *name);

enum kfunc_judged { JUDGED_ARGUMENTS, JUDGED_RESULT };
/* True when the verifier knows this kfunc, and does not judge these by the prototype. */
bool kfunc_quirk__judged(const char *name, enum kfunc_judged what);

/*
 * True for functions that are registered as kfuncs are, though for programs that modify what they
 * return (fmod_ret), and which no program can call.
 */
bool kfunc_quirk__is_fmodret(const char *name);

/*
 * What a filter of the kernel's says to a call from programs of this type and kind (prog_section.h) on
 * a kernel of `version` (KVER): 1 allowed, 0 refused, -1 not known. As read in the sources of the
 * kernels up to 7.3.
 */
int kfunc_quirk__passes_filter(const char *name, const char *prog_type, const char *kind,
			       unsigned int version);

#endif
