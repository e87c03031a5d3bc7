// SPDX-License-Identifier: GPL-2.0-only
#include "module_events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "../tracepoints/reference_records.h"
#include "bpf_iter_run.h"
#include "counters.h"
#include "findings.skel.h"
#include "kernel_btf.h"
#include "message.h"
#include "module_engine.h"
#include "probe_template.h"

struct module_events {
	int btf_fd;
	int lock_fd; /* -1: nobody is kept from making them too */
	__u32 event_id, function_id, listening_id;
	int sites_fd;
	struct kft_module_sites *sites;
	struct counters_reference_maps maps;
};

static struct kernel_btf *find_module(struct kernel_btf_set *btfs)
{
	for (int i = 0; i < kernel_btf_set__nr(btfs); i++) {
		struct kernel_btf *kbtf = kernel_btf_set__at(btfs, i);

		if (!kbtf->is_gone && strcmp(kbtf->name, MODULE_EVENTS_MODULE) == 0)
			return kbtf;
	}
	return NULL;
}

static int find_kfuncs(struct module_events *events, struct kernel_btf_set *btfs)
{
	struct kernel_btf *module = find_module(btfs);
	const struct btf *btf;
	__s32 event, function, listening;

	if (!module) {
		msg__error("trace events need the kernel module kfunctrace, and it is not loaded: "
			   "modprobe kfunctrace (Documentation/module.rst)");
		return -ENOENT;
	}
	btf = kernel_btf__types(btfs, module);
	if (!btf) {
		msg__error("cannot read the types of the kernel module: %s", strerror(errno));
		return -errno;
	}
	event = btf__find_by_name_kind(btf, "kfunctrace_event_v1", BTF_KIND_FUNC);
	function = btf__find_by_name_kind(btf, "kfunctrace_function_v1", BTF_KIND_FUNC);
	listening = btf__find_by_name_kind(btf, "kfunctrace_listening_v1", BTF_KIND_FUNC);
	if (event <= 0 || function <= 0 || listening <= 0) {
		msg__error("the kernel module kfunctrace that is loaded is of another version: "
			   "build and load the one of this kfunctrace");
		return -EPROTO;
	}
	events->btf_fd = module->fd;
	events->event_id = event;
	events->function_id = function;
	events->listening_id = listening;
	return 0;
}

/*
 * Each kfunctrace with events has probes of its own, and all listeners hear all of them: of two every
 * event would come twice. The lock is on the module's device because it is there just as long as the
 * module, and only root can hold it; it ends with the process, however that ends.
 */
static int take_lock(struct module_events *events)
{
	int err;

	events->lock_fd = open(MODULE_ENGINE_PATH, O_RDONLY | O_CLOEXEC);
	if (events->lock_fd < 0) {
		/* In a container, or without root's rights to files: no reason to make none. */
		msg__warn("cannot open " MODULE_ENGINE_PATH ": %s; should another kfunctrace make "
			  "trace events as well, each is there twice",
			  strerror(errno));
		return 0;
	}
	if (!flock(events->lock_fd, LOCK_EX | LOCK_NB))
		return 0;
	err = -errno;
	if (err != -EWOULDBLOCK) {
		msg__error("cannot lock " MODULE_ENGINE_PATH ": %s", strerror(-err));
		return err;
	}
	msg__error(
		"another kfunctrace makes trace events already, and with two each would be there "
		"twice: end it, or listen to its events (Documentation/events.rst)");
	return -EBUSY;
}

static int make_sites(struct module_events *events)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	events->sites_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "kft_module_site", sizeof(__u32),
					  sizeof(*events->sites), 1, &opts);
	if (events->sites_fd < 0)
		return -errno;
	events->sites = mmap(NULL, sizeof(*events->sites), PROT_READ | PROT_WRITE, MAP_SHARED,
			     events->sites_fd, 0);
	if (events->sites == MAP_FAILED) {
		events->sites = NULL;
		return -errno;
	}
	return 0;
}

int module_events__open(struct kernel_btf_set *btfs, struct counters *counters,
			struct module_events **result)
{
	struct module_events *events = calloc(1, sizeof(*events));
	int err;

	if (!events)
		return -ENOMEM;
	events->sites_fd = events->lock_fd = -1;
	events->maps = counters__reference_maps(counters);
	err = find_kfuncs(events, btfs) ?: take_lock(events);
	if (!err) {
		err = make_sites(events);
		if (err)
			msg__error("cannot make the table of call sites for trace events: %s",
				   strerror(-err));
	}
	if (err) {
		module_events__free(events);
		return err;
	}
	*result = events;
	return 0;
}

void module_events__free(struct module_events *events)
{
	if (!events)
		return;
	if (events->sites)
		munmap(events->sites, sizeof(*events->sites));
	if (events->sites_fd >= 0)
		close(events->sites_fd);
	if (events->lock_fd >= 0)
		close(events->lock_fd);
	free(events);
}

void module_events__describe(struct module_events *events, __u32 probe,
			     const struct module_events_probe *what)
{
	struct kft_module_site *site = &events->sites->sites[KFT_UNKNOWN_SITE(probe)];

	snprintf(site->kfunc, sizeof(site->kfunc), "%s", what->kfunc);
	snprintf(site->program, sizeof(site->program), "unknown");
	snprintf(site->type, sizeof(site->type), "%s", what->type ?: "");
	snprintf(site->replacement, sizeof(site->replacement), "%s", what->replacement ?: "");
}

static int fill(const struct findings_bpf *skel, const struct kft_module_finding *findings,
		__u32 nr)
{
	for (__u32 i = 0; i < nr; i++) {
		if (bpf_map_update_elem(bpf_map__fd(skel->maps.findings), &i, &findings[i],
					BPF_ANY))
			return -errno;
	}
	return 0;
}

static int run(const struct findings_bpf *skel)
{
	union bpf_iter_link_info info = {
		.map = { .map_fd = bpf_map__fd(skel->maps.findings) },
	};
	size_t size;
	char *data;
	int err = bpf_iter_run(skel->progs.fire_findings, &info, &data, &size);

	if (!err)
		free(data);
	return err;
}

int module_events__fire(const struct kft_module_finding *findings, __u32 nr)
{
	struct findings_bpf *skel;
	int err;

	if (!nr)
		return 0;
	skel = findings_bpf__open();
	if (!skel)
		return -errno;
	err = bpf_map__set_max_entries(skel->maps.findings, nr) ?: findings_bpf__load(skel);
	if (!err)
		err = fill(skel, findings, nr) ?: run(skel);
	if (err)
		msg__warn("cannot make trace events of what is stale: %s", strerror(-err));
	findings_bpf__destroy(skel);
	return err;
}

struct probe_template_module module_events__template(const struct module_events *events)
{
	return (struct probe_template_module){
		.btf_fd = events->btf_fd,
		.event_id = events->event_id,
		.function_id = events->function_id,
		.listening_id = events->listening_id,
		.sites_fd = events->sites_fd,
		.images_fd = events->maps.images_fd,
		.progs_fd = events->maps.progs_fd,
	};
}
