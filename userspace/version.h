/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_VERSION_H
#define KFUNCTRACE_VERSION_H

/* Of kfunctrace, as git describes it: "v1.2-3-g0123abc". */
const char *kfunctrace_version(void);

#endif
