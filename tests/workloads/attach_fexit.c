// SPDX-License-Identifier: GPL-2.0-only
/*
 * attach-fexit KFUNC...: another tool, which puts fexit programs on kfuncs and takes them away,
 * over and over until SIGTERM.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#define MAX_KFUNCS 16

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static int load(const struct btf *btf, const char *kfunc)
{
	const struct bpf_insn instructions[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT);
	int id, fd;

	id = btf__find_by_name_kind(btf, kfunc, BTF_KIND_FUNC);
	if (id < 0) {
		fprintf(stderr, "attach-fexit: this kernel has no %s\n", kfunc);
		return id;
	}
	opts.attach_btf_id = id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "other_tool", "GPL", instructions, 2, &opts);
	if (fd < 0)
		fprintf(stderr, "attach-fexit: cannot load a program for %s: %s\n", kfunc,
			strerror(-fd));
	return fd;
}

int main(int argc, char **argv)
{
	int programs[MAX_KFUNCS], links[MAX_KFUNCS], n = argc - 1, rounds = 0;
	struct btf *btf = btf__load_vmlinux_btf();

	if (n < 1 || n > MAX_KFUNCS || !btf) {
		fputs("usage: attach-fexit KFUNC...\n", stderr);
		return 2;
	}
	signal(SIGTERM, end);
	signal(SIGINT, end);
	for (int i = 0; i < n; i++) {
		programs[i] = load(btf, argv[1 + i]);
		if (programs[i] < 0)
			return 1;
	}
	for (; !ended; rounds++) {
		for (int i = 0; i < n; i++) {
			links[i] = bpf_link_create(programs[i], 0, BPF_TRACE_FEXIT, NULL);
			if (links[i] < 0) {
				fprintf(stderr, "attach-fexit: cannot attach to %s: %s\n",
					argv[1 + i], strerror(-links[i]));
				return 1;
			}
		}
		usleep(200000);
		for (int i = 0; i < n; i++)
			close(links[i]);
		usleep(200000);
	}
	printf("attach-fexit: %d rounds\n", rounds);
	return 0;
}
