// SPDX-License-Identifier: GPL-2.0-only
/*
 * The values of registers are followed as far as a test of a constant needs it, with one state an
 * instruction: where two ways meet, only what both agree on is kept. The stack is not followed.
 */
#include "object_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object_calls.h"
#include "object_flow_values.h"

enum { NR_REGS = 11 };

struct state {
	bool is_visited;
	bool is_conditional; /* reached only behind a test whose outcome is the kernel's secret */
	struct flow_value regs[NR_REGS];
};

enum reach {
	NOT_REACHED,
	MAYBE_REACHED,
	REACHED,
};

/* What is known of a function of the object. */
struct function_walk {
	enum reach reach;
	bool is_called;		    /* not by its address only */
	size_t first_call;	    /* of kfuncs in it, in the flow */
	struct state entry;	    /* what all callers pass alike */
	bool returns;		    /* a way out was found */
	struct flow_value returned; /* the same on all ways out, or unknown */
};

struct walk {
	const struct object_calls *calls;
	const struct flow_kernel *kernel;
	struct flow *flow;
	struct function_walk *functions;
	bool lost_a_test; /* what tells of a missing kfunc got out of sight */
	bool changed;	  /* more is known of some function now */
	/* The function that is being walked through. */
	size_t current;
	const struct object_function *function;
	const struct bpf_insn *insns; /* of its section */
	struct state *states;	      /* of its instructions */
	size_t *queue;		      /* of instructions to look at again */
	bool *queued;
	size_t nr_queued;
};

/* --- states ----------------------------------------------------------------------------------- */

static void enqueue(struct walk *walk, size_t insn)
{
	size_t at = insn - walk->function->begin;

	if (walk->queued[at])
		return;
	walk->queued[at] = true;
	walk->queue[walk->nr_queued++] = insn;
}

/* Of a pointer that nobody has tested on one of two ways, this is remembered. */
static struct flow_value mix(const struct flow_value *to, const struct flow_value *from)
{
	const struct flow_value *pointer = to->kind == VALUE_MAYBE_NULL ? to : from;
	const struct flow_value *other = pointer == to ? from : to;
	struct flow_value mixed = *pointer;

	if (pointer->kind != VALUE_MAYBE_NULL || other->kind == VALUE_UNKNOWN ||
	    (other->kind == VALUE_MAYBE_NULL && other->number != pointer->number))
		return (struct flow_value){ .kind = VALUE_UNKNOWN };
	mixed.is_mixed = true;
	return mixed;
}

/* Keeps what two ways agree on. Returns true when that is less than before. */
static bool merge(struct walk *walk, struct flow_value *to, const struct flow_value *from)
{
	if (flow_value__is_same(to, from))
		return false;
	walk->lost_a_test |= to->is_test || from->is_test;
	if (to->kind == VALUE_UNKNOWN)
		return false;
	*to = mix(to, from);
	return true;
}

/* The verifier goes on at `insn` with this state. Out of the function it never does. */
static void go_to(struct walk *walk, __s64 insn, const struct state *from)
{
	struct state *to;
	bool changed = false;

	if (insn < (__s64)walk->function->begin || insn >= (__s64)walk->function->end)
		return;
	to = &walk->states[insn - walk->function->begin];
	if (!to->is_visited) {
		*to = *from;
		to->is_visited = true;
		enqueue(walk, insn);
		return;
	}
	if (to->is_conditional && !from->is_conditional) {
		to->is_conditional = false;
		changed = true;
	}
	for (int i = 0; i < NR_REGS; i++)
		changed |= merge(walk, &to->regs[i], &from->regs[i]);
	if (changed)
		enqueue(walk, insn);
}

static void forget(struct state *state, int reg)
{
	if (reg < NR_REGS)
		state->regs[reg] = (struct flow_value){ .kind = VALUE_UNKNOWN };
}

static const struct flow_value *value_of(const struct state *state, int reg)
{
	static const struct flow_value unknown = { .kind = VALUE_UNKNOWN };

	return reg < NR_REGS ? &state->regs[reg] : &unknown;
}

/* All copies of a pointer are what was found out about one of them. */
static void settle(struct state *state, struct flow_value pointer, enum flow_value_kind kind)
{
	for (int reg = 0; reg < NR_REGS; reg++) {
		if (flow_value__is_same(&state->regs[reg], &pointer))
			state->regs[reg] = (struct flow_value){ .kind = kind };
	}
}

static enum reach reach_of(const struct walk *walk, const struct state *state)
{
	return state->is_conditional ? MAYBE_REACHED : walk->functions[walk->current].reach;
}

/* What a pointer that was not tested may be is followed within a function only. */
static struct flow_value carried_over(const struct flow_value *value)
{
	return value->kind == VALUE_MAYBE_NULL ? (struct flow_value){ .kind = VALUE_UNKNOWN }
					       : *value;
}

/* Comes to a function with arguments that are known, if any are (NULL). */
static void reach_function(struct walk *walk, size_t index, enum reach reach,
			   const struct state *arguments)
{
	struct function_walk *function = &walk->functions[index];
	bool first = !function->reach;

	if (function->reach < reach) {
		function->reach = reach;
		walk->changed = true;
	}
	for (int reg = BPF_REG_1; reg <= BPF_REG_5; reg++) {
		struct flow_value value = { .kind = VALUE_UNKNOWN };

		if (arguments && !walk->calls->functions[index].is_global)
			value = carried_over(&arguments->regs[reg]);
		if (first)
			function->entry.regs[reg] = value;
		else if (merge(walk, &function->entry.regs[reg], &value))
			walk->changed = true;
	}
}

static void call_function(struct walk *walk, size_t index, enum reach reach,
			  const struct state *arguments)
{
	if (!walk->functions[index].is_called && walk->functions[walk->current].is_called) {
		walk->functions[index].is_called = true;
		walk->changed = true;
	}
	reach_function(walk, index, reach, arguments);
}

static void leave_function(struct walk *walk, const struct state *state)
{
	struct function_walk *function = &walk->functions[walk->current];
	struct flow_value value = carried_over(&state->regs[BPF_REG_0]);

	if (!function->returns) {
		function->returns = true;
		function->returned = value;
		walk->changed = true;
	} else if (merge(walk, &function->returned, &value)) {
		walk->changed = true;
	}
}

/* The kfunc call at an instruction of the current function, or NULL. */
static struct flow_call *find_call(struct walk *walk, size_t insn)
{
	struct flow *flow = walk->flow;

	for (size_t i = walk->functions[walk->current].first_call;
	     i < flow->nr && flow->calls[i].function == walk->current; i++) {
		if (flow->calls[i].insn == insn)
			return &flow->calls[i];
	}
	return NULL;
}

/* A pointer that may be NULL is used at `insn`; `value` says which call it came from. */
static void note_misuse(struct walk *walk, const struct state *state,
			const struct flow_value *value, size_t insn)
{
	struct flow_call *call;

	if (value->kind != VALUE_MAYBE_NULL || reach_of(walk, state) != REACHED)
		return;
	call = find_call(walk, value->number);
	if (!call || (call->is_misused && (call->is_misused_for_sure || value->is_mixed)))
		return;
	call->is_misused = true;
	call->is_misused_for_sure = !value->is_mixed;
	call->misused_at = insn;
}

/* --- instructions ----------------------------------------------------------------------------- */

static bool is_core(const struct object_ref *ref)
{
	return ref->kind == REF_CORE || ref->kind == REF_CORE_TEST;
}

static void load_imm64(struct walk *walk, struct state *state, size_t insn)
{
	const struct object_ref *ref = object_function__ref(walk->function, insn);
	const struct bpf_insn *first = &walk->insns[insn];
	struct flow_value value = { .kind = VALUE_UNKNOWN };

	if (insn + 1 >= walk->function->end || first->dst_reg >= NR_REGS)
		return;
	if (!ref) {
		if (!first->src_reg) {
			value.kind = VALUE_CONSTANT;
			value.number = (__u32)first->imm | (__u64)(__u32)first[1].imm << 32;
		}
	} else if (ref->kind == REF_KFUNC_ADDRESS) {
		value.kind = walk->kernel->has[ref->target] ? VALUE_NOT_ZERO : VALUE_CONSTANT;
		value.is_test = !walk->kernel->has[ref->target];
	} else if (ref->kind == REF_DATA) {
		value.kind = VALUE_DATA;
		value.section = ref->target;
		value.number = ref->offset;
	} else if (ref->kind == REF_KERNEL_VERSION && walk->kernel->version_code) {
		value.kind = VALUE_VERSION_ADDRESS;
	} else if (ref->kind == REF_KERNEL_VERSION || ref->kind == REF_CONFIG) {
		value.kind = VALUE_CONFIG_ADDRESS;
	} else if (is_core(ref)) {
		value.kind = VALUE_KERNELS;
		value.is_test = ref->kind == REF_CORE_TEST;
	} else if (ref->kind == REF_CALLBACK) {
		reach_function(walk, ref->target, reach_of(walk, state), NULL);
	}
	state->regs[first->dst_reg] = value;
}

static void alu(struct walk *walk, struct state *state, size_t at)
{
	const struct bpf_insn *insn = &walk->insns[at];
	const struct object_ref *ref = object_function__ref(walk->function, at);
	struct flow_value source, *dst;

	if (insn->dst_reg >= NR_REGS)
		return;
	dst = &state->regs[insn->dst_reg];
	if (BPF_SRC(insn->code) == BPF_X)
		source = *value_of(state, insn->src_reg);
	else
		source = (struct flow_value){ .kind = VALUE_CONSTANT, .number = (__s64)insn->imm };
	if (ref && is_core(ref))
		source = (struct flow_value){
			.kind = VALUE_KERNELS,
			.is_test = ref->kind == REF_CORE_TEST,
		};
	flow_value__compute(dst, insn, &source);
}

static void load(struct walk *walk, struct state *state, size_t at)
{
	static const int sizes[] = { 4, 2, 1, 8 }; /* BPF_W, BPF_H, BPF_B, BPF_DW */
	const struct bpf_insn *insn = &walk->insns[at];
	const struct flow_value base = *value_of(state, insn->src_reg);
	struct flow_value value = { .kind = VALUE_UNKNOWN };
	int size = sizes[BPF_SIZE(insn->code) >> 3];

	note_misuse(walk, state, &base, at);
	if (insn->dst_reg >= NR_REGS)
		return;
	if (BPF_MODE(insn->code) == BPF_MEM && base.kind == VALUE_DATA) {
		const struct object_section *section = &walk->calls->file->sections[base.section];
		__u64 offset = base.number + insn->off;

		if (offset < section->size && section->size - offset >= (size_t)size) {
			value.kind = VALUE_CONSTANT;
			memcpy(&value.number, (const char *)section->data + offset, size);
		}
	} else if (base.kind == VALUE_VERSION_ADDRESS && !insn->off) {
		value.kind = VALUE_CONSTANT;
		value.number = walk->kernel->version_code;
	} else if (base.kind == VALUE_CONFIG_ADDRESS || base.kind == VALUE_VERSION_ADDRESS) {
		value.kind = VALUE_KERNELS;
	}
	state->regs[insn->dst_reg] = value;
}

static void store(struct walk *walk, struct state *state, size_t at)
{
	const struct bpf_insn *insn = &walk->insns[at];
	const struct flow_value *source = value_of(state, insn->src_reg);

	note_misuse(walk, state, value_of(state, insn->dst_reg), at);
	if (BPF_CLASS(insn->code) != BPF_STX)
		return;
	walk->lost_a_test |= source->is_test;
	if (BPF_MODE(insn->code) == BPF_ATOMIC) {
		/* Some of them fetch. */
		forget(state, insn->src_reg);
		forget(state, BPF_REG_0);
	}
}

static void after_call(struct state *state)
{
	for (int reg = BPF_REG_0; reg <= BPF_REG_5; reg++)
		forget(state, reg);
}

/* Returns false when it is not known that the function returns. */
static bool call_own(struct walk *walk, struct state *state, size_t target)
{
	const struct function_walk *function = &walk->functions[target];

	call_function(walk, target, reach_of(walk, state), state);
	/* What the function finds out about a pointer, the verifier knows afterwards. */
	for (int reg = BPF_REG_1; reg <= BPF_REG_5; reg++) {
		if (state->regs[reg].kind == VALUE_MAYBE_NULL)
			settle(state, state->regs[reg], VALUE_UNKNOWN);
	}
	after_call(state);
	if (walk->calls->functions[target].is_global)
		return true;
	state->regs[BPF_REG_0] = function->returned;
	return function->returns;
}

/* Returns false when the code behind the call is not reached, as far as is known yet. */
static bool call(struct walk *walk, struct state *state, size_t at)
{
	const struct object_ref *ref = object_function__ref(walk->function, at);
	const struct flow_kernel *kernel = walk->kernel;
	struct flow_call *found;

	if (ref && ref->kind == REF_CALL)
		return call_own(walk, state, ref->target);
	if (!ref || ref->kind != REF_KFUNC_CALL) {
		after_call(state);
		return true;
	}
	found = find_call(walk, at);
	if (found) {
		found->is_reached = true;
		found->is_certain |= reach_of(walk, state) == REACHED;
		found->in_callback = !walk->functions[walk->current].is_called;
	}
	for (int arg = 0; arg < 5; arg++) {
		if (kernel->refuses_null[ref->target] & (1u << arg))
			note_misuse(walk, state, &state->regs[BPF_REG_1 + arg], at);
	}
	after_call(state);
	if (kernel->may_be_null[ref->target]) {
		state->regs[BPF_REG_0].kind = VALUE_MAYBE_NULL;
		state->regs[BPF_REG_0].number = at;
	}
	return true;
}

/* Only libbpf, with the kernel at hand, knows it: also whether something of .kconfig or .ksyms is there. */
static bool is_kernels(const struct flow_value *value)
{
	return value->kind == VALUE_KERNELS || value->kind == VALUE_CONFIG_ADDRESS;
}

static void forget_test(struct state *state, const struct flow_value *tested)
{
	for (int reg = 0; reg < NR_REGS && tested->is_test; reg++) {
		if (flow_value__is_same(&state->regs[reg], tested))
			state->regs[reg].is_test = false;
	}
}

static bool is_zero(const struct flow_value *value)
{
	return value->kind == VALUE_CONSTANT && !value->number;
}

/* The pointer on the left of a test is compared: with NULL, or something else. */
static void test_pointer(struct walk *walk, struct state *taken, struct state *next, size_t at,
			 bool with_null)
{
	const struct bpf_insn *insn = &walk->insns[at];
	const struct flow_value pointer = taken->regs[insn->dst_reg];
	struct flow_call *tested = find_call(walk, pointer.number);
	int op = BPF_OP(insn->code);

	if (tested)
		tested->is_tested = true;
	if (with_null && BPF_CLASS(insn->code) == BPF_JMP && (op == BPF_JEQ || op == BPF_JNE)) {
		settle(taken, pointer, op == BPF_JEQ ? VALUE_CONSTANT : VALUE_NOT_ZERO);
		settle(next, pointer, op == BPF_JEQ ? VALUE_NOT_ZERO : VALUE_CONSTANT);
	} else {
		settle(taken, pointer, VALUE_UNKNOWN);
		settle(next, pointer, VALUE_UNKNOWN);
	}
}

static void jump(struct walk *walk, const struct state *from, size_t at)
{
	const struct bpf_insn *insn = &walk->insns[at];
	const struct flow_value *left = value_of(from, insn->dst_reg),
				right = BPF_SRC(insn->code) == BPF_X
						? *value_of(from, insn->src_reg)
						: (struct flow_value){ .kind = VALUE_CONSTANT,
								       .number = (__s64)insn->imm };
	int outcome = flow_value__compare(left, &right, insn);
	struct state taken = *from, next = *from;

	if (is_kernels(left) || is_kernels(&right))
		taken.is_conditional = next.is_conditional = true;
	/* What the test has told is known now from the way that is taken. */
	forget_test(&taken, left);
	forget_test(&next, left);
	forget_test(&taken, &right);
	forget_test(&next, &right);
	if (left->kind == VALUE_MAYBE_NULL)
		test_pointer(walk, &taken, &next, at, is_zero(&right));
	if (right.kind == VALUE_MAYBE_NULL) {
		settle(&taken, right, VALUE_UNKNOWN);
		settle(&next, right, VALUE_UNKNOWN);
	}
	if (outcome != 0)
		go_to(walk, (__s64)at + 1 + insn->off, &taken);
	if (outcome != 1)
		go_to(walk, at + 1, &next);
}

#ifndef BPF_JCOND
#define BPF_JCOND 0xe0 /* may_goto */
#endif

static void jump_class(struct walk *walk, struct state *state, size_t at)
{
	const struct bpf_insn *insn = &walk->insns[at];
	int op = BPF_OP(insn->code);
	bool is_long = BPF_CLASS(insn->code) == BPF_JMP32;

	switch (op) {
	case BPF_JA:
		go_to(walk, (__s64)at + 1 + (is_long ? insn->imm : insn->off), state);
		break;
	case BPF_EXIT:
		leave_function(walk, state);
		break;
	case BPF_CALL:
		if (call(walk, state, at))
			go_to(walk, at + 1, state);
		break;
	case BPF_JCOND:
		go_to(walk, (__s64)at + 1 + insn->off, state);
		go_to(walk, at + 1, state);
		break;
	default:
		jump(walk, state, at);
	}
}

static void step(struct walk *walk, size_t at)
{
	struct state state = walk->states[at - walk->function->begin];
	const struct bpf_insn *insn = &walk->insns[at];

	switch (BPF_CLASS(insn->code)) {
	case BPF_JMP:
	case BPF_JMP32:
		jump_class(walk, &state, at);
		return;
	case BPF_LD:
		if (insn->code == (BPF_LD | BPF_IMM | BPF_DW)) {
			load_imm64(walk, &state, at);
			go_to(walk, at + 2, &state);
			return;
		}
		after_call(&state);
		break;
	case BPF_LDX:
		load(walk, &state, at);
		break;
	case BPF_ST:
	case BPF_STX:
		store(walk, &state, at);
		break;
	default:
		alu(walk, &state, at);
	}
	go_to(walk, at + 1, &state);
}

/* --- functions -------------------------------------------------------------------------------- */

static int walk_function(struct walk *walk, size_t index)
{
	const struct object_function *function = &walk->calls->functions[index];
	size_t nr = function->end - function->begin;
	int err = 0;

	walk->current = index;
	walk->function = function;
	walk->insns = walk->calls->file->sections[function->section].insns;
	walk->states = calloc(nr, sizeof(*walk->states));
	walk->queue = calloc(nr, sizeof(*walk->queue));
	walk->queued = calloc(nr, sizeof(*walk->queued));
	walk->nr_queued = 0;
	if (walk->states && walk->queue && walk->queued) {
		go_to(walk, function->begin, &walk->functions[index].entry);
		while (walk->nr_queued) {
			size_t at = walk->queue[--walk->nr_queued];

			walk->queued[at - function->begin] = false;
			step(walk, at);
		}
	} else {
		err = -ENOMEM;
	}
	free(walk->states);
	free(walk->queue);
	free(walk->queued);
	return err;
}

/* Older kernels verify every global function that was loaded with the program. */
static void reach_globals(struct walk *walk, const bool *used)
{
	for (size_t i = 0; i < walk->calls->nr_functions; i++) {
		if (used[i] && walk->calls->functions[i].is_global)
			call_function(walk, i, REACHED, NULL);
	}
}

/* All calls of kfuncs in what is loaded with the program. */
static int list_calls(struct walk *walk, const bool *used)
{
	size_t room = 0;

	for (size_t i = 0; i < walk->calls->nr_functions; i++)
		room += used[i] ? walk->calls->functions[i].nr_refs : 0;
	walk->flow->calls = calloc(room + 1, sizeof(*walk->flow->calls));
	if (!walk->flow->calls)
		return -ENOMEM;
	for (size_t i = 0; i < walk->calls->nr_functions; i++) {
		const struct object_function *function = &walk->calls->functions[i];

		walk->functions[i].first_call = walk->flow->nr;
		for (size_t j = 0; used[i] && j < function->nr_refs; j++) {
			if (function->refs[j].kind != REF_KFUNC_CALL)
				continue;
			walk->flow->calls[walk->flow->nr++] = (struct flow_call){
				.kfunc = function->refs[j].target,
				.function = i,
				.insn = function->refs[j].insn,
			};
		}
	}
	return 0;
}

static int walk_all(struct walk *walk)
{
	int err = 0;

	do {
		walk->changed = false;
		for (size_t i = 0; i < walk->calls->nr_functions && !err; i++) {
			if (walk->functions[i].reach)
				err = walk_function(walk, i);
		}
	} while (walk->changed && !err);
	return err;
}

int object_flow__follow(const struct object_calls *calls, const struct object_program *program,
			const struct flow_kernel *kernel, struct flow *flow)
{
	struct walk walk = { .calls = calls, .kernel = kernel, .flow = flow };
	bool *used = calloc(calls->nr_functions, sizeof(*used));
	int err = -ENOMEM;

	memset(flow, 0, sizeof(*flow));
	walk.functions = calloc(calls->nr_functions, sizeof(*walk.functions));
	if (used && walk.functions)
		err = object_calls__closure(calls, program->function, used)
			      ?: list_calls(&walk, used);
	if (!err) {
		walk.current = program->function;
		walk.functions[walk.current].is_called = true;
		reach_function(&walk, walk.current, REACHED, NULL);
		if (!kernel->skips_unused_globals)
			reach_globals(&walk, used);
		err = walk_all(&walk);
	}
	for (size_t i = 0; i < flow->nr && walk.lost_a_test; i++)
		flow->calls[i].is_certain = false;
	free(walk.functions);
	free(used);
	return err;
}

void flow__free(struct flow *flow)
{
	free(flow->calls);
	memset(flow, 0, sizeof(*flow));
}
