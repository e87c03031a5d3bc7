/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the probe templates (probe.bpf.c) are filled in for one kfunc. The templates carry no map
 * references, no relocations and no variables: userspace takes their instructions, replaces these
 * values and loads the result, one program a kfunc (userspace/probe_template.c). A value in the
 * instruction costs nothing on the hot path, a variable would cost two instructions a use.
 *
 * Each value is chosen to occur nowhere else; the patcher checks that every one was found.
 */
#ifndef KFUNCTRACE_PATCH_POINTS_H
#define KFUNCTRACE_PATCH_POINTS_H

/* 32-bit immediates. */
#define PATCH_PROBE	 0x5f4b0001 /* index of the probe */
#define PATCH_NR_CPUS	 0x5f4b0002 /* possible CPUs */
#define PATCH_SLOT_MASK	 0x5f4b0003 /* (slots - 1) * sizeof(struct kft_slot) */
#define PATCH_REGS_TYPE	 0x5f4b0004 /* BTF id of struct pt_regs */
#define PATCH_CAST_KFUNC 0x5f4b0005 /* call: becomes the kfunc bpf_rdonly_cast */

/* Of reference probes. */
#define PATCH_TYPE     0x5f4b0006 /* index of the type that is acquired */
#define PATCH_RELEASED 0x5f4b0007 /* index of the type that is released */
#define PATCH_FLAGS    0x5f4b0008 /* KFT_DO_... and others */

/* Calls of the kernel module's kfuncs (module_records.h). */
#define PATCH_EVENT_KFUNC     0x5f4b0009 /* kfunctrace_event_v1 */
#define PATCH_FUNCTION_KFUNC  0x5f4b000a /* kfunctrace_function_v1 */
#define PATCH_LISTENING_KFUNC 0x5f4b000b /* kfunctrace_listening_v1 */

/* 64-bit immediates. */
#define PATCH_REGIONS	 0x5f4b000000000001 /* address of the first struct kft_region */
#define PATCH_PROBE_BITS 0x5f4b000000000002 /* index of the probe << 48 */
#define PATCH_FUNC	 0x5f4b000000000003 /* address of the kfunc */
#define PATCH_RETHOOK	 0x5f4b000000000004 /* where kretprobes make functions return, or 0 */
#define PATCH_FGRAPH	 0x5f4b000000000005 /* where function_graph makes them return, or 0 */

/* Of reference probes: maps, and addresses of map values. */
#define PATCH_MAP_OBJECTS   0x5f4b000000000006
#define PATCH_HOLDS	    0x5f4b000000000007 /* address of struct kft_holds */
#define PATCH_MAP_SITE_IDS  0x5f4b000000000008
#define PATCH_MAP_EVENTS    0x5f4b000000000009
#define PATCH_MAP_TRANSIENT 0x5f4b00000000000c
#define PATCH_SITE_CACHES   0x5f4b00000000000a /* address of the first struct kft_site_cache */
#define PATCH_STATE	    0x5f4b00000000000b /* address of struct kft_reference_state */
#define PATCH_MODULE_SITES  0x5f4b00000000000d /* address of struct kft_module_sites */
#define PATCH_MAP_IMAGES    0x5f4b00000000000e
#define PATCH_MAP_PROGS	    0x5f4b00000000000f

/* Offsets of loads from the program's context. */
#define PATCH_OFF_CALLER 0x5f01 /* the return address, in the usual shape of the frame */
#define PATCH_OFF_WORD0	 0x5f02 /* first word above the saved frame pointer... */
#define PATCH_OFF_WORD1	 0x5f03 /* ...and the two behind it */
#define PATCH_OFF_WORD2	 0x5f04
#define PATCH_OFF_RETURN 0x5f05 /* the kfunc's return value */
#define PATCH_OFF_OBJECT 0x5f06 /* the argument that is the object */
#define PATCH_OFF_SECOND 0x5f07 /* the argument behind it */

#endif
