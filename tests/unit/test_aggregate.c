// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aggregate.h"
#include "hash_index.h"

#define NOW 1700000000

static struct known_program program(const char *name, const char *type)
{
	struct known_program program = { .kind = KNOWN_PROGRAM };

	snprintf(program.name, sizeof(program.name), "%s", name);
	snprintf(program.type, sizeof(program.type), "%s", type);
	return program;
}

static struct known_program numbered(unsigned int number)
{
	struct known_program known = program("", "xdp");

	snprintf(known.name, sizeof(known.name), "program_%u", number);
	return known;
}

static struct aggregate *make(size_t max_callers, __u64 forget_s)
{
	const struct aggregate_options opts = {
		.max_callers = max_callers,
		.max_objects = 10,
		.forget_s = forget_s,
	};
	struct aggregate *aggregate = aggregate__new(&opts);

	assert_non_null(aggregate);
	return aggregate;
}

static struct aggregate_row *call(struct aggregate *aggregate, __u32 kfunc,
				  struct known_program caller, __u64 calls, __s64 now)
{
	const struct aggregate_counts counts = { .calls = calls };
	struct aggregate_row *row = aggregate__add(aggregate, kfunc, &caller, &counts, now);

	assert_non_null(row);
	return row;
}

static __u64 all_calls(const struct aggregate *aggregate)
{
	__u64 calls = 0;

	for (size_t i = 0; i < aggregate__nr_rows(aggregate); i++)
		calls += aggregate__row_at(aggregate, i)->counts.calls;
	return calls;
}

static const struct known_program other = { .kind = KNOWN_OTHER };

static void a_kind_can_be_told_from_its_name(void **state)
{
	(void)state;
	for (int kind = KNOWN_PROGRAM; kind <= KNOWN_OTHER; kind++)
		assert_int_equal(known_kind__parse(known_kind__name(kind)), kind);
	assert_int_equal(known_kind__parse("something"), -1);
}

static void a_program_is_its_name_and_type(void **state)
{
	struct known_program a = program("net", "xdp"), b = a, c = program("net", "tc");

	(void)state;
	snprintf(b.tag, sizeof(b.tag), "0123456789abcdef");
	b.id = 17;
	assert_true(known_program__equal(&a, &b));
	assert_int_equal(known_program__hash(&a), known_program__hash(&b));
	assert_false(known_program__equal(&a, &c));
	assert_int_not_equal(known_program__hash(&a), known_program__hash(&c));
	assert_string_equal(known_program__title(&a), "net");
	assert_string_equal(known_program__title(&other), "other");
}

static void an_index_finds_what_was_added_and_not_what_was_removed(void **state)
{
	struct hash_index index = { 0 };
	bool there[4096] = { false };
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		__u32 value = rand_r(&seed) % ARRAY_SIZE(there), found;
		/* Few different hashes, so that they get into each other's way. */
		__u64 hash = hash_number(HASH_START, value / 4);
		size_t at;

		found = hash_index__first(&index, hash, &at);
		while (found != HASH_NONE && found != value)
			found = hash_index__next(&index, hash, &at);
		assert_int_equal(found == value, there[value]);
		if (there[value])
			hash_index__remove(&index, hash, value);
		else
			assert_int_equal(hash_index__add(&index, hash, value), 0);
		there[value] = !there[value];
	}
	hash_index__free(&index);
}

static void equal_names_are_one(void **state)
{
	struct aggregate *aggregate = make(10, 0);
	__u32 kfunc = aggregate__kfunc(aggregate, "bpf_task_acquire", "vmlinux");

	(void)state;
	assert_int_equal(aggregate__kfunc(aggregate, "bpf_task_acquire", NULL), kfunc);
	assert_int_not_equal(aggregate__kfunc(aggregate, "bpf_task_acquire", "mod"), kfunc);
	assert_int_not_equal(aggregate__kfunc(aggregate, "bpf_task_release", NULL), kfunc);
	assert_int_equal(aggregate__nr_kfuncs(aggregate), 3);
	assert_int_equal(aggregate__type(aggregate, "task_struct"),
			 aggregate__type(aggregate, "task_struct"));
	assert_int_equal(aggregate__nr_types(aggregate), 1);
	aggregate__free(aggregate);
}

static void counts_add_up_by_kfunc_and_caller(void **state)
{
	struct aggregate *aggregate = make(10, 0);
	__u32 kfunc = aggregate__kfunc(aggregate, "a", NULL);
	const struct aggregate_counts counts = { 10, 2, 3, 4, 5, 6 };
	struct known_program caller = program("net", "xdp");
	struct aggregate_row *row;

	(void)state;
	aggregate__add(aggregate, kfunc, &caller, &counts, NOW);
	caller.id = 7;
	snprintf(caller.loader, sizeof(caller.loader), "net.service");
	row = aggregate__add(aggregate, kfunc, &caller, &counts, NOW + 5);
	assert_int_equal(row->counts.calls, 20);
	assert_int_equal(row->counts.nulls, 4);
	assert_int_equal(row->counts.zeros, 6);
	assert_int_equal(row->counts.unclear, 8);
	assert_int_equal(row->counts.acquired, 10);
	assert_int_equal(row->counts.released, 12);
	assert_int_equal(row->first_seen, NOW);
	assert_int_equal(row->last_seen, NOW + 5);
	assert_int_equal(row->outstanding, -1);
	assert_ptr_equal(aggregate__find(aggregate, kfunc, &caller), row);
	assert_string_equal(aggregate__caller_at(aggregate, row->caller)->loader, "net.service");
	assert_int_equal(aggregate__caller_at(aggregate, row->caller)->id, 7);
	call(aggregate, aggregate__kfunc(aggregate, "b", NULL), caller, 1, NOW);
	assert_int_equal(aggregate__nr_rows(aggregate), 2);
	aggregate__free(aggregate);
}

static void nothing_counted_is_nothing_seen(void **state)
{
	struct aggregate *aggregate = make(10, 0);
	__u32 kfunc = aggregate__kfunc(aggregate, "a", NULL);
	struct aggregate_row *row = call(aggregate, kfunc, numbered(1), 0, NOW);

	(void)state;
	assert_int_equal(row->first_seen, 0);
	assert_int_equal(row->last_seen, 0);
	row = call(aggregate, kfunc, numbered(1), 1, NOW + 1);
	assert_int_equal(row->first_seen, NOW + 1);
	call(aggregate, kfunc, numbered(1), 0, NOW + 2);
	assert_int_equal(row->last_seen, NOW + 1);
	aggregate__free(aggregate);
}

static void what_is_beyond_the_bound_goes_to_other(void **state)
{
	struct aggregate *aggregate = make(5, 0);
	__u32 a = aggregate__kfunc(aggregate, "a", NULL),
	      b = aggregate__kfunc(aggregate, "b", NULL);

	(void)state;
	for (int i = 0; i < 100; i++) {
		call(aggregate, a, numbered(i), 2, NOW + i);
		call(aggregate, b, numbered(i), 1, NOW + i);
	}
	/* Five pairs, and the rest of each kfunc. */
	assert_int_equal(aggregate__nr_rows(aggregate), 7);
	assert_int_equal(all_calls(aggregate), 300);
	assert_int_equal(aggregate__find(aggregate, a, &other)->counts.calls, 2 * 97);
	assert_int_equal(aggregate__find(aggregate, b, &other)->counts.calls, 98);
	assert_int_equal(aggregate__read_state(aggregate)->losses.other_rows, 2 * 97 + 98);
	/* No caller is kept of whom there is nothing to say. */
	assert_true(aggregate__nr_callers(aggregate) <= 6);
	aggregate__free(aggregate);
}

static void what_is_given_as_other_is_no_loss(void **state)
{
	struct aggregate *aggregate = make(5, 0);
	__u32 kfunc = aggregate__kfunc(aggregate, "a", NULL);

	(void)state;
	call(aggregate, kfunc, other, 10, NOW);
	assert_int_equal(aggregate__find(aggregate, kfunc, &other)->counts.calls, 10);
	assert_int_equal(aggregate__read_state(aggregate)->losses.other_rows, 0);
	aggregate__free(aggregate);
}

static void one_that_is_long_unseen_gives_its_place(void **state)
{
	struct aggregate *aggregate = make(3, 100);
	__u32 kfunc = aggregate__kfunc(aggregate, "a", NULL);
	struct known_program old = numbered(1);
	__u64 serial;

	(void)state;
	for (int i = 0; i < 3; i++)
		call(aggregate, kfunc, numbered(i), 1, NOW);
	call(aggregate, kfunc, numbered(0), 1, NOW + 60);
	call(aggregate, kfunc, numbered(2), 1, NOW + 60);
	serial = aggregate__find(aggregate, kfunc, &old)->serial;
	/* Too early. */
	call(aggregate, kfunc, numbered(7), 1, NOW + 99);
	assert_non_null(aggregate__find(aggregate, kfunc, &other));
	call(aggregate, kfunc, numbered(8), 1, NOW + 100);
	assert_null(aggregate__find(aggregate, kfunc, &old));
	assert_int_equal(aggregate__nr_rows(aggregate), 4);
	/* The next one has to wait until it is time for the others. */
	call(aggregate, kfunc, numbered(9), 1, NOW + 101);
	assert_int_equal(aggregate__find(aggregate, kfunc, &other)->counts.calls, 2);
	call(aggregate, kfunc, old, 1, NOW + 170);
	assert_int_equal(aggregate__find(aggregate, kfunc, &old)->counts.calls, 1);
	assert_int_not_equal(aggregate__find(aggregate, kfunc, &old)->serial, serial);
	aggregate__free(aggregate);
}

static void one_whose_references_are_held_stays(void **state)
{
	struct aggregate *aggregate = make(1, 100);
	__u32 kfunc = aggregate__kfunc(aggregate, "a", NULL);
	struct known_program holder = numbered(0);

	(void)state;
	call(aggregate, kfunc, holder, 1, NOW)->outstanding = 1;
	call(aggregate, kfunc, numbered(1), 1, NOW + 1000);
	assert_non_null(aggregate__find(aggregate, kfunc, &holder));
	aggregate__find(aggregate, kfunc, &holder)->outstanding = 0;
	call(aggregate, kfunc, numbered(1), 1, NOW + 2000);
	assert_null(aggregate__find(aggregate, kfunc, &holder));
	aggregate__free(aggregate);
}

static void a_clock_set_back_keeps_no_place_for_ever(void **state)
{
	struct aggregate *aggregate = make(1, 100);
	__u32 kfunc = aggregate__kfunc(aggregate, "a", NULL);
	struct known_program old = numbered(0);

	(void)state;
	call(aggregate, kfunc, old, 1, NOW + 1000000);
	call(aggregate, kfunc, numbered(1), 1, NOW + 1000000);
	call(aggregate, kfunc, numbered(1), 1, NOW);
	assert_non_null(aggregate__find(aggregate, kfunc, &old));
	call(aggregate, kfunc, numbered(1), 1, NOW + 100);
	assert_null(aggregate__find(aggregate, kfunc, &old));
	aggregate__free(aggregate);
}

static void months_of_new_callers_take_no_more_memory(void **state)
{
	struct aggregate *aggregate = make(100, 10);
	__u32 kfunc = aggregate__kfunc(aggregate, "a", NULL);
	const struct aggregate_object none = { .kfunc = kfunc, .caller = AGGREGATE_NONE };

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct known_program caller = numbered(i);
		struct kft_hold hold = { .count = 1, .buckets = { 1 } };

		aggregate_row__add_held(call(aggregate, kfunc, caller, 1, NOW + i / 5), &hold);
		caller.name[0] = 'q';
		assert_int_not_equal(aggregate__caller(aggregate, &caller), AGGREGATE_NONE);
		if (i % 100 == 0)
			aggregate__set_objects(aggregate, &none, 1);
	}
	assert_int_equal(aggregate__nr_rows(aggregate), 100);
	assert_in_range(aggregate__nr_callers(aggregate), 100, 1200);
	aggregate__free(aggregate);
}

/* A caller that somebody has keeps its index, whatever comes and goes. */
static void callers_of_objects_stay(void **state)
{
	struct aggregate *aggregate = make(2, 1);
	__u32 kfunc = aggregate__kfunc(aggregate, "a", NULL);
	struct known_program holder = program("holder", "lsm"), problem = program("old", "tc");
	struct aggregate_object object = { .kfunc = kfunc };
	struct aggregate_problem broken = { .kfunc = kfunc, .problem = (char *)"removed" };
	size_t nr;

	(void)state;
	object.caller = aggregate__caller(aggregate, &holder);
	assert_int_equal(aggregate__set_objects(aggregate, &object, 1), 0);
	broken.caller = aggregate__caller(aggregate, &problem);
	assert_int_equal(aggregate__set_problems(aggregate, &broken, 1), 0);
	for (int i = 0; i < 10000; i++)
		call(aggregate, kfunc, numbered(i), 1, NOW + i * 2);
	assert_true(known_program__equal(
		aggregate__caller_at(aggregate, aggregate__objects(aggregate, &nr)->caller),
		&holder));
	assert_true(known_program__equal(
		aggregate__caller_at(aggregate, aggregate__problems(aggregate, &nr)->caller),
		&problem));
	aggregate__free(aggregate);
}

static void objects_and_problems_are_copied_and_bounded(void **state)
{
	struct aggregate *aggregate = make(10, 0);
	struct aggregate_object objects[20] = { 0 };
	char text[] = "removed";
	struct aggregate_problem problem = { .problem = text, .caller = AGGREGATE_NONE };
	size_t nr;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i].references = i;
		objects[i].caller = AGGREGATE_NONE;
	}
	assert_int_equal(aggregate__set_objects(aggregate, objects, ARRAY_SIZE(objects)), 0);
	assert_int_equal(aggregate__objects(aggregate, &nr)[9].references, 9);
	assert_int_equal(nr, 10);
	assert_int_equal(aggregate__set_problems(aggregate, &problem, 1), 0);
	text[0] = 'x';
	assert_string_equal(aggregate__problems(aggregate, &nr)->problem, "removed");
	assert_int_equal(aggregate__set_objects(aggregate, NULL, 0), 0);
	aggregate__objects(aggregate, &nr);
	assert_int_equal(nr, 0);
	assert_int_equal(aggregate__set_problems(aggregate, NULL, 0), 0);
	aggregate__free(aggregate);
}

static void types_are_bounded(void **state)
{
	struct aggregate *aggregate = make(10, 0);
	char name[32];

	(void)state;
	for (int i = 0; i < 3 * AGGREGATE_MAX_TYPES; i++) {
		snprintf(name, sizeof(name), "type_%d", i);
		assert_int_not_equal(aggregate__type(aggregate, name), AGGREGATE_NONE);
	}
	assert_int_equal(aggregate__nr_types(aggregate), AGGREGATE_MAX_TYPES);
	assert_string_equal(
		aggregate__type_at(aggregate, aggregate__type(aggregate, "type_2000"))->name,
		"other");
	assert_string_equal(
		aggregate__type_at(aggregate, aggregate__type(aggregate, "type_17"))->name,
		"type_17");
	aggregate__free(aggregate);
}

static void what_the_catalogue_says_can_change(void **state)
{
	struct aggregate *aggregate = make(10, 0);
	__u32 kfunc = aggregate__kfunc(aggregate, "a", NULL);
	const struct aggregate_kfunc *known = aggregate__kfunc_at(aggregate, kfunc);

	(void)state;
	assert_null(known->deprecation);
	assert_int_equal(aggregate__set_deprecation(aggregate, kfunc, "deprecated", "b", "7.2"), 0);
	assert_string_equal(known->deprecation, "deprecated");
	assert_string_equal(known->replacement, "b");
	assert_int_equal(aggregate__set_deprecation(aggregate, kfunc, NULL, NULL, NULL), 0);
	assert_null(known->deprecation);
	assert_int_equal(aggregate__set_traced(aggregate, kfunc, false, "over max_overhead"), 0);
	assert_string_equal(known->untraced, "over max_overhead");
	assert_int_equal(aggregate__set_traced(aggregate, kfunc, true, NULL), 0);
	assert_true(known->traced);
	assert_null(known->untraced);
	aggregate__free(aggregate);
}

/* Random callers, in a few rows only: no call is lost but with what was forgotten. */
static void no_call_is_lost(void **state)
{
	struct aggregate *aggregate = make(50, 0);
	__u32 kfuncs[3];
	unsigned int seed = 4;
	__u64 sum = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kfuncs); i++) {
		char name[8] = { 'a' + i };

		kfuncs[i] = aggregate__kfunc(aggregate, name, NULL);
	}
	for (int i = 0; i < 10000; i++) {
		__u64 calls = rand_r(&seed) % 100;

		call(aggregate, kfuncs[rand_r(&seed) % 3], numbered(rand_r(&seed) % 40), calls,
		     NOW + i);
		sum += calls;
		assert_int_equal(all_calls(aggregate), sum);
	}
	aggregate__free(aggregate);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* A drain of 300 kfuncs x 1000 callers, and then the same with 100 times too many callers. */
static void many_rows_are_quick(void **state)
{
	struct aggregate *aggregate = make(300000, 3600);
	double start = seconds(), made = 0, found;
	__u32 kfuncs[300];
	char name[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kfuncs); i++) {
		snprintf(name, sizeof(name), "kfunc_%zu", i);
		kfuncs[i] = aggregate__kfunc(aggregate, name, NULL);
	}
	for (int drain = 0; drain < 2; drain++) {
		for (size_t i = 0; i < ARRAY_SIZE(kfuncs); i++) {
			for (int j = 0; j < 1000; j++)
				call(aggregate, kfuncs[i], numbered(j), 1, NOW + drain);
		}
		if (!drain)
			made = seconds() - start;
	}
	found = seconds() - start - made;
	assert_int_equal(aggregate__nr_rows(aggregate), 300000);
	start = seconds();
	for (int i = 0; i < 100000; i++)
		call(aggregate, kfuncs[i % 300], numbered(1000 + i), 1, NOW + 2);
	print_message("300000 rows: %.2f s to make, %.2f s to add to; 100000 beyond the bound: "
		      "%.2f s\n",
		      made, found, seconds() - start);
	/* It is a tenth of that; a search through all rows for each would be an hour. */
	assert_true(made < 10 && found < 10 && seconds() - start < 10);
	aggregate__free(aggregate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kind_can_be_told_from_its_name),
		cmocka_unit_test(a_program_is_its_name_and_type),
		cmocka_unit_test(an_index_finds_what_was_added_and_not_what_was_removed),
		cmocka_unit_test(equal_names_are_one),
		cmocka_unit_test(counts_add_up_by_kfunc_and_caller),
		cmocka_unit_test(nothing_counted_is_nothing_seen),
		cmocka_unit_test(what_is_beyond_the_bound_goes_to_other),
		cmocka_unit_test(what_is_given_as_other_is_no_loss),
		cmocka_unit_test(one_that_is_long_unseen_gives_its_place),
		cmocka_unit_test(one_whose_references_are_held_stays),
		cmocka_unit_test(a_clock_set_back_keeps_no_place_for_ever),
		cmocka_unit_test(months_of_new_callers_take_no_more_memory),
		cmocka_unit_test(callers_of_objects_stay),
		cmocka_unit_test(objects_and_problems_are_copied_and_bounded),
		cmocka_unit_test(types_are_bounded),
		cmocka_unit_test(what_the_catalogue_says_can_change),
		cmocka_unit_test(no_call_is_lost),
		cmocka_unit_test(many_rows_are_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
