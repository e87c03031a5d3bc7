/* SPDX-License-Identifier: GPL-2.0-only */
/* A lock file: who holds it is the one that runs, and its pid is in it. */
#ifndef KFUNCTRACE_SERVE_LOCK_H
#define KFUNCTRACE_SERVE_LOCK_H

/*
 * Returns a file descriptor that holds the lock until it is closed, or a negative errno having said why:
 * -EEXIST when another process holds it, whose pid is said. The file stays when the lock goes.
 */
int serve_lock__take(const char *path);

#endif
