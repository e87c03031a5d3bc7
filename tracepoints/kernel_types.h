/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel types that our BPF programs look into.
 *
 * Only the members we read stand here, and every access is relocated by name against the BTF of the
 * kernel that runs (preserve_access_index), so offsets and the order of members do not matter and
 * no generated vmlinux.h is needed to build. Members that some kernels lack are always guarded with
 * bpf_core_field_exists() where they are used.
 */
#ifndef KFUNCTRACE_KERNEL_TYPES_H
#define KFUNCTRACE_KERNEL_TYPES_H

#include <linux/types.h>
#include <stdbool.h>

#include <linux/bpf.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
};

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	int exit_state;
	u64 start_boottime;
	int trc_reader_nesting;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	void *private_data;
	struct path f_path;
};

struct kernfs_node {
	const char *name;
	u64 id;
	struct kernfs_node *parent;
};

/* Since 6.15 the parent is under RCU, and named otherwise. */
struct kernfs_node___rcu {
	struct kernfs_node *__parent;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	unsigned int flags;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	int level;
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
};

struct key {
	s32 serial;
	char *description;
};

struct bpf_key {
	struct key *key;
};

struct nf_conntrack_tuple {
	char __opaque[40];
};

struct nf_conntrack_tuple_hash {
	struct nf_conntrack_tuple tuple;
};

struct nf_conn {
	struct nf_conntrack_tuple_hash tuplehash[2];
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
};

struct btf_id_pair {
	u32 id;
	u32 flags;
};

struct btf_id_set8 {
	u32 cnt;
	u32 flags;
	struct btf_id_pair pairs[];
};

struct btf_kfunc_hook_filter {
	void *filters[16];
	u32 nr_filters;
};

struct btf_kfunc_set_tab {
	struct btf_id_set8 *sets[16];
	struct btf_kfunc_hook_filter hook_filters[16];
};

struct btf_id_dtor_kfunc {
	u32 btf_id;
	u32 kfunc_btf_id;
};

struct btf_id_dtor_kfunc_tab {
	u32 cnt;
	struct btf_id_dtor_kfunc dtors[];
};

struct btf_type {
	u32 name_off;
	u32 info;
};

struct btf {
	struct btf_type **types;
	const char *strings;
	u32 start_id;
	u32 start_str_off;
	u32 id;
	struct btf_kfunc_set_tab *kfunc_set_tab;
	struct btf_id_dtor_kfunc_tab *dtor_kfunc_tab;
};

struct kallsym_iter {
	unsigned long value;
	char module_name[56];
	char name[512];
	char type;
};

struct bpf_iter__ksym {
	struct bpf_iter_meta *meta;
	struct kallsym_iter *ksym;
};

struct bpf_map;

struct user_struct {
	struct {
		u32 val;
	} uid;
};

struct bpf_prog_aux {
	u32 id;
	struct user_struct *user;
	u32 used_map_cnt;
	struct bpf_map **used_maps;
	u32 func_cnt;
	u32 real_func_cnt;
	u32 func_info_cnt;
	struct bpf_prog **func;
	struct btf *btf;
	struct bpf_func_info *func_info;
	struct bpf_line_info *linfo;
	void **jited_linfo;
	u32 nr_linfo;
	u64 load_time;
	char name[16];
	bool sleepable; /* up to 6.8 */
};

struct bpf_prog {
	enum bpf_prog_type type;
	u32 jited_len;
	u8 tag[8];
	u32 len;
	struct bpf_insn insnsi[1];
	void *bpf_func;
	struct bpf_prog_aux *aux;
	u16 sleepable : 1; /* since 6.9 */
};

enum btf_field_type {
	BPF_KPTR_REF = 1 << 3,
	BPF_LIST_HEAD = 1 << 4,
	BPF_RB_ROOT = 1 << 6,
	BPF_KPTR_PERCPU = 1 << 10,
};

struct btf_field {
	u32 offset;
	enum btf_field_type type;
};

/* Since 6.2. */
struct btf_record {
	u32 cnt;
	u32 field_mask;
	struct btf_field fields[];
};

/* Before. */
struct bpf_map_value_off_desc {
	u32 offset;
};

struct bpf_map_value_off {
	u32 nr_off;
	struct bpf_map_value_off_desc off[];
};

struct bpf_map {
	u32 id;
	enum bpf_map_type map_type;
	struct btf_record *record;
	struct bpf_map_value_off *kptr_off_tab;
};

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

struct bpf_iter__bpf_prog {
	struct bpf_iter_meta *meta;
	struct bpf_prog *prog;
};

#pragma clang attribute pop

#endif
