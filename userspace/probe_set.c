// SPDX-License-Identifier: GPL-2.0-only
#include "probe_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "../tracepoints/counter_records.h"
#include "clock.h"
#include "kfunc_flags.h"
#include "live_kernel.h"
#include "message.h"
#include "module_events.h"
#include "probe_template.h"
#include "prototype.h"

struct probe_set {
	struct probe *probes;
	int nr;
	__u64 load_ns, attach_ns;
};

static bool can_return_null(const struct kfunc *kfunc)
{
	return (kfunc->flags & KFUNC_RET_NULL) &&
	       prototype__returns_pointer(kfunc->kbtf->btf, kfunc->abi_id);
}

struct probe_target probe_target__of_kfunc(const struct kfunc *kfunc, bool no_nulls)
{
	return (struct probe_target){
		.function = kfunc->name,
		.kbtf = kfunc->kbtf,
		.btf_id = kfunc->btf_id,
		.abi_id = kfunc->abi_id,
		.address = kfunc->address,
		.subject = kfunc->index,
		.twin = kfunc->twin,
		.kind = can_return_null(kfunc) && !no_nulls ? PROBE_COUNT_EXIT : PROBE_COUNT_ENTRY,
		.object_arg = -1,
	};
}

static int compare_twins(const struct kft_symbol_record *symbol, void *arg)
{
	struct probe_set *set = arg;

	for (int i = 0; i < set->nr; i++) {
		struct probe_target *target = &set->probes[i].target;

		if (set->probes[i].is_twin && strcmp(target->function, symbol->name) == 0)
			target->address = symbol->address;
	}
	return 0;
}

/* The registry knows the addresses of kfuncs; twins are ordinary functions. */
static int find_twin_addresses(struct live_kernel *kernel, struct probe_set *set)
{
	const char *names[KFT_MAX_PROBES];
	int nr = 0;

	for (int i = 0; i < set->nr; i++) {
		if (set->probes[i].is_twin)
			names[nr++] = set->probes[i].target.function;
	}
	return nr ? kernel_reader__symbols(kernel->reader, names, nr, compare_twins, set) : 0;
}

static struct probe *plan_probe(struct probe_set *set, const struct probe_target *target)
{
	struct probe *probe = &set->probes[set->nr++];

	probe->target = *target;
	probe->prog_fd = probe->link_fd = -1;
	return probe;
}

static int plan(struct probe_set *set, const struct probe_target *targets, int nr_targets)
{
	set->probes = calloc(nr_targets * 2 ?: 1, sizeof(*set->probes));
	if (!set->probes)
		return -ENOMEM;
	for (int i = 0; i < nr_targets; i++) {
		struct probe *twin;

		plan_probe(set, &targets[i]);
		if (!targets[i].twin)
			continue;
		/* Right behind it, where probe_set__twin() looks for it. */
		twin = plan_probe(set, &targets[i]);
		twin->is_twin = true;
		twin->target.function = targets[i].twin;
		twin->target.twin = targets[i].function;
		twin->target.address = 0;
	}
	return set->nr > KFT_MAX_PROBES ? -E2BIG : 0;
}

static int load_probe(const struct probe_template *tmpl, struct probe *probe, int idx)
{
	const struct probe_target *target = &probe->target;
	const struct btf *btf = target->kbtf->btf;
	struct probe_params params = {
		.probe = idx,
		.name = target->function,
		.kind = target->kind,
		.btf_id = target->btf_id,
		.btf_fd = target->kbtf->is_vmlinux ? 0 : target->kbtf->fd,
		.address = target->address,
		.object_arg = target->object_arg,
		.type = target->type,
		.released = target->released,
		.flags = target->flags,
	};
	__u32 abi_id = target->abi_id;

	if (!target->address)
		return -ENOENT;
	if (probe->is_twin) {
		__s32 id = btf__find_by_name_kind(btf, target->function, BTF_KIND_FUNC);

		if (id <= 0)
			return -ENOENT;
		params.btf_id = abi_id = id;
	}
	params.nr_arg_words = prototype__nr_arg_words(btf, abi_id);
	if (params.nr_arg_words < 0)
		return params.nr_arg_words;
	probe->prog_fd = probe_template__load(tmpl, &params);
	return probe->prog_fd < 0 ? probe->prog_fd : 0;
}

/* What its trace events say. Those of the other function of a kfunc are the kfunc's. */
static void describe(struct module_events *events, const struct probe *probe, int idx)
{
	const struct probe_target *target = &probe->target;
	const struct module_events_probe what = {
		.kfunc = probe->is_twin ? target->twin : target->function,
		.type = target->event_type,
		.replacement = target->event_replacement,
	};

	module_events__describe(events, idx, &what);
}

static void attach_probe(struct probe *probe)
{
	probe->link_fd = bpf_link_create(probe->prog_fd, 0,
					 probe_kind__attach_type(probe->target.kind), NULL);
	if (probe->link_fd < 0) {
		probe->error = -errno;
		close(probe->prog_fd);
		probe->prog_fd = -1;
	}
}

static int make_set(struct live_kernel *kernel, const struct probe_target *targets, int nr_targets,
		    struct probe_set **result)
{
	struct probe_set *set = calloc(1, sizeof(*set));
	int err;

	if (!set)
		return -ENOMEM;
	err = plan(set, targets, nr_targets);
	if (!err)
		err = find_twin_addresses(kernel, set);
	if (err) {
		probe_set__free(set);
		return err;
	}
	*result = set;
	return 0;
}

static void say_failure(const struct probe *probe)
{
	if (probe->error)
		msg__detail("cannot probe %s: %s (%s)", probe->target.function,
			    probe__explain(probe), strerror(-probe->error));
}

int probe_set__attach(struct live_kernel *kernel, const struct probe_template *tmpl,
		      const struct probe_target *targets, int nr_targets, bool (*interrupted)(void),
		      struct module_events *events, struct probe_set **result)
{
	struct probe_set *set;
	__u64 begin;
	int err = make_set(kernel, targets, nr_targets, &set);

	if (err)
		return err;
	begin = clock_ns();
	for (int i = 0; i < set->nr; i++) {
		if (interrupted && interrupted()) {
			err = -EINTR;
			goto fail;
		}
		if (events)
			describe(events, &set->probes[i], i);
		set->probes[i].error = load_probe(tmpl, &set->probes[i], i);
	}
	set->load_ns = clock_ns() - begin;

	begin = clock_ns();
	for (int i = 0; i < set->nr; i++) {
		struct probe *probe = &set->probes[i];

		if (interrupted && interrupted()) {
			err = -EINTR;
			goto fail;
		}
		if (!probe->error)
			attach_probe(probe);
		say_failure(probe);
	}
	set->attach_ns = clock_ns() - begin;
	*result = set;
	return 0;
fail:
	probe_set__free(set);
	return err;
}

int probe_set__attach_by(struct live_kernel *kernel, const struct probe_attacher *attacher,
			 const struct probe_target *targets, int nr_targets,
			 bool (*interrupted)(void), struct probe_set **result)
{
	struct probe_set *set;
	__u64 begin;
	int err = make_set(kernel, targets, nr_targets, &set);

	if (err)
		return err;
	begin = clock_ns();
	for (int i = 0; i < set->nr && !err; i++) {
		struct probe *probe = &set->probes[i];

		if (interrupted && interrupted())
			err = -EINTR;
		else if (!probe->target.address)
			probe->error = -ENOENT;
		else
			probe->error = attacher->load(attacher, probe, i);
		say_failure(probe);
	}
	set->load_ns = clock_ns() - begin;

	begin = clock_ns();
	if (!err && probe_set__nr_attached(set))
		err = attacher->finish(attacher);
	set->attach_ns = clock_ns() - begin;
	if (err) {
		probe_set__free(set);
		return err;
	}
	*result = set;
	return 0;
}

int probe_set__twin(const struct probe_set *set, int idx)
{
	int other = set->probes[idx].is_twin ? idx - 1 : idx + 1;

	if (!set->probes[idx].target.twin || set->probes[other].error)
		return -1;
	return other;
}

int probe_set__nr(const struct probe_set *set)
{
	return set->nr;
}

const struct probe *probe_set__at(const struct probe_set *set, int idx)
{
	return &set->probes[idx];
}

int probe_set__nr_attached(const struct probe_set *set)
{
	int nr = 0;

	for (int i = 0; i < set->nr; i++)
		nr += !set->probes[i].error;
	return nr;
}

void probe_set__times(const struct probe_set *set, __u64 *load_ns, __u64 *attach_ns)
{
	*load_ns = set->load_ns;
	*attach_ns = set->attach_ns;
}

__u64 probe_set__recursion_misses(const struct probe_set *set, int idx)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (set->probes[idx].prog_fd < 0 ||
	    bpf_obj_get_info_by_fd(set->probes[idx].prog_fd, &info, &len))
		return 0;
	return info.recursion_misses;
}

void probe_set__free(struct probe_set *set)
{
	if (!set)
		return;
	for (int i = 0; i < set->nr; i++) {
		if (set->probes[i].link_fd >= 0)
			close(set->probes[i].link_fd);
		if (set->probes[i].prog_fd >= 0)
			close(set->probes[i].prog_fd);
	}
	free(set->probes);
	free(set);
}

const char *probe__explain(const struct probe *probe)
{
	switch (-probe->error) {
	case 0:
		return "attached";
	case EBUSY:
		return "its code has no ftrace site, or too many programs are on it";
	case EOPNOTSUPP:
		return "its code has no ftrace site";
	case ENODATA:
		return "it is not among those that the module counts";
	case ENOENT:
		return "the compiler left no function of it";
	case EINVAL:
		return "the kernel denies tracing programs on it";
	case E2BIG:
		return "38 tracing programs are on it already, the most that a kernel takes";
	case EPERM:
		return "the kernel refuses fentry programs";
	case EMFILE:
	case ENFILE:
		return "too many open files: raise the limit (ulimit -n), each probe takes two";
	case ENODEV:
		return "the kernel has shut its function tracer down, until the next boot";
	case ENOMEM:
		return "no memory: raise the memory limit of this cgroup";
	default:
		return "attaching failed";
	}
}
