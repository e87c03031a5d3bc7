// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers of call sites are used again, and nothing is lost or told of another program. The kernel's
 * side is played: the shared memory as the probes and the watchers write it.
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "site_numbers_private.h"

#define FIRST KFT_FIRST_REFERENCE_SITE
#define MAX   KFT_MAX_REFERENCE_SITES
#define ALL   (MAX - FIRST)

static struct kft_reference_state *state;
static struct kft_holds *holds;
static struct site_numbers *numbers;

/* What the kernel would answer. */
static struct {
	__u64 nr_drains;
	bool reachable[MAX], held[MAX];
	bool is_there[100000]; /* by id of a program */
	bool is_unclear[MAX];  /* whose it is cannot be told now */
	__u64 written, read;
	int wait_error;
	int nr_waits;
} kernel;

static __u64 nr_drains(void *arg)
{
	(void)arg;
	return kernel.nr_drains;
}

static bool is_gone(void *arg, __u32 prog_id)
{
	(void)arg;
	return !kernel.is_there[prog_id];
}

static bool find_caller(void *arg, const struct kft_reference_site *site,
			struct counters_caller *caller)
{
	(void)arg;
	memset(caller, 0, sizeof(*caller));
	caller->kind = CALLER_UNKNOWN;
	/* The key of a site that is there tells its program, in this play. */
	if (site->key) {
		caller->kind = CALLER_PROGRAM;
		caller->prog_id = site->key >> 8;
	}
	return !kernel.is_unclear[site - state->sites];
}

static int find_reachable(void *arg, const struct number_set *asked, struct number_set *found)
{
	(void)arg;
	for (int i = 0; i < MAX; i++)
		found->has[i] |= asked->has[i] && kernel.reachable[i];
	return 0;
}

static int find_holders(void *arg, struct number_set *found)
{
	(void)arg;
	for (int i = 0; i < MAX; i++)
		found->has[i] |= kernel.held[i];
	return 0;
}

static int wait_for_probes(void *arg)
{
	(void)arg;
	kernel.nr_waits++;
	return kernel.wait_error;
}

static __u64 events_written(void *arg)
{
	(void)arg;
	return kernel.written;
}

static __u64 events_read(void *arg)
{
	(void)arg;
	return kernel.read;
}

static void free_nothing(void *arg)
{
	(void)arg;
}

static const struct site_numbers_source source = {
	.nr_drains = nr_drains,
	.is_gone = is_gone,
	.find_caller = find_caller,
	.find_reachable = find_reachable,
	.find_holders = find_holders,
	.wait_for_probes = wait_for_probes,
	.events_written = events_written,
	.events_read = events_read,
	.free = free_nothing,
};

static int set_up(void **unused)
{
	(void)unused;
	memset(&kernel, 0, sizeof(kernel));
	state = calloc(1, sizeof(*state));
	holds = calloc(1, sizeof(*holds));
	return site_numbers__new(&source, NULL, state, holds, &numbers);
}

static int tear_down(void **unused)
{
	(void)unused;
	site_numbers__free(numbers);
	free(state);
	free(holds);
	return 0;
}

/* --- what the probes and the watchers do ------------------------------------------------------- */

/* As free_number() in tracepoints/reference_sites.h, on one CPU. */
static __u32 free_number(void)
{
	if (state->nr_sites < ALL)
		return FIRST + state->nr_sites++;
	if (state->nr_taken_again == state->nr_given_back)
		return 0;
	return state->given_back[state->nr_taken_again++ % MAX];
}

/* A site of a program is seen for the first time; 0: there is no number. */
static __u32 call_from(__u32 prog_id, __u32 site)
{
	__u32 number = free_number();

	if (!number)
		return 0;
	/* Whoever gives a number back has cleared everything. */
	assert_int_equal(state->sites[number].key, 0);
	assert_int_equal(state->sites[number].flags, 0);
	assert_int_equal(state->sites[number].unmatched, 0);
	assert_int_equal(state->sites[number].untracked, 0);
	state->sites[number].probe = prog_id % 7;
	state->sites[number].key = (__u64)prog_id << 8 | site;
	kernel.is_there[prog_id] = true;
	kernel.reachable[number] = true;
	return number;
}

static void leave(__u32 prog_id, __u32 number)
{
	state->sites[number].prog_id = prog_id;
	state->sites[number].flags |= KFT_SITE_RETIRED;
	kernel.reachable[number] = false;
	kernel.is_there[prog_id] = false;
}

/* As find_hold(), with the same places for keys. */
static struct kft_hold *find_hold(__u32 acquired_at, __u32 released_at)
{
	__u64 key = KFT_HOLD_KEY(acquired_at, released_at);
	__u32 at = (__u32)((__u32)key * 0x9e3779b1u + (__u32)(key >> 32) * 0x85ebca6bu) >> 20;

	for (int i = 0; i < KFT_MAX_HOLD_DISPLACEMENT; i++) {
		if (!holds->keys[at])
			holds->keys[at] = key;
		if (holds->keys[at] == key)
			return &holds->holds[at];
		at = (at + 1) & (KFT_MAX_HOLDS - 1);
	}
	return NULL;
}

static bool give_back(__u32 acquired_at, __u32 released_at, int bucket)
{
	struct kft_hold *hold = find_hold(acquired_at, released_at);

	if (!hold)
		return false;
	hold->count++;
	hold->sum += 1ull << bucket;
	hold->buckets[bucket]++;
	if (hold->max < 1ull << bucket)
		hold->max = 1ull << bucket;
	return true;
}

/* A drain, and the changes after it. */
static struct site_changes take(void)
{
	struct site_changes changes;

	kernel.nr_drains++;
	assert_int_equal(site_numbers__take_changes(numbers, &changes), 0);
	return changes;
}

static void pass(void)
{
	struct site_changes changes = take();

	site_changes__free(&changes);
}

static bool is_free(__u32 number)
{
	for (__u64 i = state->nr_taken_again; i < state->nr_given_back; i++) {
		if (state->given_back[i % MAX] == number)
			return true;
	}
	return false;
}

/* --- a number's way ---------------------------------------------------------------------------- */

static void what_a_site_counted_is_told_once(void **unused)
{
	struct site_changes changes;
	__u32 number = call_from(5, 1);

	(void)unused;
	state->sites[number].untracked = 3;
	/* It may be of a program that came after the drain. */
	changes = take();
	assert_int_equal(changes.nr_sites, 0);
	site_changes__free(&changes);
	changes = take();
	assert_int_equal(changes.nr_sites, 1);
	assert_int_equal(changes.sites[0].untracked, 3);
	assert_int_equal(changes.sites[0].site.caller.prog_id, 5);
	assert_int_equal(changes.sites[0].site.probe, 5);
	site_changes__free(&changes);
	state->sites[number].untracked = 5;
	state->sites[number].zeros = 1;
	changes = take();
	assert_int_equal(changes.nr_sites, 1);
	assert_int_equal(changes.sites[0].untracked, 2);
	assert_int_equal(changes.sites[0].zeros, 1);
	site_changes__free(&changes);
	changes = take();
	assert_int_equal(changes.nr_sites, 0);
	site_changes__free(&changes);
	/* Nobody has to wait for programs that stay. */
	assert_int_equal(kernel.nr_waits, 0);
	assert_int_equal(site_numbers__nr_in_use(numbers), 1);
}

static void unknown_callers_have_the_number_of_their_probe(void **unused)
{
	struct site_changes changes;

	(void)unused;
	state->sites[KFT_UNKNOWN_SITE(12)].unmatched = 4;
	changes = take();
	assert_int_equal(changes.nr_sites, 1);
	assert_int_equal(changes.sites[0].site.probe, 12);
	assert_int_equal(changes.sites[0].site.caller.kind, CALLER_UNKNOWN);
	assert_int_equal(changes.sites[0].unmatched, 4);
	site_changes__free(&changes);
}

static void a_number_is_free_when_its_program_is_gone(void **unused)
{
	struct site_changes changes;
	__u32 number = call_from(5, 1);

	(void)unused;
	pass();
	leave(5, number);
	state->sites[number].unmatched = 7;
	assert_true(give_back(number, number, 4));
	changes = take();
	/* Told at once, though it may grow. */
	assert_int_equal(changes.nr_sites, 1);
	assert_int_equal(changes.nr_holds, 1);
	site_changes__free(&changes);
	assert_false(is_free(number));
	/* A probe that was running all the time. */
	assert_true(give_back(number, number, 5));
	state->sites[number].unmatched = 8;
	changes = take();
	assert_int_equal(changes.nr_sites, 1);
	assert_int_equal(changes.sites[0].unmatched, 1);
	assert_int_equal(changes.nr_holds, 1);
	assert_int_equal(changes.holds[0].hold.count, 1);
	assert_int_equal(changes.holds[0].hold.sum, 32);
	assert_int_equal(changes.holds[0].hold.buckets[4], 0);
	assert_int_equal(changes.holds[0].hold.buckets[5], 1);
	assert_int_equal(changes.holds[0].acquired.caller.prog_id, 5);
	site_changes__free(&changes);
	assert_true(is_free(number));
	assert_int_equal(site_numbers__nr_in_use(numbers), 0);
	for (int i = 0; i < KFT_MAX_HOLDS; i++) {
		assert_int_equal(holds->keys[i], 0);
		assert_int_equal(holds->holds[i].count, 0);
		assert_int_equal(holds->holds[i].max, 0);
	}
	/* It is given back once. */
	pass();
	assert_int_equal(state->nr_given_back, 1);
}

static void a_number_stays_as_long_as_an_object_names_it(void **unused)
{
	__u32 number = call_from(5, 1);

	(void)unused;
	pass();
	leave(5, number);
	kernel.held[number] = true;
	for (int i = 0; i < 5; i++)
		pass();
	assert_false(is_free(number));
	kernel.held[number] = false;
	/* That it is not held is seen in the one; only after a grace period it is free. */
	pass();
	assert_false(is_free(number));
	pass();
	assert_true(is_free(number));
}

static void a_number_stays_as_long_as_a_probe_could_find_it(void **unused)
{
	__u32 number = call_from(5, 1);

	(void)unused;
	pass();
	leave(5, number);
	kernel.reachable[number] = true;
	for (int i = 0; i < 5; i++)
		pass();
	assert_int_equal(kernel.nr_waits, 0);
	assert_false(is_free(number));
	kernel.reachable[number] = false;
	pass();
	pass();
	assert_true(is_free(number));
}

static void a_number_stays_as_long_as_a_part_of_its_program_does(void **unused)
{
	__u32 number = call_from(5, 1);

	(void)unused;
	pass();
	leave(5, number);
	kernel.is_there[5] = true;
	for (int i = 0; i < 5; i++)
		pass();
	assert_false(is_free(number));
	kernel.is_there[5] = false;
	pass();
	pass();
	assert_true(is_free(number));
}

static void a_number_stays_as_long_as_events_with_it_are_unread(void **unused)
{
	__u32 number = call_from(5, 1);

	(void)unused;
	pass();
	kernel.written = 1000;
	kernel.read = 900;
	leave(5, number);
	for (int i = 0; i < 5; i++)
		pass();
	assert_false(is_free(number));
	kernel.read = 1000;
	kernel.written = 2000;
	pass();
	assert_true(is_free(number));
}

static void a_failure_loses_nothing(void **unused)
{
	struct site_changes changes;
	__u32 number = call_from(5, 1);

	(void)unused;
	pass();
	state->sites[number].zeros = 9;
	leave(5, number);
	kernel.wait_error = -ENOMEM;
	kernel.nr_drains++;
	assert_int_equal(site_numbers__take_changes(numbers, &changes), -ENOMEM);
	assert_null(changes.sites);
	assert_null(changes.holds);
	kernel.wait_error = 0;
	changes = take();
	assert_int_equal(changes.nr_sites, 1);
	assert_int_equal(changes.sites[0].zeros, 9);
	site_changes__free(&changes);
}

static void a_pair_is_told_when_both_can_be(void **unused)
{
	struct site_changes changes;
	__u32 acquirer = call_from(5, 1), releaser;

	(void)unused;
	pass();
	leave(5, acquirer);
	pass();
	/* Its last reference is given back by a program that has just come. */
	releaser = call_from(6, 1);
	assert_true(give_back(acquirer, releaser, 3));
	changes = take();
	assert_int_equal(changes.nr_holds, 0);
	assert_false(is_free(acquirer));
	site_changes__free(&changes);
	changes = take();
	assert_int_equal(changes.nr_holds, 1);
	assert_int_equal(changes.holds[0].acquired.caller.prog_id, 5);
	assert_int_equal(changes.holds[0].released.caller.prog_id, 6);
	assert_true(is_free(acquirer));
	assert_false(is_free(releaser));
	site_changes__free(&changes);
}

static void who_cannot_be_told_is_told_later(void **unused)
{
	struct site_changes changes;
	__u32 number = call_from(5, 1);

	(void)unused;
	pass();
	state->sites[number].zeros = 9;
	kernel.is_unclear[number] = true;
	changes = take();
	assert_int_equal(changes.nr_sites, 0);
	site_changes__free(&changes);
	kernel.is_unclear[number] = false;
	changes = take();
	assert_int_equal(changes.nr_sites, 1);
	assert_int_equal(changes.sites[0].zeros, 9);
	site_changes__free(&changes);
}

static void iterators_and_the_ambiguous_have_one_site(void **unused)
{
	struct site_changes changes;
	__u32 number = call_from(5, 1);

	(void)unused;
	pass();
	assert_true(give_back(number, KFT_NO_SITE, 2));
	assert_true(give_back(KFT_AMBIGUOUS_SITE, number, 2));
	changes = take();
	assert_int_equal(changes.nr_holds, 2);
	for (int i = 0; i < 2; i++) {
		const struct hold_change *change = &changes.holds[i];

		assert_true(change->is_iterator != change->is_ambiguous);
		if (change->is_iterator)
			assert_int_equal(change->acquired.number, number);
		else
			assert_int_equal(change->released.number, number);
	}
	site_changes__free(&changes);
	leave(5, number);
	pass();
	pass();
	assert_true(is_free(number));
	for (int i = 0; i < KFT_MAX_HOLDS; i++)
		assert_int_equal(holds->keys[i], 0);
}

static void numbers_are_given_back_where_no_objects_are_kept(void **unused)
{
	struct site_numbers *alone;
	struct site_changes changes;
	__u32 number = call_from(5, 1);

	(void)unused;
	assert_int_equal(site_numbers__new(&source, NULL, state, NULL, &alone), 0);
	for (int i = 0; i < 3; i++) {
		kernel.nr_drains++;
		assert_int_equal(site_numbers__take_changes(alone, &changes), 0);
		assert_null(changes.holds);
		site_changes__free(&changes);
		if (!i)
			leave(5, number);
	}
	assert_true(is_free(number));
	site_numbers__free(alone);
}

static void a_number_taken_in_vain_comes_back(void **unused)
{
	__u32 number = free_number();

	(void)unused;
	/* Another CPU was faster. */
	state->sites[number].flags = KFT_SITE_RETIRED;
	pass();
	pass();
	pass();
	assert_true(is_free(number));
}

/* --- months ------------------------------------------------------------------------------------ */

#define NR_PROGRAMS 60000
#define NR_ALIVE    40

static __u64 true_counts[NR_PROGRAMS], told_counts[NR_PROGRAMS];
static __u64 true_holds[NR_PROGRAMS], told_holds[NR_PROGRAMS];

static void add_up(struct site_changes *changes)
{
	for (size_t i = 0; i < changes->nr_sites; i++)
		told_counts[changes->sites[i].site.caller.prog_id] += changes->sites[i].untracked;
	for (size_t i = 0; i < changes->nr_holds; i++) {
		const struct hold_change *change = &changes->holds[i];

		told_holds[change->acquired.caller.prog_id] += change->hold.count;
		assert_int_equal(change->hold.sum, change->hold.count << 4);
	}
	site_changes__free(changes);
}

/*
 * Programs that come, count and go, at random, and release each other's references: far more than
 * there are numbers. A few hold what they have acquired for long.
 */
static void months_of_programs_are_told_to_the_last(void **unused)
{
	static struct {
		__u32 prog_id, number;
	} alive[NR_ALIVE];
	__u32 held[MAX], nr_held = 0, nr_lost = 0, next = 1, most = 0;
	struct site_changes changes;

	(void)unused;
	srand(1);
	for (int step = 0; next < NR_PROGRAMS; step++) {
		int i = rand() % NR_ALIVE, j = rand() % NR_ALIVE;

		if (alive[i].number && rand() % 3 == 0) {
			leave(alive[i].prog_id, alive[i].number);
			if (nr_held < 200 && rand() % 8 == 0) {
				kernel.held[alive[i].number] = true;
				held[nr_held++] = alive[i].number;
			}
			alive[i].number = 0;
		} else if (!alive[i].number) {
			alive[i].prog_id = next++;
			alive[i].number = call_from(alive[i].prog_id, 1);
			nr_lost += !alive[i].number;
		} else {
			state->sites[alive[i].number].untracked += 2;
			true_counts[alive[i].prog_id] += 2;
		}
		if (alive[i].number && alive[j].number &&
		    give_back(alive[i].number, alive[j].number, 4))
			true_holds[alive[i].prog_id]++;
		if (nr_held && rand() % 500 == 0) {
			__u32 *freed = &held[rand() % nr_held], number = *freed;

			/* Its program is in no list any more: its site tells. */
			if (alive[j].number && give_back(number, alive[j].number, 4))
				true_holds[state->sites[number].prog_id]++;
			kernel.held[number] = false;
			*freed = held[--nr_held];
		}
		if (step % 1500 == 0) {
			changes = take();
			add_up(&changes);
		}
		if (site_numbers__nr_in_use(numbers) > most)
			most = site_numbers__nr_in_use(numbers);
	}
	for (int i = 0; i < NR_ALIVE; i++) {
		if (alive[i].number)
			leave(alive[i].prog_id, alive[i].number);
	}
	for (__u32 i = 0; i < nr_held; i++)
		kernel.held[held[i]] = false;
	for (int i = 0; i < 4; i++) {
		changes = take();
		add_up(&changes);
	}
	assert_int_equal(nr_lost, 0);
	assert_true(most < 4000);
	assert_int_equal(site_numbers__nr_in_use(numbers), 0);
	assert_true(state->nr_given_back > 50000);
	for (int i = 0; i < NR_PROGRAMS; i++) {
		assert_int_equal(told_counts[i], true_counts[i]);
		assert_int_equal(told_holds[i], true_holds[i]);
	}
	for (int i = 0; i < KFT_MAX_HOLDS; i++)
		assert_int_equal(holds->keys[i], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_site_counted_is_told_once),
		TEST(unknown_callers_have_the_number_of_their_probe),
		TEST(a_number_is_free_when_its_program_is_gone),
		TEST(a_number_stays_as_long_as_an_object_names_it),
		TEST(a_number_stays_as_long_as_a_probe_could_find_it),
		TEST(a_number_stays_as_long_as_a_part_of_its_program_does),
		TEST(a_number_stays_as_long_as_events_with_it_are_unread),
		TEST(a_failure_loses_nothing),
		TEST(a_pair_is_told_when_both_can_be),
		TEST(who_cannot_be_told_is_told_later),
		TEST(iterators_and_the_ambiguous_have_one_site),
		TEST(numbers_are_given_back_where_no_objects_are_kept),
		TEST(a_number_taken_in_vain_comes_back),
		TEST(months_of_programs_are_told_to_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
