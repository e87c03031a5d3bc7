// SPDX-License-Identifier: GPL-2.0-only
#include "stub_prog.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

int stub_prog__load(enum bpf_attach_type type, __u32 btf_id, int btf_fd)
{
	/* r0 = 0; exit */
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type, .attach_btf_id = btf_id,
		    .attach_btf_obj_fd = btf_fd);
	int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "kft_stub", "GPL", insns, 2, &opts);

	return fd < 0 ? -errno : fd;
}

int stub_prog__run_tests(int prog_fd)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(prog_fd, &opts) ? -errno : 0;
}

int stub_prog__try_attach(const struct btf *vmlinux, enum bpf_attach_type type)
{
	__s32 id = btf__find_by_name_kind(vmlinux, STUB_TEST_FUNCTION, BTF_KIND_FUNC);
	int prog_fd, link_fd, err;

	if (id <= 0)
		return -ENOSYS;
	prog_fd = stub_prog__load(type, id, 0);
	if (prog_fd < 0)
		return prog_fd;
	link_fd = bpf_link_create(prog_fd, 0, type, NULL);
	err = link_fd < 0 ? -errno : stub_prog__run_tests(prog_fd);
	if (link_fd >= 0)
		close(link_fd);
	close(prog_fd);
	return err;
}
