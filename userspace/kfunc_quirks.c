// SPDX-License-Identifier: GPL-2.0-only
#include "kfunc_quirks.h"
#include "kernel_version.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	const char *twin;
} twins[] = {
	/* Programs that may not write the packet. */
	{ "bpf_dynptr_from_skb", "bpf_dynptr_from_skb_rdonly" },
	/* LSM hooks that run with the inode locked. */
	{ "bpf_set_dentry_xattr", "bpf_set_dentry_xattr_locked" },
	{ "bpf_remove_dentry_xattr", "bpf_remove_dentry_xattr_locked" },
	/* Call sites that may, or may not, sleep. */
	{ "bpf_dynptr_from_file", "bpf_dynptr_from_file_sleepable" },
	{ "bpf_arena_alloc_pages", "bpf_arena_alloc_pages_non_sleepable" },
	{ "bpf_arena_free_pages", "bpf_arena_free_pages_non_sleepable" },
};

static const struct {
	const char *name;
	unsigned int since;
	const char *reason;
} inlined[] = {
	{ "bpf_cast_to_kern_ctx", 0, "the verifier replaces the call by a move" },
	{ "bpf_rdonly_cast", 0, "the verifier replaces the call by a move" },
	{ "bpf_iter_num_new", KVER(7, 3), "the verifier writes the loop into the program" },
	{ "bpf_iter_num_next", KVER(7, 3), "the verifier writes the loop into the program" },
	{ "bpf_iter_num_destroy", KVER(7, 3), "the verifier removes the call" },
};

static const struct {
	const char *pattern;
	const char *reason;
} hot_in_kernel[] = {
	{ "cgroup_rstat_updated", "cgroup statistics, on every charge" },
	{ "css_rstat_updated", "cgroup statistics, on every charge" },
	{ "cgroup_rstat_flush", "cgroup statistics, on every read" },
	{ "css_rstat_flush", "cgroup statistics, on every read" },
	{ "tcp_slow_start", "TCP congestion control, on every acknowledgement" },
	{ "tcp_cong_avoid_ai", "TCP congestion control, on every acknowledgement" },
	{ "tcp_reno_*", "TCP congestion control, on every acknowledgement" },
	{ "cubictcp_*", "TCP congestion control, on every acknowledgement" },
	{ "dctcp_*", "TCP congestion control, on every acknowledgement" },
	{ "bbr_*", "TCP congestion control, on every acknowledgement" },
};

static const struct {
	const char *name;
	enum kfunc_judged what;
} judged[] = {
	{ "bpf_cast_to_kern_ctx", JUDGED_ARGUMENTS }, /* the program's context */
	{ "bpf_session_cookie", JUDGED_ARGUMENTS },   /* the same */
	{ "bpf_session_is_return", JUDGED_ARGUMENTS },
	/* Their type is that of the program's own BTF, which an argument names. */
	{ "bpf_obj_new", JUDGED_RESULT },
	{ "bpf_obj_new_impl", JUDGED_RESULT },
	{ "bpf_percpu_obj_new", JUDGED_RESULT },
	{ "bpf_percpu_obj_new_impl", JUDGED_RESULT },
	{ "bpf_refcount_acquire", JUDGED_RESULT },
	{ "bpf_refcount_acquire_impl", JUDGED_RESULT },
};

/* Sets given to register_btf_fmodret_id_set() in the kernel. */
static const char *const fmodret[] = {
	"bpf_fentry_test1",	"bpf_modify_return_test*", "update_socket_protocol",
	"hid_bpf_device_event", "hid_bpf_rdesc_fixup",
};

/*
 * A filter stands before all kfuncs of a hook and turns down calls of a few of them. Programs of a type
 * or kind in `passes` get through; of those in `depends` more than that decides; others do not.
 */
static const struct {
	const char *pattern;
	const char *passes;
	const char *depends;
} filtered[] = {
	{ "bpf_get_task_exe_file", "lsm", "struct_ops" },
	{ "bpf_put_file", "lsm", "struct_ops" },
	{ "bpf_path_d_path", "lsm", "struct_ops" },
	{ "bpf_*_dentry_xattr", "lsm", "struct_ops" },
	{ "bpf_get_file_xattr", "lsm", "struct_ops" },
	{ "bpf_real_data_inode", "lsm", "struct_ops" },
	{ "bpf_sock_read_xattr", "lsm", "struct_ops" },
	{ "bpf_get_fsverity_digest", "lsm", "" },
	{ "bpf_sock_destroy", "iter", "" },
	{ "bpf_session_*", "kprobe.session", "uprobe.session fsession fsession.multi" },
	{ "bpf_binprm_*", "", "struct_ops" },
	{ "bpf_skb_get_hash", "", "struct_ops" },
	{ "bpf_kfree_skb", "", "struct_ops" },
	{ "bpf_qdisc_*", "", "struct_ops" },
	{ "bpf_dynptr_from_skb", "tracing lsm tracepoint raw_tracepoint perf_event", "struct_ops" },
	/* By what they do, and by which operation of a scheduler calls them. */
	{ "bpf_ksock_*", "", "syscall lsm" },
	{ "scx_*", "", "struct_ops syscall tracing lsm tracepoint raw_tracepoint perf_event" },
};

/* One of the words in a list. */
static bool is_among(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; len && (at = strstr(at, word)); at += len) {
		if ((at == list || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
	}
	return false;
}

int kfunc_quirk__passes_filter(const char *name, const char *prog_type, const char *kind,
			       unsigned int version)
{
	if (version > KVER(7, 3))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(filtered); i++) {
		if (fnmatch(filtered[i].pattern, name, 0) != 0)
			continue;
		if (is_among(filtered[i].passes, prog_type) || is_among(filtered[i].passes, kind))
			return 1;
		return is_among(filtered[i].depends, prog_type) ||
				       is_among(filtered[i].depends, kind)
			       ? -1
			       : 0;
	}
	return 1;
}

const char *kfunc_quirk__twin(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(twins); i++) {
		if (strcmp(twins[i].name, name) == 0)
			return twins[i].twin;
	}
	return NULL;
}

const char *kfunc_quirk__inlined(const char *name, unsigned int version)
{
	for (size_t i = 0; i < ARRAY_SIZE(inlined); i++) {
		if (version >= inlined[i].since && strcmp(inlined[i].name, name) == 0)
			return inlined[i].reason;
	}
	return NULL;
}

const char *kfunc_quirk__hot_in_kernel(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(hot_in_kernel); i++) {
		if (fnmatch(hot_in_kernel[i].pattern, name, 0) == 0)
			return hot_in_kernel[i].reason;
	}
	return NULL;
}

bool kfunc_quirk__judged(const char *name, enum kfunc_judged what)
{
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
		if (judged[i].what == what && strcmp(judged[i].name, name) == 0)
			return true;
	}
	return false;
}

bool kfunc_quirk__is_fmodret(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(fmodret); i++) {
		if (fnmatch(fmodret[i], name, 0) == 0)
			return true;
	}
	return false;
}
