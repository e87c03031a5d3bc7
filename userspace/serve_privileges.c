// SPDX-License-Identifier: GPL-2.0-only
#include "serve_privileges.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <linux/securebits.h>

#include <cap-ng.h>

#include "kernel_version.h"
#include "message.h"

/* Root is a user like others to execve(), and that stays so. setuid() keeps its meaning. */
#define SECURE_BITS (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED)

#define KEEP(name)  CAP_##name, "CAP_" #name

/*
 * Reading counters, the ring buffer and links that are open needs nothing: their file descriptors are
 * enough. What follows is for what comes later: programs and modules that are loaded while the aggregator
 * runs, looks at objects, names for callers. The kernels from 6.1 to 7.3 ask for it as said here.
 *
 * Not CAP_SYSLOG: it hides addresses in /proc/kallsyms and bpf_prog_info, and both are read with iterators
 * of our own.
 *
 * What is not here goes: to override the modes of files, change owners, kill, load modules, set the clock
 * or the limits of resources, open raw devices and sockets, reboot, and all else.
 */
static const struct {
	int capability;
	const char *name;
	unsigned int until; /* KVER of the first kernel that does without; 0: all need it */
	const char *without;
} needed[] = {
	/*
	 * BPF_{PROG,MAP,LINK,BTF}_GET_NEXT_ID and _GET_FD_BY_ID: without, no program, no map of one and
	 * no module's BTF is seen that was not open before. CAP_BPF is not enough for these on any of the
	 * kernels. It is the one that counts most: it nearly makes a root, and that cannot be helped
	 * as long as the kernel asks for it.
	 */
	{ KEEP(SYS_ADMIN), 0, "programs and modules that are loaded later are not seen" },
	/* bpf(): programs and maps for kfuncs of modules that come later, details of programs. */
	{ KEEP(BPF), 0, "kfuncs of modules that are loaded later are not traced" },
	/* Tracing programs and iterators are loaded; events of programs that come and go (perf). */
	{ KEEP(PERFMON), 0, "kfuncs of modules that are loaded later are not traced" },
	/*
	 * /proc/PID/fd and fdinfo of processes that have more capabilities than what is left here, which
	 * are root's too: who loaded a program and holds it.
	 */
	{ KEEP(SYS_PTRACE), 0, "who loaded a program is often not known" },
	/* The same folders belong to the process's user; pins in folders of others. */
	{ KEEP(DAC_READ_SEARCH), 0, "who loaded a program is often not known" },
	/* BPF_PROG_QUERY: programs at cgroups and interfaces. Later kernels take CAP_SYS_ADMIN. */
	{ KEEP(NET_ADMIN), KVER(6, 9), "where programs are attached is often not known" },
};

/* Chooses what is kept of what is there, in all sets. */
static void choose(void)
{
	bool have[sizeof(needed) / sizeof(needed[0])];
	unsigned int version = kernel_version();

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		bool wanted = !needed[i].until || !version || version < needed[i].until;

		have[i] = wanted && capng_have_capability(CAPNG_PERMITTED, needed[i].capability);
		if (wanted && !have[i])
			msg__warn("no %s: %s", needed[i].name, needed[i].without);
	}
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (have[i])
			capng_update(CAPNG_ADD,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
				     needed[i].capability);
	}
}

static int fail(const char *what, int err)
{
	msg__error("cannot drop privileges: %s: %s", what, strerror(err));
	return err ? -err : -EPERM;
}

/*
 * A service manager has narrowed the bounding set already, and CAP_SETPCAP is not in it: then it stays.
 * Nothing can be had from it without new privileges anyway.
 */
static int apply(bool may_set)
{
	capng_select_t sets = CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT;

	errno = 0;
	/* Otherwise a program that root runs has all of the bounding set. */
	if (may_set && prctl(PR_SET_SECUREBITS, SECURE_BITS, 0, 0, 0))
		return fail("securebits", errno);
	if (capng_apply(may_set ? sets | CAPNG_SELECT_BOUNDS : sets))
		return fail("capset", errno);
	return 0;
}

int serve_privileges__drop(void)
{
	bool may_set;
	int err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail("no_new_privs", errno);
	if (capng_get_caps_process())
		return fail("capabilities of this process", errno);
	may_set = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	choose();
	err = apply(may_set);
	capng_clear(CAPNG_SELECT_ALL);
	return err;
}
