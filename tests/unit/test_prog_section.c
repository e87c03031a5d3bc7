// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "prog_section.h"

static const struct prog_section *parse(const char *name)
{
	static struct prog_section section;

	prog_section__parse(name, &section);
	return &section;
}

static void sections_have_the_types_that_libbpf_gives_them(void **state)
{
	/* Of those that the installed libbpf knows. */
	static const char *const names[] = {
		"socket",
		"kprobe/do_exit",
		"uprobe.s/x:y",
		"kretprobe/x",
		"kprobe.multi/x*",
		"ksyscall/open",
		"usdt/x:y:z",
		"tc",
		"classifier",
		"action",
		"tracepoint/a/b",
		"tp/a/b",
		"raw_tracepoint/x",
		"raw_tp/x",
		"raw_tp.w/x",
		"tp_btf/x",
		"fentry/x",
		"fentry.s/x",
		"fexit/x",
		"fmod_ret.s/x",
		"freplace/x",
		"lsm/x",
		"lsm.s/x",
		"lsm_cgroup/x",
		"iter/task",
		"iter.s/task",
		"syscall",
		"xdp",
		"xdp/cpumap",
		"xdp.frags",
		"xdp.frags/devmap",
		"perf_event",
		"lwt_in",
		"lwt_out",
		"lwt_xmit",
		"lwt_seg6local",
		"cgroup_skb/egress",
		"cgroup/skb",
		"cgroup/sock_create",
		"cgroup/sock_release",
		"cgroup/sock",
		"cgroup/post_bind4",
		"cgroup/dev",
		"sockops",
		"sk_skb",
		"sk_skb/stream_parser",
		"sk_msg",
		"lirc_mode2",
		"flow_dissector",
		"cgroup/bind4",
		"cgroup/connect6",
		"cgroup/sendmsg4",
		"cgroup/recvmsg6",
		"cgroup/getpeername4",
		"cgroup/sysctl",
		"cgroup/getsockopt",
		"cgroup/setsockopt",
		"struct_ops/x",
		"sk_lookup",
		"sk_reuseport/migrate",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum bpf_attach_type attach_type;
		enum bpf_prog_type type;

		assert_int_equal(libbpf_prog_type_by_name(names[i], &type, &attach_type), 0);
		assert_non_null(parse(names[i])->type);
		assert_string_equal(parse(names[i])->type, libbpf_bpf_prog_type_str(type));
	}
}

static void newer_sections_are_known_too(void **state)
{
	(void)state;
	assert_string_equal(parse("netkit/peer")->type, "sched_cls");
	assert_string_equal(parse("tcx/ingress")->type, "sched_cls");
	assert_string_equal(parse("netfilter")->type, "netfilter");
	assert_string_equal(parse("fsession.multi.s/x")->type, "tracing");
	assert_string_equal(parse("uprobe.session.s/x")->type, "kprobe");
	assert_string_equal(parse("uprobe.session.s/x")->kind, "uprobe.session");
	assert_string_equal(parse("cgroup/connect_unix")->type, "cgroup_sock_addr");
	assert_null(parse("my_own_section")->type);
	assert_null(parse("xdpx")->type);
}

static void what_may_sleep_says_so(void **state)
{
	(void)state;
	assert_true(parse("fentry.s/x")->sleepable);
	assert_true(parse("?lsm.s/x")->sleepable);
	assert_true(parse("struct_ops.s")->sleepable);
	assert_true(parse("syscall")->sleepable);
	assert_false(parse("fentry/x.s")->sleepable);
	assert_false(parse("xdp")->sleepable);
}

static void a_question_mark_is_for_later(void **state)
{
	(void)state;
	assert_false(parse("?xdp")->autoload);
	assert_string_equal(parse("?xdp")->type, "xdp");
	assert_true(parse("xdp")->autoload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_have_the_types_that_libbpf_gives_them),
		cmocka_unit_test(newer_sections_are_known_too),
		cmocka_unit_test(what_may_sleep_says_so),
		cmocka_unit_test(a_question_mark_is_for_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
