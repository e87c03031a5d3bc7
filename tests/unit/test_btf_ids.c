// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <byteswap.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "btf_ids.h"
#include "kernel_version.h"

/* Ids as big as a kernel's: the first functions are no kfuncs of anybody. */
#define FIRST 300

static struct btf *types;
static __u32 a, b, c, test1, test_tp, not_a_function;

static __u32 add_function(const char *name)
{
	int proto = btf__add_func_proto(types, 0);

	return btf__add_func(types, name, BTF_FUNC_GLOBAL, proto);
}

static int make_types(void **state)
{
	(void)state;
	types = btf__new_empty();
	assert_non_null(types);
	while (btf__type_cnt(types) < FIRST)
		btf__add_func(types, "early", BTF_FUNC_STATIC, btf__type_cnt(types) + 1);
	a = add_function("bpf_a");
	b = add_function("bpf_b");
	c = add_function("bpf_c");
	test1 = add_function("bpf_fentry_test1");
	test_tp = add_function("bpf_modify_return_test_tp");
	not_a_function = btf__add_int(types, "int", 4, 0);
	return 0;
}

static int free_types(void **state)
{
	(void)state;
	btf__free(types);
	return 0;
}

/*
 * What is found in these words, "[NAME:]MEMBER/FLAGS,... " a set, with "other" before those that are
 * no kfuncs and "unresolved" before those without ids; or the error.
 */
static const char *read_words(const struct btf_ids_input *input)
{
	static char text[512];
	struct btf_id_sets sets;
	size_t len = 0;
	int err = btf_ids__read(input, &sets);

	text[0] = '\0';
	if (err)
		snprintf(text, sizeof(text), "error %d", err);
	for (int i = 0; i < sets.nr && !err; i++) {
		const struct btf_id_set *set = &sets.sets[i];

		len += snprintf(text + len, sizeof(text) - len, "%s%s%s%s",
				set->resolved ? "" : "unresolved ",
				set->kind == BTF_ID_SET_OTHER ? "other " : "", set->name ?: "",
				set->name ? ":" : "");
		for (int j = 0; j < set->nr; j++) {
			__u32 id = set->members[j].id;
			const char *name = id ? btf__name_by_offset(
							types, btf__type_by_id(types, id)->name_off)
					      : "?";

			len += snprintf(text + len, sizeof(text) - len, "%s/%x%s", name,
					set->members[j].flags, j + 1 < set->nr ? "," : " ");
		}
	}
	btf_id_sets__free(&sets);
	return text;
}

#define INPUT(words, release)                                                                      \
	{                                                                                          \
		.file = "test",                                                                    \
		.data = words,                                                                     \
		.size = sizeof(words),                                                             \
		.btf = types,                                                                      \
		.version = release,                                                                \
		.first_id = 1,                                                                     \
	}

#define EXPECT(words, version, wanted)                                                             \
	do {                                                                                       \
		const struct btf_ids_input input = INPUT(words, version);                          \
                                                                                                   \
		assert_string_equal(read_words(&input), wanted);                                   \
	} while (0)

static void sets_that_say_so_are_found_among_lists(void **state)
{
	const __u32 words[] = {
		not_a_function, 7, 2, 1, a, 0x20, c, 5, not_a_function, 3, a, b, c, 1, 1, b, 2
	};

	(void)state;
	EXPECT(words, KVER(6, 12), "bpf_a/20,bpf_c/5 bpf_b/2 ");
	/* A release that cannot be read is no reason to find less. */
	EXPECT(words, 0, "bpf_a/20,bpf_c/5 bpf_b/2 ");
}

static void sets_that_do_not_say_so_are_none_in_kernels_where_they_would(void **state)
{
	const __u32 words[] = { 2, 0, a, 0, c, 0 };

	(void)state;
	EXPECT(words, KVER(6, 9), "");
	EXPECT(words, KVER(6, 8), "bpf_a/0,bpf_c/0 ");
}

static void without_marks_the_shape_decides(void **state)
{
	const __u32 unsorted[] = { 2, 0, c, 0, a, 0 };
	const __u32 twice[] = { 2, 0, a, 0, a, 0 };
	const __u32 odd_flags[] = { 2, 0, a, 0x10000, b, 0 };
	const __u32 types_only[] = { 1, 0, not_a_function, 0 };
	const __u32 too_many[] = { 3, 0, a, 0, b, 0 };
	const __u32 small_ids[] = { 1, 0, 24, 0, 1, 0, c, 0x40 };
	const __u32 beyond[] = { 1, 0, not_a_function + 1, 0 };
	const __u32 tests_only[] = { 2, 0, test1, 0x20, test_tp, 0 };
	const __u32 test_too[] = { 2, 0, a, 0, test_tp, 0 };

	(void)state;
	EXPECT(unsorted, KVER(6, 1), "");
	EXPECT(twice, KVER(6, 1), "");
	EXPECT(odd_flags, KVER(6, 1), "");
	EXPECT(types_only, KVER(6, 1), "");
	EXPECT(too_many, KVER(6, 1), "");
	EXPECT(small_ids, KVER(6, 1), "bpf_c/40 ");
	EXPECT(beyond, KVER(6, 1), "");
	EXPECT(tests_only, KVER(6, 1), "other bpf_fentry_test1/20,bpf_modify_return_test_tp/0 ");
	EXPECT(test_too, KVER(6, 1), "bpf_a/0,bpf_modify_return_test_tp/0 ");
}

static void a_function_that_the_build_has_not_found_has_no_id(void **state)
{
	const __u32 words[] = { 3, 1, 0, 0x20, 0, 0, b, 0 };

	(void)state;
	EXPECT(words, KVER(6, 12), "?/20,?/0,bpf_b/0 ");
}

static void a_module_brings_kfuncs_of_its_own_only(void **state)
{
	const __u32 words[] = { 1, 1, a, 0, 1, 1, b, 0 };
	struct btf_ids_input input = INPUT(words, KVER(6, 12));

	(void)state;
	input.first_id = b;
	assert_string_equal(read_words(&input), "bpf_b/0 ");
}

static void words_of_the_other_order_are_read(void **state)
{
	__u32 words[] = { 1, 1, a, 0x21 };
	struct btf_ids_input input = INPUT(words, KVER(6, 12));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = bswap_32(words[i]);
	input.swapped = true;
	assert_string_equal(read_words(&input), "bpf_a/21 ");
}

static void symbols_say_where_sets_are(void **state)
{
	const __u32 words[] = { 7, 1, 1, b, 2, 1, 0, a, 0, 0, 1, 0, 4 };
	const struct btf_id_symbol symbols[] = { { "later", 20, 16 }, { "one", 4, 16 } };
	const struct btf_id_symbol unresolved[] = { { "none", 36, 16 } };
	struct btf_ids_input input = INPUT(words, KVER(6, 12));

	(void)state;
	input.symbols = symbols;
	input.nr_symbols = 2;
	assert_string_equal(read_words(&input), "one:bpf_b/2 other later:bpf_a/0 ");
	input.version = KVER(6, 1);
	input.nr_symbols = 1;
	assert_string_equal(read_words(&input), "later:bpf_a/0 ");
	input.symbols = unresolved;
	assert_string_equal(read_words(&input), "unresolved none:?/4 ");
}

static void damaged_sections_are_refused(void **state)
{
	const __u32 words[] = { 1, 1, not_a_function, 2 };
	static const struct btf_id_symbol wrong[] = {
		{ "beyond", 0, 20 },	  { "far", 100, 16 },	 { "before", -8, 16 },
		{ "odd", 2, 8 },	  { "too small", 0, 4 }, { "too many", 0, 8 },
		{ "no function", 0, 16 },
	};
	struct btf_ids_input input = INPUT(words, KVER(6, 12));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		input.symbols = &wrong[i];
		input.nr_symbols = 1;
		assert_string_equal(read_words(&input), "error -74");
	}
	input.symbols = NULL;
	input.size--;
	assert_string_equal(read_words(&input), "error -74");
	input.size = 0;
	assert_string_equal(read_words(&input), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_that_say_so_are_found_among_lists),
		cmocka_unit_test(sets_that_do_not_say_so_are_none_in_kernels_where_they_would),
		cmocka_unit_test(without_marks_the_shape_decides),
		cmocka_unit_test(a_function_that_the_build_has_not_found_has_no_id),
		cmocka_unit_test(a_module_brings_kfuncs_of_its_own_only),
		cmocka_unit_test(words_of_the_other_order_are_read),
		cmocka_unit_test(symbols_say_where_sets_are),
		cmocka_unit_test(damaged_sections_are_refused),
	};

	return cmocka_run_group_tests(tests, make_types, free_types);
}
