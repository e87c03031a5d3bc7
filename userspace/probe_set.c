// SPDX-License-Identifier: GPL-2.0-only
#include "probe_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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
	struct probe *probes; /* room for KFT_MAX_PROBES: they stay where they are */
	int nr;
	__u64 load_ns, attach_ns;
	/* What probes are made of. */
	struct live_kernel *kernel;
	const struct probe_template *tmpl; /* NULL: they are no programs */
	struct module_events *events;
	bool (*interrupted)(void);
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
		.generation = kfunc->generation,
		.btf_id = kfunc->btf_id,
		.abi_id = kfunc->abi_id,
		.address = kfunc->address,
		.subject = kfunc->index,
		.twin = kfunc->twin,
		.kind = can_return_null(kfunc) && !no_nulls ? PROBE_COUNT_EXIT : PROBE_COUNT_ENTRY,
		.object_arg = -1,
	};
}

/* --- indexes -------------------------------------------------------------------------------------- */

static struct probe *plan_probe(struct probe_set *set, const struct probe_target *target)
{
	struct probe *probe = &set->probes[set->nr++];

	probe->target = *target;
	probe->prog_fd = probe->link_fd = -1;
	return probe;
}

static void make_twin_target(struct probe_target *twin, const struct probe_target *target)
{
	*twin = *target;
	twin->function = target->twin;
	twin->twin = target->function;
	twin->address = 0;
}

/* Returns its index; its twin's is the next one, where probe_set__twin() looks for it. */
static int plan(struct probe_set *set, const struct probe_target *target)
{
	int idx = set->nr;
	struct probe *twin;

	if (idx + 1 + !!target->twin > KFT_MAX_PROBES)
		return -E2BIG;
	plan_probe(set, target);
	if (target->twin) {
		twin = plan_probe(set, target);
		twin->is_twin = true;
		make_twin_target(&twin->target, target);
	}
	return idx;
}

static int find(const struct probe_set *set, const struct probe_target *target)
{
	for (int i = 0; i < set->nr; i++) {
		const struct probe *probe = &set->probes[i];

		if (!probe->is_twin && probe->target.kbtf == target->kbtf &&
		    strcmp(probe->target.function, target->function) == 0)
			return i;
	}
	return -1;
}

int probe_set__reserve(struct probe_set *set, const struct probe_target *target)
{
	int idx = find(set, target);

	if (!set->tmpl)
		return -EOPNOTSUPP;
	return idx >= 0 ? idx : plan(set, target);
}

static struct probe *twin_of(const struct probe_set *set, int idx)
{
	if (!set->probes[idx].target.twin)
		return NULL;
	return &set->probes[set->probes[idx].is_twin ? idx - 1 : idx + 1];
}

struct twin_search {
	struct probe_set *set;
	const int *idxs;
	int nr;
};

static int take_twin_address(const struct kft_symbol_record *symbol, void *arg)
{
	const struct twin_search *search = arg;

	for (int i = 0; i < search->nr; i++) {
		struct probe *probe = &search->set->probes[search->idxs[i]];

		if (probe->is_twin && strcmp(probe->target.function, symbol->name) == 0)
			probe->target.address = symbol->address;
	}
	return 0;
}

/* The registry knows the addresses of kfuncs; twins are ordinary functions. */
static int find_twin_addresses(struct probe_set *set, const int *idxs, int nr)
{
	struct twin_search search = { set, idxs, nr };
	const char *names[KFT_MAX_PROBES];
	int nr_names = 0;

	for (int i = 0; i < nr; i++) {
		if (set->probes[idxs[i]].is_twin)
			names[nr_names++] = set->probes[idxs[i]].target.function;
	}
	if (!nr_names)
		return 0;
	return kernel_reader__symbols(set->kernel->reader, names, nr_names, take_twin_address,
				      &search);
}

/* --- attaching ------------------------------------------------------------------------------------ */

static int load_probe(struct live_kernel *kernel, const struct probe_template *tmpl,
		      struct probe *probe, int idx)
{
	const struct probe_target *target = &probe->target;
	const struct btf *btf = kernel_btf__types(kernel->btfs, target->kbtf);
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

	/* Numbers of types are those of another BTF. */
	if (target->kbtf->is_gone || target->kbtf->generation != target->generation)
		return -ESTALE;
	if (!btf || !target->address)
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

static void close_program(struct probe *probe)
{
	if (probe->prog_fd >= 0)
		close(probe->prog_fd);
	probe->prog_fd = -1;
}

static void set_state(struct probe *probe, int error)
{
	probe->error = error;
	probe->state = error ? PROBE_FAILED : PROBE_ATTACHED;
	probe->was_attached |= !error;
}

static void attach_probe(struct probe *probe)
{
	int error = probe->error;

	if (!error) {
		probe->link_fd = bpf_link_create(probe->prog_fd, 0,
						 probe_kind__attach_type(probe->target.kind), NULL);
		error = probe->link_fd < 0 ? -errno : 0;
	}
	if (error)
		close_program(probe);
	set_state(probe, error);
}

static void say_failure(const struct probe *probe)
{
	if (probe->error)
		msg__detail("cannot probe %s: %s (%s)", probe->target.function,
			    probe__explain(probe), strerror(-probe->error));
}

static bool is_interrupted(const struct probe_set *set)
{
	return set->interrupted && set->interrupted();
}

static void unload(struct probe_set *set, const int *idxs, int nr)
{
	for (int i = 0; i < nr; i++) {
		struct probe *probe = &set->probes[idxs[i]];

		if (probe->state != PROBE_ATTACHED)
			close_program(probe);
	}
}

/* Loads and attaches those of these indexes. Returns how many, or -EINTR. */
static int attach(struct probe_set *set, const int *idxs, int nr)
{
	__u64 begin = clock_ns();
	bool stopped = false;
	int nr_attached = 0;

	for (int i = 0; i < nr && !stopped; i++) {
		struct probe *probe = &set->probes[idxs[i]];

		stopped = is_interrupted(set);
		if (set->events)
			describe(set->events, probe, idxs[i]);
		probe->error = load_probe(set->kernel, set->tmpl, probe, idxs[i]);
	}
	set->load_ns += clock_ns() - begin;

	begin = clock_ns();
	for (int i = 0; i < nr; i++) {
		struct probe *probe = &set->probes[idxs[i]];

		if (stopped || is_interrupted(set)) {
			unload(set, idxs, nr);
			return -EINTR;
		}
		attach_probe(probe);
		say_failure(probe);
		nr_attached += !probe->error;
	}
	set->attach_ns += clock_ns() - begin;
	return nr_attached;
}

static int make_set(struct live_kernel *kernel, const struct probe_target *targets, int nr_targets,
		    struct probe_set **result)
{
	struct probe_set *set = calloc(1, sizeof(*set));
	int idxs[KFT_MAX_PROBES], err = 0;

	if (!set)
		return -ENOMEM;
	set->kernel = kernel;
	set->probes = calloc(KFT_MAX_PROBES, sizeof(*set->probes));
	if (!set->probes)
		err = -ENOMEM;
	for (int i = 0; i < nr_targets && err >= 0; i++)
		err = plan(set, &targets[i]);
	for (int i = 0; i < set->nr; i++)
		idxs[i] = i;
	if (err >= 0)
		err = find_twin_addresses(set, idxs, set->nr);
	if (err < 0) {
		probe_set__free(set);
		return err;
	}
	*result = set;
	return 0;
}

int probe_set__attach(struct live_kernel *kernel, const struct probe_template *tmpl,
		      const struct probe_target *targets, int nr_targets, bool (*interrupted)(void),
		      struct module_events *events, struct probe_set **result)
{
	int idxs[KFT_MAX_PROBES];
	struct probe_set *set;
	int err = make_set(kernel, targets, nr_targets, &set);

	if (err)
		return err;
	set->tmpl = tmpl;
	set->events = events;
	set->interrupted = interrupted;
	for (int i = 0; i < set->nr; i++)
		idxs[i] = i;
	err = attach(set, idxs, set->nr);
	if (err < 0) {
		probe_set__free(set);
		return err;
	}
	*result = set;
	return 0;
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
			set_state(probe, -ENOENT);
		else
			set_state(probe, attacher->load(attacher, probe, i));
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

/* --- while others count --------------------------------------------------------------------------- */

/*
 * Calls between twins are counted once, by the one that programs call (counters.c). Whether they are
 * must not change, so one that was not there when the other counted stays away.
 */
static bool may_join(const struct probe *probe, const struct probe *twin)
{
	return probe->was_attached || !twin || !twin->was_attached;
}

static int choose(struct probe_set *set, int idx, int *idxs, int nr)
{
	struct probe *probe = &set->probes[idx];

	if (probe->state != PROBE_ATTACHED && may_join(probe, twin_of(set, idx)))
		idxs[nr++] = idx;
	return nr;
}

/* What the function is like now; whose calls they are and what its twin is stays. */
static void take_target(struct probe_set *set, int idx, const struct probe_target *target)
{
	struct probe *probe = &set->probes[idx];
	struct probe_target now = *target;

	now.subject = probe->target.subject;
	now.twin = probe->target.twin;
	probe->target = now;
	if (now.twin)
		make_twin_target(&twin_of(set, idx)->target, &now);
}

static int nr_new(const struct probe_set *set, const struct probe_target *targets, int nr_targets)
{
	int nr = 0;

	for (int i = 0; i < nr_targets; i++) {
		if (find(set, &targets[i]) < 0)
			nr += 1 + !!targets[i].twin;
	}
	return nr;
}

int probe_set__add(struct probe_set *set, const struct probe_target *targets, int nr_targets)
{
	int idxs[KFT_MAX_PROBES], nr = 0, err;

	if (!set->tmpl)
		return -EOPNOTSUPP;
	if (set->nr + nr_new(set, targets, nr_targets) > KFT_MAX_PROBES)
		return -E2BIG;
	for (int i = 0; i < nr_targets; i++) {
		int idx = probe_set__reserve(set, &targets[i]);
		bool is_twice = false;

		for (int j = 0; j < nr; j++)
			is_twice |= idxs[j] == idx;
		if (idx < 0)
			return idx;
		if (is_twice || set->probes[idx].state == PROBE_ATTACHED)
			continue;
		take_target(set, idx, &targets[i]);
		nr = choose(set, idx, idxs, nr);
		if (set->probes[idx].target.twin)
			nr = choose(set, idx + 1, idxs, nr);
	}
	err = find_twin_addresses(set, idxs, nr);
	return err ?: attach(set, idxs, nr);
}

static void read_info(const struct probe *probe, struct bpf_prog_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (probe->prog_fd >= 0 && bpf_obj_get_info_by_fd(probe->prog_fd, info, &len))
		memset(info, 0, sizeof(*info));
}

/*
 * Waits until no program is running that was detached: from then on it counts nothing and misses
 * nothing, and another one may count in its slots. That a map in a map is exchanged means just that
 * to the kernel.
 */
static void wait_for_programs(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	const struct timespec while_without = { .tv_nsec = 100 * 1000000 };
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "kft_inner", 4, 8, 1, NULL), outer = -1;
	__u32 zero = 0;

	if (inner >= 0) {
		opts.inner_map_fd = inner;
		outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "kft_outer", 4, 4, 1, &opts);
	}
	if (outer < 0 || bpf_map_update_elem(outer, &zero, &inner, BPF_ANY))
		nanosleep(&while_without, NULL);
	if (outer >= 0)
		close(outer);
	if (inner >= 0)
		close(inner);
}

static int unlink_probe(struct probe *probe)
{
	if (!probe || probe->state != PROBE_ATTACHED)
		return 0;
	close(probe->link_fd);
	probe->link_fd = -1;
	probe->state = PROBE_DETACHED;
	return 1;
}

/* The programs of those that were unlinked: what the kernel knows of them would go with them. */
static void put_programs(struct probe_set *set)
{
	struct bpf_prog_info info;

	for (int i = 0; i < set->nr; i++) {
		struct probe *probe = &set->probes[i];

		if (probe->state != PROBE_DETACHED || probe->prog_fd < 0)
			continue;
		read_info(probe, &info);
		probe->past_misses += info.recursion_misses;
		probe->past_run_ns += info.run_time_ns;
		probe->past_runs += info.run_cnt;
		close_program(probe);
	}
}

int probe_set__detach(struct probe_set *set, const int *idxs, int nr)
{
	int nr_detached = 0;

	if (!set->tmpl)
		return -EOPNOTSUPP;
	for (int i = 0; i < nr; i++) {
		nr_detached += unlink_probe(&set->probes[idxs[i]]);
		nr_detached += unlink_probe(twin_of(set, idxs[i]));
	}
	if (nr_detached) {
		wait_for_programs();
		put_programs(set);
	}
	return nr_detached;
}

int probe_set__detach_module(struct probe_set *set, const char *module)
{
	int idxs[KFT_MAX_PROBES], nr = 0;

	for (int i = 0; i < set->nr; i++) {
		if (strcmp(set->probes[i].target.kbtf->name, module) == 0)
			idxs[nr++] = i;
	}
	return probe_set__detach(set, idxs, nr);
}

enum probe_state probe_set__state(const struct probe_set *set, int idx)
{
	return set->probes[idx].state;
}

/* --- what is known of them ------------------------------------------------------------------------ */

int probe_set__twin(const struct probe_set *set, int idx)
{
	const struct probe *twin = twin_of(set, idx);

	return twin && twin->was_attached ? twin - set->probes : -1;
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
		nr += set->probes[i].state == PROBE_ATTACHED;
	return nr;
}

void probe_set__times(const struct probe_set *set, __u64 *load_ns, __u64 *attach_ns)
{
	*load_ns = set->load_ns;
	*attach_ns = set->attach_ns;
}

__u64 probe_set__recursion_misses(const struct probe_set *set, int idx)
{
	struct bpf_prog_info info;

	read_info(&set->probes[idx], &info);
	return set->probes[idx].past_misses + info.recursion_misses;
}

static void add_run_stats(const struct probe *probe, __u64 *run_ns, __u64 *runs)
{
	struct bpf_prog_info info;

	read_info(probe, &info);
	*run_ns += probe->past_run_ns + info.run_time_ns;
	*runs += probe->past_runs + info.run_cnt;
}

void probe_set__run_stats(const struct probe_set *set, int idx, __u64 *run_ns, __u64 *runs)
{
	const struct probe *twin = twin_of(set, idx);

	*run_ns = *runs = 0;
	if (set->probes[idx].is_twin)
		return;
	add_run_stats(&set->probes[idx], run_ns, runs);
	if (twin)
		add_run_stats(twin, run_ns, runs);
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
	case ESTALE:
		return "its module has been unloaded meanwhile";
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
