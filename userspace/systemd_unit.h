/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_SYSTEMD_UNIT_H
#define KFUNCTRACE_SYSTEMD_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The unit that a process belongs to ("cron.service"), out of its cgroup. False: it has none. */
bool systemd_unit__of_process(pid_t pid, char *unit, size_t size);
/* The same out of a cgroup's path: the last service or scope in it. */
bool systemd_unit__of_path(const char *path, char *unit, size_t size);

#endif
