// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <bpf/btf.h>

#include "btf_check.h"

/* An id that is not there. */
#define NOWHERE 77

static int check(struct btf *btf)
{
	char why[128];
	int err = btf_check(btf, 1, why, sizeof(why));

	btf__free(btf);
	return err;
}

/* With an int, which has the id 1. */
static struct btf *with_int(void)
{
	struct btf *btf = btf__new_empty();

	assert_int_equal(btf__add_int(btf, "int", 4, 0), 1);
	return btf;
}

static void types_as_compilers_make_them_are_whole(void **state)
{
	struct btf *btf = with_int();
	int task = btf__type_cnt(btf), proto;

	(void)state;
	/* A structure may lead to itself. */
	btf__add_struct(btf, "task", 8);
	btf__add_field(btf, "parent", task + 1, 0, 0);
	btf__add_ptr(btf, task);
	btf__add_typedef(btf, "task_t", task);
	btf__add_array(btf, 1, task + 1, 3);
	btf__add_enum(btf, "state", 4);
	btf__add_enum_value(btf, "DEAD", 1);
	proto = btf__add_func_proto(btf, 0);
	btf__add_func_param(btf, "task", task + 1);
	btf__add_func(btf, "release", BTF_FUNC_GLOBAL, proto);
	btf__add_decl_tag(btf, "bpf_kfunc", proto + 1, -1);
	assert_int_equal(check(btf), 0);
}

static void what_is_referred_to_must_be_there(void **state)
{
	struct btf *btf;

	(void)state;
	btf = with_int();
	btf__add_ptr(btf, NOWHERE);
	assert_int_equal(check(btf), -EBADMSG);

	btf = with_int();
	btf__add_array(btf, 1, NOWHERE, 3);
	assert_int_equal(check(btf), -EBADMSG);

	btf = with_int();
	btf__add_struct(btf, "task", 8);
	btf__add_field(btf, "parent", NOWHERE, 0, 0);
	assert_int_equal(check(btf), -EBADMSG);

	btf = with_int();
	btf__add_func_proto(btf, NOWHERE);
	assert_int_equal(check(btf), -EBADMSG);

	btf = with_int();
	btf__add_func_proto(btf, 0);
	btf__add_func_param(btf, "task", NOWHERE);
	assert_int_equal(check(btf), -EBADMSG);

	btf = with_int();
	btf__add_datasec(btf, ".data", 4);
	btf__add_datasec_var_info(btf, NOWHERE, 0, 4);
	assert_int_equal(check(btf), -EBADMSG);
}

static void names_must_be_there(void **state)
{
	struct btf *btf = with_int();

	(void)state;
	((struct btf_type *)btf__type_by_id(btf, 1))->name_off = 1 << 20;
	assert_int_equal(check(btf), -EBADMSG);
}

static void a_function_is_of_a_prototype(void **state)
{
	struct btf *btf = with_int();

	(void)state;
	btf__add_func(btf, "release", BTF_FUNC_GLOBAL, 1);
	assert_int_equal(check(btf), -EBADMSG);
	btf = with_int();
	btf__add_func(btf, "release", BTF_FUNC_GLOBAL, 0);
	assert_int_equal(check(btf), -EBADMSG);
}

static void no_type_leads_to_itself(void **state)
{
	struct btf *btf = with_int();

	(void)state;
	btf__add_const(btf, 2);
	assert_int_equal(check(btf), -EBADMSG);
	btf = with_int();
	btf__add_ptr(btf, 3);
	btf__add_typedef(btf, "self", 2);
	assert_int_equal(check(btf), -EBADMSG);
	btf = with_int();
	btf__add_array(btf, 1, 2, 3);
	assert_int_equal(check(btf), -EBADMSG);
}

static void bytes_that_are_no_types_are_refused(void **state)
{
	static const char *const wrong[] = { "", "x", "\x9f\xeb\x01", "\x9f\xeb\x01\0\x18\0\0\0" };
	struct btf *base = with_int(), *btf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		size_t size = i == 3 ? 8 : strlen(wrong[i]);

		assert_int_equal(btf_check__parse("test", wrong[i], size, NULL, &btf), -EBADMSG);
		assert_int_equal(btf_check__parse("test", wrong[i], size, base, &btf), -EBADMSG);
	}
	btf__free(base);
}

static void types_of_a_module_are_on_top_of_its_kernel_s(void **state)
{
	struct btf *base = with_int(), *module = btf__new_empty_split(base), *btf;
	const void *bytes;
	__u32 size;

	(void)state;
	btf__add_ptr(module, 1);
	bytes = btf__raw_data(module, &size);
	assert_int_equal(btf_check__parse("test", bytes, size, base, &btf), 0);
	assert_int_equal(btf__type_cnt(btf), 3);
	assert_true(btf_is_ptr(btf__type_by_id(btf, 2)));
	btf__free(btf);
	btf__free(module);
	btf__free(base);
}

static void names_must_be_text(void **state)
{
	struct btf *btf;

	(void)state;
	btf = with_int();
	btf__add_struct(btf, "caf\xc3\xa9", 8);
	assert_int_equal(check(btf), 0);
	btf = with_int();
	btf__add_struct(btf, "red\x1b[31m", 8);
	assert_int_equal(check(btf), -EBADMSG);
	btf = with_int();
	btf__add_struct(btf, "task", 8);
	btf__add_field(btf, "\xff", 1, 0, 0);
	assert_int_equal(check(btf), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_as_compilers_make_them_are_whole),
		cmocka_unit_test(what_is_referred_to_must_be_there),
		cmocka_unit_test(names_must_be_there),
		cmocka_unit_test(a_function_is_of_a_prototype),
		cmocka_unit_test(no_type_leads_to_itself),
		cmocka_unit_test(bytes_that_are_no_types_are_refused),
		cmocka_unit_test(types_of_a_module_are_on_top_of_its_kernel_s),
		cmocka_unit_test(names_must_be_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
