// SPDX-License-Identifier: GPL-2.0-only
/* Notices: what arrives where, how often, and what becomes of them when nobody takes them. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "clock.h"
#include "notice_formats.h"
#include "notice_limits.h"
#include "notices.h"

#define MINUTE (60 * NS_PER_S)

static char folder[64], path[96], to[128];

static const struct notice whole = {
	.kind = NOTICE_DEPRECATED_CALL,
	.kfunc = "bpf_old",
	.module = "vmlinux",
	.caller = "demo",
	.program_type = "sched_cls",
	.program_id = 42,
	.object_type = "task_struct",
	.object = "pid 812 (sleep)",
	.replacement = "bpf_new",
	.number = 7,
	.message = "demo (sched_cls) calls bpf_old, which is deprecated; use bpf_new",
};

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_notices.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/out", folder);
	snprintf(to, sizeof(to), "file:%s", path);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct notices *open_notices(const char *where, unsigned int burst, __u64 interval_ns)
{
	struct notices_options opts = { .to = where, .burst = burst, .interval_ns = interval_ns };
	struct notices *notices;

	assert_int_equal(notices__open(&opts, &notices), 0);
	return notices;
}

static void tell(struct notices *notices, enum notice_kind kind, const char *kfunc,
		 const char *caller, __u64 now_ns)
{
	struct notice notice = { .kind = kind, .kfunc = kfunc, .caller = caller, .message = "m" };

	notices__tell(notices, &notice, now_ns);
}

/* The lines of the file as an array. */
static json_t *read_lines(const char *file)
{
	json_t *lines = json_array();
	char line[NOTICE_MAX_BYTES + 1];
	FILE *in = fopen(file, "r");

	assert_non_null(in);
	while (fgets(line, sizeof(line), in))
		json_array_append_new(lines, json_loads(line, 0, NULL) ?: json_string(line));
	fclose(in);
	return lines;
}

static json_int_t field_of(json_t *lines, size_t idx, const char *name)
{
	return json_integer_value(json_object_get(json_array_get(lines, idx), name));
}

/* --- formats ---------------------------------------------------------------------------------- */

static void a_json_line_has_all(void **state)
{
	struct notice_record record = { .notice = &whole, .time = { 1700000000, 123456789 } };
	struct notice bare = { .kind = NOTICE_LOSSES, .caller = "", .message = "m" };
	char buf[NOTICE_MAX_BYTES + 1];
	size_t len = notice_format__json_line(&record, buf);

	(void)state;
	buf[len] = '\0';
	assert_string_equal(
		buf,
		"{\"time\":\"2023-11-14T22:13:20.123456Z\",\"kind\":\"deprecated-call\","
		"\"message\":\"demo (sched_cls) calls bpf_old, which is deprecated; use bpf_new\","
		"\"kfunc\":\"bpf_old\",\"module\":\"vmlinux\",\"caller\":\"demo\","
		"\"program_type\":\"sched_cls\",\"program_id\":42,\"object_type\":\"task_struct\","
		"\"object\":\"pid 812 (sleep)\",\"replacement\":\"bpf_new\",\"number\":7,"
		"\"suppressed\":0}\n");
	record = (struct notice_record){ .notice = &bare, .suppressed = 9 };
	len = notice_format__json_line(&record, buf);
	buf[len] = '\0';
	assert_string_equal(
		buf, "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"kind\":\"losses\","
		     "\"message\":\"m\",\"kfunc\":null,\"module\":null,\"caller\":null,"
		     "\"program_type\":null,\"program_id\":null,\"object_type\":null,"
		     "\"object\":null,\"replacement\":null,\"number\":null,\"suppressed\":9}\n");
}

static void the_journal_gets_fields(void **state)
{
	struct notice_record record = { .notice = &whole };
	char buf[NOTICE_MAX_BYTES + 1];
	size_t len = notice_format__journal(&record, buf);

	(void)state;
	buf[len] = '\0';
	assert_string_equal(
		buf, "MESSAGE_ID=b8b550aa7238498e85f990b595df328a\nPRIORITY=5\n"
		     "SYSLOG_IDENTIFIER=kfunctrace\nKFUNCTRACE_KIND=deprecated-call\n"
		     "KFUNCTRACE_KFUNC=bpf_old\nKFUNCTRACE_MODULE=vmlinux\nKFUNCTRACE_CALLER=demo\n"
		     "KFUNCTRACE_PROGRAM_TYPE=sched_cls\nKFUNCTRACE_PROGRAM_ID=42\n"
		     "KFUNCTRACE_OBJECT_TYPE=task_struct\nKFUNCTRACE_OBJECT=pid 812 (sleep)\n"
		     "KFUNCTRACE_REPLACEMENT=bpf_new\nKFUNCTRACE_NUMBER=7\n"
		     "MESSAGE=demo (sched_cls) calls bpf_old, which is deprecated; use bpf_new\n");
}

static void syslog_gets_its_line(void **state)
{
	struct notice_record record = { .notice = &whole, .time = { 1700000000, 0 } };
	char buf[NOTICE_MAX_BYTES + 1], want[256];
	size_t len;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	len = notice_format__syslog(&record, buf);
	buf[len] = '\0';
	snprintf(want, sizeof(want), "<29>Nov 14 22:13:20 kfunctrace[%d]: deprecated-call: %s",
		 getpid(), whole.message);
	assert_string_equal(buf, want);
}

/* Names that programs and processes give themselves. */
static void names_cannot_make_fields_of_their_own(void **state)
{
	static const notice_format_fn formats[] = { notice_format__json_line,
						    notice_format__journal, notice_format__syslog,
						    notice_format__text };
	static const size_t newlines[] = { 1, 7, 0, 1 };
	char huge[2 * NOTICE_MAX_BYTES], buf[NOTICE_MAX_BYTES];
	struct notice notice = { .kind = NOTICE_TROUBLE,
				 .caller = "a\nPRIORITY=0\x1b[2J\xff\"}",
				 .object = "",
				 .number = 1,
				 .message = "b\nMESSAGE_ID=0\n" };
	struct notice_record record = { .notice = &notice };

	(void)state;
	memset(huge, 'h', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		size_t len, nr = 0;

		notice.message = "b\nMESSAGE_ID=0\n";
		len = formats[i](&record, buf);
		assert_true(len > 0);
		for (size_t at = 0; at < len; at++) {
			assert_true(buf[at] == '\n' || (unsigned char)buf[at] >= 0x20);
			nr += buf[at] == '\n';
		}
		assert_int_equal(nr, newlines[i]);
		/* Cut, or left out, never too long. */
		notice.message = huge;
		len = formats[i](&record, buf);
		assert_true(i ? len > NOTICE_MAX_BYTES - 3 && len <= NOTICE_MAX_BYTES : len == 0);
		notice.message = "m";
		notice.kfunc = huge;
		len = formats[i](&record, buf);
		assert_true(len <= NOTICE_MAX_BYTES);
		notice.kfunc = NULL;
	}
}

/* --- how often -------------------------------------------------------------------------------- */

static void each_key_has_its_limit(void **state)
{
	struct notices *notices = open_notices(to, 3, 10 * MINUTE);
	__u64 now = 1000 * MINUTE;
	json_t *lines, *last;

	(void)state;
	for (int i = 0; i < 10; i++) {
		tell(notices, NOTICE_REFCOUNT_ZERO, "a", "x", now);
		tell(notices, NOTICE_REFCOUNT_ZERO, "a", "y", now);
		tell(notices, NOTICE_REFCOUNT_ZERO, "ax", "", now);
		tell(notices, NOTICE_STALE_REFERENCE, "a", "x", now);
	}
	assert_int_equal(notices__told(notices), 12);
	assert_int_equal(notices__suppressed(notices), 28);
	notices__tend(notices, now + 10 * MINUTE - 1);
	lines = read_lines(path);
	assert_int_equal(json_array_size(lines), 12);
	json_decref(lines);

	/* What was suppressed is told when the interval is over, once. */
	notices__tend(notices, now + 10 * MINUTE);
	notices__tend(notices, now + 30 * MINUTE);
	lines = read_lines(path);
	assert_int_equal(json_array_size(lines), 16);
	last = json_array_get(lines, 12);
	assert_int_equal(field_of(lines, 12, "suppressed"), 7);
	assert_string_equal(json_string_value(json_object_get(last, "kind")), "refcount-zero");
	assert_string_equal(json_string_value(json_object_get(last, "kfunc")), "a");
	assert_string_equal(json_string_value(json_object_get(last, "caller")), "x");
	assert_string_equal(json_string_value(json_object_get(last, "message")),
			    "7 more of a by x were not told in the last 600 s");
	assert_true(json_is_null(json_object_get(json_array_get(lines, 14), "caller")));
	json_decref(lines);
	assert_int_equal(notices__told(notices), 12);
	notices__free(notices);
}

static void then_as_many_in_each_interval(void **state)
{
	struct notices *notices = open_notices(to, 5, 10 * MINUTE);
	__u64 now = 1;

	(void)state;
	/* A flood of ten hours, one a second: 5 at once and 5 in each 10 minutes. */
	for (int i = 0; i < 36000; i++)
		tell(notices, NOTICE_LOSSES, NULL, NULL, now + i * NS_PER_S);
	assert_in_range(notices__told(notices), 5 + 5 * 60 - 1, 5 + 5 * 60);
	assert_int_equal(notices__told(notices) + notices__suppressed(notices), 36000);
	/* After a pause, 5 at once again. A clock that goes back gives nothing away. */
	now += 40000 * NS_PER_S;
	for (int i = 0; i < 100; i++)
		tell(notices, NOTICE_LOSSES, NULL, NULL, now - i * NS_PER_S);
	assert_in_range(notices__told(notices), 10 + 5 * 60 - 1, 10 + 5 * 60);
	notices__free(notices);

	notices = open_notices(to, 1, 0);
	for (int i = 0; i < 1000; i++)
		tell(notices, NOTICE_LOSSES, NULL, NULL, now);
	assert_int_equal(notices__suppressed(notices), 0);
	notices__free(notices);
}

/* Many names are no way around the limit, and nothing is told that did not happen. */
static void many_names_are_bounded(void **state)
{
	struct notices *notices = open_notices(to, 5, 10 * MINUTE);
	__u64 now = 1000 * MINUTE, suppressed = 0;
	json_t *lines, *line;
	size_t i;

	(void)state;
	for (int name = 0; name < 20000; name++) {
		char caller[32];

		snprintf(caller, sizeof(caller), "p%d", name);
		tell(notices, NOTICE_DEPRECATED_CALL, "k", caller, now);
		tell(notices, NOTICE_DEPRECATED_CALL, "k", caller, now);
	}
	assert_int_equal(notices__told(notices), 5 * NOTICE_LIMITS_OVERALL);
	/* The others have their own. */
	tell(notices, NOTICE_REFCOUNT_ZERO, "k", "p1", now);
	assert_int_equal(notices__told(notices), 5 * NOTICE_LIMITS_OVERALL + 1);
	for (int later = 1; later < 200; later++)
		notices__tend(notices, now + later * 10 * MINUTE);
	lines = read_lines(path);
	json_array_foreach (lines, i, line)
		suppressed += field_of(lines, i, "suppressed");
	assert_int_equal(suppressed, notices__suppressed(notices));
	assert_int_equal(suppressed + notices__told(notices), 40001);
	assert_true(json_array_size(lines) < 3000);
	json_decref(lines);
	notices__free(notices);
}

/* --- where to --------------------------------------------------------------------------------- */

static void words_are_checked(void **state)
{
	static const char *const good[] = {
		"off", "auto", "journal syslog", "stderr", "file:/x unix:/y\tunix:/z", NULL
	};
	static const char *const bad[] = {
		"Journal",
		"journal off",
		"file:x",
		"unix:",
		"journal,stderr",
		"stderr stderr stderr stderr stderr stderr stderr stderr "
		"stderr"
	};
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_null(notices__wrong_word(good[i], &len));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct notices_options opts = { .to = bad[i] };
		struct notices *notices;

		assert_non_null(notices__wrong_word(bad[i], &len));
		assert_int_equal(notices__open(&opts, &notices), -EINVAL);
		assert_null(notices);
	}
	assert_non_null(notices__wrong_word("journal x", &len));
	assert_int_equal(len, 1);
}

static void off_tells_nothing(void **state)
{
	struct notices *notices = open_notices("off", 1, MINUTE);

	(void)state;
	for (int i = 0; i < 10; i++)
		tell(notices, NOTICE_LOSSES, NULL, NULL, MINUTE);
	notices__tend(notices, 10 * MINUTE);
	assert_int_equal(notices__told(notices) + notices__suppressed(notices) +
				 notices__failed(notices),
			 0);
	notices__free(notices);
}

static void a_file_that_is_moved_is_made_again(void **state)
{
	struct notices *notices = open_notices(to, 100, MINUTE);
	char moved[128];
	struct stat made;
	json_t *lines;

	(void)state;
	assert_int_equal(stat(path, &made), 0);
	assert_int_equal(made.st_mode & 07777 & ~0640, 0);
	tell(notices, NOTICE_ATTACHED, "a", NULL, MINUTE);
	snprintf(moved, sizeof(moved), "%s.1", path);
	assert_int_equal(rename(path, moved), 0);
	tell(notices, NOTICE_ATTACHED, "b", NULL, MINUTE);
	tell(notices, NOTICE_ATTACHED, "c", NULL, MINUTE);
	unlink(path);
	tell(notices, NOTICE_ATTACHED, "d", NULL, MINUTE);
	/* copytruncate. */
	assert_int_equal(truncate(path, 0), 0);
	tell(notices, NOTICE_ATTACHED, "e", NULL, MINUTE);
	lines = read_lines(moved);
	assert_int_equal(json_array_size(lines), 1);
	json_decref(lines);
	lines = read_lines(path);
	assert_int_equal(json_array_size(lines), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(lines, 0), "kfunc")),
			    "e");
	json_decref(lines);
	assert_int_equal(notices__failed(notices), 0);
	/* Its folder goes, and comes back. */
	unlink(path);
	unlink(moved);
	assert_int_equal(rmdir(folder), 0);
	tell(notices, NOTICE_ATTACHED, "f", NULL, MINUTE);
	assert_int_equal(notices__failed(notices), 1);
	assert_int_equal(mkdir(folder, 0755), 0);
	tell(notices, NOTICE_ATTACHED, "g", NULL, MINUTE);
	assert_int_equal(notices__failed(notices), 1);
	assert_int_equal(access(path, F_OK), 0);
	notices__free(notices);
}

/* A file may not grow beyond a limit here, which ends a write in the middle as a full disk does. */
static void a_torn_line_spoils_no_other(void **state)
{
	struct rlimit before, limit;
	struct notices *notices = open_notices(to, 100, MINUTE);
	json_t *lines, *line;
	struct stat now;
	size_t i, whole_ones = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	tell(notices, NOTICE_ATTACHED, "a", NULL, MINUTE);
	assert_int_equal(stat(path, &now), 0);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = now.st_size * 2 - 20;
	setrlimit(RLIMIT_FSIZE, &limit);
	for (int j = 0; j < 3; j++)
		tell(notices, NOTICE_ATTACHED, "b", NULL, MINUTE);
	limit.rlim_cur = now.st_size * 2 - 19; /* only its newline */
	setrlimit(RLIMIT_FSIZE, &limit);
	tell(notices, NOTICE_ATTACHED, "b", NULL, MINUTE);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(notices__failed(notices), 4);
	tell(notices, NOTICE_ATTACHED, "c", NULL, MINUTE);
	tell(notices, NOTICE_ATTACHED, "d", NULL, MINUTE);
	lines = read_lines(path);
	json_array_foreach (lines, i, line)
		whole_ones += json_is_object(line);
	assert_int_equal(json_array_size(lines), 4);
	assert_int_equal(whole_ones, 3);
	assert_true(json_is_string(json_array_get(lines, 1)));
	json_decref(lines);
	notices__free(notices);
}

static void a_full_disk_is_counted(void **state)
{
	struct notices *notices;

	(void)state;
	notices = open_notices("file:/dev/full", 100, MINUTE);
	tell(notices, NOTICE_ATTACHED, "a", NULL, MINUTE);
	tell(notices, NOTICE_ATTACHED, "a", NULL, MINUTE);
	assert_int_equal(notices__told(notices), 2);
	assert_int_equal(notices__failed(notices), 2);
	notices__free(notices);
}

static int listen_datagrams(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void expect_datagram(int fd, const char *kfunc)
{
	char bytes[NOTICE_MAX_BYTES];
	ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
	json_t *root;

	assert_true(got > 0);
	root = json_loadb(bytes, got, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(root, "kfunc")), kfunc);
	json_decref(root);
}

static void datagrams_find_who_listens(void **state)
{
	struct notices *notices;
	__u64 begin;
	int fd;

	(void)state;
	snprintf(to, sizeof(to), "unix:%s", path);
	notices = open_notices(to, 2000, MINUTE);
	tell(notices, NOTICE_ATTACHED, "a", NULL, MINUTE);
	assert_int_equal(notices__failed(notices), 1);
	fd = listen_datagrams();
	tell(notices, NOTICE_ATTACHED, "b", NULL, MINUTE);
	expect_datagram(fd, "b");
	/* Started again. */
	close(fd);
	tell(notices, NOTICE_ATTACHED, "c", NULL, MINUTE);
	assert_int_equal(notices__failed(notices), 2);
	fd = listen_datagrams();
	tell(notices, NOTICE_ATTACHED, "d", NULL, MINUTE);
	expect_datagram(fd, "d");
	close(fd);
	fd = listen_datagrams();
	tell(notices, NOTICE_ATTACHED, "e", NULL, MINUTE);
	expect_datagram(fd, "e");
	assert_int_equal(notices__failed(notices), 2);
	/* Somebody who listens and does not read holds up nobody. */
	begin = clock_ns();
	for (int i = 0; i < 1500; i++)
		tell(notices, NOTICE_ATTACHED, "f", NULL, MINUTE);
	assert_true(clock_ns() - begin < 2 * NS_PER_S);
	assert_true(notices__failed(notices) > 500);
	expect_datagram(fd, "f");
	close(fd);
	notices__free(notices);
}

static void stderr_that_nobody_reads_does_not_block(void **state)
{
	struct notices *notices = open_notices("stderr", 100000, MINUTE);
	int pipes[2], saved = dup(STDERR_FILENO);
	char bytes[64];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	fflush(stderr);
	dup2(pipes[1], STDERR_FILENO);
	for (int i = 0; i < 5000; i++)
		tell(notices, NOTICE_TROUBLE, "a", NULL, MINUTE);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(notices__told(notices), 5000);
	assert_in_range(notices__failed(notices), 1, 4999);
	assert_int_equal(read(pipes[0], bytes, 23), 23);
	bytes[23] = '\0';
	assert_string_equal(bytes, "kfunctrace: trouble: m\n");
	close(pipes[0]);
	close(pipes[1]);
	notices__free(notices);
}

static void options_may_change(void **state)
{
	struct notices_options opts = { .to = "file:/nonexistent/x",
					.burst = 1,
					.interval_ns = MINUTE };
	struct notices *notices = open_notices(to, 1, 10 * MINUTE);
	char other[128];
	json_t *lines;

	(void)state;
	tell(notices, NOTICE_ATTACHED, "a", NULL, MINUTE);
	tell(notices, NOTICE_ATTACHED, "a", NULL, MINUTE);
	/* Refused: all stays. */
	assert_int_equal(notices__set_options(notices, &opts), -ENOENT);
	tell(notices, NOTICE_ATTACHED, "b", NULL, MINUTE);
	snprintf(other, sizeof(other), "file:%s.2", path);
	opts.to = other;
	opts.burst = 4;
	assert_int_equal(notices__set_options(notices, &opts), 0);
	tell(notices, NOTICE_ATTACHED, "c", NULL, MINUTE);
	assert_int_equal(notices__told(notices), 3);
	assert_int_equal(notices__suppressed(notices), 1);
	lines = read_lines(path);
	assert_int_equal(json_array_size(lines), 2);
	json_decref(lines);
	lines = read_lines(other + 5);
	assert_int_equal(json_array_size(lines), 1);
	json_decref(lines);
	/* What was suppressed before is still told. */
	notices__tend(notices, 20 * MINUTE);
	lines = read_lines(other + 5);
	assert_int_equal(json_array_size(lines), 2);
	assert_int_equal(field_of(lines, 1, "suppressed"), 1);
	json_decref(lines);
	notices__free(notices);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_json_line_has_all),
		cmocka_unit_test(the_journal_gets_fields),
		cmocka_unit_test(syslog_gets_its_line),
		cmocka_unit_test(names_cannot_make_fields_of_their_own),
		cmocka_unit_test_setup_teardown(each_key_has_its_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(then_as_many_in_each_interval, setup, teardown),
		cmocka_unit_test_setup_teardown(many_names_are_bounded, setup, teardown),
		cmocka_unit_test(words_are_checked),
		cmocka_unit_test(off_tells_nothing),
		cmocka_unit_test_setup_teardown(a_file_that_is_moved_is_made_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_torn_line_spoils_no_other, setup, teardown),
		cmocka_unit_test(a_full_disk_is_counted),
		cmocka_unit_test_setup_teardown(datagrams_find_who_listens, setup, teardown),
		cmocka_unit_test(stderr_that_nobody_reads_does_not_block),
		cmocka_unit_test_setup_teardown(options_may_change, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
