/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KFUNCTRACE_VERSION_H
#define KFUNCTRACE_VERSION_H

/* Of the modules; dkms.conf has it too, and a test compares the two. */
#define KFUNCTRACE_MODULE_VERSION "0.1"

#endif
