// SPDX-License-Identifier: GPL-2.0-only
#include "kernel_version.h"

#include <stdio.h>
#include <sys/utsname.h>

unsigned int kernel_version__parse(const char *release)
{
	unsigned int major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return 0;
	return KVER(major, minor);
}

const char *kernel_release(void)
{
	static struct utsname names;

	if (!names.release[0] && uname(&names))
		return "unknown";
	return names.release;
}

unsigned int kernel_version(void)
{
	return kernel_version__parse(kernel_release());
}
