// SPDX-License-Identifier: GPL-2.0-only
#include "site_numbers_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The way of a number from a program that has gone to the next one. The kernel marks its site as
 * retired when the memory of the program is freed. Each step takes the number further only if what
 * the step is for has come to pass.
 *
 * IN_USE   The program is gone for good, its site is retired, and neither a cache nor the map of
 *          numbers has it any more: no probe can come to it.
 * LEFT     A grace period has passed: no probe is running that had come to it before. Its own counts
 *          are final, and no object will name it that does not now.
 * QUIET    No object on which references are held names it. An object that did a moment ago has had
 *          its last reference released: that probe may still be about to note for how long.
 * UNNAMED  A grace period has passed: no probe knows the number. Events with it have been read.
 * OVER     What is left of its counts and holding times is told, and they are zeroed. It is free.
 */
enum step {
	IN_USE,
	LEFT,
	QUIET,
	UNNAMED,
	OVER,
};

struct number {
	__u8 step;
	__u64 seen_at; /* number of drains when it was first seen to be in use, plus 1; 0: it is not */
	/* What has been told. */
	__u64 unmatched, untracked, zeros, unclear;
};

struct site_numbers {
	const struct site_numbers_source *source;
	void *arg;
	struct kft_reference_state *state;
	struct kft_holds *holds;
	struct number numbers[KFT_MAX_REFERENCE_SITES];
	struct kft_holds *told; /* of the same slots; keys are those of `holds` then */
	__u64 unnamed_at;	/* events written when the last number became UNNAMED */
	/* Scratch. */
	struct number_set asked, found;
};

#define NR_NUMBERS (KFT_MAX_REFERENCE_SITES - KFT_FIRST_REFERENCE_SITE)

int site_numbers__new(const struct site_numbers_source *source, void *arg,
		      struct kft_reference_state *state, struct kft_holds *holds,
		      struct site_numbers **result)
{
	struct site_numbers *numbers = calloc(1, sizeof(*numbers));

	if (numbers && holds)
		numbers->told = calloc(1, sizeof(*numbers->told));
	if (!numbers || (holds && !numbers->told)) {
		free(numbers);
		source->free(arg);
		return -ENOMEM;
	}
	numbers->source = source;
	numbers->arg = arg;
	numbers->state = state;
	numbers->holds = holds;
	*result = numbers;
	return 0;
}

void site_numbers__free(struct site_numbers *numbers)
{
	if (!numbers)
		return;
	numbers->source->free(numbers->arg);
	free(numbers->told);
	free(numbers);
}

__u32 site_numbers__nr_all(void)
{
	return NR_NUMBERS;
}

static __u64 load(const __u64 *value)
{
	return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

__u32 site_numbers__nr_in_use(const struct site_numbers *numbers)
{
	__u64 given_out = load(&numbers->state->nr_sites);
	/* In this order, or more could have been taken than were given back. */
	__u64 taken_again = load(&numbers->state->nr_taken_again);
	__u64 given_back = load(&numbers->state->nr_given_back);

	if (given_out > NR_NUMBERS)
		given_out = NR_NUMBERS;
	return given_out - (given_back - taken_again);
}

/* --- steps ------------------------------------------------------------------------------------ */

static bool is_numbered(__u32 number)
{
	return number >= KFT_FIRST_REFERENCE_SITE && number < KFT_MAX_REFERENCE_SITES;
}

static bool is_retired(const struct kft_reference_site *site)
{
	return __atomic_load_n(&site->flags, __ATOMIC_ACQUIRE) & KFT_SITE_RETIRED;
}

/*
 * What a site has counted can be told when programs have been read since it was there: its own is
 * among them. Those of unknown callers are always there.
 */
static bool is_known(const struct site_numbers *numbers, __u32 number)
{
	__u64 seen_at = numbers->numbers[number].seen_at;

	return !is_numbered(number) ||
	       (seen_at && seen_at < numbers->source->nr_drains(numbers->arg) + 1);
}

static void see_new_ones(struct site_numbers *numbers)
{
	__u64 drains = numbers->source->nr_drains(numbers->arg);

	for (__u32 i = KFT_FIRST_REFERENCE_SITE; i < KFT_MAX_REFERENCE_SITES; i++) {
		const struct kft_reference_site *site = &numbers->state->sites[i];

		if (!numbers->numbers[i].seen_at && (load(&site->key) || is_retired(site)))
			numbers->numbers[i].seen_at = drains + 1;
	}
}

static bool is_left(struct site_numbers *numbers, __u32 number)
{
	const struct kft_reference_site *site = &numbers->state->sites[number];

	return numbers->numbers[number].step == IN_USE && is_known(numbers, number) &&
	       is_retired(site) &&
	       (!site->prog_id || numbers->source->is_gone(numbers->arg, site->prog_id));
}

static int find_left(struct site_numbers *numbers)
{
	bool any = false;
	int err;

	memset(&numbers->asked, 0, sizeof(numbers->asked));
	memset(&numbers->found, 0, sizeof(numbers->found));
	for (__u32 i = KFT_FIRST_REFERENCE_SITE; i < KFT_MAX_REFERENCE_SITES; i++) {
		numbers->asked.has[i] = is_left(numbers, i);
		any |= numbers->asked.has[i];
	}
	if (!any)
		return 0;
	err = numbers->source->find_reachable(numbers->arg, &numbers->asked, &numbers->found);
	for (__u32 i = KFT_FIRST_REFERENCE_SITE; i < KFT_MAX_REFERENCE_SITES && !err; i++) {
		if (numbers->asked.has[i] && !numbers->found.has[i])
			numbers->numbers[i].step = LEFT;
	}
	return err;
}

static bool is_any_at(const struct site_numbers *numbers, enum step step)
{
	for (__u32 i = KFT_FIRST_REFERENCE_SITE; i < KFT_MAX_REFERENCE_SITES; i++) {
		if (numbers->numbers[i].step == step)
			return true;
	}
	return false;
}

static void go_on(struct site_numbers *numbers, enum step from, enum step to)
{
	for (__u32 i = KFT_FIRST_REFERENCE_SITE; i < KFT_MAX_REFERENCE_SITES; i++) {
		if (numbers->numbers[i].step == from)
			numbers->numbers[i].step = to;
	}
}

/* One grace period serves both steps that need one. */
static int pass_grace_period(struct site_numbers *numbers)
{
	int err;

	if (!is_any_at(numbers, LEFT) && !is_any_at(numbers, UNNAMED))
		return 0;
	err = numbers->source->wait_for_probes(numbers->arg);
	if (err)
		return err;
	/* Whoever became unnamed has told of no event since. */
	if (numbers->source->events_read(numbers->arg) >= numbers->unnamed_at)
		go_on(numbers, UNNAMED, OVER);
	go_on(numbers, LEFT, QUIET);
	return 0;
}

static int find_unnamed(struct site_numbers *numbers)
{
	int err;

	if (!is_any_at(numbers, QUIET))
		return 0;
	memset(&numbers->found, 0, sizeof(numbers->found));
	err = numbers->source->find_holders(numbers->arg, &numbers->found);
	for (__u32 i = KFT_FIRST_REFERENCE_SITE; i < KFT_MAX_REFERENCE_SITES && !err; i++) {
		if (numbers->numbers[i].step == QUIET && !numbers->found.has[i])
			numbers->numbers[i].step = UNNAMED;
	}
	numbers->unnamed_at = numbers->source->events_written(numbers->arg);
	return err;
}

/* --- changes ---------------------------------------------------------------------------------- */

/* False when it cannot be told before the next drain whose it is. */
static bool find_site(struct site_numbers *numbers, __u32 number, struct numbered_site *site)
{
	const struct kft_reference_site *record;

	if (number >= KFT_MAX_REFERENCE_SITES)
		return false;
	record = &numbers->state->sites[number];
	site->number = number;
	site->probe = is_numbered(number) ? record->probe : number - KFT_UNKNOWN_SITE(0);
	return is_known(numbers, number) &&
	       numbers->source->find_caller(numbers->arg, record, &site->caller);
}

static bool is_over(const struct site_numbers *numbers, __u32 number)
{
	return is_numbered(number) && numbers->numbers[number].step == OVER;
}

/* A pair of which one is over cannot be told before the other can: it has to wait for that. */
static void wait_for_partners(struct site_numbers *numbers)
{
	struct numbered_site site;

	for (int i = 0; numbers->holds && i < KFT_MAX_HOLDS; i++) {
		__u64 key = load(&numbers->holds->keys[i]);
		__u32 pair[2] = { key, key >> 32 };

		for (int j = 0; j < 2; j++) {
			if (is_over(numbers, pair[j]) && is_numbered(pair[!j]) &&
			    !find_site(numbers, pair[!j], &site))
				numbers->numbers[pair[j]].step = UNNAMED;
		}
	}
}

/* What has come since, of a counter that was told up to *told. */
static __u64 change_of(const __u64 *counter, __u64 *told)
{
	__u64 now = load(counter), change = now - *told;

	*told = now;
	return change;
}

static void tell_site(struct site_numbers *numbers, __u32 number, struct site_changes *changes)
{
	const struct kft_reference_site *record = &numbers->state->sites[number];
	struct number *told = &numbers->numbers[number];
	struct site_change *change = &changes->sites[changes->nr_sites];

	if (load(&record->unmatched) == told->unmatched &&
	    load(&record->untracked) == told->untracked && load(&record->zeros) == told->zeros &&
	    load(&record->unclear) == told->unclear)
		return;
	if (!find_site(numbers, number, &change->site))
		return;
	change->unmatched = change_of(&record->unmatched, &told->unmatched);
	change->untracked = change_of(&record->untracked, &told->untracked);
	change->zeros = change_of(&record->zeros, &told->zeros);
	change->unclear = change_of(&record->unclear, &told->unclear);
	changes->nr_sites++;
}

static void tell_hold(struct site_numbers *numbers, int at, __u64 key, struct site_changes *changes)
{
	const struct kft_hold *now = &numbers->holds->holds[at];
	struct kft_hold *told = &numbers->told->holds[at];
	struct hold_change *change = &changes->holds[changes->nr_holds];
	__u32 acquired_at = key, released_at = key >> 32;

	if (memcmp(now, told, sizeof(*told)) == 0)
		return;
	change->is_ambiguous = acquired_at == KFT_AMBIGUOUS_SITE;
	change->is_iterator = released_at == KFT_NO_SITE;
	if (!change->is_ambiguous && !find_site(numbers, acquired_at, &change->acquired))
		return;
	if (!change->is_iterator && !find_site(numbers, released_at, &change->released))
		return;
	/* A probe adds to the count first: read last, it is never less than all buckets are. */
	for (int i = 0; i < KFT_BUCKETS; i++)
		change->hold.buckets[i] = change_of(&now->buckets[i], &told->buckets[i]);
	change->hold.sum = change_of(&now->sum, &told->sum);
	change->hold.max = told->max = load(&now->max);
	change->hold.count = change_of(&now->count, &told->count);
	changes->nr_holds++;
}

/* Nobody looks for the key any more. Whoever finds its slot free finds it empty. */
static void free_hold(struct site_numbers *numbers, int at)
{
	memset(&numbers->holds->holds[at], 0, sizeof(numbers->holds->holds[at]));
	memset(&numbers->told->holds[at], 0, sizeof(numbers->told->holds[at]));
	__atomic_store_n(&numbers->holds->keys[at], 0, __ATOMIC_RELEASE);
}

static void give_back(struct site_numbers *numbers, __u32 number)
{
	struct kft_reference_state *state = numbers->state;
	__u64 nr = state->nr_given_back;

	memset(&state->sites[number], 0, sizeof(state->sites[number]));
	memset(&numbers->numbers[number], 0, sizeof(numbers->numbers[number]));
	state->given_back[nr % KFT_MAX_REFERENCE_SITES] = number;
	__atomic_store_n(&state->nr_given_back, nr + 1, __ATOMIC_RELEASE);
}

static void tell_all(struct site_numbers *numbers, struct site_changes *changes)
{
	for (__u32 i = KFT_UNKNOWN_SITE(0); i < KFT_MAX_REFERENCE_SITES; i++)
		tell_site(numbers, i, changes);
	for (int i = 0; numbers->holds && i < KFT_MAX_HOLDS; i++) {
		__u64 key = load(&numbers->holds->keys[i]);

		if (!key)
			continue;
		tell_hold(numbers, i, key, changes);
		if (is_over(numbers, key) || is_over(numbers, key >> 32))
			free_hold(numbers, i);
	}
	for (__u32 i = KFT_FIRST_REFERENCE_SITE; i < KFT_MAX_REFERENCE_SITES; i++) {
		if (is_over(numbers, i))
			give_back(numbers, i);
	}
}

/* Room for all that there can be: what is not used is never touched, and given back at once. */
static int make_room(const struct site_numbers *numbers, struct site_changes *changes)
{
	memset(changes, 0, sizeof(*changes));
	changes->sites = calloc(KFT_MAX_REFERENCE_SITES, sizeof(*changes->sites));
	if (numbers->holds)
		changes->holds = calloc(KFT_MAX_HOLDS, sizeof(*changes->holds));
	if (changes->sites && (changes->holds || !numbers->holds))
		return 0;
	site_changes__free(changes);
	return -ENOMEM;
}

static void *shrink(void *array, size_t nr, size_t size)
{
	void *smaller;

	if (!nr) {
		free(array);
		return NULL;
	}
	smaller = realloc(array, nr * size);
	return smaller ?: array;
}

int site_numbers__take_changes(struct site_numbers *numbers, struct site_changes *changes)
{
	int err = make_room(numbers, changes);

	if (err)
		return err;
	see_new_ones(numbers);
	err = find_left(numbers);
	if (!err)
		err = pass_grace_period(numbers);
	if (!err)
		err = find_unnamed(numbers);
	if (err) {
		site_changes__free(changes);
		return err;
	}
	wait_for_partners(numbers);
	tell_all(numbers, changes);
	changes->sites = shrink(changes->sites, changes->nr_sites, sizeof(*changes->sites));
	changes->holds = shrink(changes->holds, changes->nr_holds, sizeof(*changes->holds));
	return 0;
}

void site_changes__free(struct site_changes *changes)
{
	free(changes->sites);
	free(changes->holds);
	memset(changes, 0, sizeof(*changes));
}
