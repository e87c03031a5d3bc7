// SPDX-License-Identifier: GPL-2.0-only
#include "kfunc_quirks.h"
#include "kernel_version.h"

#include <fnmatch.h>
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
