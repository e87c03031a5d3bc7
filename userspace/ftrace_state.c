// SPDX-License-Identifier: GPL-2.0-only
#include "ftrace_state.h"

#include <errno.h>
#include <fcntl.h>
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
