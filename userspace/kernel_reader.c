// SPDX-License-Identifier: GPL-2.0-only
#include "kernel_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf_iter_run.h"
#include "registry.skel.h"

struct kernel_reader {
	struct kernel_btf_set *btfs;
	struct registry_bpf *skel;
};

/* Value of BTF_KFUNC_HOOK_MAX: how many hooks this kernel has. */
static int count_hooks(struct btf *vmlinux)
{
	__s32 id = btf__find_by_name_kind(vmlinux, "btf_kfunc_hook", BTF_KIND_ENUM);
	const struct btf_type *t;

	if (id < 0)
		return id;
	t = btf__type_by_id(vmlinux, id);
	for (int i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(vmlinux, btf_enum(t)[i].name_off);

		if (strcmp(name, "BTF_KFUNC_HOOK_MAX") == 0)
			return btf_enum(t)[i].val;
	}
	return -ENOENT;
}

int kernel_reader__open(struct kernel_btf_set *btfs, struct kernel_reader **result)
{
	struct kernel_reader *reader;
	struct btf *vmlinux = kernel_btf_set__vmlinux(btfs);
	int nr_hooks, err;

	if (!vmlinux)
		return -errno;
	nr_hooks = count_hooks(vmlinux);
	if (nr_hooks < 0)
		return nr_hooks;
	if (nr_hooks > KFT_MAX_HOOKS)
		return -E2BIG;

	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->btfs = btfs;
	reader->skel = registry_bpf__open();
	if (!reader->skel) {
		err = -errno;
		free(reader);
		return err;
	}
	reader->skel->rodata->nr_hooks = nr_hooks;
	err = registry_bpf__load(reader->skel);
	if (err) {
		kernel_reader__close(reader);
		return err;
	}
	*result = reader;
	return 0;
}

void kernel_reader__close(struct kernel_reader *reader)
{
	if (!reader)
		return;
	registry_bpf__destroy(reader->skel);
	free(reader);
}

/* Runs `prog` over our own files and has it look at those that are BTF objects. */
static int read_btf_files(struct kernel_reader *reader, const struct bpf_program *prog, char **data,
			  size_t *size)
{
	union bpf_iter_link_info info = { .task = { .pid = getpid() } };
	int fds = bpf_map__fd(reader->skel->maps.btf_fds);
	__u32 old;

	/* Numbers of files that are closed by now may be those of others. */
	while (!bpf_map_get_next_key(fds, NULL, &old))
		bpf_map_delete_elem(fds, &old);
	for (int i = 0; i < kernel_btf_set__nr(reader->btfs); i++) {
		struct kernel_btf *kbtf = kernel_btf_set__at(reader->btfs, i);

		if (!kbtf->is_gone && bpf_map_update_elem(fds, &kbtf->fd, &kbtf->id, BPF_ANY))
			return -errno;
	}
	return bpf_iter_run(prog, &info, data, size);
}

int kernel_reader__kfunc_sets(struct kernel_reader *reader, kfunc_set_fn fn, void *arg)
{
	size_t size, at = 0;
	char *data;
	int err = read_btf_files(reader, reader->skel->progs.read_kfunc_sets, &data, &size);

	if (err)
		return err;

	while (at + sizeof(struct kft_kfunc_set_record) <= size && !err) {
		const struct kft_kfunc_set_record *set = (void *)(data + at);
		size_t len = sizeof(*set) + set->cnt * sizeof(struct kft_kfunc_pair);

		if (at + len > size) {
			err = -EBADMSG;
			break;
		}
		err = fn(set, (void *)(data + at + sizeof(*set)), arg);
		at += len;
	}
	free(data);
	return err;
}

int kernel_reader__destructors(struct kernel_reader *reader, destructors_fn fn, void *arg)
{
	size_t size, at = 0;
	char *data;
	int err = read_btf_files(reader, reader->skel->progs.read_destructors, &data, &size);

	if (err)
		return err;

	while (at + sizeof(struct kft_destructors_record) <= size && !err) {
		const struct kft_destructors_record *head = (void *)(data + at);
		size_t len = sizeof(*head) + head->cnt * sizeof(struct kft_destructor);

		if (at + len > size) {
			err = -EBADMSG;
			break;
		}
		err = fn(head, (void *)(data + at + sizeof(*head)), arg);
		at += len;
	}
	free(data);
	return err;
}

/*
 * Adds the name to, or takes it from, what read_symbols() looks for. The prefix stays: it only
 * saves work. Names that are too long match nothing.
 */
static int want_symbol(struct registry_bpf *skel, const char *name, bool want)
{
	int names = bpf_map__fd(skel->maps.wanted_symbols);
	int prefixes = bpf_map__fd(skel->maps.wanted_prefixes);
	char key[KFT_SYM_NAME_LEN] = "", prefix[sizeof(__u64)] = "";
	__u8 unused = 1;

	if (strlen(name) >= sizeof(key))
		return 0;
	strcpy(key, name);
	memcpy(prefix, key, sizeof(prefix) - 1);
	if (!want)
		return bpf_map_delete_elem(names, key);
	return bpf_map_update_elem(names, key, &unused, BPF_ANY)
		       ?: bpf_map_update_elem(prefixes, prefix, &unused, BPF_ANY);
}

static int read_symbols(const struct bpf_program *prog, kernel_symbol_fn fn, void *arg)
{
	size_t size, at;
	char *data;
	int err;

	err = bpf_iter_run(prog, NULL, &data, &size);
	if (err)
		return err;
	for (at = 0; at + sizeof(struct kft_symbol_record) <= size && !err;
	     at += sizeof(struct kft_symbol_record))
		err = fn((void *)(data + at), arg);
	free(data);
	return err;
}

int kernel_reader__symbols(struct kernel_reader *reader, const char *const *names, int nr_names,
			   kernel_symbol_fn fn, void *arg)
{
	int err;

	for (int i = 0; i < nr_names; i++) {
		if (want_symbol(reader->skel, names[i], true))
			return -errno;
	}
	err = read_symbols(reader->skel->progs.read_symbols, fn, arg);
	/* The next question begins with an empty list. */
	for (int i = 0; i < nr_names; i++)
		want_symbol(reader->skel, names[i], false);
	return err;
}

int kernel_reader__text_symbols(struct kernel_reader *reader, kernel_symbol_fn fn, void *arg)
{
	return read_symbols(reader->skel->progs.read_text_symbols, fn, arg);
}
