// SPDX-License-Identifier: GPL-2.0-only
/*
 * many-programs [FROM] TO: loads the programs of these numbers, each with a name of its own, runs each once
 * and lets go of it. Each acquires an object by a kfunc once or twice, and releases it. Prints how often
 * the two kfuncs were called, as the programs themselves have counted.
 *
 * As little as possible is done for each, so that there can be very many.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#define MAX_INSTRUCTIONS 64
/* Instructions in front, without effect, move the calls and change the size. */
#define MAX_PADDING 16
#define INIT_PID    1

struct pair {
	const char *acquire, *release;
	__s32 acquire_id, release_id;
	bool takes_pid; /* or the address of a number */
};

/* The second is what 6.1 has. */
static struct pair pairs[] = {
	{
		.acquire = "bpf_task_from_pid",
		.release = "bpf_task_release",
		.takes_pid = true,
	},
	{
		.acquire = "bpf_kfunc_call_test_acquire",
		.release = "bpf_kfunc_call_test_release",
	},
};

struct code {
	struct bpf_insn insns[MAX_INSTRUCTIONS];
	unsigned int nr;
};

static struct pair *find_pair(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct pair *found = NULL;

	for (size_t i = 0; btf && i < sizeof(pairs) / sizeof(pairs[0]) && !found; i++) {
		struct pair *pair = &pairs[i];

		pair->acquire_id = btf__find_by_name_kind(btf, pair->acquire, BTF_KIND_FUNC);
		pair->release_id = btf__find_by_name_kind(btf, pair->release, BTF_KIND_FUNC);
		if (pair->acquire_id > 0 && pair->release_id > 0)
			found = pair;
	}
	btf__free(btf);
	return found;
}

static void add(struct code *code, struct bpf_insn insn)
{
	code->insns[code->nr++] = insn;
}

static void set(struct code *code, int to, int value)
{
	add(code,
	    (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = to, .imm = value });
}

static void copy(struct code *code, int to, int from)
{
	add(code, (struct bpf_insn){
			  .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = to, .src_reg = from });
}

static void increase(struct code *code, int what, int by)
{
	add(code,
	    (struct bpf_insn){ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = what, .imm = by });
}

static void call(struct code *code, __s32 kfunc)
{
	add(code, (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
				     .src_reg = BPF_PSEUDO_KFUNC_CALL,
				     .imm = kfunc });
}

/* r6 counts what was acquired. */
static void acquire_and_release(struct code *code, const struct pair *pair)
{
	if (pair->takes_pid) {
		set(code, BPF_REG_1, INIT_PID);
	} else {
		add(code, (struct bpf_insn){ .code = BPF_ST | BPF_MEM | BPF_DW,
					     .dst_reg = BPF_REG_10,
					     .off = -8 });
		copy(code, BPF_REG_1, BPF_REG_10);
		increase(code, BPF_REG_1, -8);
	}
	call(code, pair->acquire_id);
	/* Over what follows when it is NULL. */
	add(code,
	    (struct bpf_insn){ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 3 });
	copy(code, BPF_REG_1, BPF_REG_0);
	call(code, pair->release_id);
	increase(code, BPF_REG_6, 1);
}

static unsigned int nr_pairs(unsigned long number)
{
	return 1 + number % 2;
}

/* It returns how many objects it has acquired. */
static void write_program(struct code *code, const struct pair *pair, unsigned long number)
{
	code->nr = 0;
	for (unsigned long i = 0; i < number % MAX_PADDING; i++)
		set(code, BPF_REG_0, 0);
	set(code, BPF_REG_6, 0);
	for (unsigned int i = 0; i < nr_pairs(number); i++)
		acquire_and_release(code, pair);
	copy(code, BPF_REG_0, BPF_REG_6);
	add(code, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
}

/* Returns how many objects were acquired, or -1. */
static int run_one(const struct pair *pair, unsigned long number)
{
	static unsigned char packet[64];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = 1);
	struct code code;
	char name[16];
	int fd, err;

	snprintf(name, sizeof(name), "many_%lu", number);
	write_program(&code, pair, number);
	fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, name, "GPL", code.insns, code.nr, NULL);
	if (fd < 0) {
		fprintf(stderr, "many-programs: cannot load %s: %s\n", name, strerror(-fd));
		return -1;
	}
	err = bpf_prog_test_run_opts(fd, &run);
	close(fd);
	if (err) {
		fprintf(stderr, "many-programs: cannot run %s: %s\n", name, strerror(-err));
		return -1;
	}
	return run.retval;
}

int main(int argc, char **argv)
{
	unsigned long from = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long to = argc > 1 ? strtoul(argv[argc - 1], NULL, 10) : 0;
	unsigned long long acquired = 0;
	const struct pair *pair;

	if (argc < 2 || argc > 3 || from >= to) {
		fputs("usage: many-programs [FROM] TO\n", stderr);
		return 2;
	}
	pair = find_pair();
	if (!pair) {
		fputs("many-programs: this kernel has no kfuncs for it\n", stderr);
		return 1;
	}
	for (unsigned long number = from; number < to; number++) {
		int nr = run_one(pair, number);

		if (nr < 0)
			return 1;
		/* There is always something to be acquired. */
		if ((unsigned int)nr != nr_pairs(number)) {
			fprintf(stderr, "many-programs: program %lu acquired %d\n", number, nr);
			return 1;
		}
		acquired += nr;
	}
	printf("%s %llu\n%s %llu\n", pair->acquire, acquired, pair->release, acquired);
	return 0;
}
