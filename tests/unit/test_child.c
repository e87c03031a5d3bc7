// SPDX-License-Identifier: GPL-2.0-only
/* The command of `stat`: starts when told to, and its end is told apart from its failure to start.
 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

static int run(char **argv)
{
	struct child child;

	assert_int_equal(child__prepare(&child, argv), 0);
	assert_int_equal(child__go(&child), 0);
	child__wait(&child);
	assert_true(child__poll(&child));
	return child__exit_status(&child);
}

static void the_status_is_the_command_s(void **state)
{
	char *three[] = { "sh", "-c", "exit 3", NULL };
	char *killed[] = { "sh", "-c", "kill -TERM $$", NULL };

	(void)state;
	assert_int_equal(run(three), 3);
	assert_int_equal(run(killed), 128 + SIGTERM);
}

static void its_end_is_seen_where_ends_were_ignored(void **state)
{
	char *three[] = { "sh", "-c", "exit 3", NULL };
	struct child child;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(child__prepare(&child, three), 0);
	assert_int_equal(child__go(&child), 0);
	for (int i = 0; i < 500 && !child__poll(&child); i++)
		usleep(10000);
	assert_true(child.ended);
	assert_int_equal(child__exit_status(&child), 3);
}

static void a_command_that_is_not_there_is_an_error(void **state)
{
	char *argv[] = { "/nonexistent/command", NULL };
	struct child child;

	(void)state;
	assert_int_equal(child__prepare(&child, argv), 0);
	assert_int_equal(child__go(&child), -ENOENT);
	child__wait(&child);
}

static void it_does_not_begin_before_it_is_told_to(void **state)
{
	char path[] = "/tmp/kft_child_XXXXXX";
	int fd = mkstemp(path);
	char *argv[] = { "rm", path, NULL };
	struct child child;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(child__prepare(&child, argv), 0);
	usleep(50000);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(child__go(&child), 0);
	child__wait(&child);
	assert_int_equal(access(path, F_OK), -1);
}

static void signals_blocked_here_are_not_blocked_there(void **state)
{
	char *argv[] = { "sh", "-c", "kill -INT $$; exit 0", NULL };
	sigset_t set, old;

	(void)state;
	/* Whoever runs the tests in the background of a script ignores it, and ignoring is inherited. */
	signal(SIGINT, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &old);
	assert_int_equal(run(argv), 128 + SIGINT);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_is_the_command_s),
		cmocka_unit_test(its_end_is_seen_where_ends_were_ignored),
		cmocka_unit_test(a_command_that_is_not_there_is_an_error),
		cmocka_unit_test(it_does_not_begin_before_it_is_told_to),
		cmocka_unit_test(signals_blocked_here_are_not_blocked_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
