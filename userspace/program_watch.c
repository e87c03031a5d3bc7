// SPDX-License-Identifier: GPL-2.0-only
#include "program_watch_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "call_targets.h"
#include "ftrace_state.h"
#include "live_kernel.h"
#include "watch.skel.h"

#define NR_WATCHERS 2

/* Who loaded a program that is there. */
struct loader {
	__u32 prog_id;
	__u32 pid;
	char comm[16];
};

struct program_watch {
	program_event_fn fn;
	void *arg;
	struct loader *loaders;
	size_t nr_loaders, room_loaders;
	const char *why; /* it is by perf's records */
	struct perf_watch *perf;
	struct call_targets *targets;
	struct watch_bpf *skel;
	struct bpf_link *links[NR_WATCHERS];
	struct ring_buffer *ring;
};

/* --- events ----------------------------------------------------------------------------------- */

static int note_loader(struct program_watch *watch, const struct program_event *event)
{
	struct loader *loader;

	if (watch->nr_loaders == watch->room_loaders) {
		size_t room = watch->room_loaders ? watch->room_loaders * 2 : 64;
		struct loader *grown = realloc(watch->loaders, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		watch->loaders = grown;
		watch->room_loaders = room;
	}
	loader = &watch->loaders[watch->nr_loaders++];
	loader->prog_id = event->user.prog.prog_id;
	loader->pid = event->pid;
	memcpy(loader->comm, event->comm, sizeof(loader->comm));
	return 0;
}

static void recall_loader(struct program_watch *watch, struct program_event *event)
{
	event->pid = 0;
	event->comm[0] = '\0';
	for (size_t i = watch->nr_loaders; i-- > 0;) {
		struct loader *loader = &watch->loaders[i];

		if (loader->prog_id != event->user.prog.prog_id)
			continue;
		event->pid = loader->pid;
		memcpy(event->comm, loader->comm, sizeof(event->comm));
		*loader = watch->loaders[--watch->nr_loaders];
		return;
	}
}

/* A process chooses its name itself: nothing in it may steer a terminal. */
static void clean(char *name)
{
	for (; *name; name++) {
		if (iscntrl((unsigned char)*name))
			*name = '?';
	}
}

int program_watch__tell(struct program_watch *watch, struct program_event *event)
{
	int err = 0;

	event->comm[sizeof(event->comm) - 1] = '\0';
	clean(event->comm);
	if (event->unloaded)
		recall_loader(watch, event);
	else
		err = note_loader(watch, event);
	err = err ?: watch->fn(event, watch->arg);
	user__free(&event->user);
	return err;
}

/* --- fentry ----------------------------------------------------------------------------------- */

static int take_record(void *arg, void *data, size_t size)
{
	struct program_watch *watch = arg;
	struct program_event event = { .is_known = true };
	int len = user__parse(watch->targets, data, size, &event.user);

	if (len < 0) {
		user__free(&event.user);
		return len;
	}
	event.unloaded = event.user.prog.event == KFT_USER_UNLOADED;
	event.time_ns = event.user.prog.time_ns;
	event.pid = event.user.prog.pid;
	memcpy(event.comm, event.user.prog.comm, sizeof(event.comm));
	return program_watch__tell(watch, &event);
}

static void detach(struct program_watch *watch)
{
	for (int i = 0; i < NR_WATCHERS; i++) {
		bpf_link__destroy(watch->links[i]);
		watch->links[i] = NULL;
	}
	ring_buffer__free(watch->ring);
	watch->ring = NULL;
	watch_bpf__destroy(watch->skel);
	watch->skel = NULL;
}

/* While the function tracer is off, nothing must be attached (ftrace_state.h). */
static int attach(struct program_watch *watch)
{
	if (ftrace_state__obstacle())
		return -ENODEV;
	watch->skel = watch_bpf__open_and_load();
	if (!watch->skel)
		return -errno;
	watch->links[0] = bpf_program__attach(watch->skel->progs.program_event);
	if (!watch->links[0])
		return -errno;
	watch->links[1] = bpf_program__attach(watch->skel->progs.program_event_again);
	if (!watch->links[1])
		return -errno;
	watch->ring =
		ring_buffer__new(bpf_map__fd(watch->skel->maps.events), take_record, watch, NULL);
	return watch->ring ? 0 : -errno;
}

static __u64 misses_of(const struct bpf_program *prog)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		return 0;
	return info.recursion_misses;
}

/* --- both ------------------------------------------------------------------------------------- */

int program_watch__open(struct live_kernel *kernel, program_event_fn fn, void *arg,
			struct program_watch **result)
{
	struct program_watch *watch = calloc(1, sizeof(*watch));
	int err;

	if (!watch)
		return -ENOMEM;
	watch->fn = fn;
	watch->arg = arg;
	err = call_targets__open(kernel, &watch->targets);
	if (err)
		goto fail;
	err = attach(watch);
	if (err) {
		watch->why = err == -ENODEV ? "the kernel's function tracer is off"
					    : "this kernel allows no fentry programs";
		detach(watch);
		err = perf_watch__open(watch->targets, watch, &watch->perf);
	}
	if (err)
		goto fail;
	*result = watch;
	return 0;
fail:
	program_watch__free(watch);
	return err;
}

void program_watch__free(struct program_watch *watch)
{
	if (!watch)
		return;
	detach(watch);
	perf_watch__free(watch->perf);
	call_targets__free(watch->targets);
	free(watch->loaders);
	free(watch);
}

int program_watch__poll(struct program_watch *watch, __u64 timeout_ns)
{
	int nr;

	if (watch->perf)
		return perf_watch__poll(watch->perf, timeout_ns);
	nr = ring_buffer__poll(watch->ring, timeout_ns / 1000000);
	return nr < 0 && nr != -EINTR ? nr : 0;
}

bool program_watch__is_complete(const struct program_watch *watch, const char **why)
{
	*why = watch->why;
	return !watch->perf;
}

/* Lost is what both watchers have missed. Which events these were, the kernel does not say. */
__u64 program_watch__lost(const struct program_watch *watch)
{
	__u64 first, second;

	if (watch->perf)
		return perf_watch__lost(watch->perf);
	first = misses_of(watch->skel->progs.program_event);
	second = misses_of(watch->skel->progs.program_event_again);
	return watch->skel->bss->nr_lost + (first < second ? first : second);
}
