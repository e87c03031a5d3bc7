// SPDX-License-Identifier: GPL-2.0-only
/* From an address to a program: right, or nobody. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "prog_table.h"
#include "site_table.h"

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

static void take_prog(struct prog_table *progs, __u32 id, bool dropped)
{
	const struct kft_prog prog = { .id = id, .nr_images = 1, .nr_freed = dropped };

	assert_int_equal(prog_table__take_progs(progs, &prog, 1), 0);
	for (size_t i = 0; i < progs->nr_progs; i++) {
		if (progs->progs[i].prog.id == id)
			progs->progs[i].dropped = dropped;
	}
}

static void only_the_gone_that_nobody_names_are_forgotten(void **state)
{
	struct prog_table progs = { 0 };
	const __u32 named[] = { 2, 6 };

	(void)state;
	for (__u32 id = 1; id <= 7; id++)
		take_prog(&progs, id, id != 3);
	prog_table__forget(&progs, named, ARRAY_SIZE(named));
	for (__u32 id = 1; id <= 7; id++)
		assert_int_equal(prog_table__find(&progs, id) != NULL,
				 id == 2 || id == 3 || id == 6);
	/* One that is there still is known as before. */
	take_prog(&progs, 3, true);
	prog_table__forget(&progs, NULL, 0);
	assert_int_equal(progs.nr_progs, 0);
	take_prog(&progs, 9, false);
	assert_non_null(prog_table__find(&progs, 9));
	prog_table__free(&progs);
}

static void room_for_the_forgotten_is_given_back(void **state)
{
	struct prog_table progs = { 0 };

	(void)state;
	for (__u32 id = 1; id <= 4000; id++)
		take_prog(&progs, id, id > 2);
	prog_table__forget(&progs, NULL, 0);
	assert_int_equal(progs.nr_progs, 2);
	assert_int_equal(progs.room_progs, 2);
	prog_table__free(&progs);
}

static void call_sites_go_with_their_program(void **state)
{
	struct prog_table progs = { 0 };
	struct named_site named[] = {
		{ .key = { .prog_id = 1, .offset = 8 } },
		{ .key = { .prog_id = 2, .offset = 8 } },
		{ .key = { .prog_id = 2, .offset = 16 } },
		{ .key = { .prog_id = 3, .offset = 8 } },
	};
	struct site_table sites = { .nr = 4, .room = 4 };

	(void)state;
	sites.sites = malloc(sizeof(named));
	assert_non_null(sites.sites);
	memcpy(sites.sites, named, sizeof(named));
	take_prog(&progs, 2, false);
	site_table__forget(&sites, &progs);
	assert_int_equal(sites.nr, 2);
	assert_non_null(site_table__find(&sites, 2, 0, 8));
	assert_non_null(site_table__find(&sites, 2, 0, 16));
	assert_null(site_table__find(&sites, 1, 0, 8));
	assert_null(site_table__find(&sites, 3, 0, 8));
	site_table__free(&sites);
	prog_table__free(&progs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_return_address_is_one_past_its_call),
		cmocka_unit_test(gaps_are_nobody_s),
		cmocka_unit_test(where_two_claim_it_nobody_has_it),
		cmocka_unit_test(an_empty_table_knows_nobody),
		cmocka_unit_test(a_program_is_gone_with_its_last_image),
		cmocka_unit_test(only_the_gone_that_nobody_names_are_forgotten),
		cmocka_unit_test(room_for_the_forgotten_is_given_back),
		cmocka_unit_test(call_sites_go_with_their_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
