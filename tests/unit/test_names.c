// SPDX-License-Identifier: GPL-2.0-only
/* Flags, hooks, versions, patterns and quirks: what is called what. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "cpus.h"
#include "kernel_version.h"
#include "kfunc_flags.h"
#include "kfunc_quirks.h"
#include "pattern.h"
#include "registry.h"

static void versions_are_read_off_releases(void **state)
{
	(void)state;
	assert_int_equal(kernel_version__parse("6.1.0-56-cloud-amd64"), KVER(6, 1));
	assert_int_equal(kernel_version__parse("7.2.12+deb13-cloud-amd64"), KVER(7, 2));
	assert_int_equal(kernel_version__parse("7.0-rc1"), KVER(7, 0));
	assert_int_equal(kernel_version__parse("linux"), 0);
	assert_true(KVER(6, 12) > KVER(6, 4));
}

static void a_bit_means_what_it_meant_then(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(kfunc_flag__name(3, KVER(6, 1), buf, sizeof(buf)), "kptr_get");
	assert_string_equal(kfunc_flag__name(3, KVER(6, 12), buf, sizeof(buf)), "bit 3");
	assert_string_equal(kfunc_flag__name(4, KVER(6, 18), buf, sizeof(buf)), "trusted_args");
	assert_string_equal(kfunc_flag__name(4, KVER(7, 2), buf, sizeof(buf)), "bit 4");
	assert_string_equal(kfunc_flag__name(31, KVER(7, 2), buf, sizeof(buf)), "bit 31");
}

static void flags_are_joined_in_order_of_bits(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(kfunc_flags__format(KFUNC_RCU | KFUNC_ACQUIRE | KFUNC_RET_NULL,
						KVER(6, 12), ",", buf, sizeof(buf)),
			    "acquire,ret_null,rcu");
	assert_string_equal(kfunc_flags__format(0, KVER(6, 12), ",", buf, sizeof(buf)), "-");
}

static void flags_are_found_by_any_spelling(void **state)
{
	(void)state;
	assert_int_equal(kfunc_flag__bit("acquire", 7), 0);
	assert_int_equal(kfunc_flag__bit("KF_RCU", 6), 7);
	assert_int_equal(kfunc_flag__bit("Ret_Null", 8), 2);
	assert_int_equal(kfunc_flag__bit("acquir", 6), -1);
	assert_int_equal(kfunc_flag__bit("", 0), -1);
}

static void program_types_know_their_hook(void **state)
{
	(void)state;
	assert_string_equal(registry__hook_of_prog_type("xdp"), "xdp");
	assert_string_equal(registry__hook_of_prog_type("lsm"), "tracing");
	assert_string_equal(registry__hook_of_prog_type("sched_cls"), "tc");
	assert_null(registry__hook_of_prog_type("nonsense"));
}

static void patterns_are_globs_and_none_is_all(void **state)
{
	struct pattern_list list = { 0 };

	(void)state;
	assert_true(pattern_list__match(&list, "anything"));
	assert_int_equal(pattern_list__add(&list, "bpf_task_*"), 0);
	assert_int_equal(pattern_list__add(&list, "crash_kexec"), 0);
	assert_true(pattern_list__match(&list, "bpf_task_acquire"));
	assert_true(pattern_list__match(&list, "crash_kexec"));
	assert_false(pattern_list__match(&list, "bpf_cgroup_acquire"));
	pattern_list__free(&list);
}

static void quirks_depend_on_the_kernel_where_it_changed(void **state)
{
	(void)state;
	assert_non_null(kfunc_quirk__inlined("bpf_rdonly_cast", KVER(6, 12)));
	assert_null(kfunc_quirk__inlined("bpf_iter_num_new", KVER(7, 2)));
	assert_non_null(kfunc_quirk__inlined("bpf_iter_num_new", KVER(7, 3)));
	assert_string_equal(kfunc_quirk__twin("bpf_dynptr_from_skb"), "bpf_dynptr_from_skb_rdonly");
	assert_null(kfunc_quirk__twin("bpf_dynptr_from_xdp"));
	assert_non_null(kfunc_quirk__hot_in_kernel("cubictcp_acked"));
	assert_null(kfunc_quirk__hot_in_kernel("bpf_task_acquire"));
}

static void the_highest_cpu_counts_not_their_number(void **state)
{
	(void)state;
	assert_int_equal(cpus__parse_nr_ids("0\n"), 1);
	assert_int_equal(cpus__parse_nr_ids("0-3\n"), 4);
	assert_int_equal(cpus__parse_nr_ids("0-3,8-11\n"), 12);
	assert_int_equal(cpus__parse_nr_ids(""), -EINVAL);
	assert_int_equal(cpus__parse_nr_ids("0-x\n"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_read_off_releases),
		cmocka_unit_test(a_bit_means_what_it_meant_then),
		cmocka_unit_test(flags_are_joined_in_order_of_bits),
		cmocka_unit_test(flags_are_found_by_any_spelling),
		cmocka_unit_test(program_types_know_their_hook),
		cmocka_unit_test(patterns_are_globs_and_none_is_all),
		cmocka_unit_test(the_highest_cpu_counts_not_their_number),
		cmocka_unit_test(quirks_depend_on_the_kernel_where_it_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
