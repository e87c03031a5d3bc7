// SPDX-License-Identifier: GPL-2.0-only
/* From an address to a program: right, or nobody. */
#include "unit.h"

#include "prog_table.h"

static struct prog_image images[] = {
	{ .start = 0x1000, .image = { .prog_id = 1, .len = 0x100 } },
	{ .start = 0x1100, .image = { .prog_id = 2, .len = 0x80 } },
	{ .start = 0x2000, .image = { .prog_id = 3, .len = 0x100 } },
	/* The end of program 4 was missed, and 5 has got a part of its memory. */
	{ .start = 0x3000, .image = { .prog_id = 4, .len = 0x400 } },
	{ .start = 0x3200, .image = { .prog_id = 5, .len = 0x100 } },
};

static const struct prog_table table = { .images = images, .nr_images = ARRAY_SIZE(images) };

static __u32 owner(__u64 return_address)
{
	const struct prog_image *image = prog_table__resolve(&table, return_address);

	return image ? image->image.prog_id : 0;
}

static void a_return_address_is_one_past_its_call(void **state)
{
	(void)state;
	/* The first byte of an image is no return address of it... */
	assert_int_equal(owner(0x1000), 0);
	assert_int_equal(owner(0x1001), 1);
	/* ...but the byte behind it is, also when the next image begins there. */
	assert_int_equal(owner(0x1100), 1);
	assert_int_equal(owner(0x1101), 2);
	assert_int_equal(owner(0x1180), 2);
}

static void gaps_are_nobody_s(void **state)
{
	(void)state;
	assert_int_equal(owner(0), 0);
	assert_int_equal(owner(0xfff), 0);
	assert_int_equal(owner(0x1181), 0);
	assert_int_equal(owner(0x2101), 0);
	assert_int_equal(owner(~0ull), 0);
}

static void where_two_claim_it_nobody_has_it(void **state)
{
	(void)state;
	assert_int_equal(owner(0x3001), 4);
	assert_int_equal(owner(0x3201), 0);
	assert_int_equal(owner(0x3300), 0);
}

static void an_empty_table_knows_nobody(void **state)
{
	const struct prog_table empty = { 0 };

	(void)state;
	assert_null(prog_table__resolve(&empty, 0x1234));
	assert_null(prog_table__find(&empty, 1));
}

static void a_program_is_gone_with_its_last_image(void **state)
{
	struct kft_prog prog = { .nr_images = 3 };

	(void)state;
	assert_false(kft_prog__is_gone(&prog));
	assert_false(kft_prog__is_unloaded(&prog));
	prog.unloaded = 1;
	assert_true(kft_prog__is_unloaded(&prog));
	assert_false(kft_prog__is_gone(&prog));
	prog.nr_freed = 3;
	assert_true(kft_prog__is_gone(&prog));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_return_address_is_one_past_its_call),
		cmocka_unit_test(gaps_are_nobody_s),
		cmocka_unit_test(where_two_claim_it_nobody_has_it),
		cmocka_unit_test(an_empty_table_knows_nobody),
		cmocka_unit_test(a_program_is_gone_with_its_last_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
