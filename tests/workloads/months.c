// SPDX-License-Identifier: GPL-2.0-only
/*
 * months [-t TYPE]... -o FILE -- COMMAND: watches references as one does who goes on for months: each
 * second it takes over what has come, forgets programs that are gone and gives the numbers of their
 * call sites back. Writes to FILE as JSON what it has added up, by the names of programs, and what is
 * still held and known at the end.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "../../userspace/bpf_map_dump.h"
#include "../../userspace/caller.h"
#include "../../userspace/pattern.h"
#include "../../userspace/prog_table.h"
#include "../../userspace/reference_objects.h"
#include "../../userspace/reference_session.h"
#include "../../userspace/run_window.h"
#include "../../userspace/site_numbers.h"
#include "../../userspace/usage.h"

/* After the command, so that all that is gone is seen to be. */
#define LAST_ROUNDS   12
#define LAST_PAUSE_US 300000

struct months {
	struct reference_session session;
	struct run_window window;
	struct usage now, before;
	json_t *calls; /* by "kfunc caller" */
	json_t *holds; /* by "acquired_by released_by" */
	json_t *rounds;
	long long unmatched, untracked;
	unsigned int nr_rounds, most_in_use;
	long long nr_changes;
};

static void add(json_t *object, const char *key, const char *member, __u64 value)
{
	json_t *row = json_object_get(object, key);

	if (!row) {
		row = json_object();
		json_object_set_new(object, key, row);
	}
	json_object_set_new(row, member,
			    json_integer(json_integer_value(json_object_get(row, member)) + value));
}

static const struct reference_function *function_of(const struct months *months, __u32 subject)
{
	return pairing__function(months->session.pairing, subject);
}

static int add_calls(struct months *months)
{
	const struct counters *counters = months->session.tracing.counters;
	struct usage change = { 0 };
	int err = usage__difference(&change, &months->now, &months->before);
	char key[256];

	for (size_t i = 0; i < change.nr && !err; i++) {
		const struct usage_row *row = &change.rows[i];
		struct caller caller = caller__of_key(counters, &row->key);

		snprintf(key, sizeof(key), "%s %s", function_of(months, row->key.subject)->name,
			 caller__name(&caller));
		add(months->calls, key, "calls", row->counts.calls);
		add(months->calls, key, "nulls", row->counts.nulls);
	}
	usage__free(&change);
	return err;
}

static const char *name_of(const struct months *months, const struct numbered_site *site)
{
	struct caller caller = caller__of(months->session.tracing.counters, &site->caller);

	return caller__name(&caller);
}

static void add_holds(struct months *months, const struct site_changes *changes)
{
	char key[256];

	for (size_t i = 0; i < changes->nr_sites; i++) {
		months->unmatched += changes->sites[i].unmatched;
		months->untracked += changes->sites[i].untracked;
	}
	for (size_t i = 0; i < changes->nr_holds; i++) {
		const struct hold_change *change = &changes->holds[i];
		__u64 known = 0;

		for (int j = 0; j < KFT_BUCKETS; j++)
			known += change->hold.buckets[j];
		snprintf(key, sizeof(key), "%s %s",
			 change->is_ambiguous ? "ambiguous" : name_of(months, &change->acquired),
			 change->is_iterator ? "-" : name_of(months, &change->released));
		add(months->holds, key, "count", change->hold.count);
		add(months->holds, key, "known", known);
	}
	months->nr_changes += changes->nr_sites + changes->nr_holds;
}

static long rss_kib(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file && fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (getpagesize() / 1024);
}

/* What all maps of ours take, as the kernel says. */
static long long map_bytes(void)
{
	long long sum = 0, bytes;
	char path[64], line[256];

	for (int fd = 0; fd < 1024; fd++) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		file = fopen(path, "r");
		for (bytes = 0; file && fgets(line, sizeof(line), file);) {
			if (sscanf(line, "memlock: %lld", &bytes) == 1)
				sum += bytes;
		}
		if (file)
			fclose(file);
	}
	return sum;
}

static long nr_elements(int fd, size_t key_size, size_t value_size)
{
	void *keys, *values;
	size_t nr;
	int err = bpf_map_dump(fd, key_size, value_size, &keys, &values, &nr);

	free(keys);
	free(values);
	return err ? err : (long)nr;
}

/* What is kept, in the kernel and here. */
static json_t *json_kept(const struct months *months)
{
	const struct counters *counters = months->session.tracing.counters;
	struct counters_reference_maps maps = counters__reference_maps(counters);
	const struct site_numbers *numbers = references__numbers(months->session.references);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "rss_kib",
			 (json_int_t)rss_kib(), "map_bytes", (json_int_t)map_bytes(), "numbers",
			 (json_int_t)site_numbers__nr_in_use(numbers), "known_programs",
			 (json_int_t)counters__programs(counters)->nr_progs, "rows",
			 (json_int_t)months->now.nr, "programs",
			 (json_int_t)nr_elements(maps.progs_fd, 4, sizeof(struct kft_prog)),
			 "images",
			 (json_int_t)nr_elements(maps.images_fd, 8, sizeof(struct kft_image)),
			 "site_ids", (json_int_t)nr_elements(maps.site_ids_fd, 8, 4));
}

static int do_round(struct months *months)
{
	const struct site_numbers *numbers = references__numbers(months->session.references);
	struct counters *counters = months->session.tracing.counters;
	struct site_changes changes;
	struct usage swap;
	int err;

	if (site_numbers__nr_in_use(numbers) > months->most_in_use)
		months->most_in_use = site_numbers__nr_in_use(numbers);
	err = reference_session__drain(&months->session, &months->now);
	if (err)
		return err;
	err = add_calls(months);
	if (!err)
		err = references__take_changes(months->session.references, &changes);
	if (err)
		return err;
	add_holds(months, &changes);
	site_changes__free(&changes);
	if (months->nr_rounds++ % 5 == 0)
		json_array_append_new(months->rounds, json_kept(months));
	swap = months->before;
	months->before = months->now;
	months->now = swap;
	return counters__forget_ended(counters, &months->before);
}

static int drain(void *arg)
{
	return do_round(arg);
}

static json_t *json_holders(const struct months *months, const struct object_row *row)
{
	const struct counters *counters = months->session.tracing.counters;
	json_t *holders = json_array();

	for (int i = 0; i < row->nr_holders; i++) {
		const struct kft_reference_site *site =
			references__site(months->session.references, row->holders[i].site);
		struct caller caller = caller__of_site(counters, site);

		json_array_append_new(holders, json_string(caller__name(&caller)));
	}
	return holders;
}

static int add_objects(const struct months *months, json_t *out)
{
	struct reference_objects objects;
	json_t *rows = json_array();
	int err = reference_objects__read(months->session.references,
					  months->session.tracing.counters, months->session.pairing,
					  ORDER_AGE, &objects);

	for (size_t i = 0; i < objects.nr && !err; i++)
		json_array_append_new(rows,
				      json_pack("{s:I, s:b, s:b, s:o}", "references",
						(json_int_t)objects.rows[i].references, "is_parked",
						objects.rows[i].is_parked, "more",
						objects.rows[i].more_holders, "holders",
						json_holders(months, &objects.rows[i])));
	json_object_set_new(out, "objects", rows);
	reference_objects__free(&objects);
	return err;
}

static int write_all(struct months *months, const char *path)
{
	const struct kft_reference_state *state = references__state(months->session.references);
	struct counters_losses losses;
	json_t *out = json_object();
	int err = add_objects(months, out);

	counters__losses(months->session.tracing.counters, &losses);
	json_object_set(out, "calls", months->calls);
	json_object_set(out, "holds", months->holds);
	json_object_set(out, "rounds", months->rounds);
	json_object_set_new(out, "kept", json_kept(months));
	json_object_set_new(out, "unmatched", json_integer(months->unmatched));
	json_object_set_new(out, "untracked", json_integer(months->untracked));
	json_object_set_new(out, "most_in_use", json_integer(months->most_in_use));
	json_object_set_new(out, "changes", json_integer(months->nr_changes));
	json_object_set_new(out, "lost_sites", json_integer(state->lost_sites));
	json_object_set_new(out, "lost_holds", json_integer(state->lost_holds));
	json_object_set_new(out, "lost_releases", json_integer(state->lost_releases));
	json_object_set_new(out, "given_back", json_integer(state->nr_given_back));
	json_object_set_new(out, "taken_again", json_integer(state->nr_taken_again));
	json_object_set_new(out, "lost_programs", json_integer(losses.programs));
	json_object_set_new(out, "lost_retired", json_integer(losses.retired));
	json_object_set_new(out, "missed_frees", json_integer(losses.missed_frees));
	if (!err && json_dump_file(out, path, JSON_INDENT(1) | JSON_SORT_KEYS))
		err = -EIO;
	json_decref(out);
	return err;
}

static int watch(struct months *months, const struct reference_session_options *opts,
		 const struct run_window_options *window, const char *path)
{
	static const struct run_window_calls calls = { .drain = drain };
	int err = run_window__open(&months->window, window);

	if (!err)
		err = reference_session__attach(&months->session, opts);
	if (!err)
		err = run_window__wait(&months->window, &calls, months);
	for (int i = 0; i < LAST_ROUNDS && !err; i++) {
		usleep(LAST_PAUSE_US);
		err = do_round(months);
		if (err == -EAGAIN)
			err = 0;
	}
	if (!err)
		err = write_all(months, path);
	run_window__close(&months->window);
	if (err)
		fprintf(stderr, "months: %s\n", strerror(-err));
	return err;
}

int main(int argc, char **argv)
{
	struct reference_session_options opts = {
		.plan.mode = REFERENCES_OBJECTS,
		.plan.no_modules = true,
		.references = { .max_objects = 4096, .recycle = true },
	};
	struct run_window_options window = { 0 };
	struct pattern_list types = { 0 }, modules = { 0 };
	struct months months = { 0 };
	const char *path = NULL;
	int c, status = 2;

	while ((c = getopt(argc, argv, "+t:o:")) != -1) {
		if (c == 't' && pattern_list__add(&types, optarg))
			return 2;
		if (c == 'o')
			path = optarg;
	}
	if (!path || optind == argc) {
		fputs("usage: months [-t TYPE]... -o FILE -- COMMAND\n", stderr);
		return 2;
	}
	window.command = argv + optind;
	opts.plan.types = &types;
	opts.plan.modules = &modules;
	months.calls = json_object();
	months.holds = json_object();
	months.rounds = json_array();
	if (!reference_session__open(&months.session) && !watch(&months, &opts, &window, path))
		status = run_window__exit_status(&months.window);
	reference_session__close(&months.session);
	pattern_list__free(&types);
	usage__free(&months.now);
	usage__free(&months.before);
	json_decref(months.calls);
	json_decref(months.holds);
	json_decref(months.rounds);
	return status;
}
