// SPDX-License-Identifier: GPL-2.0-only
/* What pairing takes from tables and from code; the rest is the running kernel's (vm/pairs.t). */
#include "unit.h"

#include <string.h>

#include "function_text.h"
#include "pairing.h"
#include "pairing_exceptions.h"

static void each_role_has_a_name_of_its_own(void **state)
{
	(void)state;
	assert_string_equal(reference_role__name(REFERENCE_ACQUIRE), "acquire");
	assert_string_equal(reference_role__name(REFERENCE_MOVE_IN), "move in");
	for (int i = 0; i <= REFERENCE_ITER_DESTROY; i++) {
		assert_string_not_equal(reference_role__name(i), "?");
		for (int j = 0; j < i; j++)
			assert_string_not_equal(reference_role__name(i), reference_role__name(j));
	}
}

static void an_exception_holds_for_the_impl_name_too(void **state)
{
	const struct pairing_exception *drop = pairing_exception__find("bpf_obj_drop");

	(void)state;
	assert_non_null(drop);
	assert_ptr_equal(pairing_exception__find("bpf_obj_drop_impl"), drop);
	assert_null(pairing_exception__find("bpf_task_acquire"));
	assert_null(pairing_exception__find("bpf_obj"));
	assert_null(pairing_exception__find("bpf_obj_drop_impl_impl"));
	assert_null(pairing_exception__find("_impl"));
	assert_null(pairing_exception__find(""));
	/* An exact name goes first: this one is no kfunc's. */
	assert_ptr_not_equal(pairing_exception__find("__bpf_obj_drop_impl"), drop);
}

static void containers_move_and_do_not_acquire(void **state)
{
	const struct pairing_exception *push = pairing_exception__find("bpf_list_push_back_impl");
	const struct pairing_exception *pop = pairing_exception__find("bpf_list_pop_back");

	(void)state;
	assert_non_null(push);
	assert_int_equal(push->role, REFERENCE_MOVE_IN);
	assert_true(push->has_arg);
	assert_int_equal(push->arg, 1);
	assert_non_null(pop);
	assert_int_equal(pop->role, REFERENCE_MOVE_OUT);
	assert_string_equal(pop->type, push->type);
}

static void masks_of_scx_have_no_count(void **state)
{
	const struct pairing_exception *get = pairing_exception__find("scx_bpf_get_idle_smtmask");

	(void)state;
	assert_non_null(get);
	assert_string_equal(get->type, pairing_exception__find("scx_bpf_put_idle_cpumask")->type);
	assert_string_not_equal(get->type, pairing_exception__find("scx_bpf_put_cpumask")->type);
	assert_true(type_trait__find(get->type)->has_no_count);
	assert_false(type_trait__find("task_struct")->has_no_count);
	assert_null(type_trait__find("no_such_struct"));
}

/* --- code ------------------------------------------------------------------------------------- */

#define AT    0xffffffff812edfa0ull /* of the function whose code it is */
#define NOP5  0x0f, 0x1f, 0x44, 0x00, 0x00
#define ENDBR 0xf3, 0x0f, 0x1e, 0xfa
#define FILL16                                                                                     \
	0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,  \
		0x90

#define GOES_TO(target, ...) function_text__goes_to((const __u8[32]){ __VA_ARGS__ }, 32, AT, target)

static void a_destructor_that_only_jumps_is_seen(void **state)
{
	(void)state;
#if defined(__x86_64__)
	/* bpf_cpumask_release_dtor of 6.12: a jump of two bytes, back by 0x7b from behind it. */
	assert_true(GOES_TO(AT - 0x70, ENDBR, NOP5, 0xeb, 0x85, 0x0f, 0x1f, 0x44, 0x00, 0x00));
	assert_false(GOES_TO(AT - 0x71, ENDBR, NOP5, 0xeb, 0x85, 0x0f, 0x1f, 0x44, 0x00, 0x00));
	/* Without a landing pad, and with a long jump or a call. */
	assert_true(GOES_TO(AT + 5 + 2 + 0x10, NOP5, 0xeb, 0x10));
	assert_true(GOES_TO(AT + 5 + 5 - 0x100, NOP5, 0xe9, 0x00, 0xff, 0xff, 0xff));
	assert_true(GOES_TO(AT + 5 + 5 + 0x100, NOP5, 0xe8, 0x00, 0x01, 0x00, 0x00, 0xc3));
	/* No site at all. */
	assert_true(GOES_TO(AT + 5 + 0x100, 0xe9, 0x00, 0x01, 0x00, 0x00));
#endif
}

static void a_jump_behind_the_landing_pad_is_seen(void **state)
{
	(void)state;
#if defined(__x86_64__)
	assert_true(GOES_TO(AT + 0x10e - 4, ENDBR, NOP5, 0xe9, 0x00, 0x01, 0x00, 0x00));
	/* But not one that a probe at the target would not see. */
	assert_false(GOES_TO(AT + 0x10e - 9, ENDBR, NOP5, 0xe9, 0x00, 0x01, 0x00, 0x00));
#endif
}

static void a_site_in_use_is_no_end(void **state)
{
	(void)state;
#if defined(__x86_64__)
	/* The site calls a tracer; what the function does comes behind it. */
	assert_true(GOES_TO(AT + 9 + 2 + 0x10, ENDBR, 0xe8, 1, 2, 3, 4, 0xeb, 0x10));
	/* Its four bytes are no jump of the short form. */
	assert_false(GOES_TO(AT + 2 + 0x10, 0xe8, 0xeb, 0x10, 3, 4, 0xc3));
#endif
}

static void something_may_come_before_the_jump(void **state)
{
	(void)state;
#if defined(__x86_64__)
	/* bpf_obj_drop_impl of 6.12: test, je, mov, xor, and the jump at byte 20. */
	assert_true(GOES_TO(AT + 25 - 0x339, 0x66, 0x0f, 0x1f, 0x00, NOP5, 0x48, 0x85, 0xf6, 0x74,
			    0x04, 0x48, 0x8b, 0x76, 0x08, 0x31, 0xd2, 0xe9, 0xc7, 0xfc, 0xff,
			    0xff));
	/* Not a short one: that one byte fits says nothing. */
	assert_false(GOES_TO(AT + 5 + 3 + 2 + 0x10, NOP5, 0x48, 0x85, 0xf6, 0xeb, 0x10));
#endif
}

static void the_next_function_s_code_is_not_looked_at(void **state)
{
	(void)state;
#if defined(__x86_64__)
	assert_false(GOES_TO(AT + 23 + 0x100, NOP5, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0x66, 0x90, 0x90,
			     0x90, 0x90, 0x90, 0x90, 0x90, 0xe9, 0x00, 0x01, 0x00, 0x00));
	assert_false(GOES_TO(AT + 26 + 0x100, NOP5, FILL16, 0xe9, 0x00, 0x01, 0x00, 0x00));
	/* Nor anything beyond the bytes that there are. */
	assert_false(function_text__goes_to((const __u8[]){ NOP5, 0xe9, 0x00, 0x01, 0x00, 0x00 }, 9,
					    AT, AT + 10 + 0x100));
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_role_has_a_name_of_its_own),
		cmocka_unit_test(an_exception_holds_for_the_impl_name_too),
		cmocka_unit_test(containers_move_and_do_not_acquire),
		cmocka_unit_test(masks_of_scx_have_no_count),
		cmocka_unit_test(a_destructor_that_only_jumps_is_seen),
		cmocka_unit_test(a_jump_behind_the_landing_pad_is_seen),
		cmocka_unit_test(a_site_in_use_is_no_end),
		cmocka_unit_test(something_may_come_before_the_jump),
		cmocka_unit_test(the_next_function_s_code_is_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
