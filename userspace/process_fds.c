// SPDX-License-Identifier: GPL-2.0-only
#include "process_fds.h"

#include <dirent.h>
#include <limits.h>
#include <sys/resource.h>

int process_fds__open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	/* The folder's own is among them. */
	int fds = -1;

	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			fds++;
	}
	closedir(dir);
	return fds;
}

int process_fds__limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > INT_MAX)
		return -1;
	return (int)limit.rlim_cur;
}
