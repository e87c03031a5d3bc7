// SPDX-License-Identifier: GPL-2.0-only
/* Prototypes out of BTF, against C as a person writes it. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <bpf/btf.h>

#include "prototype.h"

/* A small BTF of its own for each test: types by name, as the kernel's would have them. */
struct types {
	struct btf *btf;
	int int_id, u64_id, char_id, task_id, wide_id;
};

static int setup(void **state)
{
	static struct types types;

	types.btf = btf__new_empty();
	assert_non_null(types.btf);
	types.int_id = btf__add_int(types.btf, "int", 4, BTF_INT_SIGNED);
	types.char_id = btf__add_int(types.btf, "char", 1, 0);
	types.u64_id =
		btf__add_typedef(types.btf, "u64", btf__add_int(types.btf, "long long", 8, 0));
	types.task_id = btf__add_struct(types.btf, "task_struct", 64);
	types.wide_id = btf__add_struct(types.btf, "wide", 16);
	*state = &types;
	return 0;
}

static int teardown(void **state)
{
	btf__free(((struct types *)*state)->btf);
	return 0;
}

/* Parameters are added right after, before any other type. */
static int add_func(struct btf *btf, int return_type)
{
	int proto = btf__add_func_proto(btf, return_type);

	assert_true(proto > 0);
	return proto;
}

static void assert_prototype(struct btf *btf, const char *name, int proto, const char *expected)
{
	int func = btf__add_func(btf, name, BTF_FUNC_STATIC, proto);
	char buf[PROTOTYPE_LEN];

	assert_true(func > 0);
	assert_int_equal(prototype__format(btf, func, NULL, buf, sizeof(buf)), 0);
	assert_string_equal(buf, expected);
}

static void pointer_to_struct_and_back(void **state)
{
	struct types *t = *state;
	int ptr = btf__add_ptr(t->btf, t->task_id);
	int proto = add_func(t->btf, ptr);

	btf__add_func_param(t->btf, "p", ptr);
	assert_prototype(t->btf, "bpf_task_acquire", proto,
			 "struct task_struct *bpf_task_acquire(struct task_struct *p)");
}

static void no_parameters_is_void(void **state)
{
	struct types *t = *state;

	assert_prototype(t->btf, "bpf_rcu_read_lock", add_func(t->btf, 0),
			 "void bpf_rcu_read_lock(void)");
}

static void const_stands_where_it_belongs(void **state)
{
	struct types *t = *state;
	int const_char = btf__add_const(t->btf, t->char_id);
	int to_const = btf__add_ptr(t->btf, const_char);
	int const_ptr = btf__add_const(t->btf, btf__add_ptr(t->btf, t->char_id));
	int proto = add_func(t->btf, t->int_id);

	btf__add_func_param(t->btf, "s", to_const);
	btf__add_func_param(t->btf, "q", const_ptr);
	assert_prototype(t->btf, "f", proto, "int f(const char *s, char *const q)");
}

static void arrays_and_callbacks(void **state)
{
	struct types *t = *state;
	int array = btf__add_array(t->btf, t->int_id, t->u64_id, 4);
	int to_array = btf__add_ptr(t->btf, array);
	int callback = btf__add_func_proto(t->btf, t->int_id);
	int to_callback, proto;

	btf__add_func_param(t->btf, "n", t->u64_id);
	to_callback = btf__add_ptr(t->btf, callback);
	proto = add_func(t->btf, 0);
	btf__add_func_param(t->btf, "a", to_array);
	btf__add_func_param(t->btf, "cb", to_callback);
	btf__add_func_param(t->btf, "", 0);
	assert_prototype(t->btf, "f", proto, "void f(u64 (*a)[4], int (*cb)(u64 n), ...)");
}

static void type_tags_read_as_the_kernel_writes_them(void **state)
{
	struct types *t = *state;
	int to_user = btf__add_ptr(t->btf, btf__add_type_tag(t->btf, "user", t->char_id));
	int proto = add_func(t->btf, 0);

	btf__add_func_param(t->btf, "p", to_user);
	assert_prototype(t->btf, "f", proto, "void f(char __user *p)");
}

static void a_structure_by_value_takes_two_words(void **state)
{
	struct types *t = *state;
	int proto = add_func(t->btf, 0), func;

	btf__add_func_param(t->btf, "w", t->wide_id);
	btf__add_func_param(t->btf, "n", t->int_id);
	func = btf__add_func(t->btf, "f", BTF_FUNC_STATIC, proto);
	assert_int_equal(prototype__nr_arg_words(t->btf, func), 3);
}

static void a_parameter_begins_behind_the_words_before_it(void **state)
{
	struct types *t = *state;
	int proto = add_func(t->btf, 0), func;

	btf__add_func_param(t->btf, "n", t->int_id);
	btf__add_func_param(t->btf, "w", t->wide_id);
	btf__add_func_param(t->btf, "m", t->int_id);
	func = btf__add_func(t->btf, "f", BTF_FUNC_STATIC, proto);
	assert_int_equal(prototype__arg_word(t->btf, func, 0), 0);
	assert_int_equal(prototype__arg_word(t->btf, func, 1), 1);
	assert_int_equal(prototype__arg_word(t->btf, func, 2), 3);
	assert_int_equal(prototype__arg_word(t->btf, func, 3), -EINVAL);
	assert_int_equal(prototype__arg_word(t->btf, t->task_id, 0), -EINVAL);
}

static void a_pointee_is_named_without_what_surrounds_it(void **state)
{
	struct types *t = *state;
	int qualified = btf__add_const(t->btf, btf__add_type_tag(t->btf, "rcu", t->task_id));
	int alias = btf__add_typedef(t->btf, "task_t", qualified);
	int const_ptr = btf__add_const(t->btf, btf__add_ptr(t->btf, alias));

	assert_string_equal(prototype__pointee(t->btf, const_ptr), "task_struct");
	assert_null(prototype__pointee(t->btf, t->task_id));
	assert_null(prototype__pointee(t->btf, btf__add_ptr(t->btf, 0)));
	assert_null(prototype__pointee(t->btf, 0));
}

static void pointer_returns_are_told_from_numbers(void **state)
{
	struct types *t = *state;
	int ptr = btf__add_ptr(t->btf, t->task_id);
	int alias = btf__add_typedef(t->btf, "task_t", ptr);
	int a = btf__add_func(t->btf, "a", BTF_FUNC_STATIC, btf__add_func_proto(t->btf, ptr));
	int b = btf__add_func(t->btf, "b", BTF_FUNC_STATIC, btf__add_func_proto(t->btf, alias));
	int c = btf__add_func(t->btf, "c", BTF_FUNC_STATIC, btf__add_func_proto(t->btf, t->u64_id));

	assert_true(prototype__returns_pointer(t->btf, a));
	assert_true(prototype__returns_pointer(t->btf, b));
	assert_false(prototype__returns_pointer(t->btf, c));
}

static void too_small_a_buffer_is_an_error(void **state)
{
	struct types *t = *state;
	int proto = add_func(t->btf, t->int_id), func;
	char buf[8];

	func = btf__add_func(t->btf, "a_long_name", BTF_FUNC_STATIC, proto);
	assert_int_equal(prototype__format(t->btf, func, NULL, buf, sizeof(buf)), -E2BIG);
	assert_int_equal(prototype__format(t->btf, t->task_id, NULL, buf, sizeof(buf)), -EINVAL);
}

static void suffixes_are_explained(void **state)
{
	struct types *t = *state;
	int init = btf__add_struct(t->btf, "nf_conn___init", 8);
	int to_init = btf__add_ptr(t->btf, init);

	assert_non_null(strstr(prototype__explain_param(t->btf, t->int_id, "len__sz"), "size"));
	assert_non_null(strstr(prototype__explain_param(t->btf, t->int_id, "len__szk"), "known"));
	assert_non_null(prototype__explain_param(t->btf, t->int_id, "meta__ign"));
	assert_non_null(prototype__explain_param(t->btf, to_init, "nfct"));
	assert_null(prototype__explain_param(t->btf, t->int_id, "len"));
	/* A suffix alone is no annotation of anything. */
	assert_null(prototype__explain_param(t->btf, t->int_id, "__sz"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(pointer_to_struct_and_back),
		CASE(no_parameters_is_void),
		CASE(const_stands_where_it_belongs),
		CASE(arrays_and_callbacks),
		CASE(type_tags_read_as_the_kernel_writes_them),
		CASE(a_structure_by_value_takes_two_words),
		CASE(a_parameter_begins_behind_the_words_before_it),
		CASE(a_pointee_is_named_without_what_surrounds_it),
		CASE(pointer_returns_are_told_from_numbers),
		CASE(too_small_a_buffer_is_an_error),
		CASE(suffixes_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
