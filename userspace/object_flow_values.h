/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of a register's value. For object_flow.c. */
#ifndef KFUNCTRACE_OBJECT_FLOW_VALUES_H
#define KFUNCTRACE_OBJECT_FLOW_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct bpf_insn;

enum flow_value_kind {
	VALUE_UNKNOWN,
	VALUE_CONSTANT,	       /* number */
	VALUE_NOT_ZERO,	       /* the address of something that is there */
	VALUE_DATA,	       /* address of constants: section, number = offset */
	VALUE_VERSION_ADDRESS, /* where LINUX_KERNEL_VERSION stands */
	VALUE_CONFIG_ADDRESS,  /* where something else stands that libbpf fills in */
	VALUE_KERNELS,	       /* the kernel knows it, and we do not */
	VALUE_MAYBE_NULL,      /* what the kfunc call at instruction `number` returned, untested */
};

struct flow_value {
	enum flow_value_kind kind;
	bool is_test;  /* tells whether a kfunc is there */
	bool is_mixed; /* VALUE_MAYBE_NULL: on some of the ways that lead here */
	__u32 section;
	__u64 number;
};

bool flow_value__is_same(const struct flow_value *a, const struct flow_value *b);
/* dst = dst OP source, for an instruction of class ALU or ALU64. */
void flow_value__compute(struct flow_value *dst, const struct bpf_insn *insn,
			 const struct flow_value *source);
/* Whether a conditional jump is taken: 1 yes, 0 no, -1 both are possible. */
int flow_value__compare(const struct flow_value *left, const struct flow_value *right,
			const struct bpf_insn *insn);

#endif
