// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes up a usage report and prints it: sample-report CASE html|text|json|truth. The truth is what
 * was put into it, added up here and not by what is tested.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usage_report.h"

#define HOUR 3600
#define DAY  (24 * HOUR)
/* 2026-11-21 20:17 UTC */
#define END 1795292220ll

struct truth {
	__u64 calls, deprecated, breaking, programs, kfuncs, outstanding, stale, hosts;
};

static struct usage_report report;
static struct truth truth;
static __u32 seed = 12345;

/* The same on each machine. */
static __u32 random_below(__u32 limit)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % limit;
}

static void *must(void *pointer)
{
	if (!pointer)
		exit(2);
	return pointer;
}

static char *copy(const char *text)
{
	return text ? must(strdup(text)) : NULL;
}

static __u32 host(const char *name, const char *release, const char *target, __s64 seconds,
		  __u64 lost)
{
	__u32 idx = usage_report__host(&report, name);
	struct usage_host *new = &report.hosts[idx];

	new->release = copy(release);
	new->target = copy(target);
	new->begin = END - seconds;
	new->end = END;
	new->known_s = seconds;
	new->lost = lost;
	truth.hosts++;
	return idx;
}

static __u32 kfunc(const char *name, const char *module, const char *deprecation,
		   const char *replacement, const char *since)
{
	__u32 idx = usage_report__kfunc(&report, name, module);
	struct usage_kfunc *new = &report.kfuncs[idx];

	new->deprecation = copy(deprecation);
	new->replacement = copy(replacement);
	new->since = copy(since);
	new->measured = AGGREGATE_NULLS | AGGREGATE_ZEROS;
	return idx;
}

static __u32 program(const char *name, const char *type, const char *loader)
{
	struct known_program new = { .kind = KNOWN_PROGRAM, .id = 40 + report.nr_programs };

	snprintf(new.name, sizeof(new.name), "%s", name);
	snprintf(new.type, sizeof(new.type), "%s", type);
	snprintf(new.loader, sizeof(new.loader), "%s", loader);
	snprintf(new.tag, sizeof(new.tag), "%016x", random_below(1 << 24));
	truth.programs++;
	return usage_report__program(&report, &new);
}

static __u32 caller(enum known_kind kind)
{
	return usage_report__program(&report, &(struct known_program){ .kind = kind });
}

static void use(__u32 host_idx, __u32 kfunc_idx, __u32 program_idx, __u64 calls, __u64 nulls,
		__s64 outstanding, __s64 ago)
{
	struct usage_use *new = must(usage_report__add_use(&report));

	*new = (struct usage_use){
		.host = host_idx,
		.kfunc = kfunc_idx,
		.program = program_idx,
		.calls = calls,
		.nulls = nulls,
		.zeros = nulls / 7,
		.outstanding = outstanding,
		.first_seen = END - 6 * DAY,
		.last_seen = END - ago,
	};
	truth.calls += calls;
}

static void references(__u32 host_idx, const char *type, __u64 acquired, __s64 outstanding,
		       __s64 parked, __s64 stale, __u64 oldest)
{
	struct usage_references *new = must(usage_report__add_references(&report));

	*new = (struct usage_references){
		.host = host_idx,
		.type = copy(type),
		.acquired = acquired,
		.released = acquired - (outstanding > 0 ? outstanding : 0),
		.outstanding = outstanding,
		.parked = parked,
		.stale = stale,
		.oldest_s = oldest,
	};
	truth.outstanding += outstanding > 0 ? outstanding : 0;
	truth.stale += stale > 0 ? stale : 0;
}

static void object(const char *type, const char *what, __u32 kfunc_idx, __u32 program_idx, __u32 nr,
		   __u64 age, bool parked, bool stale)
{
	struct usage_object *new = must(usage_report__add_object(&report));

	*new = (struct usage_object){ 0,  copy(type), copy(what), kfunc_idx, program_idx,
				      nr, age,	      parked,	  stale };
}

static void problem(__u32 host_idx, __u32 kfunc_idx, __u32 program_idx, const char *what,
		    const char *replacement)
{
	struct usage_problem *new = must(usage_report__add_problem(&report));

	*new = (struct usage_problem){ host_idx,      kfunc_idx,  program_idx,
				       copy("7.3.4"), copy(what), copy(replacement) };
}

static void point(__s64 when, __u32 kfunc_idx, __u32 program_idx, double calls)
{
	struct usage_point *new = must(usage_report__add_point(&report));

	*new = (struct usage_point){ when, kfunc_idx, program_idx, calls > 0 ? calls : 0 };
}

/* Busy by day, quiet at night, with some noise. */
static double day_curve(__s64 when, double mean, double swing)
{
	double noise = 0.9 + random_below(200) / 1000.0;

	return mean * noise * (1 + swing * sin((when % DAY - 9.0 * HOUR) / DAY * 2 * M_PI));
}

/* --- cases ------------------------------------------------------------------------------------------- */

static void fill_one_host(void)
{
	__u32 here = host("web-17.example.net", "6.19.8-amd64", "7.3.4", 6 * DAY + 21 * HOUR, 12);
	__u32 insert =
		kfunc("scx_bpf_dsq_insert", NULL, "deprecated", "scx_bpf_dsq_insert___v2", "6.19");
	__u32 obj_new = kfunc("bpf_obj_new_impl", NULL, "superseded", "bpf_obj_new", "7.2");
	__u32 acquire = kfunc("bpf_task_acquire", NULL, NULL, NULL, NULL);
	__u32 release = kfunc("bpf_task_release", NULL, NULL, NULL, NULL);
	__u32 ct = kfunc("bpf_skb_ct_lookup", "nf_conntrack", NULL, NULL, NULL);
	__u32 cgroup = kfunc("bpf_cgroup_from_id", NULL, NULL, NULL, NULL);
	__u32 kick = kfunc("scx_bpf_kick_cpu", NULL, NULL, NULL, NULL);
	__u32 rstat = kfunc("cgroup_rstat_flush", NULL, "renamed", "css_rstat_flush", NULL);
	const __u32 returning_nothing[] = { insert, release, kick };
	__u32 enqueue = program("enqueue_shared", "struct_ops", "scx.service");
	__u32 ingress = program("tc_ingress_lb", "sched_cls", "cilium-agent[812]");
	__u32 monitor = program("task_exit_watch", "tracing", "observability.service");
	__u32 stats = program("cgroup_stats_collect", "tracing", "node-exporter.service");
	__u32 kernel = caller(KNOWN_KERNEL), unknown = caller(KNOWN_UNKNOWN);
	const struct {
		__u32 kfunc, program;
		double mean, swing;
	} curves[] = {
		{ insert, enqueue, 41000, 0.5 }, { ct, ingress, 88000, 0.8 },
		{ acquire, monitor, 9000, 0.3 }, { release, monitor, 8990, 0.3 },
		{ cgroup, stats, 3600, 0 },	 { kick, enqueue, 12000, 0.6 },
	};

	for (size_t i = 0; i < sizeof(returning_nothing) / sizeof(returning_nothing[0]); i++)
		report.kfuncs[returning_nothing[i]].measured = 0;
	kfunc("scx_bpf_cpu_rq", NULL, "deprecated", "scx_bpf_locked_rq", "6.18");
	report.kfuncs[kfunc("scx_bpf_reenqueue_local", NULL, "deprecated", NULL, "6.20")].untraced =
		copy("no ftrace site");
	report.source = copy("history /var/lib/kfunctrace/history.db");
	point(END - 7 * DAY - END % HOUR, ct, unknown, 12);
	for (__s64 when = END - 7 * DAY - END % HOUR; when < END; when += HOUR) {
		if (when > END - 4 * DAY && when < END - 4 * DAY + 5 * HOUR)
			continue;
		for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
			point(when, curves[i].kfunc, curves[i].program,
			      day_curve(when, curves[i].mean, curves[i].swing) *
				      (when + HOUR > END ? 0.28 : 1));
	}
	use(here, insert, enqueue, 6888123, 0, 0, 40);
	use(here, ct, ingress, 14784977, 1203344, 2, 3);
	use(here, acquire, monitor, 1512010, 302, 131, 9);
	use(here, release, monitor, 1511577, 0, 0, 9);
	use(here, cgroup, stats, 604800, 11, 0, 61);
	use(here, kick, enqueue, 2016000, 0, 0, 40);
	use(here, acquire, kernel, 3, 0, -1, 2 * DAY);
	use(here, ct, unknown, 12, 0, -1, 3 * DAY);
	use(here, rstat, stats, 0, 0, 0, 30 * DAY);
	truth.deprecated = 1;
	truth.kfuncs = 6;
	references(here, "task_struct", 1512013, 131, 128, 3, 4 * DAY + 700);
	references(here, "nf_conn", 13581633, 2, 0, -1, 2);
	object("task_struct", "pid 812 (sleep), exited", acquire, monitor, 3, 4 * DAY + 700, true,
	       true);
	for (int i = 0; i < 60; i++) {
		char what[64];

		snprintf(what, sizeof(what), "pid %d (worker/%d)", 900 + i * 13, i);
		object("task_struct", what, acquire, monitor, 1 + i % 3,
		       (__u64)(60 - i) * (60 - i) * (60 - i) + 5, i < 58, false);
	}
	problem(here, rstat, stats, "renamed: cgroup_rstat_flush -> css_rstat_flush",
		"css_rstat_flush");
	problem(here, obj_new, monitor, "deprecated since 7.2", "bpf_obj_new");
	truth.breaking = 1;
}

#define FLEET_HOSTS    200
#define FLEET_KFUNCS   40
#define FLEET_PROGRAMS 9

static void fill_fleet(void)
{
	static const char *const programs[FLEET_PROGRAMS] = {
		"tc_ingress_lb",      "enqueue_shared",
		"task_exit_watch",    "cgroup_stats_collect",
		"xdp_firewall_main",  "lsm_file_open_audit",
		"sockops_accounting", "struct_ops_bbr_variant_with_a_long_name",
		"iter_task_dump"
	};
	static const char *const releases[] = { "6.12.107-amd64", "6.18.9-amd64", "7.3.4-amd64" };
	__u32 kfuncs[FLEET_KFUNCS], known[FLEET_PROGRAMS];

	report.source = copy("http://prometheus.example.net:9090");
	for (int i = 0; i < FLEET_PROGRAMS; i++)
		known[i] = program(programs[i], i & 1 ? "tracing" : "sched_cls", "agent.service");
	for (int i = 0; i < FLEET_KFUNCS; i++) {
		char name[64];

		snprintf(name, sizeof(name),
			 i % 5 ? "bpf_made_up_kfunc_%02d" : "scx_bpf_made_up_dsq_move_%02d___v2",
			 i);
		kfuncs[i] = kfunc(name, NULL, i % 8 == 3 ? "deprecated" : NULL,
				  i % 8 == 3 ? "bpf_made_up_successor" : NULL,
				  i % 8 == 3 ? "6.18" : NULL);
		truth.deprecated += i % 8 == 3 && i != 19;
	}
	truth.kfuncs = FLEET_KFUNCS - 1;
	for (int i = 0; i < FLEET_HOSTS; i++) {
		char name[64];
		__u32 idx;

		snprintf(name, sizeof(name), "node-%03d.rack%d.example.net", i, i / 20);
		idx = host(name, releases[i % 3], i % 3 == 2 ? NULL : "7.3.4",
			   i % 50 == 7 ? 3 * HOUR : 7 * DAY, i % 40 == 1 ? 100 + i : 0);
		for (int j = 0; j < FLEET_KFUNCS; j++) {
			/* One deprecated kfunc that nobody calls, others on some hosts only. */
			if (j == 19 || (j % 8 == 3 && i % 17))
				continue;
			for (int k = 0; k < 5; k++)
				use(idx, kfuncs[j], known[(j + k * k) % FLEET_PROGRAMS],
				    1000 + random_below(100000) / (1 + j), random_below(50),
				    k ? 0 : -1, random_below(DAY));
		}
		references(idx, "task_struct", 100000 + i, i % 9, i % 9, i % 31 == 3 ? 1 : 0,
			   60 * i);
		references(idx, "cgroup", 5000 + i, i % 3, 0, 0, 9 * i);
		if (i % 17 == 0)
			problem(idx, kfuncs[3], known[3], "removed", "bpf_made_up_successor");
	}
	truth.breaking = 1;
	for (__s64 when = END - 7 * DAY - END % HOUR; when < END; when += HOUR) {
		for (int i = 0; i < FLEET_PROGRAMS; i++)
			point(when, USAGE_ALL, known[i], day_curve(when, 1e6 / (1 + i), 0.1 * i));
		for (int i = 0; i < FLEET_KFUNCS; i++)
			point(when, kfuncs[i], USAGE_ALL,
			      day_curve(when, 6.6e5 / (1 + i), 0.02 * i));
	}
}

static void fill_single_point(void)
{
	__u32 here = host("vm", "6.12.107", NULL, 600, 0);
	__u32 acquire = kfunc("bpf_task_acquire", NULL, NULL, NULL, NULL);
	__u32 monitor = program("monitor", "tracing", "");

	report.source = copy("history history.db");
	report.begin = END - 600;
	point(END - END % HOUR, acquire, monitor, 42);
	use(here, acquire, monitor, 42, 0, 0, 60);
	truth.kfuncs = 1;
}

/* Names that would like to be markup, or to steer who reads them. */
static void fill_hostile(void)
{
	static const char attack[] = "<script>alert(1)</script>";
	static const char quotes[] = "\"' onload=alert(2) x='";
	__u32 here = host("<img src=x onerror=alert(3)>", "6.1&lt;",
			  "</title><script>alert(4)</script>", 7 * DAY, 1);
	__u32 there = host("\x1b[31mred\xff\xef\xbf\xbe", quotes, NULL, 7 * DAY, 0);
	__u32 bad = kfunc("]]></style><script>alert(5)</script>", "<b>", "<i>deprecated", attack,
			  "--><x");
	__u32 other = kfunc(quotes, NULL, NULL, NULL, NULL);
	__u32 evil = program(attack, "<u>", "&amp;<svg onload=alert(6)>");
	__u32 quiet = program(quotes, "\xe2\x80\xae", "</td></table>");

	report.source = copy("http://x/?a=1&b=<2>");
	report.kfuncs[bad].untraced = copy("<!-- ");
	use(here, bad, evil, 1000, 1, 1, 60);
	use(there, bad, quiet, 10, 1, -1, 60);
	use(there, other, quiet, 5, 1, -1, 60);
	references(here, attack, 10, 1, 1, 0, 60);
	object(attack, "</th><script>alert(7)</script>", bad, evil, 1, 60, true, false);
	problem(here, bad, evil, attack, "'><script>");
	for (__s64 when = END - 5 * HOUR; when < END; when += HOUR) {
		point(when, bad, evil, 100);
		point(when, other, quiet, 50);
	}
	truth.deprecated = 1;
	truth.breaking = 1;
	truth.kfuncs = 2;
}

static void fill_nothing(void)
{
	report.source = copy("history empty.db");
}

static const struct {
	const char *name;
	void (*fill)(void);
	bool deprecated_only;
} cases[] = {
	{ "host", fill_one_host, false },      { "fleet", fill_fleet, false },
	{ "point", fill_single_point, false }, { "hostile", fill_hostile, false },
	{ "empty", fill_nothing, false },      { "deprecated", fill_fleet, true },
};

static int print_truth(void)
{
	printf("calls %llu\ndeprecated %llu\nbreaking %llu\nprograms %llu\nkfuncs %llu\n"
	       "outstanding %llu\nstale %llu\nhosts %llu\n",
	       truth.calls, truth.deprecated, truth.breaking, truth.programs, truth.kfuncs,
	       truth.outstanding, truth.stale, truth.hosts);
	return 0;
}

int main(int argc, char **argv)
{
	const char *form = argc == 3 ? argv[2] : "";
	int err = -1;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc != 3 || strcmp(argv[1], cases[i].name))
			continue;
		report.begin = END - 7 * DAY;
		report.end = END;
		report.step = HOUR;
		report.deprecated_only = cases[i].deprecated_only;
		cases[i].fill();
		if (!strcmp(form, "html"))
			err = usage_report__print_html(&report, stdout);
		else if (!strcmp(form, "text"))
			err = usage_report__print_text(&report, stdout);
		else if (!strcmp(form, "json"))
			err = usage_report__print_json(&report, stdout, true);
		else if (!strcmp(form, "truth"))
			err = print_truth();
	}
	if (err)
		fprintf(stderr, "usage: sample-report CASE html|text|json|truth\n");
	usage_report__free(&report);
	return err ? 2 : 0;
}
