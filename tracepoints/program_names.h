/* SPDX-License-Identifier: GPL-2.0-only */
/* What BPF programs are called. */
#ifndef KFUNCTRACE_PROGRAM_NAMES_H
#define KFUNCTRACE_PROGRAM_NAMES_H

#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Name of the function that subprogram `idx` is, from the program's own BTF. */
static void read_function_name(struct bpf_prog_aux *aux, u32 idx, char *name, u32 size)
{
	struct bpf_func_info *infos = BPF_CORE_READ(aux, func_info);
	struct btf *btf = BPF_CORE_READ(aux, btf);
	struct btf_type **types, *type = NULL;
	const char *strings;
	u32 type_id = 0, name_off = 0;

	if (!infos || !btf || idx >= BPF_CORE_READ(aux, func_info_cnt))
		return;
	bpf_probe_read_kernel(&type_id, sizeof(type_id), &infos[idx].type_id);
	types = BPF_CORE_READ(btf, types);
	bpf_probe_read_kernel(&type, sizeof(type), &types[type_id]);
	if (!type)
		return;
	name_off = BPF_CORE_READ(type, name_off);
	strings = BPF_CORE_READ(btf, strings);
	bpf_probe_read_kernel_str(name, size, strings + name_off);
}

/* Its full name from its BTF, where it has one; otherwise the 15 characters that the kernel keeps. */
static void read_program_name(struct bpf_prog_aux *aux, char *name, u32 size)
{
	read_function_name(aux, 0, name, size);
	if (!name[0])
		bpf_probe_read_kernel_str(name, 16, &aux->name);
}

#endif
