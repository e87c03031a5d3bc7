/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_PROCESS_FDS_H
#define KFUNCTRACE_PROCESS_FDS_H

/* Open file descriptors of this process; -1: not known. */
int process_fds__open(void);
/* How many it may have; -1: no limit. */
int process_fds__limit(void);

#endif
