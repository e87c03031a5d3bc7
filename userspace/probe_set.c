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

static int compare_twins(const struct kft_symbol_record *symbol, void *arg)
{
	struct probe_set *set = arg;

	for (int i = 0; i < set->nr; i++) {
		if (set->probes[i].is_twin && strcmp(set->probes[i].function, symbol->name) == 0)
			set->probes[i].address = symbol->address;
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
			names[nr++] = set->probes[i].function;
	}
	return nr ? kernel_reader__symbols(kernel->reader, names, nr, compare_twins, set) : 0;
}

static int plan(struct probe_set *set, const struct kfunc *const *kfuncs, int nr_kfuncs,
		const struct probe_set_options *opts)
{
	set->probes = calloc(nr_kfuncs * 2, sizeof(*set->probes));
	if (!set->probes)
		return -ENOMEM;
	for (int i = 0; i < nr_kfuncs; i++) {
		struct probe *probe = &set->probes[set->nr++];

		probe->kfunc = kfuncs[i];
		probe->function = kfuncs[i]->name;
		probe->address = kfuncs[i]->address;
		probe->at_exit = can_return_null(kfuncs[i]) && !opts->no_nulls;
		probe->prog_fd = probe->link_fd = -1;
		if (kfuncs[i]->twin) {
			struct probe *twin = &set->probes[set->nr++];

			/* Right behind it, where the counters look for it. */
			*twin = *probe;
			twin->function = kfuncs[i]->twin;
			twin->is_twin = true;
			twin->address = 0;
		}
	}
	return set->nr > KFT_MAX_PROBES ? -E2BIG : 0;
}

static int load_probe(const struct probe_template *tmpl, struct probe *probe, int idx)
{
	const struct kfunc *kfunc = probe->kfunc;
	const struct btf *btf = kfunc->kbtf->btf;
	struct probe_params params = {
		.probe = idx,
		.name = probe->function,
		.at_exit = probe->at_exit,
		.btf_id = kfunc->btf_id,
		.btf_fd = kfunc->kbtf->is_vmlinux ? 0 : kfunc->kbtf->fd,
		.address = probe->address,
	};
	__u32 abi_id = kfunc->abi_id;

	if (!probe->address)
		return -ENOENT;
	if (probe->is_twin) {
		__s32 id = btf__find_by_name_kind(btf, probe->function, BTF_KIND_FUNC);

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

static void attach_probe(struct probe *probe)
{
	probe->link_fd = bpf_link_create(probe->prog_fd, 0,
					 probe->at_exit ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY, NULL);
	if (probe->link_fd < 0) {
		probe->error = -errno;
		close(probe->prog_fd);
		probe->prog_fd = -1;
	}
}

static bool is_interrupted(const struct probe_set_options *opts)
{
	return opts->interrupted && opts->interrupted();
}

int probe_set__attach(struct live_kernel *kernel, const struct probe_template *tmpl,
		      const struct kfunc *const *kfuncs, int nr_kfuncs,
		      const struct probe_set_options *opts, struct probe_set **result)
{
	struct probe_set *set = calloc(1, sizeof(*set));
	__u64 begin;
	int err;

	if (!set)
		return -ENOMEM;
	err = plan(set, kfuncs, nr_kfuncs, opts);
	if (!err)
		err = find_twin_addresses(kernel, set);
	if (err)
		goto fail;

	begin = clock_ns();
	for (int i = 0; i < set->nr; i++) {
		if (is_interrupted(opts)) {
			err = -EINTR;
			goto fail;
		}
		set->probes[i].error = load_probe(tmpl, &set->probes[i], i);
	}
	set->load_ns = clock_ns() - begin;

	begin = clock_ns();
	for (int i = 0; i < set->nr; i++) {
		if (is_interrupted(opts)) {
			err = -EINTR;
			goto fail;
		}
		if (!set->probes[i].error)
			attach_probe(&set->probes[i]);
		if (set->probes[i].error)
			msg__detail("cannot probe %s: %s (%s)", set->probes[i].function,
				    probe__explain(&set->probes[i]),
				    strerror(-set->probes[i].error));
	}
	set->attach_ns = clock_ns() - begin;
	*result = set;
	return 0;
fail:
	probe_set__free(set);
	return err;
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
