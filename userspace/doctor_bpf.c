// SPDX-License-Identifier: GPL-2.0-only
/* Checks that ask the kernel by doing: every one undoes what it has done. */
#include "doctor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "../tracepoints/counter_records.h"
#include "counters.h"
#include "kfunc_flags.h"
#include "probe_set.h"
#include "probe_template.h"
#include "stub_prog.h"

#define COST_ALL     "neither list nor stat works"
#define COST_COUNT   "calls cannot be counted (stat)"
#define VMLINUX_PATH "/sys/kernel/btf/vmlinux"

/* The first thing that fails is the one to name. */
static void no_list(struct doctor *doctor, const char *what, int err)
{
	if (!doctor->list_trouble)
		doctor__say(doctor, &doctor->list_trouble, "%s (%s)", what, doctor__errno(err));
}

static void no_counting(struct doctor *doctor, const char *what, int err)
{
	if (!doctor->counting_trouble)
		doctor__say(doctor, &doctor->counting_trouble, "%s (%s)", what, doctor__errno(err));
}

static void after(struct doctor *doctor, struct check *check, const char *what)
{
	check->status = CHECK_UNTESTED;
	doctor__say(doctor, &check->found, "not tried: %s", what);
}

/* --- what to do about an errno ---------------------------------------------------------------- */

static bool is_refusal(int err)
{
	return err == -EPERM || err == -EACCES;
}

static bool is_confidential(const struct doctor *doctor)
{
	return doctor->lockdown && strcmp(doctor->lockdown, "confidentiality") == 0;
}

static bool is_filtered_by_seccomp(void)
{
	return doctor__read_status_field("Seccomp") == 2;
}

/* EPERM has many fathers. Which of them it is decides what to do. */
static void remedy_refusal(struct doctor *doctor, struct check *check)
{
	if (doctor->in_user_namespace)
		doctor__say(doctor, &check->remedy,
			    "run it outside of this user namespace (container): what counts is "
			    "the privilege on the host");
	else if (!doctor->has_sys_admin)
		doctor__say(doctor, &check->remedy, "run as root, or with the capabilities above");
	else if (is_confidential(doctor))
		doctor__say(doctor, &check->remedy, "boot without lockdown=confidentiality");
	else if (is_filtered_by_seccomp())
		doctor__say(doctor, &check->remedy,
			    "allow bpf(2) in the seccomp filter that this process runs under "
			    "(container), or run it on the host");
	else
		doctor__say(doctor, &check->remedy,
			    "this process has the privileges: a security module or a change made "
			    "to this kernel refuses it (lockdown: %s). Ask whoever builds the "
			    "kernel, or try in a VM (scripts/vm in the source tree)",
			    doctor->lockdown ?: "not known");
}

static void remedy_tracing(struct doctor *doctor, struct check *check, int err)
{
	switch (-err) {
	case EPERM:
	case EACCES:
		remedy_refusal(doctor, check);
		break;
	case ENOMEM:
		doctor__say(doctor, &check->remedy, "raise the memory limit of this cgroup");
		break;
	case ENOSYS:
		doctor__say(doctor, &check->remedy,
			    "a kernel with CONFIG_NET=y, which has the function " STUB_TEST_FUNCTION
			    " to try on");
		break;
	default:
		doctor__say(doctor, &check->remedy,
			    "a kernel with CONFIG_FUNCTION_TRACER=y, "
			    "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y and CONFIG_BPF_JIT=y");
	}
}

/* --- programs, types, iterators --------------------------------------------------------------- */

/* True when the kernel translated a program to machine code, which kfunc calls and fentry need. */
static bool is_jited(int prog_fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	return !bpf_obj_get_info_by_fd(prog_fd, &info, &len) && info.jited_prog_len;
}

static void check_jit(struct doctor *doctor, int prog_fd)
{
	struct check *check =
		doctor__add(doctor, "jit", "JIT compiler", CHECK_OK,
			    "BPF programs can neither call kfuncs nor be attached to them");
	int enabled = doctor__read_sysctl("/proc/sys/net/core/bpf_jit_enable");
	int harden = doctor__read_sysctl("/proc/sys/net/core/bpf_jit_harden");

	if (enabled == 0 || (enabled < 0 && prog_fd >= 0 && !is_jited(prog_fd))) {
		check->status = CHECK_NO;
		doctor__say(doctor, &check->found, "off");
		doctor__say(doctor, &check->remedy,
			    "sysctl net.core.bpf_jit_enable=1, on a kernel with CONFIG_BPF_JIT=y");
	} else if (enabled < 0 && prog_fd < 0) {
		after(doctor, check, "net.core.bpf_jit_enable is not shown here");
	} else if (harden == 2) {
		check->status = CHECK_LIMITED;
		check->cost = "each counted call costs more: constants in programs are blinded";
		doctor__say(doctor, &check->found, "on, hardened for privileged programs too");
		doctor__say(doctor, &check->remedy, "sysctl net.core.bpf_jit_harden=1");
	} else {
		doctor__say(doctor, &check->found, "on");
	}
}

void doctor__check_bpf(struct doctor *doctor)
{
	/* r0 = 0; exit */
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct check *check = doctor__add(doctor, "bpf", "BPF system call", CHECK_OK, COST_ALL);
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "kft_try", "GPL", insns, 2, NULL);
	int err = fd < 0 ? -errno : 0;

	if (!err) {
		doctor__say(doctor, &check->found, "allowed: a program could be loaded");
	} else {
		check->status = CHECK_NO;
		doctor__say(doctor, &check->found, "no program could be loaded: %s",
			    doctor__errno(err));
		no_list(doctor, "the BPF system call is refused", err);
		if (err == -ENOSYS)
			doctor__say(doctor, &check->remedy,
				    "a kernel with CONFIG_BPF_SYSCALL=y, and no seccomp filter "
				    "(container) that hides bpf(2)");
		else
			remedy_refusal(doctor, check);
	}
	check_jit(doctor, fd);
	if (fd >= 0)
		close(fd);
}

void doctor__check_btf(struct doctor *doctor)
{
	struct check *check = doctor__add(doctor, "btf", "kernel types (BTF)", CHECK_OK, COST_ALL);
	int err;

	doctor->vmlinux = btf__parse(VMLINUX_PATH, NULL);
	if (doctor->vmlinux) {
		doctor__say(doctor, &check->found, "%s: %u types", VMLINUX_PATH,
			    btf__type_cnt(doctor->vmlinux) - 1);
		return;
	}
	err = -errno;
	check->status = CHECK_NO;
	doctor__say(doctor, &check->found, "%s: %s", VMLINUX_PATH, doctor__errno(err));
	doctor__say(doctor, &check->remedy,
		    "a kernel with CONFIG_DEBUG_INFO_BTF=y, and sysfs mounted at /sys");
	no_list(doctor, "there is no BTF of the kernel", err);
}

void doctor__check_iterators(struct doctor *doctor)
{
	struct check *check =
		doctor__add(doctor, "iterators", "BPF iterators", CHECK_OK,
			    "the registry cannot be read: neither list nor stat works");
	const char *what = "the kernel's BTF objects cannot be opened";
	int err = kernel_btf_set__open(&doctor->kernel.btfs);

	if (!err) {
		what = "BPF iterators cannot be loaded";
		err = kernel_reader__open(doctor->kernel.btfs, &doctor->kernel.reader);
	}
	if (!err) {
		what = "BPF iterators cannot be run";
		err = registry__open_live(doctor->kernel.btfs, doctor->kernel.reader,
					  &doctor->kernel.registry);
	}
	if (!err) {
		doctor__say(doctor, &check->found, "loaded and run");
		return;
	}
	check->status = CHECK_NO;
	doctor__say(doctor, &check->found, "%s: %s", what, doctor__errno(err));
	no_list(doctor, what, err);
	if (is_refusal(err) || is_confidential(doctor))
		remedy_refusal(doctor, check);
	else if (err == -ENOMEM)
		doctor__say(doctor, &check->remedy, "raise the memory limit of this cgroup");
	else
		doctor__say(
			doctor, &check->remedy,
			"a kernel from 6.1 on with CONFIG_BPF_SYSCALL=y and CONFIG_BPF_EVENTS=y "
			"(-vv shows the kernel's own words)");
}

static bool can_be_counted(const struct kfunc *kfunc)
{
	return kfunc->coverage == COVERAGE_TRACED || kfunc->coverage == COVERAGE_SPECIALISED;
}

void doctor__check_registry(struct doctor *doctor)
{
	struct check *check =
		doctor__add(doctor, "registry", "kfuncs", CHECK_OK, "there is nothing to count");
	const struct registry *registry = doctor->kernel.registry;
	int nr_countable = 0;

	if (!registry) {
		after(doctor, check, "the registry could not be read");
		return;
	}
	for (int i = 0; i < registry__nr(registry); i++)
		nr_countable += can_be_counted(registry__at(registry, i));
	doctor__say(doctor, &check->found, "%d registered, %d of them have code that can be traced",
		    registry__nr(registry), nr_countable);
	if (nr_countable)
		return;
	check->status = CHECK_NO;
	doctor__say(doctor, &check->remedy, "see `kfunctrace list -v`: it has the reason for each");
}

/* --- tracing ---------------------------------------------------------------------------------- */

static void try_attach(struct doctor *doctor, struct check *check, enum bpf_attach_type type,
		       const char *trouble)
{
	int err;

	if (!doctor->vmlinux) {
		after(doctor, check, "there is no BTF of the kernel");
		return;
	}
	if (doctor->ftrace_is_off) {
		after(doctor, check, "function tracing is off");
		return;
	}
	err = stub_prog__try_attach(doctor->vmlinux, type);
	if (!err) {
		doctor__say(doctor, &check->found, "a stub was attached and ran");
		return;
	}
	check->status = CHECK_NO;
	doctor__say(doctor, &check->found, "a stub could not be attached: %s", doctor__errno(err));
	if (doctor->counting_trouble)
		doctor__say(doctor, &check->remedy, "as for fentry programs");
	else
		remedy_tracing(doctor, check, err);
	no_counting(doctor, trouble, err);
}

void doctor__check_fentry(struct doctor *doctor)
{
	struct check *check =
		doctor__add(doctor, "fentry", "fentry programs", CHECK_OK, COST_COUNT);

	try_attach(doctor, check, BPF_TRACE_FENTRY, "fentry is refused");
}

void doctor__check_fexit(struct doctor *doctor)
{
	struct check *check = doctor__add(doctor, "fexit", "fexit programs", CHECK_OK, COST_COUNT);

	try_attach(doctor, check, BPF_TRACE_FEXIT, "fexit is refused");
}

/* Two that stand for all: one that is counted at its entry, and one at its exit. */
static int choose_kfuncs(const struct registry *registry, const struct kfunc *chosen[2])
{
	const struct kfunc *entry = NULL, *exit = NULL;
	int nr = 0;

	for (int i = 0; i < registry__nr(registry) && !(entry && exit); i++) {
		const struct kfunc *kfunc = registry__at(registry, i);

		/* Some with underscores are for the compiler and the verifier. */
		if (kfunc->name[0] == '_' || kfunc->coverage != COVERAGE_TRACED ||
		    kfunc->hot_in_kernel || !kfunc->kbtf->is_vmlinux)
			continue;
		if (kfunc->flags & KFUNC_RET_NULL)
			exit = exit ?: kfunc;
		else
			entry = entry ?: kfunc;
	}
	if (entry)
		chosen[nr++] = entry;
	if (exit)
		chosen[nr++] = exit;
	return nr;
}

static void try_probes(struct doctor *doctor, struct check *check,
		       const struct probe_template *tmpl)
{
	struct probe_target targets[2];
	struct probe_set *set = NULL;
	const struct kfunc *chosen[2];
	int nr = choose_kfuncs(doctor->kernel.registry, chosen), err;

	if (!nr) {
		after(doctor, check, "no kfunc can be counted");
		return;
	}
	for (int i = 0; i < nr; i++)
		targets[i] = probe_target__of_kfunc(chosen[i], false);
	err = probe_set__attach(&doctor->kernel, tmpl, targets, nr, NULL, NULL, &set);
	for (int i = 0; !err && i < probe_set__nr(set); i++)
		err = probe_set__at(set, i)->error;
	if (!err) {
		doctor__say(doctor, &check->found, "attached to %s%s%s and taken off again",
			    chosen[0]->name, nr > 1 ? " and " : "", nr > 1 ? chosen[1]->name : "");
	} else {
		check->status = CHECK_NO;
		doctor__say(doctor, &check->found, "%s%s%s cannot be probed: %s", chosen[0]->name,
			    nr > 1 ? " or " : "", nr > 1 ? chosen[1]->name : "",
			    doctor__errno(err));
		no_counting(doctor, "the counting programs cannot be attached", err);
		remedy_tracing(doctor, check, err);
	}
	probe_set__free(set);
}

static void check_probe(struct doctor *doctor, const struct counters *counters)
{
	struct check *check =
		doctor__add(doctor, "probe", "counting programs", CHECK_OK, COST_COUNT);
	struct probe_template *tmpl;
	int err;

	if (!counters) {
		after(doctor, check, "the program watchers do not work");
		return;
	}
	err = probe_template__open(doctor->kernel.btfs, doctor->kernel.reader,
				   counters__regions_fd(counters), counters__nr_cpus(counters),
				   counters__nr_slots(counters), &tmpl);
	if (err) {
		check->status = CHECK_NO;
		doctor__say(doctor, &check->found,
			    "the frame of a traced function cannot be read: %s",
			    doctor__errno(err));
		no_counting(doctor, "the counting programs cannot be prepared", err);
		remedy_tracing(doctor, check, err);
		return;
	}
	try_probes(doctor, check, tmpl);
	probe_template__free(tmpl);
}

void doctor__check_watchers_and_probe(struct doctor *doctor)
{
	struct check *check = doctor__add(
		doctor, "watchers", "program watchers", CHECK_OK,
		"calls cannot be counted (stat): one could be credited to the wrong program");
	const struct counters_options opts = { .nr_slots = KFT_MAX_SLOTS };
	struct counters *counters = NULL;
	int err;

	if (doctor->list_trouble || doctor->counting_trouble) {
		after(doctor, check, doctor->list_trouble ?: doctor->counting_trouble ?: "");
		check_probe(doctor, NULL);
		return;
	}
	err = counters__open(&opts, doctor->kernel.reader, &counters);
	if (!err) {
		doctor__say(doctor, &check->found,
			    "perf_event_bpf_event and bpf_jit_free were attached to");
	} else {
		check->status = CHECK_NO;
		doctor__say(doctor, &check->found,
			    "perf_event_bpf_event and bpf_jit_free cannot be attached to: %s",
			    doctor__errno(err));
		no_counting(doctor, "the program watchers cannot be attached", err);
		remedy_tracing(doctor, check, err);
	}
	check_probe(doctor, err ? NULL : counters);
	if (!err)
		counters__free(counters);
}

void doctor__check_fast_path(struct doctor *doctor)
{
	struct check *check = doctor__add(
		doctor, "fast_path", "fast path", CHECK_OK,
		"counting works, but each counted call costs some 75 instructions more");

	if (!doctor->vmlinux) {
		after(doctor, check, "there is no BTF of the kernel");
	} else if (btf__find_by_name_kind(doctor->vmlinux, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0) {
		doctor__say(doctor, &check->found,
			    "the kernel has bpf_rdonly_cast: callers are read with a plain load");
	} else {
		check->status = CHECK_LIMITED;
		doctor__say(doctor, &check->found,
			    "this kernel has no bpf_rdonly_cast: callers are read by a helper");
		doctor__say(doctor, &check->remedy, "a kernel from 6.2 on");
	}
}
