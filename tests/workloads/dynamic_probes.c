// SPDX-License-Identifier: GPL-2.0-only
/*
 * dynamic-probes: does what it reads from stdin, a line each, to a set of probes: what a program does
 * that goes on for months. It says what it has done, a line each, and ends with status 1 at the first
 * thing that must not be.
 *
 *   begin PATTERN [MODE]  attach the kfuncs that match; MODE is count or references (objects)
 *   add PATTERN           attach more, or again
 *   detach PATTERN        detach them
 *   release MODULE        detach those of a module
 *   refresh               read the registry anew; says what came and went
 *   watch SECONDS         wait for modules to come or go, then refresh
 *   references MODULE     attach the functions of a module that references are taken with
 *   drain [FILE PATTERN]  read the counters, which must not go backwards; rows of kfuncs into FILE
 *   churn FILE PATTERN    detach and attach the kfuncs at random, and drain, until there is FILE
 *   runs KFUNC            how often its probe has run, after `statistics`
 *   statistics            have the kernel measure run time, until the end
 *   state KFUNC           what its probe is doing
 *   sh COMMAND            run a command
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <jansson.h>

#include "clock.h"
#include "counters.h"
#include "kernel_btf.h"
#include "message.h"
#include "module_watch.h"
#include "pairing.h"
#include "pattern.h"
#include "probe_set.h"
#include "prog_table.h"
#include "reference_session.h"
#include "registry.h"
#include "../../tracepoints/counter_records.h"

static struct reference_session session;
static struct module_watch *watch;
static struct usage usage, before;
static bool with_references;

static struct pattern_list none;
static const struct reference_session_options reference_options = {
	.plan = { .mode = REFERENCES_OBJECTS, .types = &none, .modules = &none },
	.references = { .max_objects = 4096 },
};

static void fail(const char *what, int err)
{
	printf("FAILED: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static void check(int err, const char *what)
{
	if (err < 0)
		fail(what, err);
}

/* --- choosing ------------------------------------------------------------------------------------- */

/* "PATTERN" in vmlinux, "MODULE:PATTERN". */
static bool matches(const struct kfunc *kfunc, const char *pattern)
{
	const char *colon = strchr(pattern, ':');
	char module[64] = "vmlinux";

	if (colon)
		snprintf(module, sizeof(module), "%.*s", (int)(colon - pattern), pattern);
	return !kfunc->is_gone &&
	       (kfunc->coverage == COVERAGE_TRACED || kfunc->coverage == COVERAGE_SPECIALISED) &&
	       !kfunc->hot_in_kernel && strcmp(kfunc->module, module) == 0 &&
	       fnmatch(colon ? colon + 1 : pattern, kfunc->name, 0) == 0;
}

static int choose(const char *pattern, struct probe_target *targets)
{
	const struct registry *registry = session.tracing.kernel.registry;
	int nr = 0;

	for (int i = 0; i < registry__nr(registry) && nr < KFT_MAX_PROBES / 2; i++) {
		const struct kfunc *kfunc = registry__at(registry, i);

		if (matches(kfunc, pattern))
			targets[nr++] = probe_target__of_kfunc(kfunc, false);
	}
	return nr;
}

static int choose_probes(const char *pattern, int *idxs)
{
	const struct probe_set *set = session.tracing.set;
	int nr = 0;

	for (int i = 0; i < probe_set__nr(set); i++) {
		const struct probe *probe = probe_set__at(set, i);
		const struct kfunc *kfunc =
			registry__at(session.tracing.kernel.registry, probe->target.subject);

		if (!probe->is_twin && matches(kfunc, pattern))
			idxs[nr++] = i;
	}
	return nr;
}

static int probe_of(const char *kfunc)
{
	const struct probe_set *set = session.tracing.set;

	for (int i = 0; i < probe_set__nr(set); i++) {
		if (strcmp(probe_set__at(set, i)->target.function, kfunc) == 0)
			return i;
	}
	fail(kfunc, ENOENT);
	return -1;
}

/* --- counting ------------------------------------------------------------------------------------- */

static const char *name_of(__u32 subject)
{
	if (with_references)
		return pairing__function(session.pairing, subject)->name;
	return registry__at(session.tracing.kernel.registry, subject)->name;
}

struct sum {
	__u32 subject, kind, prog_id;
	__u64 calls;
};

/* Sums over the sites of one caller; they are sorted. */
static size_t sum_up(const struct usage *rows, struct sum *sums)
{
	size_t nr = 0;

	for (size_t i = 0; i < rows->nr; i++) {
		const struct usage_key *key = &rows->rows[i].key;
		struct sum *last = nr ? &sums[nr - 1] : NULL;

		if (!last || last->subject != key->subject || last->kind != key->kind ||
		    last->prog_id != key->prog_id)
			sums[nr++] = (struct sum){ key->subject, key->kind, key->prog_id, 0 };
		sums[nr - 1].calls += rows->rows[i].counts.calls;
	}
	return nr;
}

/* What a caller has called stays called. */
static void check_forwards(void)
{
	struct sum *old = calloc(before.nr + 1, sizeof(*old));
	struct sum *now = calloc(usage.nr + 1, sizeof(*now));
	size_t nr_old = sum_up(&before, old), nr_now = sum_up(&usage, now), at = 0;

	for (size_t i = 0; i < nr_old; i++) {
		while (at < nr_now &&
		       (now[at].subject < old[i].subject ||
			(now[at].subject == old[i].subject &&
			 (now[at].kind < old[i].kind ||
			  (now[at].kind == old[i].kind && now[at].prog_id < old[i].prog_id)))))
			at++;
		if (at == nr_now || now[at].subject != old[i].subject ||
		    now[at].kind != old[i].kind || now[at].prog_id != old[i].prog_id ||
		    now[at].calls < old[i].calls) {
			printf("FAILED: %s by kind %u program %u went backwards from %llu\n",
			       name_of(old[i].subject), old[i].kind, old[i].prog_id,
			       (unsigned long long)old[i].calls);
			exit(1);
		}
	}
	free(old);
	free(now);
}

static void drain(void)
{
	int err;

	do {
		err = with_references ? reference_session__drain(&session, &usage)
				      : tracing_session__drain(&session.tracing, &usage);
	} while (err == -EAGAIN);
	check(err, "drain");
	check_forwards();
	check(usage__copy(&before, &usage), "drain");
}

/* As rows of `kfunctrace stat --json`. */
static void write_rows(const char *path, const char *pattern)
{
	const struct prog_table *programs = counters__programs(session.tracing.counters);
	static const char *const kinds[] = { "program", "kernel", "unknown" };
	json_t *rows = json_array();

	for (size_t i = 0; i < usage.nr; i++) {
		const struct usage_row *row = &usage.rows[i];
		const struct kft_prog *prog = prog_table__find(programs, row->key.prog_id);
		const char *name = name_of(row->key.subject);
		bool nulls = false;

		if (fnmatch(pattern, name, 0))
			continue;
		for (int j = 0; j < probe_set__nr(session.tracing.set); j++) {
			const struct probe *probe = probe_set__at(session.tracing.set, j);

			nulls |= probe->target.subject == row->key.subject &&
				 probe->target.kind == PROBE_COUNT_EXIT;
		}
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s, s:I, s:o}", "kfunc", name, "caller",
					kinds[row->key.kind], "program", prog ? prog->name : "",
					"calls", (json_int_t)row->counts.calls, "null_returns",
					nulls ? json_integer(row->counts.nulls) : json_null()));
	}
	check(json_dump_file(rows, path, JSON_INDENT(1)) ? -EIO : 0, path);
	json_decref(rows);
}

/* --- commands ------------------------------------------------------------------------------------- */

static void begin_counting(const char *pattern)
{
	const struct counters_options opts = { .nr_slots = KFT_MAX_SLOTS };
	static struct probe_target targets[KFT_MAX_PROBES];
	int nr = choose(pattern, targets);

	check(tracing_session__prepare(&session.tracing, &opts), "prepare");
	check(tracing_session__attach(&session.tracing, targets, nr), "attach");
}

static void begin(const char *pattern, const char *mode)
{
	with_references = strcmp(mode, "references") == 0;
	check(reference_session__open(&session), "open");
	check(module_watch__open(&watch), "watch");
	if (with_references)
		check(reference_session__attach(&session, &reference_options), "attach");
	else
		begin_counting(pattern);
	printf("began: %d of %d\n", probe_set__nr_attached(session.tracing.set),
	       probe_set__nr(session.tracing.set));
}

static int add(const char *pattern)
{
	static struct probe_target targets[KFT_MAX_PROBES];
	int nr = choose(pattern, targets);

	nr = tracing_session__add(&session.tracing, targets, nr);
	check(nr, "add");
	return nr;
}

static void detach(const char *pattern)
{
	int idxs[KFT_MAX_PROBES], nr = choose_probes(pattern, idxs);
	__u64 start = clock_ns();

	nr = probe_set__detach(session.tracing.set, idxs, nr);
	check(nr, "detach");
	printf("detached: %d\n", nr);
	fprintf(stderr, "detaching %d took %llu ms\n", nr,
		(unsigned long long)(clock_ns() - start) / 1000000);
}

static void say_changes(const char *what, const int *idxs, int nr)
{
	printf(" %s %d", what, nr);
	if (nr)
		printf(" of %s", registry__at(session.tracing.kernel.registry, idxs[0])->module);
}

static void refresh(void)
{
	struct registry_changes changes;

	check(live_kernel__refresh(&session.tracing.kernel, &changes), "refresh");
	counters__forget_symbols(session.tracing.counters);
	if (with_references)
		check(reference_session__add(&session, &reference_options, &none), "extend");
	printf("refreshed:");
	say_changes("came", changes.came, changes.nr_came);
	say_changes("went", changes.went, changes.nr_went);
	printf("\n");
	registry_changes__free(&changes);
}

static void wait_for_modules(int seconds)
{
	int fd = epoll_create1(EPOLL_CLOEXEC), settled = 0;
	struct epoll_event event = { .events = EPOLLIN };
	__u64 end = clock_ns() + seconds * NS_PER_S;

	if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, module_watch__fd(watch), &event))
		fail("epoll", errno);
	while (!settled && clock_ns() < end) {
		if (epoll_wait(fd, &event, 1, 100) > 0)
			settled = module_watch__settled(watch);
		check(settled, "watch");
	}
	close(fd);
	printf("watched: added %llu removed %llu lost %llu\n",
	       (unsigned long long)module_watch__stats(watch).added,
	       (unsigned long long)module_watch__stats(watch).removed,
	       (unsigned long long)module_watch__stats(watch).lost);
	if (settled)
		refresh();
	else
		printf("nothing came\n");
}

static void add_references(const char *module)
{
	struct pattern_list modules = { &module, 1 };
	int nr = reference_session__add(&session, &reference_options, &modules);

	check(nr, "references");
	printf("added: %d\n", nr);
}

static void churn(const char *until, const char *pattern)
{
	int idxs[KFT_MAX_PROBES], nr = choose_probes(pattern, idxs), some[2];
	int nr_detached = 0, nr_added = 0, nr_probes = probe_set__nr(session.tracing.set);

	if (nr < 2)
		fail("too few to churn", ENOENT);
	while (access(until, F_OK)) {
		some[0] = idxs[rand() % nr];
		some[1] = idxs[rand() % nr];
		nr_detached += probe_set__detach(session.tracing.set, some, 2);
		drain();
		if (rand() % 2)
			nr_added += add(pattern);
		drain();
	}
	nr_added += add(pattern);
	if (probe_set__nr(session.tracing.set) != nr_probes)
		fail("indexes were not used again", 0);
	fprintf(stderr, "churned: %d detached, %d attached again\n", nr_detached, nr_added);
	printf("churned: %s\n", nr_detached > 3 && nr_detached == nr_added ? "well" : "wrong");
}

static void say_runs(const char *kfunc)
{
	int idx = probe_of(kfunc);
	__u64 run_ns, runs;

	probe_set__run_stats(session.tracing.set, idx, &run_ns, &runs);
	/* A run that was missed was none. */
	printf("runs: %llu %s, and %llu missed\n", (unsigned long long)runs,
	       run_ns > runs ? "that took time" : "in no time",
	       (unsigned long long)probe_set__recursion_misses(session.tracing.set, idx));
}

static void say_state(const char *kfunc)
{
	static const char *const states[] = {
		[PROBE_PLANNED] = "planned",
		[PROBE_ATTACHED] = "attached",
		[PROBE_DETACHED] = "detached",
		[PROBE_FAILED] = "failed",
	};

	printf("state: %s\n", states[probe_set__state(session.tracing.set, probe_of(kfunc))]);
}

static void obey(char *line)
{
	char command[32] = "", first[256] = "", second[256] = "";
	int at = 0;

	sscanf(line, "%31s %n%255s %255s", command, &at, first, second);
	if (strcmp(command, "begin") == 0)
		begin(first, second);
	else if (strcmp(command, "add") == 0)
		printf("added: %d\n", add(first));
	else if (strcmp(command, "detach") == 0)
		detach(first);
	else if (strcmp(command, "release") == 0)
		printf("released: %d\n", tracing_session__release(&session.tracing, first));
	else if (strcmp(command, "refresh") == 0)
		refresh();
	else if (strcmp(command, "watch") == 0)
		wait_for_modules(atoi(first));
	else if (strcmp(command, "references") == 0)
		add_references(first);
	else if (strcmp(command, "churn") == 0)
		churn(first, second);
	else if (strcmp(command, "runs") == 0)
		say_runs(first);
	else if (strcmp(command, "state") == 0)
		say_state(first);
	else if (strcmp(command, "statistics") == 0)
		check(bpf_enable_stats(BPF_STATS_RUN_TIME), "statistics");
	else if (strcmp(command, "sh") == 0)
		printf("status: %d\n", system(line + at));
	else if (strcmp(command, "drain") == 0) {
		drain();
		if (first[0])
			write_rows(first, second);
	} else if (command[0]) {
		fail(command, EINVAL);
	}
	fflush(stdout);
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (getline(&line, &room, stdin) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		obey(line);
	}
	free(line);
	usage__free(&usage);
	usage__free(&before);
	module_watch__free(watch);
	reference_session__close(&session);
	printf("ended\n");
	return 0;
}
