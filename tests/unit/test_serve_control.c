// SPDX-License-Identifier: GPL-2.0-only
/* The aggregator's control socket, asked by honest clients, by others, and when nobody listens. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "serve_control.h"

static char folder[64], path[96];
static pid_t server;

static int handle(const char *request, char *answer, size_t size, void *arg)
{
	int *nr = arg;

	if (strcmp(request, "long") == 0) {
		memset(answer, 'x', size - 1);
		answer[size - 1] = '\0';
		return 0;
	}
	if (strcmp(request, "sleep") == 0)
		usleep(1500000);
	if (strcmp(request, "die") == 0)
		_exit(0);
	snprintf(answer, size, "%d: %s", ++*nr, request);
	return strncmp(request, "bad", 3) == 0 ? -ENOENT : 0;
}

/* Serves until it is killed. max_fds: how many more file descriptors it may open, 0: as usual. */
static void serve(int ready, int max_fds)
{
	struct serve_control *control;
	struct rlimit limit;
	int nr = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (serve_control__open(path, handle, &nr, &control))
		_exit(1);
	if (max_fds) {
		limit.rlim_cur = limit.rlim_max = serve_control__fd(control) + 2 + max_fds;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;) {
		struct pollfd pollfd = { .fd = serve_control__fd(control), .events = POLLIN };

		poll(&pollfd, 1, -1);
		serve_control__run(control);
	}
}

static void start_server(int max_fds)
{
	int pipes[2];
	char byte;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	fflush(NULL);
	server = fork();
	if (!server) {
		close(pipes[0]);
		serve(pipes[1], max_fds);
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
}

static void kill_server(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
}

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_serve_control.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	chmod(folder, 0755);
	snprintf(path, sizeof(path), "%s/run/control", folder);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	if (server)
		kill_server();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static int connect_raw(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void expect_answer(const char *request, int status, const char *words)
{
	char *answer;

	assert_int_equal(serve_control__ask(path, request, 5, &answer), status);
	assert_non_null(answer);
	if (strcmp(strchr(answer, ' ') ? strchr(answer, ' ') + 1 : answer, words) != 0)
		fail_msg("'%s' is answered with '%s'", request, answer);
	free(answer);
}

static void it_answers(void **state)
{
	char *answer;

	(void)state;
	start_server(0);
	expect_answer("release nf_conntrack", 0, "release nf_conntrack");
	expect_answer("bad one", -ENOENT, "bad one");
	expect_answer("", 0, "");
	/* All of the longest answer arrives. */
	assert_int_equal(serve_control__ask(path, "long", 5, &answer), 0);
	assert_int_equal(strspn(answer, "x"), 16383);
	assert_int_equal(strlen(answer), 16383);
	free(answer);
}

static void without_one_it_says_so(void **state)
{
	char *answer = path;

	(void)state;
	assert_int_equal(serve_control__ask(path, "x", 1, &answer), -ENOENT);
	assert_null(answer);
	start_server(0);
	assert_int_equal(serve_control__ask(path, "sleep", 1, &answer), -ETIMEDOUT);
	assert_null(answer);
	assert_int_equal(serve_control__ask(path, "die", 5, &answer), -EPROTO);
	assert_null(answer);
	waitpid(server, NULL, 0);
	server = 0;
	assert_int_equal(serve_control__ask(path, "x", 1, &answer), -ECONNREFUSED);
	assert_null(answer);
}

static int open_second(struct serve_control **control, char *said, size_t size)
{
	int saved = dup(STDERR_FILENO), nr = 0, err;
	FILE *taken = tmpfile();
	size_t len;

	fflush(stderr);
	dup2(fileno(taken), STDERR_FILENO);
	err = serve_control__open(path, handle, &nr, control);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(taken);
	len = fread(said, 1, size - 1, taken);
	said[len] = '\0';
	fclose(taken);
	return err;
}

static void the_second_leaves(void **state)
{
	struct serve_control *control;
	char said[512], words[64];

	(void)state;
	start_server(0);
	assert_int_equal(open_second(&control, said, sizeof(said)), -EEXIST);
	assert_null(control);
	snprintf(words, sizeof(words), "already running, pid %d ", server);
	if (!strstr(said, words))
		fail_msg("'%s' is not in '%s'", words, said);
	expect_answer("still here", 0, "still here");

	/* What a killed one has left is in nobody's way. */
	kill_server();
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(open_second(&control, said, sizeof(said)), 0);
	assert_string_equal(said, "");
	serve_control__free(control);
	assert_int_equal(access(path, F_OK), -1);
	start_server(0);
	expect_answer("again", 0, "again");
}

static void a_file_in_its_place_is_left_alone(void **state)
{
	struct serve_control *control;
	char said[512], run[80];
	int fd;

	(void)state;
	snprintf(run, sizeof(run), "%s/run", folder);
	assert_int_equal(mkdir(run, 0755), 0);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	assert_int_equal(open_second(&control, said, sizeof(said)), -ENOTSOCK);
	assert_non_null(strstr(said, path));
	assert_int_equal(access(path, F_OK), 0);
	/* Nor does the lock follow a link. */
	unlink(path);
	snprintf(said, sizeof(said), "%s.lock", path);
	unlink(said);
	assert_int_equal(symlink("/etc/passwd", said), 0);
	assert_int_equal(open_second(&control, said, sizeof(said)), -ELOOP);
}

static void only_its_user_may_ask(void **state)
{
	struct stat made;
	char *answer;
	int status;
	pid_t other;

	(void)state;
	start_server(0);
	assert_int_equal(stat(path, &made), 0);
	assert_int_equal(made.st_mode & 07777, 0600);
	if (geteuid() != 0)
		skip();
	for (int open_to_all = 0; open_to_all < 2; open_to_all++) {
		if (open_to_all)
			assert_int_equal(chmod(path, 0666), 0);
		other = fork();
		if (!other) {
			int err = setresuid(65534, 65534, 65534)
					  ? 1
					  : serve_control__ask(path, "x", 5, &answer);

			_exit(err == -EACCES && !answer == !open_to_all ? 0 : 1);
		}
		assert_int_equal(waitpid(other, &status, 0), other);
		assert_int_equal(status, 0);
	}
	expect_answer("x", 0, "x"); /* the first that was handled */
}

static void send_raw(const void *bytes, size_t len, const char *want)
{
	char reply[128];
	int fd = connect_raw();
	ssize_t got;

	send(fd, bytes, len, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	got = recv(fd, reply, sizeof(reply) - 1, MSG_WAITALL);
	reply[got > 0 ? got : 0] = '\0';
	assert_string_equal(reply, want);
	close(fd);
}

static void garbage_does_no_harm(void **state)
{
	char bytes[5000];

	(void)state;
	start_server(0);
	memset(bytes, 'a', sizeof(bytes));
	send_raw("", 0, "");
	send_raw("release nf_con", 14, ""); /* broken off: not handled */
	send_raw("rel\0ease\n", 9, "-22\nthe request is not text");
	send_raw("rel\xff\n", 5, "-22\nthe request is not text");
	send_raw("rel\x1b[2J\n", 8, "-22\nthe request is not text");
	send_raw(bytes, sizeof(bytes), "-7\nthe request is too long");
	send_raw(bytes, 256, "-7\nthe request is too long");
	memcpy(bytes, "first\nsecond\n", 13);
	send_raw(bytes, 13, "0\n1: first");
	send_raw("dos\r\n", 5, "0\n2: dos");
	expect_answer("x", 0, "x");
}

static int nr_fds(pid_t pid)
{
	char name[64];
	DIR *dir;
	int nr = 0;

	snprintf(name, sizeof(name), "/proc/%d/fd", pid);
	dir = opendir(name);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static void half_open_clients_are_bounded(void **state)
{
	int fds[200], before, slow;
	__u64 begin;
	char byte;

	(void)state;
	start_server(0);
	before = nr_fds(server);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = connect_raw();
		send(fds[i], "r", i % 2, MSG_NOSIGNAL);
	}
	begin = clock_ns();
	expect_answer("honest", 0, "honest");
	/* It did not wait for one of the others to have had its time. */
	assert_true(clock_ns() - begin < 4 * NS_PER_S);
	assert_true(nr_fds(server) <= before + 16);

	/* A slow one has its time, and no more than that. */
	slow = connect_raw();
	assert_int_equal(send(slow, "sl", 2, 0), 2);
	usleep(200000);
	assert_int_equal(send(slow, "ow\n", 3, 0), 3);
	assert_int_equal(recv(slow, &byte, 1, 0), 1);
	assert_int_equal(byte, '0');
	close(slow);
	/* On a busy machine it may be much later that it is dropped, but never before. */
	begin = clock_ns();
	slow = connect_raw();
	assert_int_equal(recv(slow, &byte, 1, 0), 0);
	assert_true(clock_ns() - begin >= 5 * NS_PER_S - NS_PER_S / 10);
	/* The others' time was over before, but on a busy machine all may be dropped in one go. */
	for (int i = 0; i < 100 && nr_fds(server) != before; i++)
		usleep(10000);
	assert_int_equal(nr_fds(server), before);
	close(slow);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static double cpu_seconds(pid_t pid)
{
	char name[64], line[512];
	unsigned long user = 0, system = 0;
	FILE *in;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	in = fopen(name, "r");
	assert_non_null(fgets(line, sizeof(line), in));
	fclose(in);
	assert_int_equal(sscanf(strrchr(line, ')') + 2,
				"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
				&system),
			 2);
	return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

static void without_file_descriptors_it_waits(void **state)
{
	int fds[10];
	double before;

	(void)state;
	start_server(2);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = connect_raw();
	before = cpu_seconds(server);
	usleep(1500000);
	assert_true(cpu_seconds(server) - before < 0.2);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	expect_answer("afterwards", 0, "afterwards");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(without_one_it_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(the_second_leaves, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_in_its_place_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(only_its_user_may_ask, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage_does_no_harm, setup, teardown),
		cmocka_unit_test_setup_teardown(half_open_clients_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(without_file_descriptors_it_waits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
