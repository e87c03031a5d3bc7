// SPDX-License-Identifier: GPL-2.0-only
/*
 * To be preloaded: a kernel that refuses BPF trampolines, as one that is locked down does, and allows
 * the rest of BPF. Only the calls that attach programs to functions are answered here.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>

static long forward(long number, const long *args)
{
	register long r10 __asm__("r10") = args[3];
	register long r8 __asm__("r8") = args[4];
	register long r9 __asm__("r9") = args[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	if (result < 0 && result > -4096) {
		errno = -result;
		return -1;
	}
	return result;
}

/* A raw tracepoint without a name is how libbpf attaches to functions where links cannot. */
static int is_refused(int command, const union bpf_attr *attr)
{
	if (command == BPF_RAW_TRACEPOINT_OPEN)
		return !attr->raw_tracepoint.name;
	return command == BPF_LINK_CREATE && (attr->link_create.attach_type == BPF_TRACE_FENTRY ||
					      attr->link_create.attach_type == BPF_TRACE_FEXIT);
}

long syscall(long number, ...)
{
	long args[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	if (number == __NR_bpf && is_refused(args[0], (const union bpf_attr *)args[1])) {
		errno = EPERM;
		return -1;
	}
	return forward(number, args);
}
