// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records of objects on which references are held: the maps, and iterators that show them, with
 * what can be said of each object, and throw away those of which nobody holds a reference.
 */
#include "kernel_types.h"
#include "reference_records.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "GPL";

/* Their sizes are set by userspace. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct kft_reference_object);
} objects SEC(".maps");

/* One value, struct kft_holds. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u64));
} holds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kft_object_report);
} scratch SEC(".maps");

/* enum kft_object of each type; modules may bring more. */
__u8 object_of_type[KFT_MAX_REFERENCE_TYPES] = {};
/* The value of an enumerator that has no named enum. */
const volatile __u32 css_online = 0;

/* --- what an object is ------------------------------------------------------------------------ */

static void describe_task(struct kft_object_report *report)
{
	struct task_struct *task = (void *)report->address;

	report->pid = BPF_CORE_READ(task, pid);
	report->tgid = BPF_CORE_READ(task, tgid);
	report->exit_state = BPF_CORE_READ(task, exit_state);
	report->start_boottime_ns = BPF_CORE_READ(task, start_boottime);
	bpf_probe_read_kernel_str(report->text, sizeof(task->comm), &task->comm);
}

/* Its own subprogram: inlined, the relocation would be hoisted out of a loop and off the check. */
static __noinline u64 parent_of(struct kernfs_node *node)
{
	struct kernfs_node___rcu *newer = (void *)node;

	if (bpf_core_field_exists(newer->__parent))
		return (u64)BPF_CORE_READ(newer, __parent);
	return (u64)BPF_CORE_READ(node, parent);
}

static void describe_cgroup(struct kft_object_report *report, struct cgroup *cgroup)
{
	struct kernfs_node *node = BPF_CORE_READ(cgroup, kn);

	report->id = BPF_CORE_READ(node, id);
	/* As cgroup_is_dead() has it. */
	report->dying = !(BPF_CORE_READ(cgroup, self.flags) & css_online);
	for (u32 i = 0; i < KFT_MAX_COMPONENTS && node; i++) {
		node = (void *)parent_of(node);
		/* The root's name is empty and not shown. */
		if (node)
			report->nr_components++;
	}
}

static void describe_key(struct kft_object_report *report)
{
	struct bpf_key *holder = (void *)report->address;
	struct key *key = BPF_CORE_READ(holder, key);
	char *description;

	/* Keys of the system are small numbers in place of a pointer. */
	if ((u64)key < 4096)
		return;
	report->pid = BPF_CORE_READ(key, serial);
	description = BPF_CORE_READ(key, description);
	bpf_probe_read_kernel_str(report->text, sizeof(report->text), description);
}

static void describe_connection(struct kft_object_report *report)
{
	struct nf_conn *connection = (void *)report->address;

	/* The module may not be there, and the tuple's layout is not ours to know beyond its size. */
	if (!bpf_core_type_exists(struct nf_conn) ||
	    bpf_core_type_size(struct nf_conntrack_tuple) != sizeof(report->tuple))
		return;
	bpf_probe_read_kernel(report->tuple, sizeof(report->tuple),
			      &connection->tuplehash[0].tuple);
}

static void describe(struct kft_object_report *report, u32 object)
{
	struct mem_cgroup *memory = (void *)report->address;
	struct file *file = (void *)report->address;
	const unsigned char *name;

	switch (object) {
	case KFT_OBJECT_TASK:
		describe_task(report);
		break;
	case KFT_OBJECT_CGROUP:
		describe_cgroup(report, (void *)report->address);
		break;
	case KFT_OBJECT_MEM_CGROUP:
		describe_cgroup(report, BPF_CORE_READ(memory, css.cgroup));
		break;
	case KFT_OBJECT_CPUMASK:
		bpf_probe_read_kernel(&report->id, sizeof(report->id), (void *)report->address);
		break;
	case KFT_OBJECT_FILE:
		name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
		bpf_probe_read_kernel_str(report->text, sizeof(report->text), name);
		break;
	case KFT_OBJECT_KEY:
		describe_key(report);
		break;
	case KFT_OBJECT_CONNECTION:
		describe_connection(report);
		break;
	}
}

static struct kernfs_node *node_of(const struct kft_object_report *report, u32 object)
{
	struct mem_cgroup *memory = (void *)report->address;
	struct cgroup *cgroup = (void *)report->address;

	if (object == KFT_OBJECT_MEM_CGROUP)
		cgroup = BPF_CORE_READ(memory, css.cgroup);
	return BPF_CORE_READ(cgroup, kn);
}

static void write_components(struct bpf_iter__bpf_map_elem *ctx, struct kft_object_report *report,
			     u32 object)
{
	struct kernfs_node *node = node_of(report, object);

	for (u32 i = 0; i < KFT_MAX_COMPONENTS && i < report->nr_components; i++) {
		char name[KFT_COMPONENT_LEN] = {};

		bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(node, name));
		bpf_seq_write(ctx->meta->seq, name, sizeof(name));
		node = (void *)parent_of(node);
	}
}

SEC("iter/bpf_map_elem")
int show_objects(struct bpf_iter__bpf_map_elem *ctx)
{
	struct kft_reference_object *object = ctx->value;
	struct kft_object_report *report;
	u32 zero = 0, kind;
	u64 *key = ctx->key;

	if (!key || !object || !(object->state & KFT_STATE_REFS))
		return 0;
	report = bpf_map_lookup_elem(&scratch, &zero);
	if (!report)
		return 0;
	__builtin_memset(report, 0, sizeof(*report));
	report->address = *key & ~KFT_KEY_TRANSIENT;
	report->transient = *key & KFT_KEY_TRANSIENT;
	report->object = *object;
	kind = object_of_type[(u8)(report->object.state >> 32)];
	describe(report, kind);
	bpf_seq_write(ctx->meta->seq, report, sizeof(*report));
	if (report->nr_components)
		write_components(ctx, report, kind);
	return 0;
}

/* Records that collect_objects() has thrown away. */
__u64 nr_collected = 0;

/*
 * Throws away the records of objects on which nobody holds a reference. Nobody takes one once the
 * record is marked.
 */
SEC("iter/bpf_map_elem")
int collect_objects(struct bpf_iter__bpf_map_elem *ctx)
{
	struct kft_reference_object *object;
	u64 *address = ctx->key, key, state;

	if (!address)
		return 0;
	key = *address;
	object = bpf_map_lookup_elem(&objects, &key);
	if (!object)
		return 0;
	state = object->state;
	if (state & (KFT_STATE_REFS | KFT_STATE_DEAD))
		return 0;
	if (__sync_val_compare_and_swap(&object->state, state, state | KFT_STATE_DEAD) != state)
		return 0;
	if (bpf_map_delete_elem(&objects, &key))
		__sync_fetch_and_and(&object->state, ~KFT_STATE_DEAD);
	else
		__sync_fetch_and_add(&nr_collected, 1);
	return 0;
}

/* --- where references are parked ------------------------------------------------------------------ */

static u32 reference_field_types(void)
{
	u32 types = 0;

	if (bpf_core_enum_value_exists(enum btf_field_type, BPF_KPTR_REF))
		types |= bpf_core_enum_value(enum btf_field_type, BPF_KPTR_REF);
	if (bpf_core_enum_value_exists(enum btf_field_type, BPF_KPTR_PERCPU))
		types |= bpf_core_enum_value(enum btf_field_type, BPF_KPTR_PERCPU);
	return types;
}

static __noinline int read_record(struct bpf_map *map, struct kft_kptr_map *found)
{
	struct btf_record *record = BPF_CORE_READ(map, record);
	u32 cnt, size = bpf_core_type_size(struct btf_field);

	if ((u64)record + 4095 < 8192) /* none, or an error */
		return 0;
	cnt = BPF_CORE_READ(record, cnt);
	for (u32 i = 0; i < KFT_MAX_KPTRS && i < cnt; i++) {
		struct btf_field *field =
			(void *)record + bpf_core_field_offset(record->fields) + i * size;

		if (!(BPF_CORE_READ(field, type) & reference_field_types()))
			continue;
		found->offsets[found->nr_kptrs & (KFT_MAX_KPTRS - 1)] =
			BPF_CORE_READ(field, offset);
		found->nr_kptrs++;
	}
	return 0;
}

static __noinline int read_table(struct bpf_map *map, struct kft_kptr_map *found)
{
	struct bpf_map_value_off *table = BPF_CORE_READ(map, kptr_off_tab);
	u32 cnt, size = bpf_core_type_size(struct bpf_map_value_off_desc);

	if ((u64)table + 4095 < 8192)
		return 0;
	cnt = BPF_CORE_READ(table, nr_off);
	for (u32 i = 0; i < KFT_MAX_KPTRS && i < cnt; i++) {
		struct bpf_map_value_off_desc *field =
			(void *)table + bpf_core_field_offset(table->off) + i * size;

		found->offsets[found->nr_kptrs & (KFT_MAX_KPTRS - 1)] =
			BPF_CORE_READ(field, offset);
		found->nr_kptrs++;
	}
	return 0;
}

SEC("iter/bpf_map")
int show_kptr_maps(struct bpf_iter__bpf_map *ctx)
{
	struct kft_kptr_map found = {};
	struct bpf_map *map = ctx->map;

	if (!map)
		return 0;
	if (bpf_core_field_exists(map->record))
		read_record(map, &found);
	else if (bpf_core_field_exists(map->kptr_off_tab))
		read_table(map, &found);
	if (!found.nr_kptrs)
		return 0;
	found.map_id = BPF_CORE_READ(map, id);
	found.map_type = BPF_CORE_READ(map, map_type);
	bpf_seq_write(ctx->meta->seq, &found, sizeof(found));
	return 0;
}

/* What to search, set by userspace. */
struct kft_kptr_map searched = {};
__u32 search_number = 0;

static void search_value(u64 value)
{
	for (u32 i = 0; i < KFT_MAX_KPTRS && i < searched.nr_kptrs; i++) {
		struct kft_reference_object *object;
		u64 key = 0;

		bpf_probe_read_kernel(&key, sizeof(key),
				      (void *)(value + searched.offsets[i & (KFT_MAX_KPTRS - 1)]));
		object = key ? bpf_map_lookup_elem(&objects, &key) : NULL;
		if (!object)
			continue;
		object->seen_in = searched.map_id;
		object->seen_at = search_number;
	}
}

SEC("iter/bpf_map_elem")
int search_elements(struct bpf_iter__bpf_map_elem *ctx)
{
	u64 value = 0;

	/* As a plain number: the verifier follows the pointer, and lets nothing unknown be added. */
	bpf_probe_read_kernel(&value, sizeof(value), &ctx->value);
	if (value)
		search_value(value);
	return 0;
}

/* The threads that are inside a sleepable program, or may be. */
SEC("iter/task")
int show_sleepers(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	u32 tid;

	if (!task || !bpf_core_field_exists(task->trc_reader_nesting) ||
	    !BPF_CORE_READ(task, trc_reader_nesting))
		return 0;
	tid = BPF_CORE_READ(task, pid);
	bpf_seq_write(ctx->meta->seq, &tid, sizeof(tid));
	return 0;
}
