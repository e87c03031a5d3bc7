/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls of kfuncs in a loaded program's own code. The kernel's table of them (aux->kfunc_tab) is
 * gone as soon as the program is compiled; the instructions stay.
 */
#ifndef KFUNCTRACE_PROGRAM_CALLS_H
#define KFUNCTRACE_PROGRAM_CALLS_H

#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/*
 * Distance of the called function from __bpf_call_base, as the verifier has written it (x86-64); 0:
 * instruction `idx` calls no kfunc. What the verifier has replaced by instructions is no call.
 */
static __noinline s32 called_kfunc(struct bpf_prog *prog, u32 idx)
{
	u64 insn = 0;

	bpf_probe_read_kernel(&insn, sizeof(insn),
			      (void *)prog + bpf_core_field_offset(prog->insnsi) +
				      (u64)idx * sizeof(struct bpf_insn));
	/* Opcode, registers (the source above), offset, immediate. */
	if ((insn & 0xff) != (BPF_JMP | BPF_CALL) || (insn >> 12 & 0xf) != BPF_PSEUDO_KFUNC_CALL)
		return 0;
	return insn >> 32;
}

#endif
