// SPDX-License-Identifier: GPL-2.0-only
/*
 * References that programs hold for long while they run. One program runs in a thread and sleeps
 * in a page fault, which the scenario leaves unanswered as long as the observer looks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "scene.h"
#include "workload.h"

#define SLEPT_TASKS   "slept_tasks"
#define FAULT_SECONDS 60

static struct sleeper {
	int faults; /* descriptor of the page faults */
	void *page;
	size_t page_size;
	struct bpf_program *program;
	pthread_t thread;
	int err;
	bool runs;
} sleeper;

static int watch_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	sleeper.page_size = sysconf(_SC_PAGESIZE);
	sleeper.page = mmap(NULL, sleeper.page_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sleeper.faults = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	range.range.start = (uintptr_t)sleeper.page;
	range.range.len = sleeper.page_size;
	if (sleeper.page == MAP_FAILED || sleeper.faults < 0 ||
	    ioctl(sleeper.faults, UFFDIO_API, &api) ||
	    ioctl(sleeper.faults, UFFDIO_REGISTER, &range))
		return fail(errno, "cannot have page faults reported");
	return 0;
}

static void *sleep_in_program(void *unused)
{
	(void)unused;
	sleeper.err = program__run(bpf_program__fd(sleeper.program),
				   bpf_program__type(sleeper.program), 1);
	return NULL;
}

/* On return the program has acquired, and waits for the page. */
static int start_sleeper(struct scene *scene)
{
	struct pollfd faults;
	int err;

	if (watch_page())
		return -1;
	scene->step->user_address = (uintptr_t)sleeper.page;
	sleeper.program = bpf_object__find_program_by_name(scene->object, "hold_asleep");
	err = pthread_create(&sleeper.thread, NULL, sleep_in_program, NULL);
	if (err)
		return fail(err, "cannot start a thread");
	sleeper.runs = true;
	faults = (struct pollfd){ .fd = sleeper.faults, .events = POLLIN };
	if (poll(&faults, 1, FAULT_SECONDS * 1000) != 1)
		return fail(0, "hold_asleep does not sleep, after %d seconds", FAULT_SECONDS);
	return 0;
}

static int wake_sleeper(struct scene *scene)
{
	struct uffdio_zeropage page = {
		.range = { .start = (uintptr_t)sleeper.page, .len = sleeper.page_size },
	};

	if (!sleeper.runs)
		return 0;
	sleeper.runs = false;
	if (ioctl(sleeper.faults, UFFDIO_ZEROPAGE, &page))
		return fail(errno, "cannot wake hold_asleep");
	pthread_join(sleeper.thread, NULL);
	close(sleeper.faults);
	if (!sleeper.err && !*(volatile __u64 *)&scene->step->left)
		return fail(0, "hold_asleep has not released");
	return sleeper.err;
}

static void finish(struct scene *scene)
{
	wake_sleeper(scene);
}

static int hold_busy(struct scene *scene)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	scene->step->until_ns =
		(time.tv_sec + scene->options->seconds) * 1000000000ULL + time.tv_nsec;
	return scene__do(scene, "hold_busy");
}

static int park_asleep(struct scene *scene)
{
	struct parked parked = {
		.type = TASK,
		.program = "park_asleep",
		.kfunc = "bpf_task_from_pid",
		.map = SLEPT_TASKS,
		.pid = scene->step->pid,
		.references = 1,
	};
	static __u64 word;

	scene->step->user_address = (uintptr_t)&word;
	scene->step->key = 0;
	if (scene__add_slot(scene, SLEPT_TASKS, 0, sizeof(void *)) ||
	    scene__do(scene, "park_asleep"))
		return -1;
	references__add_parked(scene->references, &parked);
	return 0;
}

static void add_in_use(struct scene *scene)
{
	struct parked in_use = {
		.type = TASK,
		.program = "hold_asleep",
		.kfunc = "bpf_task_from_pid",
		.pid = scene->step->pid,
		.references = 1,
		.in_use = true,
	};

	references__add_parked(scene->references, &in_use);
}

int refs_sleepable__perform(struct scene *scene)
{
	pid_t pid = scene__start_child(scene);

	if (pid < 0)
		return -1;
	scene->step->pid = pid;
	if (park_asleep(scene) || hold_busy(scene))
		return -1;
	/* One that nothing else refers to. */
	pid = scene__start_child(scene);
	if (pid < 0)
		return -1;
	scene->step->pid = pid;
	scene->finish = finish;
	if (start_sleeper(scene))
		return -1;
	if (!scene->is_held)
		return wake_sleeper(scene);
	add_in_use(scene);
	return 0;
}
