// SPDX-License-Identifier: GPL-2.0-only
/* Checks that read what the host says of itself. */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../tracepoints/counter_records.h"
#include "counters.h"
#include "cpus.h"
#include "ftrace_state.h"
#include "kernel_version.h"
#include "module_engine.h"
#include "table.h"

/* Inode of the first user namespace in /proc/PID/ns (PROC_USER_INIT_INO). */
#define FIRST_USER_NAMESPACE 0xeffffffdul

void doctor__check_kernel_version(struct doctor *doctor)
{
	struct check *check = doctor__add(doctor, "kernel", "kernel", CHECK_OK,
					  "the figures have not been checked on such a kernel");

	doctor__say(doctor, &check->found, "%s", kernel_release());
	if (kernel_version() < KVER(6, 1)) {
		check->status = CHECK_LIMITED;
		doctor__say(doctor, &check->remedy, "6.1 is the oldest that is tested");
	}
}

void doctor__check_architecture(struct doctor *doctor)
{
	struct check *check = doctor__add(
		doctor, "architecture", "architecture", CHECK_OK,
		"calls cannot be counted (stat): callers can be told on x86-64 only so far");
	struct utsname names;

	if (uname(&names))
		strcpy(names.machine, "unknown");
	doctor__say(doctor, &check->found, "%s", names.machine);
#if !defined(__x86_64__)
	check->status = CHECK_NO;
	doctor__say(doctor, &check->remedy, "an x86-64 host");
	doctor__say(doctor, &doctor->counting_trouble, "callers can be told on x86-64 only");
#endif
}

/* --- privileges ------------------------------------------------------------------------------- */

static bool has_capability(cap_t caps, cap_value_t value)
{
	cap_flag_value_t set = CAP_CLEAR;

	return caps && !cap_get_flag(caps, value, CAP_EFFECTIVE, &set) && set == CAP_SET;
}

static bool in_user_namespace(void)
{
	struct stat st;

	return !stat("/proc/self/ns/user", &st) && st.st_ino != FIRST_USER_NAMESPACE;
}

void doctor__check_capabilities(struct doctor *doctor)
{
	struct check *check = doctor__add(doctor, "capabilities", "capabilities", CHECK_OK,
					  "BPF programs can be neither read nor traced");
	bool has_bpf, has_perfmon;
	cap_t caps = cap_get_proc();

	has_bpf = has_capability(caps, CAP_BPF);
	has_perfmon = has_capability(caps, CAP_PERFMON);
	doctor->in_user_namespace = in_user_namespace();
	if (!doctor->in_user_namespace) {
		doctor->has_sys_admin = has_capability(caps, CAP_SYS_ADMIN);
		doctor->has_syslog = has_capability(caps, CAP_SYSLOG);
	}
	if (caps)
		cap_free(caps);

	if (doctor->in_user_namespace) {
		check->status = CHECK_NO;
		doctor__say(doctor, &check->found,
			    "this is a user namespace (container): its capabilities do not count");
		doctor__say(doctor, &check->remedy, "run it on the host, as root");
	} else if (!doctor->has_sys_admin) {
		check->status = CHECK_NO;
		doctor__say(doctor, &check->found, "missing: CAP_SYS_ADMIN%s%s%s",
			    has_bpf ? "" : ", CAP_BPF", has_perfmon ? "" : ", CAP_PERFMON",
			    doctor->has_syslog ? "" : ", CAP_SYSLOG");
		doctor__say(doctor, &check->remedy,
			    "run as root, or grant them to the service (AmbientCapabilities=)");
	} else {
		/* It stands for the other two, which were split off it in 5.8. */
		doctor__say(doctor, &check->found, "effective: CAP_SYS_ADMIN%s%s%s%s",
			    has_bpf ? ", CAP_BPF" : "", has_perfmon ? ", CAP_PERFMON" : "",
			    doctor->has_syslog ? ", CAP_SYSLOG" : "",
			    doctor->has_syslog ? "" : "; CAP_SYSLOG is not");
	}
}

void doctor__check_unprivileged(struct doctor *doctor)
{
	struct check *check =
		doctor__add(doctor, "unprivileged_bpf", "unprivileged BPF", CHECK_OK, NULL);
	int value = doctor__read_sysctl("/proc/sys/kernel/unprivileged_bpf_disabled");

	if (value < 0)
		doctor__say(doctor, &check->found,
			    "kernel.unprivileged_bpf_disabled is not shown here; it does not "
			    "matter, kfunctrace needs privileges in any case");
	else
		doctor__say(doctor, &check->found,
			    "%s (kernel.unprivileged_bpf_disabled=%d); kfunctrace needs "
			    "privileges in any case",
			    value ? "off" : "on", value);
}

/* --- lockdown --------------------------------------------------------------------------------- */

/*
 * securityfs is often not mounted in containers and small systems. A mount that is attached to no
 * path shows the same file and is gone with its file descriptor.
 */
static int open_securityfs(void)
{
	int context = fsopen("securityfs", FSOPEN_CLOEXEC), mount = -1;

	if (context < 0)
		return -1;
	if (!fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(context, FSMOUNT_CLOEXEC, 0);
	close(context);
	return mount;
}

/* "none [integrity] confidentiality": the one in brackets is in force. */
static int read_lockdown(char *buf, size_t size)
{
	int dir, fd = open("/sys/kernel/security/lockdown", O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t len;

	if (fd < 0) {
		err = -errno;
		dir = open_securityfs();
		if (dir >= 0) {
			fd = openat(dir, "lockdown", O_RDONLY | O_CLOEXEC);
			/* The file system is there, the file is not: built without. */
			err = fd < 0 ? -ENODEV : 0;
			close(dir);
		}
	}
	if (fd < 0)
		return err;
	len = read(fd, buf, size - 1);
	err = len < 0 ? -errno : 0;
	close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return err;
}

void doctor__check_lockdown(struct doctor *doctor)
{
	static const char *const levels[] = { "none", "integrity", "confidentiality" };
	struct check *check = doctor__add(
		doctor, "lockdown", "kernel lockdown", CHECK_OK,
		"kernel memory cannot be read by BPF programs: neither list nor stat works");
	char line[128], word[32];
	int err = read_lockdown(line, sizeof(line));

	if (err == -ENODEV) {
		doctor->lockdown = levels[0];
		doctor__say(doctor, &check->found, "this kernel is built without it");
		return;
	}
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]) && !err; i++) {
		snprintf(word, sizeof(word), "[%s]", levels[i]);
		if (strstr(line, word))
			doctor->lockdown = levels[i];
	}
	if (!doctor->lockdown) {
		check->status = CHECK_UNTESTED;
		check->cost = "why something is refused may remain unknown";
		doctor__say(doctor, &check->found, "/sys/kernel/security/lockdown: %s",
			    err ? doctor__errno(err) : line);
		doctor__say(doctor, &check->remedy,
			    "as root: mount -t securityfs securityfs /sys/kernel/security");
		return;
	}
	doctor__say(doctor, &check->found, "%s", doctor->lockdown);
	if (doctor->lockdown == levels[2]) {
		check->status = CHECK_NO;
		doctor__say(doctor, &check->remedy, "boot without lockdown=confidentiality");
	}
}

/* --- modules ---------------------------------------------------------------------------------- */

/* Appends ", name". */
static void add_name(struct doctor *doctor, char **names, const char *name)
{
	doctor__say(doctor, names, "%s%s%s", *names ?: "", *names ? ", " : "", name);
}

void doctor__check_module_btf(struct doctor *doctor)
{
	struct check *check =
		doctor__add(doctor, "module_btf", "module BTF", CHECK_OK,
			    "kfuncs of these modules, if they have any, are not seen");
	FILE *modules = fopen("/proc/modules", "re");
	char line[512], path[320], name[256], *missing = NULL;
	int nr = 0, nr_missing = 0;

	if (!modules && errno != ENOENT) {
		doctor__say(doctor, &check->found, "/proc/modules: %s", doctor__errno(errno));
		check->status = CHECK_UNTESTED;
		return;
	}
	if (!modules) {
		doctor__say(doctor, &check->found, "this kernel has no loadable modules");
		return;
	}
	while (fgets(line, sizeof(line), modules)) {
		if (sscanf(line, "%255s", name) != 1)
			continue;
		nr++;
		snprintf(path, sizeof(path), "/sys/kernel/btf/%s", name);
		if (!access(path, F_OK))
			continue;
		nr_missing++;
		add_name(doctor, &missing, name);
	}
	fclose(modules);
	if (!nr_missing) {
		doctor__say(doctor, &check->found,
			    nr ? "all %d loaded modules have it" : "no module is loaded", nr);
		return;
	}
	check->status = CHECK_LIMITED;
	check->detail = missing;
	doctor__say(doctor, &check->found, "%d of %d loaded modules %s none", nr_missing, nr,
		    nr_missing == 1 ? "has" : "have");
	doctor__say(doctor, &check->remedy,
		    "modules of a kernel with CONFIG_DEBUG_INFO_BTF_MODULES=y; one built apart "
		    "from its kernel needs that kernel's vmlinux where its headers are");
}

/* --- ftrace ----------------------------------------------------------------------------------- */

void doctor__check_ftrace(struct doctor *doctor)
{
	struct check *check = doctor__add(doctor, "ftrace", "function tracing", CHECK_OK,
					  "fentry programs cannot be attached to kernel functions");
	int state = ftrace_state();

	if (state > 0) {
		doctor__say(doctor, &check->found, "on (kernel.ftrace_enabled=1)");
		return;
	}
	check->status = CHECK_NO;
	if (!state) {
		doctor->ftrace_is_off = true;
		doctor__say(doctor, &check->found, "off (kernel.ftrace_enabled=0)");
		doctor__say(doctor, &check->remedy, "sysctl kernel.ftrace_enabled=1");
		doctor__say(doctor, &doctor->counting_trouble,
			    "function tracing is off (kernel.ftrace_enabled=0)");
	} else if (state == -ENODEV) {
		doctor->ftrace_is_off = true;
		doctor__say(
			doctor, &check->found,
			"the kernel has shut it down after a fault of its own (dmesg has more)");
		doctor__say(doctor, &check->remedy, "reboot");
		doctor__say(doctor, &doctor->counting_trouble,
			    "the kernel has shut function tracing down");
	} else {
		doctor__say(doctor, &check->found, "/proc/sys/kernel/ftrace_enabled: %s",
			    doctor__errno(state));
		doctor__say(doctor, &check->remedy,
			    "a kernel with CONFIG_FUNCTION_TRACER=y, and /proc/sys");
	}
}

static int open_tracefs_file(const char *name, char *path, size_t size)
{
	static const char *const folders[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	int err = -ENOENT;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int fd;

		snprintf(path, size, "%s/%s", folders[i], name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT)
			err = -errno;
		if (errno != ENOENT)
			break;
	}
	return err;
}

void doctor__check_tracefs(struct doctor *doctor)
{
	struct check *check =
		doctor__add(doctor, "tracefs", "tracefs", CHECK_OK,
			    "kfunctrace does without; perf, trace-cmd and bpftrace do not");
	char path[128];
	int fd = open_tracefs_file("available_filter_functions", path, sizeof(path));

	if (fd >= 0) {
		doctor__say(doctor, &check->found, "%s can be read", path);
		close(fd);
		return;
	}
	check->status = CHECK_LIMITED;
	if (fd == -ENOENT) {
		doctor__say(doctor, &check->found,
			    "not mounted, or without available_filter_functions");
		doctor__say(doctor, &check->remedy,
			    "mount -t tracefs tracefs /sys/kernel/tracing, on a kernel with "
			    "CONFIG_FUNCTION_TRACER=y");
		return;
	}
	doctor__say(doctor, &check->found, "%s: %s", path, doctor__errno(fd));
	if (!doctor->has_sys_admin)
		doctor__say(doctor, &check->remedy, "run as root, on the host");
	else
		doctor__say(doctor, &check->remedy,
			    "a kernel that is not locked down (lockdown: %s)",
			    doctor->lockdown ?: "not known");
}

/* --- memory ----------------------------------------------------------------------------------- */

/* A number in a file of a cgroup; ~0 for "max" and when there is no such file. */
static __u64 read_cgroup_number(const char *folder, const char *file)
{
	char path[4096 + 64], value[64];

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/%s", folder, file);
	if (doctor__read_line(path, value, sizeof(value)) || value[0] < '0' || value[0] > '9')
		return ~0ull;
	return strtoull(value, NULL, 10);
}

/* Files that the kernel keeps in memory as long as nobody needs it. */
static __u64 read_cgroup_cache(const char *folder)
{
	char path[4096 + 64], line[128];
	unsigned long long bytes;
	__u64 sum = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.stat", folder);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "inactive_file %llu", &bytes) == 1 ||
		    sscanf(line, "active_file %llu", &bytes) == 1)
			sum += bytes;
	}
	if (file)
		fclose(file);
	return sum;
}

static __u64 memory_left_in(const char *folder)
{
	__u64 limit = read_cgroup_number(folder, "memory.max");
	__u64 used = read_cgroup_number(folder, "memory.current");
	__u64 cache;

	if (limit == ~0ull || used == ~0ull)
		return ~0ull;
	cache = read_cgroup_cache(folder);
	used -= cache < used ? cache : used;
	return used < limit ? limit - used : 0;
}

/*
 * What may still be allocated in this cgroup and those above it (cgroup v2); ~0 when nothing limits
 * it, or nothing says so.
 */
static __u64 memory_left(void)
{
	char line[4096], folder[4096] = "", *slash;
	FILE *file = fopen("/proc/self/cgroup", "re");
	__u64 left = ~0ull;

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::/", 4) == 0)
			snprintf(folder, sizeof(folder), "%.*s", (int)strcspn(line + 3, "\n"),
				 line + 3);
	}
	if (file)
		fclose(file);
	while ((slash = strrchr(folder, '/'))) {
		__u64 here = memory_left_in(folder);

		left = here < left ? here : left;
		*slash = '\0';
	}
	return left;
}

void doctor__check_memory(struct doctor *doctor)
{
	struct check *check = doctor__add(doctor, "memory", "memory for counters", CHECK_OK,
					  "calls cannot be counted (stat)");
	int nr_cpus = cpus__nr_ids();
	__u64 needed, left = memory_left();
	char total[32], records[32], room[32];

	if (nr_cpus < 0) {
		check->status = CHECK_UNTESTED;
		doctor__say(doctor, &check->found, "possible CPUs are not shown: %s",
			    doctor__errno(nr_cpus));
		return;
	}
	needed = counters__memory_needed(nr_cpus);
	format_thousands(needed / 1024, total, sizeof(total));
	format_thousands((needed - nr_cpus * sizeof(struct kft_region)) / 1024, records,
			 sizeof(records));
	doctor__say(doctor, &check->found,
		    "%s KiB while counting: %zu for each of %d CPUs, %s for what is "
		    "known of programs",
		    total, sizeof(struct kft_region) / 1024, nr_cpus, records);
	if (left > needed)
		return;
	check->status = CHECK_NO;
	doctor__say(doctor, &check->found, "%s; this cgroup has %s KiB left", check->found ?: "",
		    format_thousands(left / 1024, room, sizeof(room)));
	doctor__say(doctor, &check->remedy, "raise memory.max of this cgroup");
	if (!doctor->counting_trouble)
		doctor__say(doctor, &doctor->counting_trouble,
			    "not enough memory for the counters (memory.max)");
}

/* --- addresses -------------------------------------------------------------------------------- */

/*
 * What kfunctrace needs of addresses its iterators read where they are: symbols, images of programs
 * and source lines of call sites. Other tools go by /proc/kallsyms and a program's info, which obey
 * one rule.
 */
static int are_addresses_shown(void)
{
	char line[256];
	int err = doctor__read_line("/proc/kallsyms", line, sizeof(line));
	unsigned long long any = 0;
	FILE *file;

	if (err)
		return err;
	file = fopen("/proc/kallsyms", "re");
	if (!file)
		return -errno;
	/* A per-CPU symbol may really be at 0. */
	for (int i = 0; i < 1000 && !any && fgets(line, sizeof(line), file); i++)
		any = strtoull(line, NULL, 16);
	fclose(file);
	return any != 0;
}

void doctor__check_addresses(struct doctor *doctor)
{
	struct check *check = doctor__add(doctor, "addresses", "kernel addresses", CHECK_OK, NULL);
	int restricted = doctor__read_sysctl("/proc/sys/kernel/kptr_restrict");
	int paranoid = doctor__read_sysctl("/proc/sys/kernel/perf_event_paranoid");
	int shown = are_addresses_shown();

	if (shown > 0)
		doctor__say(doctor, &check->found, "shown (kernel.kptr_restrict=%d)", restricted);
	else if (shown < 0)
		doctor__say(doctor, &check->found,
			    "/proc/kallsyms: %s; kfunctrace does without, perf and bpftool do not",
			    doctor__errno(shown));
	else
		doctor__say(doctor, &check->found,
			    "hidden (kernel.kptr_restrict=%d, kernel.perf_event_paranoid=%d, %s "
			    "CAP_SYSLOG); kfunctrace does without, perf and bpftool do not",
			    restricted, paranoid, doctor->has_syslog ? "with" : "no");
}

/* What counts where BPF trampolines are refused; elsewhere nobody needs it. */
void doctor__check_module_engine(struct doctor *doctor)
{
	struct check *check =
		doctor__add(doctor, "module_engine", "module engine", CHECK_OK,
			    doctor->counting_trouble ? "calls cannot be counted (stat)" : NULL);
	struct module_engine *engine;
	int err = module_engine__open(&engine);

	if (!err) {
		doctor->module_counts = !doctor->ftrace_is_off;
		doctor__say(doctor, &check->found, "the module kfunctrace is loaded, %s",
			    module_engine__is_kept(engine)   ? "and counts on since a stat --keep"
			    : module_engine__is_busy(engine) ? "and counts for somebody"
							     : "and counts nothing now");
		module_engine__close(engine);
		return;
	}
	if (err == -ENOENT && !doctor->counting_trouble) {
		doctor__say(
			doctor, &check->found,
			"the module kfunctrace is not loaded, and not needed: BPF programs count");
		return;
	}
	check->status = err == -ENOENT || doctor->counting_trouble ? CHECK_NO : CHECK_LIMITED;
	if (err == -ENOENT)
		doctor__say(doctor, &check->found, "the module kfunctrace is not loaded");
	else
		doctor__say(doctor, &check->found, MODULE_ENGINE_PATH ": %s", doctor__errno(err));
	doctor__say(
		doctor, &check->remedy,
		err == -EPROTO
			? "install the module and the program from the same source"
			: "modprobe kfunctrace as root: with it, stat needs no fentry programs");
}
