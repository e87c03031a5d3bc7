// SPDX-License-Identifier: GPL-2.0-only
#include "object_flow_values.h"

#include <linux/bpf.h>

bool flow_value__is_same(const struct flow_value *a, const struct flow_value *b)
{
	return a->kind == b->kind && a->is_test == b->is_test && a->is_mixed == b->is_mixed &&
	       a->section == b->section && a->number == b->number;
}

/* Returns false for an operation that is not followed. */
static bool compute_constant(int op, bool wide, __u64 *left, __u64 right)
{
	unsigned int shift = right & (wide ? 63 : 31);

	if (!wide) {
		*left = (__u32)*left;
		right = (__u32)right;
	}
	switch (op) {
	case BPF_ADD:
		*left += right;
		break;
	case BPF_SUB:
		*left -= right;
		break;
	case BPF_MUL:
		*left *= right;
		break;
	case BPF_AND:
		*left &= right;
		break;
	case BPF_OR:
		*left |= right;
		break;
	case BPF_XOR:
		*left ^= right;
		break;
	case BPF_LSH:
		*left <<= shift;
		break;
	case BPF_RSH:
		*left >>= shift;
		break;
	case BPF_ARSH:
		*left = wide ? (__u64)((__s64)*left >> shift) : (__u64)((__s32)*left >> shift);
		break;
	default:
		return false;
	}
	if (!wide)
		*left = (__u32)*left;
	return true;
}

static void move(struct flow_value *dst, const struct bpf_insn *insn,
		 const struct flow_value *source, bool wide)
{
	*dst = *source;
	/* Moves that extend a sign are not followed, and half a pointer is none. */
	if (BPF_SRC(insn->code) == BPF_X && insn->off)
		*dst = (struct flow_value){ .kind = VALUE_UNKNOWN };
	else if (wide)
		return;
	else if (source->kind == VALUE_CONSTANT)
		dst->number = (__u32)dst->number;
	else if (source->kind != VALUE_KERNELS)
		*dst = (struct flow_value){ .kind = VALUE_UNKNOWN };
}

void flow_value__compute(struct flow_value *dst, const struct bpf_insn *insn,
			 const struct flow_value *source)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64, is_test = dst->is_test || source->is_test;
	int op = BPF_OP(insn->code);

	if (op == BPF_MOV) {
		move(dst, insn, source, wide);
		return;
	}
	if (dst->kind == VALUE_CONSTANT && source->kind == VALUE_CONSTANT &&
	    compute_constant(op, wide, &dst->number, source->number)) {
		dst->is_test = is_test;
		return;
	}
	if (dst->kind == VALUE_DATA && source->kind == VALUE_CONSTANT && op == BPF_ADD && wide) {
		dst->number += source->number;
		return;
	}
	/* A test that is computed with otherwise stays one that is not understood. */
	*dst = (struct flow_value){
		.kind = dst->kind == VALUE_KERNELS || source->kind == VALUE_KERNELS || is_test
				? VALUE_KERNELS
				: VALUE_UNKNOWN,
		.is_test = is_test,
	};
}

static int compare_numbers(int op, __u64 left, __u64 right, __s64 signed_left, __s64 signed_right)
{
	switch (op) {
	case BPF_JEQ:
		return left == right;
	case BPF_JNE:
		return left != right;
	case BPF_JGT:
		return left > right;
	case BPF_JGE:
		return left >= right;
	case BPF_JLT:
		return left < right;
	case BPF_JLE:
		return left <= right;
	case BPF_JSET:
		return !!(left & right);
	case BPF_JSGT:
		return signed_left > signed_right;
	case BPF_JSGE:
		return signed_left >= signed_right;
	case BPF_JSLT:
		return signed_left < signed_right;
	case BPF_JSLE:
		return signed_left <= signed_right;
	default:
		return -1;
	}
}

int flow_value__compare(const struct flow_value *left, const struct flow_value *right,
			const struct bpf_insn *insn)
{
	bool wide = BPF_CLASS(insn->code) == BPF_JMP;
	int op = BPF_OP(insn->code);

	if (left->kind == VALUE_CONSTANT && right->kind == VALUE_CONSTANT) {
		if (wide)
			return compare_numbers(op, left->number, right->number, left->number,
					       right->number);
		return compare_numbers(op, (__u32)left->number, (__u32)right->number,
				       (__s32)left->number, (__s32)right->number);
	}
	if (wide && left->kind == VALUE_NOT_ZERO && right->kind == VALUE_CONSTANT &&
	    !right->number) {
		if (op == BPF_JEQ)
			return 0;
		if (op == BPF_JNE)
			return 1;
	}
	return -1;
}
