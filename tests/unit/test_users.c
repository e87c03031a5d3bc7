// SPDX-License-Identifier: GPL-2.0-only
/* Programs that call kfuncs: where an instruction belongs, and records that are cut short. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <linux/bpf.h>

#include "program_source.h"
#include "users.h"

static void an_instruction_belongs_to_what_begins_before_it(void **state)
{
	const struct bpf_func_info functions[] = { { .insn_off = 0 },
						   { .insn_off = 10 },
						   { .insn_off = 30 } };
	const __u32 *first = &functions[0].insn_off;

	(void)state;
	assert_int_equal(program_source__last_up_to(first, 3, sizeof(functions[0]), 0), 0);
	assert_int_equal(program_source__last_up_to(first, 3, sizeof(functions[0]), 9), 0);
	assert_int_equal(program_source__last_up_to(first, 3, sizeof(functions[0]), 10), 1);
	assert_int_equal(program_source__last_up_to(first, 3, sizeof(functions[0]), 29), 1);
	assert_int_equal(program_source__last_up_to(first, 3, sizeof(functions[0]), 1000), 2);
}

static void before_the_first_there_is_none(void **state)
{
	const __u32 offsets[] = { 5, 6 };

	(void)state;
	assert_int_equal(program_source__last_up_to(offsets, 2, sizeof(offsets[0]), 4), -1);
	assert_int_equal(program_source__last_up_to(offsets, 0, sizeof(offsets[0]), 4), -1);
}

static void no_source_has_nothing(void **state)
{
	__u32 line;

	(void)state;
	assert_null(program_source__name(NULL));
	assert_null(program_source__function(NULL, 0));
	assert_null(program_source__file(NULL, 0, &line));
	assert_null(program_source__btf(NULL));
	program_source__free(NULL);
}

static void a_record_cut_short_is_refused(void **state)
{
	struct {
		struct kft_user user;
		struct kft_user_call calls[2];
	} record = { .user.nr_calls = 3 };
	struct user user;

	(void)state;
	assert_int_equal(user__parse(NULL, (char *)&record, sizeof(record.user) - 1, &user),
			 -EBADMSG);
	user__free(&user);
	assert_int_equal(user__parse(NULL, (char *)&record, sizeof(record), &user), -EBADMSG);
	user__free(&user);
	record.user.nr_calls = 0xffffffff;
	assert_int_equal(user__parse(NULL, (char *)&record, sizeof(record), &user), -EBADMSG);
	user__free(&user);
}

static void a_name_ends(void **state)
{
	struct kft_user record = { .prog_id = 7 };
	struct user user;

	(void)state;
	memset(record.name, 'x', sizeof(record.name));
	assert_int_equal(user__parse(NULL, (char *)&record, sizeof(record), &user), sizeof(record));
	assert_int_equal(strlen(user.prog.name), sizeof(record.name) - 1);
	assert_int_equal(user.nr_kfuncs, 0);
	user__free(&user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_instruction_belongs_to_what_begins_before_it),
		cmocka_unit_test(before_the_first_there_is_none),
		cmocka_unit_test(no_source_has_nothing),
		cmocka_unit_test(a_record_cut_short_is_refused),
		cmocka_unit_test(a_name_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
