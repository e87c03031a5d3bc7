// SPDX-License-Identifier: GPL-2.0-only
#include "ftrace_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

int ftrace_state(void)
{
	int fd = open("/proc/sys/kernel/ftrace_enabled", O_RDONLY | O_CLOEXEC), err = 0;
	char digit = '1';

	if (fd < 0)
		return -errno;
	if (read(fd, &digit, 1) != 1)
		err = -errno;
	close(fd);
	return err ?: digit != '0';
}

const char *ftrace_state__obstacle(void)
{
	switch (ftrace_state()) {
	case 0:
		return "function tracing is off on this host, so probes see nothing: sysctl "
		       "kernel.ftrace_enabled=1";
	case -ENODEV:
		return "this kernel has shut function tracing down after a fault of its own (dmesg "
		       "has more): reboot";
	default:
		return NULL;
	}
}
