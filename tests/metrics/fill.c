// SPDX-License-Identifier: GPL-2.0-only
#include "fill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aggregate.h"

#define NOW 1790000000

static const char *const types[] = { "sched_cls", "tracing", "struct_ops", "xdp", "syscall" };

static struct known_program nth_caller(unsigned int nth)
{
	struct known_program caller = { .kind = KNOWN_PROGRAM };

	if (nth == 0) {
		caller.kind = KNOWN_KERNEL;
	} else if (nth == 1) {
		caller.kind = KNOWN_UNKNOWN;
	} else {
		snprintf(caller.name, sizeof(caller.name), "program_%u", nth);
		snprintf(caller.type, sizeof(caller.type), "%s", types[nth % 5]);
		snprintf(caller.loader, sizeof(caller.loader), "unit-%u.service", nth);
		caller.id = nth;
	}
	return caller;
}

static __u32 nth_kfunc(struct aggregate *aggregate, unsigned int nth)
{
	char name[64];

	snprintf(name, sizeof(name), "bpf_kfunc_%u", nth);
	return aggregate__kfunc(aggregate, name, nth % 5 == 4 ? "nf_conntrack" : "vmlinux");
}

static void add_pair(struct aggregate *aggregate, unsigned int k, unsigned int c)
{
	struct known_program caller = nth_caller(c);
	struct aggregate_counts counts = {
		.calls = FILL_CALLS(k, c),
		.nulls = k % 2 ? 0 : FILL_NULLS(k, c),
		.zeros = k % 4 ? 0 : c,
		.unclear = k % 4 ? 0 : 1,
		.acquired = k % 4 ? 0 : FILL_CALLS(k, c) - FILL_NULLS(k, c),
		.released = k % 4 ? 0 : c,
	};
	struct aggregate_row *row =
		aggregate__add(aggregate, nth_kfunc(aggregate, k), &caller, &counts, NOW);

	if (row && k % 4 == 0) {
		struct kft_hold hold = { .count = 4, .sum = 3000001500, .max = 3000000000 };

		hold.buckets[11] = 2; /* 1024 to 2047 ns */
		hold.buckets[32] = 1; /* 2.1 to 4.3 s; one is not known */
		row->outstanding = c;
		aggregate_row__add_held(row, &hold);
	}
}

void fill_drain(struct aggregate *aggregate, unsigned int kfuncs, unsigned int callers)
{
	struct aggregate_state *state = aggregate__state(aggregate);

	for (unsigned int k = 0; k < kfuncs; k++) {
		for (unsigned int c = 0; c < callers; c++)
			add_pair(aggregate, k, c);
	}
	state->cost.drains++;
	state->cost.drain_ns += state->cost.last_drain_ns = 1500000;
	state->last_drain = NOW + 10 * state->cost.drains;
	state->last_look = state->last_drain;
}

static void set_state(struct aggregate_state *state)
{
	snprintf(state->release, sizeof(state->release), "6.12.107-cloud-amd64");
	snprintf(state->target, sizeof(state->target), "7.3.4-cloud-amd64");
	state->started = NOW - 3600;
	state->counting_since = NOW - 86400;
	state->ready = true;
	state->notices = 17;
	state->notices_suppressed = 4;
	state->history_on = true;
	state->history_bytes = 1 << 20;
	state->history_save = NOW;
	state->losses = (struct aggregate_losses){ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 };
	state->cost = (struct aggregate_cost){
		.probe_ns = 12345678901,
		.process_ns = 2500000000,
		.rss_bytes = 20 << 20,
		.kernel_bytes = 7 << 20,
		.share = 0.0042,
		.detached_kfuncs = 1,
	};
}

static void set_kfunc(struct aggregate *aggregate, unsigned int k)
{
	__u32 kfunc = nth_kfunc(aggregate, k);
	struct aggregate_kfunc *known = aggregate__kfunc_for(aggregate, kfunc);

	known->measured = (k % 2 ? 0 : AGGREGATE_NULLS) |
			  (k % 4 ? 0 : AGGREGATE_ZEROS | AGGREGATE_REFERENCES);
	known->run_time_ns = 1000 * k;
	known->runs = k;
	if (k % 10 == 3)
		aggregate__set_deprecation(aggregate, kfunc, "deprecated", "bpf_new()", "6.19");
	if (k % 7 == 6)
		aggregate__set_traced(aggregate, kfunc, false, "no ftrace site");
	else
		aggregate__set_traced(aggregate, kfunc, true, NULL);
}

static void set_types(struct aggregate *aggregate)
{
	static const char *const names[] = { "task_struct", "cgroup", "nf_conn" };

	for (int i = 0; i < 3; i++) {
		struct aggregate_type *type =
			aggregate__type_for(aggregate, aggregate__type(aggregate, names[i]));

		type->acquired = 1000 + i;
		type->released = 900;
		type->outstanding = i == 2 ? -1 : 100 + i;
		type->parked = i == 2 ? -1 : 10;
		type->stale = i == 2 ? -1 : 2;
		type->oldest_ns = i == 2 ? 0 : 3600123456789ull;
		type->untracked = i;
	}
}

static void set_problems(struct aggregate *aggregate)
{
	struct known_program caller = nth_caller(2);
	struct aggregate_problem problems[] = {
		{ .problem = "deprecated", .replacement = "bpf_new()", .programs = 3 },
		{ .target = "7.3.4-cloud-amd64", .problem = "removed", .programs = 2 },
	};

	for (unsigned int i = 0; i < 2; i++) {
		problems[i].kfunc = nth_kfunc(aggregate, 3);
		problems[i].caller = aggregate__caller(aggregate, &caller);
	}
	aggregate__set_problems(aggregate, problems, 2);
}

struct aggregate *fill_aggregate(unsigned int kfuncs, unsigned int callers)
{
	const struct aggregate_options opts = {
		.max_callers = (size_t)kfuncs * callers,
		.max_objects = 16,
	};
	struct aggregate *aggregate = aggregate__new(&opts);

	if (!aggregate)
		return NULL;
	set_state(aggregate__state(aggregate));
	for (unsigned int k = 0; k < kfuncs; k++)
		set_kfunc(aggregate, k);
	set_types(aggregate);
	fill_drain(aggregate, kfuncs, callers);
	set_problems(aggregate);
	return aggregate;
}

/* --- as on a host ------------------------------------------------------------------------------------ */

static const struct example {
	const char *kfunc, *module, *program, *type, *loader;
	__u64 calls, nulls;
} examples[] = {
	{ "bpf_task_from_pid", "vmlinux", "watch_tasks", "tracing", "observer.service", 1842211,
	  1203 },
	{ "bpf_task_acquire", "vmlinux", "watch_tasks", "tracing", "observer.service", 1841008,
	  12 },
	{ "bpf_task_release", "vmlinux", "watch_tasks", "tracing", "observer.service", 3680801, 0 },
	{ "bpf_task_acquire", "vmlinux", NULL, NULL, NULL, 1841008, 0 },
	{ "bpf_cpumask_create", "vmlinux", "pick_cpu_for_latency_critical_tasks", "struct_ops",
	  "scx-loader.service", 92013, 0 },
	{ "bpf_cpumask_release", "vmlinux", "pick_cpu_for_latency_critical_tasks", "struct_ops",
	  "scx-loader.service", 91999, 0 },
	{ "scx_bpf_dispatch", "vmlinux", "layered_enqueue", "struct_ops", "scx-loader.service",
	  68123456, 0 },
	{ "scx_bpf_consume", "vmlinux", "layered_dispatch", "struct_ops", "scx-loader.service",
	  41234567, 0 },
	{ "scx_bpf_dsq_move_to_local", "vmlinux", "layered_dispatch", "struct_ops",
	  "scx-loader.service", 120, 0 },
	{ "bpf_skb_ct_lookup", "nf_conntrack", "cil_from_netdev", "sched_cls", "agent[4711]",
	  9123456, 812345 },
	{ "bpf_ct_release", "nf_conntrack", "cil_from_netdev", "sched_cls", "agent[4711]", 8311111,
	  0 },
	{ "bpf_xdp_ct_lookup", "nf_conntrack", "edge_filter", "xdp", "edge.service", 1234567, 2 },
	{ "bpf_rcu_read_lock", "vmlinux", "watch_tasks", "tracing", "observer.service", 1842211,
	  0 },
	{ "bpf_dynptr_slice", "vmlinux", "edge_filter", "xdp", "edge.service", 1234567, 99 },
	{ "bpf_obj_new_impl", "vmlinux", "queue_<b>&\"", "tracing", "a&b.service", 3, 0 },
};

static void add_example(struct aggregate *aggregate, const struct example *example)
{
	struct known_program caller = { .kind = KNOWN_KERNEL };
	struct aggregate_counts counts = { .calls = example->calls, .nulls = example->nulls };
	__u32 kfunc = aggregate__kfunc(aggregate, example->kfunc, example->module);

	if (example->program) {
		caller.kind = KNOWN_PROGRAM;
		snprintf(caller.name, sizeof(caller.name), "%s", example->program);
		snprintf(caller.type, sizeof(caller.type), "%s", example->type);
		snprintf(caller.loader, sizeof(caller.loader), "%s", example->loader);
	}
	aggregate__add(aggregate, kfunc, &caller, &counts, NOW);
	if (!strncmp(example->kfunc, "scx_bpf_dispatch", 16))
		aggregate__set_deprecation(aggregate, kfunc, "deprecated", "scx_bpf_dsq_insert()",
					   "6.13");
	if (!strcmp(example->kfunc, "scx_bpf_consume"))
		aggregate__set_deprecation(aggregate, kfunc, "deprecated",
					   "scx_bpf_dsq_move_to_local()", "6.13");
	if (!strcmp(example->kfunc, "bpf_obj_new_impl"))
		aggregate__set_traced(aggregate, kfunc, false, "over max_overhead");
	else
		aggregate__set_traced(aggregate, kfunc, true, NULL);
}

struct aggregate *fill_example(void)
{
	static const struct aggregate_options opts = { .max_callers = 1000, .max_objects = 16 };
	struct aggregate *aggregate = aggregate__new(&opts);
	struct known_program caller = {
		KNOWN_PROGRAM, "layered_dispatch", "struct_ops", "", "", 0
	};
	struct aggregate_problem problem = {
		.target = (char *)"7.3.4-cloud-amd64",
		.problem = (char *)"renamed: scx_bpf_consume -> scx_bpf_dsq_move_to_local",
		.replacement = (char *)"scx_bpf_dsq_move_to_local()",
		.programs = 1,
	};
	struct aggregate_state *state;

	if (!aggregate)
		return NULL;
	state = aggregate__state(aggregate);
	set_state(state);
	state->losses =
		(struct aggregate_losses){ .recursion_misses = 1402, .events_left_out = 31 };
	state->cost.drains = 8640;
	state->last_drain = time(NULL) - 4;
	state->counting_since = state->last_drain - 11 * 86400;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
		add_example(aggregate, &examples[i]);
	aggregate__set_traced(aggregate, aggregate__kfunc(aggregate, "bpf_iter_num_new", "vmlinux"),
			      false, "no ftrace site");
	set_types(aggregate);
	problem.kfunc = aggregate__kfunc(aggregate, "scx_bpf_consume", "vmlinux");
	problem.caller = aggregate__caller(aggregate, &caller);
	aggregate__set_problems(aggregate, &problem, 1);
	return aggregate;
}
