// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the kernel's own registry of kfuncs, without a module and without kallsyms.
 *
 * A BPF iterator over the open files of our own process meets the BTF objects that userspace has
 * opened by id; file->private_data of such a file is the kernel's struct btf, and behind it stands
 * kfunc_set_tab with every (BTF id, flags) of every hook.
 */
#include "kernel_types.h"
#include "registry_records.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "GPL";

/* File descriptors of BTF objects, set by userspace: fd -> BTF object id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u32);
} btf_fds SEC(".maps");

struct set_buffer {
	struct kft_kfunc_set_record head;
	struct kft_kfunc_pair pairs[KFT_SET_MAX_KFUNCS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct set_buffer);
} scratch SEC(".maps");

/* Values of enum btf_kfunc_hook below this one are hooks (its BTF_KFUNC_HOOK_MAX). */
const volatile __u32 nr_hooks = 0;

/* Its own subprogram: inlined, the relocation would be hoisted out of the loop and off the check.
 */
static __noinline u32 count_filters(struct btf_kfunc_set_tab *tab, u32 hook)
{
	struct btf_kfunc_hook_filter *filter;
	u32 nr = 0;

	/* 6.1 has no filters. */
	if (!bpf_core_field_exists(tab->hook_filters))
		return 0;
	filter = (void *)tab + bpf_core_field_offset(tab->hook_filters) +
		 hook * bpf_core_type_size(struct btf_kfunc_hook_filter);
	if (bpf_probe_read_kernel(&nr, sizeof(nr),
				  (void *)filter + bpf_core_field_offset(filter->nr_filters)))
		return 0;
	return nr;
}

/*
 * The BTF behind a file that userspace has opened, and its object id; NULL of any other file. It reads the
 * iterator, so it is the current task. What getpid() says there is another number in a PID namespace.
 */
static __always_inline struct btf *btf_of_file(struct bpf_iter__task_file *ctx, u32 *id)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	u32 fd = ctx->fd, *btf_id;

	if (!file || !task || (u32)task->tgid != bpf_get_current_pid_tgid() >> 32)
		return NULL;
	btf_id = bpf_map_lookup_elem(&btf_fds, &fd);
	if (!btf_id)
		return NULL;
	*id = *btf_id;
	return BPF_CORE_READ(file, private_data);
}

SEC("iter/task_file")
int read_kfunc_sets(struct bpf_iter__task_file *ctx)
{
	struct btf_kfunc_set_tab *tab = NULL;
	u32 zero = 0, btf_id = 0;
	struct set_buffer *buf;
	struct btf *btf;

	btf = btf_of_file(ctx, &btf_id);
	buf = bpf_map_lookup_elem(&scratch, &zero);
	if (!btf || !buf)
		return 0;
	tab = BPF_CORE_READ(btf, kfunc_set_tab);
	if (!tab)
		return 0;

	for (u32 hook = 0; hook < KFT_MAX_HOOKS; hook++) {
		struct btf_id_set8 *set = NULL;
		u32 cnt, size;

		if (hook >= nr_hooks)
			break;
		/* An array of pointers is the first thing in the table on every kernel. */
		bpf_probe_read_kernel(&set, sizeof(set), (void *)tab + hook * sizeof(set));
		if (!set)
			continue;
		cnt = BPF_CORE_READ(set, cnt);
		if (cnt > KFT_SET_MAX_KFUNCS)
			cnt = KFT_SET_MAX_KFUNCS;
		size = cnt * sizeof(buf->pairs[0]);
		/* The verifier of 6.1 must see the bound in the register that it checks. */
		asm volatile("" : "+r"(size));
		if (!size || size > sizeof(buf->pairs))
			continue;
		if (bpf_probe_read_kernel(buf->pairs, size,
					  (void *)set + bpf_core_field_offset(set->pairs)))
			continue;
		buf->head.btf_id = btf_id;
		buf->head.hook = hook;
		buf->head.nr_filters = count_filters(tab, hook);
		buf->head.cnt = cnt;
		bpf_seq_write(ctx->meta->seq, buf, sizeof(buf->head) + size);
	}
	return 0;
}

struct destructor_buffer {
	struct kft_destructors_record head;
	struct kft_destructor destructors[KFT_MAX_DESTRUCTORS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct destructor_buffer);
} destructor_scratch SEC(".maps");

/* What the kernel calls to release the references that maps hold: dtor_kfunc_tab, sorted by type.
 */
SEC("iter/task_file")
int read_destructors(struct bpf_iter__task_file *ctx)
{
	struct btf_id_dtor_kfunc_tab *tab;
	struct destructor_buffer *buf;
	u32 zero = 0, btf_id = 0;
	struct btf *btf;
	u32 cnt, size;

	btf = btf_of_file(ctx, &btf_id);
	buf = bpf_map_lookup_elem(&destructor_scratch, &zero);
	if (!btf || !buf)
		return 0;
	tab = BPF_CORE_READ(btf, dtor_kfunc_tab);
	if (!tab)
		return 0;

	cnt = BPF_CORE_READ(tab, cnt);
	if (cnt > KFT_MAX_DESTRUCTORS)
		cnt = KFT_MAX_DESTRUCTORS;
	size = cnt * sizeof(buf->destructors[0]);
	/* As above, for the verifier of 6.1. */
	asm volatile("" : "+r"(size));
	if (!size || size > sizeof(buf->destructors))
		return 0;
	if (bpf_probe_read_kernel(buf->destructors, size,
				  (void *)tab + bpf_core_field_offset(tab->dtors)))
		return 0;
	buf->head.btf_id = btf_id;
	buf->head.cnt = cnt;
	bpf_seq_write(ctx->meta->seq, buf, sizeof(buf->head) + size);
	return 0;
}

/* Symbols to report, set by userspace. The value is not used. */
struct symbol_name {
	char name[KFT_SYM_NAME_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct symbol_name);
	__type(value, u8);
} wanted_symbols SEC(".maps");

/* The names above cut to seven bytes: all but a few of the kernel's symbols end here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, u8);
} wanted_prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kft_symbol_record);
} symbol_scratch SEC(".maps");

/*
 * Addresses as the kernel knows them, also where kptr_restrict hides them from /proc/kallsyms, and
 * the first bytes of each function: they show whether there is an ftrace site where the list of
 * sites in tracefs cannot be read (lockdown).
 */
SEC("iter/ksym")
int read_symbols(struct bpf_iter__ksym *ctx)
{
	struct kallsym_iter *sym = ctx->ksym;
	struct kft_symbol_record *rec;
	u64 prefix = 0;
	u32 zero = 0;

	if (!sym)
		return 0;
	bpf_probe_read_kernel_str(&prefix, sizeof(prefix), sym->name);
	if (!bpf_map_lookup_elem(&wanted_prefixes, &prefix))
		return 0;
	rec = bpf_map_lookup_elem(&symbol_scratch, &zero);
	if (!rec)
		return 0;
	__builtin_memset(rec->name, 0, sizeof(rec->name));
	if (bpf_probe_read_kernel_str(rec->name, sizeof(rec->name), sym->name) <= 0)
		return 0;
	if (!bpf_map_lookup_elem(&wanted_symbols, rec->name))
		return 0;

	rec->address = BPF_CORE_READ(sym, value);
	rec->type = BPF_CORE_READ(sym, type);
	__builtin_memset(rec->module, 0, sizeof(rec->module));
	bpf_probe_read_kernel_str(rec->module, sizeof(rec->module), sym->module_name);
	rec->text_error = bpf_probe_read_kernel(rec->text, sizeof(rec->text), (void *)rec->address);
	bpf_seq_write(ctx->meta->seq, rec, sizeof(*rec));
	return 0;
}

/* Every function of the kernel and its modules, by address. */
SEC("iter/ksym")
int read_text_symbols(struct bpf_iter__ksym *ctx)
{
	struct kallsym_iter *sym = ctx->ksym;
	struct kft_symbol_record *rec;
	u32 zero = 0;
	char type;

	if (!sym)
		return 0;
	type = BPF_CORE_READ(sym, type);
	if (type != 't' && type != 'T' && type != 'w' && type != 'W')
		return 0;
	rec = bpf_map_lookup_elem(&symbol_scratch, &zero);
	if (!rec)
		return 0;
	rec->address = BPF_CORE_READ(sym, value);
	rec->type = type;
	__builtin_memset(rec->module, 0, sizeof(rec->module));
	__builtin_memset(rec->name, 0, sizeof(rec->name));
	bpf_probe_read_kernel_str(rec->module, sizeof(rec->module), sym->module_name);
	bpf_probe_read_kernel_str(rec->name, sizeof(rec->name), sym->name);
	bpf_seq_write(ctx->meta->seq, rec, sizeof(*rec));
	return 0;
}
