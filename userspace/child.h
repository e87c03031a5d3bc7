/* SPDX-License-Identifier: GPL-2.0-only */
/* A command that is started when everything is ready, as perf stat does it. */
#ifndef KFUNCTRACE_CHILD_H
#define KFUNCTRACE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int go_fd;    /* closing it lets the child begin */
	int error_fd; /* tells why exec failed */
	bool ended;
	int status; /* as from waitpid(), once ended */
};

/* Forks; the child waits for child__go(). argv ends with NULL. Returns 0 or a negative errno. */
int child__prepare(struct child *child, char **argv);
/* Lets it begin. Returns 0, or the negative errno that exec failed with. */
int child__go(struct child *child);
/* True when it has ended; does not wait. */
bool child__poll(struct child *child);
/* Waits for its end. */
void child__wait(struct child *child);
/* Its exit status as a shell says it: 128 + signal when killed. */
int child__exit_status(const struct child *child);

#endif
