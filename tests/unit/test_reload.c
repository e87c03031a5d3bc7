// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the aggregator listens after its configuration was read anew, also when that cannot be followed.
 * Nothing is counted: counting__reconfigure() is the one below (unit.mk).
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "aggregator_private.h"
#include "clock.h"
#include "listen_socket.h"
#include "status_server.h"

/* Nothing here takes that long. */
#define LIMIT_NS (20 * NS_PER_S)

static char folder[64], config[96], path[96], moved[96];
static int port, reconfigure_err;
static struct aggregator aggregator;
static struct aggregator_options opts = { .config = config, .version = "test" };

int __wrap_counting__reconfigure(struct counting *counting, const struct serve_config *to);

int __wrap_counting__reconfigure(struct counting *counting, const struct serve_config *to)
{
	(void)counting;
	(void)to;
	return reconfigure_err;
}

/* --- clients and others ------------------------------------------------------------------------------- */

static int connect_inet(const char *host)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, host, &addr.sin_addr), 1);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	return -1;
}

static int connect_path(const char *at)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, at);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

/* Whether the aggregator answers this client, which is closed. */
static bool is_served(int client)
{
	static const char request[] = "GET /healthz HTTP/1.0\r\n\r\n";
	struct pollfd pollfd = { .fd = client, .events = POLLIN };
	__u64 end_ns = clock_ns() + LIMIT_NS;
	char answer[512] = "";

	if (client < 0 || !aggregator.server)
		return false;
	assert_int_equal(write(client, request, sizeof(request) - 1), sizeof(request) - 1);
	while (!poll(&pollfd, 1, 1) && clock_ns() < end_ns)
		status_server__run(aggregator.server);
	assert_true(pollfd.revents & POLLIN);
	assert_true(read(client, answer, sizeof(answer) - 1) > 0);
	close(client);
	return !strncmp(answer, "HTTP/1.", 7) && strstr(answer, " 200 OK");
}

/* Another process could not tell the difference. */
static bool is_taken(const char *address)
{
	struct listen_socket other;
	bool taken = listen_socket__open(&other, address, -1) == -EADDRINUSE;

	listen_socket__close(&other);
	return taken;
}

/* --- the configuration -------------------------------------------------------------------------------- */

static void configure(const char *address)
{
	FILE *out = fopen(config, "w");

	assert_non_null(out);
	fprintf(out, "[history]\nfile = off\n[notices]\nto = off\n[listen]\naddress = %s\n",
		address);
	assert_int_equal(fclose(out), 0);
}

static void reload(const char *address)
{
	configure(address);
	aggregator__reload(&aggregator);
}

/* HOST and the port of these tests. */
static const char *at(const char *host)
{
	static char address[2][64];
	static int next;

	next = !next;
	snprintf(address[next], sizeof(address[next]), "%s:%d", host, port);
	return address[next];
}

static const char *at_path(const char *file)
{
	static char address[128];

	snprintf(address, sizeof(address), "unix:%s", file);
	return address;
}

/* --- tests -------------------------------------------------------------------------------------------- */

static void begin(const char *address)
{
	aggregator = (struct aggregator){
		.opts = &opts,
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
		.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
		.signal_fd = -1,
	};
	reconfigure_err = 0;
	configure(address);
	assert_int_equal(aggregator__load_config(&opts, &aggregator.config), 0);

	const struct aggregate_options bounds = aggregate_options__of(aggregator.config);
	const struct notices_options notices = notices_options__of(aggregator.config);
	const struct overhead_options overhead = overhead_options__of(aggregator.config);

	assert_int_equal(notices__open(&notices, &aggregator.notices), 0);
	aggregator.aggregate = aggregate__new(&bounds);
	aggregator.overhead =
		overhead__new(&overhead, NULL, aggregator.aggregate, aggregator.notices);
	assert_int_equal(aggregator__listen(&aggregator, aggregator.config, &aggregator.server), 0);
}

static void end(void)
{
	status_server__free(aggregator.server);
	overhead__free(aggregator.overhead);
	aggregate__free(aggregator.aggregate);
	notices__free(aggregator.notices);
	aggregator__free_config(aggregator.config);
	close(aggregator.timer_fd);
	close(aggregator.epoll_fd);
}

/* Serves at the path, which then is another one: there it could not listen again. */
static void begin_where_it_cannot_return(void)
{
	begin(at_path(path));
	assert_int_equal(mkdir(moved, 0700), 0);
	strcat(moved, "/socket");
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void end_where_it_cannot_return(void)
{
	end();
	assert_int_equal(rmdir(path), 0);
	unlink(moved);
	*strrchr(moved, '/') = '\0';
	assert_int_equal(rmdir(moved), 0);
}

static void test_another_address(void **state)
{
	(void)state;
	begin(at_path(path));
	assert_true(is_served(connect_path(path)));
	reload(at("127.0.0.1"));
	assert_true(is_served(connect_inet("127.0.0.1")));
	assert_int_equal(connect_path(path), -1);
	reload("off");
	assert_int_equal(connect_inet("127.0.0.1"), -1);
	reload(at_path(path));
	assert_true(is_served(connect_path(path)));
	end();
}

static void test_address_of_somebody_else(void **state)
{
	struct listen_socket other;

	(void)state;
	begin_where_it_cannot_return();
	assert_int_equal(listen_socket__open(&other, at("127.0.0.1"), -1), 0);
	reload(at("127.0.0.1"));
	assert_true(is_served(connect_path(moved)));
	listen_socket__close(&other);
	reload(at("127.0.0.1"));
	assert_true(is_served(connect_inet("127.0.0.1")));
	end_where_it_cannot_return();
}

static void test_what_cannot_be_followed(void **state)
{
	(void)state;
	begin_where_it_cannot_return();
	reconfigure_err = -EBUSY;
	reload(at("127.0.0.1"));
	assert_true(is_served(connect_path(moved)));
	assert_int_equal(connect_inet("127.0.0.1"), -1);
	reconfigure_err = 0;
	reload(at("127.0.0.1"));
	assert_true(is_served(connect_inet("127.0.0.1")));
	end_where_it_cannot_return();
}

static void test_all_addresses_and_one(void **state)
{
	struct listen_socket other;

	(void)state;
	begin(at("127.0.0.1"));
	reload(at("0.0.0.0"));
	assert_true(is_served(connect_inet("127.0.0.1")));
	assert_true(is_served(connect_inet("127.0.0.2")));
	assert_true(is_taken(at("0.0.0.0")));
	assert_true(is_taken(at("127.0.0.2")));
	reload(at("127.0.0.1"));
	assert_true(is_served(connect_inet("127.0.0.1")));
	assert_int_equal(connect_inet("127.0.0.2"), -1);
	assert_true(is_taken(at("127.0.0.1")));
	/* One of all of them is somebody else's. */
	assert_int_equal(listen_socket__open(&other, at("127.0.0.2"), -1), 0);
	reload(at("0.0.0.0"));
	assert_true(is_served(connect_inet("127.0.0.1")));
	listen_socket__close(&other);
	/* It could, and a later step could not: it is as if nothing had been. */
	reconfigure_err = -EBUSY;
	reload(at("0.0.0.0"));
	assert_true(is_served(connect_inet("127.0.0.1")));
	assert_int_equal(connect_inet("127.0.0.2"), -1);
	assert_true(is_taken(at("127.0.0.1")));
	end();
}

/* A port that nobody has, and that the kernel gives to nobody who connects. */
static int find_port(void)
{
	struct listen_socket all;
	char address[64];

	for (int i = 0; i < 100; i++) {
		int candidate = 11000 + (getpid() + i) % 9000;

		snprintf(address, sizeof(address), "0.0.0.0:%d", candidate);
		if (listen_socket__open(&all, address, -1))
			continue;
		listen_socket__close(&all);
		return candidate;
	}
	return -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_address),
		cmocka_unit_test(test_address_of_somebody_else),
		cmocka_unit_test(test_what_cannot_be_followed),
		cmocka_unit_test(test_all_addresses_and_one),
	};
	int failed;

	strcpy(folder, "/tmp/kfunctrace-reload-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	snprintf(config, sizeof(config), "%s/conf", folder);
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(moved, sizeof(moved), "%s/moved", folder);
	port = find_port();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(config);
	rmdir(folder);
	return failed;
}
