// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads, runs and unloads copies of the programs of an object, of changing sizes, so that their JIT
 * memory is used again and again, by a program of another name and with its calls elsewhere.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "workload.h"

#define MAX_PADDING	 256
#define MAX_INSTRUCTIONS 1024
#define MAX_TEMPLATES	 16
/* So many are there at a time. */
#define ALIVE 3

/* Instructions in front, without effect, move the calls and change the size. */
int program__load_copy(struct bpf_program *program, unsigned int padding)
{
	static struct bpf_insn instructions[MAX_PADDING + MAX_INSTRUCTIONS];
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	const struct bpf_insn nothing = { .code = BPF_ALU64 | BPF_MOV | BPF_K };
	size_t size = bpf_program__insn_cnt(program);
	int fd;

	if (size > MAX_INSTRUCTIONS || padding > MAX_PADDING)
		return fail(0, "%s is too large", bpf_program__name(program));
	/* There are no others; libbpf knows that by their section. */
	if (bpf_program__type(program) == BPF_PROG_TYPE_SYSCALL)
		opts.prog_flags = BPF_F_SLEEPABLE;
	for (unsigned int i = 0; i < padding; i++)
		instructions[i] = nothing;
	memcpy(instructions + padding, bpf_program__insns(program), size * sizeof(struct bpf_insn));
	fd = bpf_prog_load(bpf_program__type(program), bpf_program__name(program), "GPL",
			   instructions, padding + size, &opts);
	if (fd < 0)
		return fail(-fd, "cannot load a copy of %s", bpf_program__name(program));
	return fd;
}

int churn__run(struct bpf_object *object, const struct options *options)
{
	struct bpf_program *program, *templates[MAX_TEMPLATES];
	int alive[ALIVE] = { -1, -1, -1 };
	double end = now() + options->seconds;
	unsigned int n = 0;
	int err = 0;

	if (options->placement == ONE_CPU && pin_to_cpu(options->cpu))
		return -1;
	bpf_object__for_each_program(program, object)
	{
		if (bpf_program__fd(program) >= 0 && n < MAX_TEMPLATES)
			templates[n++] = program;
	}
	for (unsigned int round = 0; round < options->rounds || now() < end; round++) {
		int *slot = &alive[round % ALIVE];

		if (*slot >= 0)
			close(*slot);
		program = templates[round % n];
		*slot = program__load_copy(program, round * 37 % MAX_PADDING);
		err = *slot < 0 ? *slot
				: program__run(*slot, bpf_program__type(program), options->times);
		if (err)
			break;
	}
	for (int i = 0; i < ALIVE; i++) {
		if (alive[i] >= 0)
			close(alive[i]);
	}
	return err;
}
