// SPDX-License-Identifier: GPL-2.0-only
/*
 * attach-all CGROUP DONE HOLD: attaches programs in every way there is, to lo, to the cgroup, to
 * functions and maps; then makes the file DONE, and keeps all of it until there is a file HOLD.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

__asm__(".pushsection .rodata\n"
	".balign 16\n"
	"attached_begin:\n"
	".incbin \"attached.bpf.o\"\n"
	"attached_end:\n"
	".popsection\n");
extern const char attached_begin[], attached_end[];

static void check(int failed, const char *what)
{
	if (!failed)
		return;
	fprintf(stderr, "attach-all: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Programs for kernels that this one is not are left out. */
static void choose(struct bpf_object *object)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const bool is_new =
		btf && btf__find_by_name_kind(btf, "bpf_task_from_pid", BTF_KIND_FUNC) > 0;
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		const char *name = bpf_program__name(program);

		if (strncmp(name, "own_", 4) != 0)
			bpf_program__set_autoload(program,
						  is_new == (strncmp(name, "old_", 4) != 0));
	}
	btf__free(btf);
}

static struct bpf_program *find(struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	return program && bpf_program__fd(program) >= 0 ? program : NULL;
}

static void attach_filter(struct bpf_program *program, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex("lo"), .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(program));
	int err = bpf_tc_hook_create(&hook);

	check(err && err != -EEXIST, "make a clsact");
	check(bpf_tc_attach(&hook, &opts), "attach a filter");
}

static void attach_new(struct bpf_object *object, int cgroup)
{
	struct bpf_program *program;

	program = find(object, "ask_xdp");
	check(!bpf_program__attach_xdp(program, if_nametoindex("lo")), "attach XDP");
	program = find(object, "ask_cgroup");
	check(bpf_prog_attach(bpf_program__fd(program), cgroup, BPF_CGROUP_INET_EGRESS, 0),
	      "attach to the cgroup");
	program = find(object, "ask_cgroup_by_link");
	check(!bpf_program__attach_cgroup(program, cgroup), "attach to the cgroup by a link");
	check(!bpf_program__attach(find(object, "ask_exec")), "attach tp_btf");
	check(!bpf_program__attach(find(object, "ask_entry")), "attach fentry");
	check(!bpf_program__attach(find(object, "ask_tracepoint")), "attach to a tracepoint");
}

static void attach_all(struct bpf_object *object, int cgroup)
{
	struct bpf_program *filter = find(object, "ask_filter") ?: find(object, "old_filter");
	const struct bpf_map *map;
	__u32 key = 2;
	int fd = bpf_program__fd(filter);

	attach_filter(filter, BPF_TC_INGRESS);
	attach_filter(filter, BPF_TC_EGRESS);
	map = bpf_object__find_map_by_name(object, "tail_calls");
	check(bpf_map_update_elem(bpf_map__fd(map), &key, &fd, 0), "make a tail call");
	map = bpf_object__find_map_by_name(object, "own_tcp");
	check(!bpf_map__attach_struct_ops(map), "attach struct_ops");
	if (find(object, "ask_xdp"))
		attach_new(object, cgroup);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	int cgroup;

	if (argc != 4) {
		fprintf(stderr, "usage: attach-all CGROUP DONE HOLD\n");
		return 2;
	}
	cgroup = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(cgroup < 0, "open the cgroup");
	object = bpf_object__open_mem(attached_begin, attached_end - attached_begin, NULL);
	check(!object, "open the object");
	choose(object);
	check(bpf_object__load(object), "load the programs");
	attach_all(object, cgroup);
	check(creat(argv[2], 0600) < 0, "say that it is done");
	while (access(argv[3], F_OK))
		usleep(10000);
	return 0;
}
