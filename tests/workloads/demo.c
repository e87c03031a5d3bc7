// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starts processes for a few seconds, while programs watch them come and go.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "workload.h"

#define MAX_PROGRAMS 8

static int run_processes(unsigned int n)
{
	int err = 0;

	for (unsigned int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			err = fail(errno, "cannot start a process");
			break;
		}
		if (!pid)
			_exit(0);
	}
	while (wait(NULL) > 0)
		;
	return err;
}

int demo__run(struct bpf_object *object, const struct options *options)
{
	double end = now() + options->seconds;
	struct bpf_link *links[MAX_PROGRAMS];
	struct bpf_program *program;
	unsigned int n = 0;
	int err = 0;

	bpf_object__for_each_program(program, object)
	{
		if (bpf_program__fd(program) < 0 || n == MAX_PROGRAMS)
			continue;
		links[n] = bpf_program__attach(program);
		if (!links[n])
			return fail(errno, "cannot attach %s", bpf_program__name(program));
		n++;
	}
	while (!err && now() < end) {
		err = run_processes(options->times);
		usleep(10000);
	}
	for (unsigned int i = 0; i < n; i++)
		bpf_link__destroy(links[i]);
	/* Until no CPU is in one of the programs any more. */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	return err;
}
