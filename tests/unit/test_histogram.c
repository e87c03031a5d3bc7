// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "histogram.h"

/* As the kernel side fills it: bucket n has values from 2^(n-1) on. */
static void hold_value(struct kft_hold *hold, __u64 value)
{
	int bucket = value ? 64 - __builtin_clzll(value) : 0;

	hold->count++;
	hold->sum += value;
	if (value > hold->max)
		hold->max = value;
	hold->buckets[bucket < KFT_BUCKETS ? bucket : KFT_BUCKETS - 1]++;
}

static void a_value_lies_between_the_bounds_of_its_bucket(void **state)
{
	static const __u64 values[] = { 0, 1, 2, 3, 4, 7, 8, 1023, 1024, 1ull << 40 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct kft_hold hold = { 0 };
		int bucket = 0;

		hold_value(&hold, values[i]);
		while (!hold.buckets[bucket])
			bucket++;
		assert_true(values[i] >= histogram__low(bucket));
		assert_true(values[i] < histogram__low(bucket + 1));
	}
}

static void percentiles_lie_in_the_right_bucket_and_below_the_largest(void **state)
{
	struct histogram histogram = { 0 };
	struct kft_hold hold = { 0 };

	(void)state;
	for (int i = 0; i < 98; i++)
		hold_value(&hold, 100);
	hold_value(&hold, 5000);
	hold_value(&hold, 5001);
	histogram__add(&histogram, &hold);
	assert_in_range(histogram__percentile(&histogram, 50), 64, 127);
	assert_in_range(histogram__percentile(&histogram, 99), 4096, 5001);
	assert_int_equal(histogram__percentile(&histogram, 100), 5001);
}

static void of_nothing_there_are_no_percentiles(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	assert_int_equal(histogram__percentile(&histogram, 50), 0);
}

static void what_is_not_known_is_in_no_bucket(void **state)
{
	struct histogram histogram = { 0 };
	struct kft_hold known = { 0 }, unknown = { .count = 5 };

	(void)state;
	hold_value(&known, 10);
	histogram__add(&histogram, &known);
	histogram__add(&histogram, &unknown);
	assert_int_equal(histogram.count, 6);
	assert_int_equal(histogram.unknown, 5);
}

static void it_is_printed_from_the_first_bucket_to_the_last(void **state)
{
	struct histogram histogram = { 0 };
	struct kft_hold hold = { 0 };
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	hold_value(&hold, 600);
	hold_value(&hold, 5000);
	hold_value(&hold, 5000);
	histogram__add(&histogram, &hold);
	histogram__print(&histogram, out, "");
	fclose(out);
	assert_non_null(strstr(text, "[512, 1K)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@ "));
	assert_non_null(strstr(text, "[1K, 2K)                0 |  "));
	assert_non_null(strstr(text, "[4K, 8K)                2 |@@"));
	assert_null(strstr(text, "[8K"));
	assert_null(strstr(text, "[256"));
	free(text);
}

static void json_has_each_bucket_that_is_not_empty(void **state)
{
	struct histogram histogram = { 0 };
	struct kft_hold hold = { 0 };
	json_t *json, *buckets;

	(void)state;
	hold_value(&hold, 0);
	hold_value(&hold, 6);
	histogram__add(&histogram, &hold);
	json = histogram__json(&histogram, "_ns");
	buckets = json_object_get(json, "buckets");
	assert_int_equal(json_array_size(buckets), 2);
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(buckets, 1), "from")), 4);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(buckets, 1), "to")), 7);
	assert_int_equal(json_integer_value(json_object_get(json, "mean_ns")), 3);
	json_decref(json);
}

static void times_are_written_in_the_unit_that_fits(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(format_ns(350, buf, sizeof(buf)), "350 ns");
	assert_string_equal(format_ns(12300, buf, sizeof(buf)), "12.3 us");
	assert_string_equal(format_ns(4200000, buf, sizeof(buf)), "4.2 ms");
	assert_string_equal(format_ns(4200000000ull, buf, sizeof(buf)), "4.2 s");
	assert_string_equal(format_ns(200000000000ull, buf, sizeof(buf)), "3 min 20 s");
	assert_string_equal(format_ns(7260000000000ull, buf, sizeof(buf)), "2 h 1 min");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_lies_between_the_bounds_of_its_bucket),
		cmocka_unit_test(percentiles_lie_in_the_right_bucket_and_below_the_largest),
		cmocka_unit_test(of_nothing_there_are_no_percentiles),
		cmocka_unit_test(what_is_not_known_is_in_no_bucket),
		cmocka_unit_test(it_is_printed_from_the_first_bucket_to_the_last),
		cmocka_unit_test(json_has_each_bucket_that_is_not_empty),
		cmocka_unit_test(times_are_written_in_the_unit_that_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
