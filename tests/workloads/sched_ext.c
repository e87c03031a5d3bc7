// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts a scheduler in charge of a few processes, which sleep and wake up.
 */
#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

#define POLICY_EXT 7 /* SCHED_EXT */

static int sleep_and_wake(unsigned int times)
{
	const struct sched_param param = { 0 };

	if (sched_setscheduler(0, POLICY_EXT, &param))
		return fail(errno, "cannot ask for the scheduler");
	for (unsigned int i = 0; i < times; i++)
		usleep(1000);
	return 0;
}

int sched_ext__run(struct bpf_object *object, const struct options *options)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "shared_queue");
	struct bpf_link *link = bpf_map__attach_struct_ops(map);
	int err = 0, status;

	if (!link)
		return fail(errno, "cannot put the scheduler in charge");
	for (unsigned int i = 0; i < options->threads && !err; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err = fail(errno, "cannot start a process");
		if (!pid)
			_exit(sleep_and_wake(options->times) ? 1 : 0);
	}
	while (wait(&status) > 0) {
		if (status)
			err = -1;
	}
	bpf_link__destroy(link);
	return err;
}
