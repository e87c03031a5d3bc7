// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "prototype.h"
#include "type_shape.h"

static enum type_match match(const char *want, const char *have, char *why, size_t size)
{
	struct type_shape *left = type_shape__parse(want, NULL),
			  *right = type_shape__parse(have, NULL);
	enum type_match result;

	assert_non_null(left);
	assert_non_null(right);
	result = type_shape__compare(left, right, why, size);
	type_shape__free(left);
	type_shape__free(right);
	return result;
}

#define assert_match(want, have, result)                                                           \
	do {                                                                                       \
		char why_[256];                                                                    \
		assert_int_equal(match(want, have, why_, sizeof(why_)), result);                   \
	} while (0)

static void names_of_numbers_do_not_matter(void **state)
{
	(void)state;
	assert_match("u32", "unsigned int", TYPES_SAME);
	assert_match("const u32", "__u32", TYPES_SAME);
	assert_match("long int", "s64", TYPES_SAME);
	assert_match("u32", "u64", TYPES_CLOSE);
	assert_match("u32", "s32", TYPES_CLOSE);
	assert_match("bool", "int", TYPES_CLOSE);
}

static void another_kind_differs(void **state)
{
	(void)state;
	assert_match("u64", "void *", TYPES_DIFFER);
	assert_match("void", "int", TYPES_DIFFER);
	assert_match("struct a *", "void *", TYPES_DIFFER);
	assert_match("struct a *", "union a *", TYPES_DIFFER);
	assert_match("struct a *", "struct a * *", TYPES_DIFFER);
	assert_match("enum a", "int", TYPES_DIFFER);
	assert_match("int [4]", "int *", TYPES_DIFFER);
	assert_match("float", "float", TYPES_DIFFER);
}

static void qualifiers_and_tags_do_not_matter(void **state)
{
	(void)state;
	assert_match("const struct a *", "struct a *const", TYPES_SAME);
	assert_match("struct a __rcu *", "struct a *", TYPES_SAME);
	assert_match("void __address_space(1) *", "void *", TYPES_SAME);
	assert_match("volatile const int *", "int *restrict", TYPES_SAME);
	assert_match("struct (anonymous) *", "struct (anonymous) *", TYPES_SAME);
}

static void another_structure_is_doubtful(void **state)
{
	(void)state;
	assert_match("struct a *", "struct b *", TYPES_DOUBTFUL);
	assert_match("struct a___old *", "struct a *", TYPES_SAME);
	assert_match("struct a___old *", "struct ab *", TYPES_DOUBTFUL);
	/* The size of memory that is passed. */
	assert_match("u32 *", "u64 *", TYPES_DOUBTFUL);
}

static void functions_are_compared_by_what_they_take(void **state)
{
	(void)state;
	assert_match("int (*)(u32, void *)", "int (*)(unsigned int index, void *)", TYPES_SAME);
	assert_match("int (*)(u32, void *)", "int (*)(u32)", TYPES_DIFFER);
	assert_match("int (*)(void)", "int (*)(u32)", TYPES_DIFFER);
	assert_match("int (*)(void)", "void (*)(void)", TYPES_DIFFER);
	assert_match("int (*)(struct a *)", "int (*)(struct a)", TYPES_DIFFER);
	assert_match("int (*)(int (*)(u32, u32))", "int (*)(int (*)(u32))", TYPES_DIFFER);
	assert_match("int (*)(int (*)(u32), u32)", "int (*)(int (*)(u32), u32)", TYPES_SAME);
	assert_match("int (*)[4]", "int (*)[8]", TYPES_SAME);
	assert_match("int (*)(u32, ...)", "int (*)(u32)", TYPES_DIFFER);
}

static void it_is_said_what_differs(void **state)
{
	char why[256];

	(void)state;
	assert_int_equal(match("struct a *", "u64", why, sizeof(why)), TYPES_DIFFER);
	assert_string_equal(why, "struct a * in the program, long long unsigned int in the kernel");
	assert_int_equal(match("void (*)(u32, u32)", "void (*)(u32)", why, sizeof(why)),
			 TYPES_DIFFER);
	assert_string_equal(why, "2 parameters in the program, 1 in the kernel");
	assert_int_equal(match("void (*)(u32, u32)", "u64", why, sizeof(why)), TYPES_DIFFER);
	assert_string_equal(why, "a pointer to a function of 2 parameters in the program, "
				 "long long unsigned int in the kernel");
}

static void nonsense_is_survived(void **state)
{
	static const char *const texts[] = { "",
					     "*",
					     "(",
					     ")",
					     "struct",
					     "struct (",
					     "int (*",
					     "int (*)(",
					     "int [",
					     "...",
					     "int (*)(,,,)",
					     "unknown_t",
					     "const",
					     "const const",
					     "int (((((((((",
					     "__rcu" };
	char deep[512];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char why[64];

		match(texts[i], texts[i], why, sizeof(why));
	}
	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	type_shape__free(type_shape__parse(deep, NULL));
	for (size_t i = 0; i + 4 < sizeof(deep); i += 3)
		memcpy(deep + i, "(*(", 3);
	type_shape__free(type_shape__parse(deep, NULL));
}

/* What is printed of a type reads as that type. */
static void text_and_btf_agree(void **state)
{
	struct btf *btf = btf__new_empty();
	int number = btf__add_int(btf, "unsigned int", 4, 0), structure, pointer, proto, callback,
	    array;
	int ids[6];

	(void)state;
	structure = btf__add_struct(btf, "task", 0);
	pointer = btf__add_ptr(btf, btf__add_const(btf, structure));
	proto = btf__add_func_proto(btf, number);
	btf__add_func_param(btf, "task", pointer);
	btf__add_func_param(btf, "", btf__add_ptr(btf, 0));
	callback = btf__add_ptr(btf, proto);
	array = btf__add_array(btf, number, callback, 3);
	memcpy(ids, (int[]){ number, pointer, callback, array, btf__add_ptr(btf, array), 0 },
	       sizeof(ids));
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct type_shape *types = type_shape__of_btf(btf, ids[i]), *parsed;
		char text[256], why[256];

		assert_int_equal(prototype__format_type(btf, ids[i], text, sizeof(text)), 0);
		parsed = type_shape__parse(text, NULL);
		assert_int_equal(type_shape__compare(types, parsed, why, sizeof(why)), TYPES_SAME);
		assert_int_equal(types->kind, parsed->kind);
		assert_true(types->kind != TYPE_UNKNOWN);
		type_shape__free(types);
		type_shape__free(parsed);
	}
	btf__free(btf);
}

static void declared_and_not_defined_differs(void **state)
{
	struct btf *btf = btf__new_empty();
	struct type_shape *want, *have = type_shape__parse("struct task *", NULL);
	char why[256];

	(void)state;
	want = type_shape__of_btf(btf,
				  btf__add_ptr(btf, btf__add_fwd(btf, "task", BTF_FWD_STRUCT)));
	assert_int_equal(type_shape__compare(want, have, why, sizeof(why)), TYPES_DIFFER);
	assert_non_null(strstr(why, "declared, not defined"));
	type_shape__free(want);
	type_shape__free(have);
	btf__free(btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_numbers_do_not_matter),
		cmocka_unit_test(another_kind_differs),
		cmocka_unit_test(qualifiers_and_tags_do_not_matter),
		cmocka_unit_test(another_structure_is_doubtful),
		cmocka_unit_test(functions_are_compared_by_what_they_take),
		cmocka_unit_test(it_is_said_what_differs),
		cmocka_unit_test(nonsense_is_survived),
		cmocka_unit_test(text_and_btf_agree),
		cmocka_unit_test(declared_and_not_defined_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
