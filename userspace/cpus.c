// SPDX-License-Identifier: GPL-2.0-only
#include "cpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POSSIBLE_CPUS "/sys/devices/system/cpu/possible"

int cpus__parse_nr_ids(const char *list)
{
	size_t len = strspn(list, "0123456789,-");
	const char *last = list + len;

	/* The list is in ascending order: the last number is the highest. */
	while (last > list && last[-1] >= '0' && last[-1] <= '9')
		last--;
	if (last == list + len || (list[len] && list[len] != '\n'))
		return -EINVAL;
	return atoi(last) + 1;
}

int cpus__nr_ids(void)
{
	FILE *file = fopen(POSSIBLE_CPUS, "re");
	char list[4096];
	int nr;

	if (!file)
		return -errno;
	nr = fgets(list, sizeof(list), file) ? cpus__parse_nr_ids(list) : -EINVAL;
	fclose(file);
	return nr;
}
