/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_KERNEL_VERSION_H
#define KFUNCTRACE_KERNEL_VERSION_H

#define KVER(major, minor) (((major) << 16) | (minor))

/*
 * Version of the running kernel as KVER(major, minor), 0 when uname(2) says nothing usable. Only
 * for what the kernel does not say itself (the meaning of KF_* bits); everything else is probed.
 */
unsigned int kernel_version(void);
/* The same out of a release string such as "6.12.107+deb13-cloud-amd64". */
unsigned int kernel_version__parse(const char *release);
/* Release string of the running kernel; static storage. */
const char *kernel_release(void);

#endif
