// SPDX-License-Identifier: GPL-2.0-only
/* Where programs are looked for: lines of mountinfo, units out of cgroups. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "mounts.h"
#include "systemd_unit.h"

static void a_mount_is_read_off_its_line(void **state)
{
	char plain[] = "30 24 0:27 / /sys/fs/bpf rw,nosuid shared:9 - bpf bpf rw,mode=700\n";
	char bare[] = "31 24 0:28 /a /mnt\\040of\\134mine rw - cgroup2 cgroup2 rw";
	char *path, *type;

	(void)state;
	assert_int_equal(mounts__parse(plain, &path, &type), 0);
	assert_string_equal(path, "/sys/fs/bpf");
	assert_string_equal(type, "bpf");
	assert_int_equal(mounts__parse(bare, &path, &type), 0);
	assert_string_equal(path, "/mnt of\\mine");
	assert_string_equal(type, "cgroup2");
}

static void what_is_no_line_of_mountinfo_is_refused(void **state)
{
	char nothing[] = "", no_type[] = "30 24 0:27 / /sys/fs/bpf rw - ";
	char no_rest[] = "30 24 0:27 / /sys/fs/bpf rw", few[] = "30 24 - bpf bpf rw";
	char *path, *type;

	(void)state;
	assert_int_equal(mounts__parse(nothing, &path, &type), -EINVAL);
	assert_int_equal(mounts__parse(no_type, &path, &type), -EINVAL);
	assert_int_equal(mounts__parse(no_rest, &path, &type), -EINVAL);
	assert_int_equal(mounts__parse(few, &path, &type), -EINVAL);
}

static void a_broken_escape_is_left_alone(void **state)
{
	char line[] = "30 24 0:27 / /a\\04\\9 rw - bpf bpf rw";
	char *path, *type;

	(void)state;
	assert_int_equal(mounts__parse(line, &path, &type), 0);
	assert_string_equal(path, "/a\\04\\9");
}

static void the_last_unit_of_a_path_counts(void **state)
{
	char unit[64];

	(void)state;
	assert_true(systemd_unit__of_path("/system.slice/cron.service", unit, sizeof(unit)));
	assert_string_equal(unit, "cron.service");
	assert_true(systemd_unit__of_path(
		"/user.slice/user-0.slice/user@0.service/app.slice/a.service/inner", unit,
		sizeof(unit)));
	assert_string_equal(unit, "a.service");
	assert_true(systemd_unit__of_path("/user.slice/session-2.scope", unit, sizeof(unit)));
	assert_string_equal(unit, "session-2.scope");
}

static void a_path_without_a_unit_has_none(void **state)
{
	char unit[64];

	(void)state;
	assert_false(systemd_unit__of_path("/", unit, sizeof(unit)));
	assert_false(systemd_unit__of_path("", unit, sizeof(unit)));
	assert_false(systemd_unit__of_path("/system.slice", unit, sizeof(unit)));
	assert_false(systemd_unit__of_path("/.service/services", unit, sizeof(unit)));
}

static void a_unit_does_not_steer_the_terminal(void **state)
{
	char unit[64], small[8];

	(void)state;
	assert_true(systemd_unit__of_path("/a\033[2J.service", unit, sizeof(unit)));
	assert_string_equal(unit, "a?[2J.service");
	assert_true(systemd_unit__of_path("/long-name.service", small, sizeof(small)));
	assert_string_equal(small, "long-na");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mount_is_read_off_its_line),
		cmocka_unit_test(what_is_no_line_of_mountinfo_is_refused),
		cmocka_unit_test(a_broken_escape_is_left_alone),
		cmocka_unit_test(the_last_unit_of_a_path_counts),
		cmocka_unit_test(a_path_without_a_unit_has_none),
		cmocka_unit_test(a_unit_does_not_steer_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
