// SPDX-License-Identifier: GPL-2.0-only
#include "pairing_exceptions.h"

#include <string.h>

#define TYPE_IDLE_MASK	 "scx idle cpumask"
#define TYPE_SCX_CPUMASK "scx cpumask"
#define TYPE_FILE_DYNPTR "file dynptr"

/* Containers know the node in an object, whose place differs from object to object. */
#define MOVES_IN(function)                                                                         \
	{ .name = function,                                                                        \
	  .has_role = true,                                                                        \
	  .role = REFERENCE_MOVE_IN,                                                               \
	  .type = TYPE_LOCAL_OBJECT,                                                               \
	  .has_arg = true,                                                                         \
	  .arg = 1,                                                                                \
	  .note = "argument: the object's node; drops it when the node is in a container" }
#define MOVES_OUT(function)                                                                        \
	{ .name = function,                                                                        \
	  .has_role = true,                                                                        \
	  .role = REFERENCE_MOVE_OUT,                                                              \
	  .type = TYPE_LOCAL_OBJECT,                                                               \
	  .note = "returns the object's node" }

static const struct pairing_exception exceptions[] = {
	/* void * in the prototype; the verifier knows the type from a parameter. */
	{ .name = "bpf_obj_new", .type = TYPE_LOCAL_OBJECT, .is_new = true },
	{ .name = "bpf_obj_drop", .type = TYPE_LOCAL_OBJECT },
	{ .name = "bpf_refcount_acquire", .type = TYPE_LOCAL_OBJECT },
	/* Not a type of their own: __bpf_obj_drop_impl() frees what maps hold of both. */
	{ .name = "bpf_percpu_obj_new", .type = TYPE_LOCAL_OBJECT, .is_new = true },
	{ .name = "bpf_percpu_obj_drop", .type = TYPE_LOCAL_OBJECT },
	{ .name = "__bpf_obj_drop_impl",
	  .type = TYPE_LOCAL_OBJECT,
	  .note = "bpf_obj_drop() may call it too, and a push into a list or tree that fails" },

	/* A list or tree takes over the program's reference, without KF_RELEASE. */
	MOVES_IN("bpf_list_push_front"),
	MOVES_IN("bpf_list_push_back"),
	MOVES_IN("bpf_list_add"),
	MOVES_IN("bpf_rbtree_add"),
	/* And gives it back: KF_ACQUIRE, but no reference more than before. */
	MOVES_OUT("bpf_list_pop_front"),
	MOVES_OUT("bpf_list_pop_back"),
	MOVES_OUT("bpf_list_del"),
	MOVES_OUT("bpf_rbtree_remove"),

	/* KF_RCU, and NULL for another reason as well. */
	{ .name = "bpf_cgroup_ancestor",
	  .is_mixed = true,
	  .note = "NULL: no such level, or a count of zero" },
	{ .name = "bpf_get_mem_cgroup",
	  .is_mixed = true,
	  .note = "NULL: not of the memory controller, or a count of zero" },
	{ .name = "bpf_task_get_cgroup1",
	  .is_mixed = true,
	  .note = "NULL: no such hierarchy, or a count of zero" },

	/* These look it up and take a reference only then: a count of zero is as good as gone. */
	{ .name = "bpf_task_from_pid", .note = "NULL: not found, or on its way out" },
	{ .name = "bpf_task_from_vpid", .note = "NULL: not found, or on its way out" },
	{ .name = "bpf_cgroup_from_id", .note = "NULL: not found, not visible, or on its way out" },

	/* They allocate what they return; nobody else has a reference on it yet. */
	{ .name = "bpf_cpumask_create", .is_new = true },
	{ .name = "bpf_crypto_ctx_create", .is_new = true },
	{ .name = "bpf_ksock_create", .is_new = true },
	{ .name = "bpf_xdp_ct_alloc", .is_new = true },
	{ .name = "bpf_skb_ct_alloc", .is_new = true },
	{ .name = "bpf_lookup_user_key", .is_new = true },
	{ .name = "bpf_lookup_system_key", .is_new = true },
	{ .name = "hid_bpf_allocate_context", .is_new = true },

	{ .name = "bpf_ct_insert_entry",
	  .note = "takes the new connection away also when it fails" },

	/* The object is a dynptr on the program's stack, and the return an int. */
	{ .name = "bpf_dynptr_from_file",
	  .has_role = true,
	  .role = REFERENCE_ACQUIRE,
	  .type = TYPE_FILE_DYNPTR,
	  .has_arg = true,
	  .arg = 2,
	  .is_new = true,
	  .note = "fills an argument; to be discarded also when it failed" },
	{ .name = "bpf_dynptr_file_discard", .type = TYPE_FILE_DYNPTR },

	/* No kfunc of these counts anything; both masks are a struct cpumask, with a put of its own. */
	{ .name = "scx_bpf_get_idle_cpumask", .type = TYPE_IDLE_MASK },
	{ .name = "scx_bpf_get_idle_cpumask_node", .type = TYPE_IDLE_MASK },
	{ .name = "scx_bpf_get_idle_smtmask", .type = TYPE_IDLE_MASK },
	{ .name = "scx_bpf_get_idle_smtmask_node", .type = TYPE_IDLE_MASK },
	{ .name = "scx_bpf_put_idle_cpumask", .type = TYPE_IDLE_MASK },
	{ .name = "scx_bpf_get_possible_cpumask", .type = TYPE_SCX_CPUMASK },
	{ .name = "scx_bpf_get_online_cpumask", .type = TYPE_SCX_CPUMASK },
	{ .name = "scx_bpf_put_cpumask", .type = TYPE_SCX_CPUMASK },

	/* As their flags say on each kernel; said here because it surprises. */
	{ .name = "scx_bpf_task_cgroup", .note = "the root cgroup where there is no other" },
	{ .name = "bpf_get_root_mem_cgroup", .note = "the root's count is not kept" },
};

static const struct type_trait traits[] = {
	{ .name = "task_struct", .object = KFT_OBJECT_TASK },
	{ .name = "cgroup", .object = KFT_OBJECT_CGROUP },
	{ .name = "bpf_cpumask", .object = KFT_OBJECT_CPUMASK },
	{ .name = "bpf_crypto_ctx", .object = KFT_OBJECT_CRYPTO },
	{ .name = "nf_conn", .object = KFT_OBJECT_CONNECTION },
	{ .name = "nf_conn___init",
	  .object = KFT_OBJECT_CONNECTION,
	  .note = "a connection that is not in the table yet: what inserts it takes it" },
	{ .name = "file", .object = KFT_OBJECT_FILE },
	{ .name = TYPE_FILE_DYNPTR,
	  .object = KFT_OBJECT_OTHER,
	  .released_after_failure = true,
	  .note = "holds a reference on its file" },
	{ .name = "bpf_key",
	  .object = KFT_OBJECT_KEY,
	  .note = "each lookup allocates one; the count is the key's behind it" },
	{ .name = "mem_cgroup", .object = KFT_OBJECT_MEM_CGROUP },
	{ .name = TYPE_LOCAL_OBJECT,
	  .object = KFT_OBJECT_LOCAL,
	  .note = "allocated by programs, per-CPU ones too" },
	{ .name = TYPE_IDLE_MASK, .has_no_count = true, .note = "put does nothing" },
	{ .name = TYPE_SCX_CPUMASK, .has_no_count = true, .note = "put does nothing" },
	{ .name = "bpf_ws_lock", .has_no_count = true, .note = "an SRCU read lock" },
	{ .name = "sk_buff", .note = "acquired by the kernel: a qdisc is given its packets" },
	{ .name = TYPE_UNKNOWN, .note = "no prototype tells which type" },
};

static const struct pairing_exception *find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
		if (strlen(exceptions[i].name) == len && !strncmp(exceptions[i].name, name, len))
			return &exceptions[i];
	}
	return NULL;
}

const struct pairing_exception *pairing_exception__find(const char *name)
{
	static const char impl[] = "_impl";
	size_t len = strlen(name), impl_len = strlen(impl);
	const struct pairing_exception *exception = find(name, len);

	if (!exception && len > impl_len && strcmp(name + len - impl_len, impl) == 0)
		exception = find(name, len - impl_len);
	return exception;
}

const struct type_trait *type_trait__find(const char *name)
{
	for (size_t i = 0; i < sizeof(traits) / sizeof(traits[0]); i++) {
		if (strcmp(traits[i].name, name) == 0)
			return &traits[i];
	}
	return NULL;
}
