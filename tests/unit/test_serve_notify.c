// SPDX-License-Identifier: GPL-2.0-only
/* What a service manager hears. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "serve_notify.h"

static char path[64];
static int manager;

static void expect(const char *text)
{
	char got[512];
	ssize_t len = recv(manager, got, sizeof(got) - 1, MSG_DONTWAIT);

	got[len > 0 ? len : 0] = '\0';
	assert_string_equal(got, text);
}

static void the_manager_hears(void **state)
{
	char got[128];
	unsigned long long usec;
	ssize_t len;

	(void)state;
	serve_notify__ready("Tracing 300 kfuncs");
	expect("READY=1\nSTATUS=Tracing 300 kfuncs");
	serve_notify__status("Tracing 299 kfuncs");
	expect("STATUS=Tracing 299 kfuncs");
	serve_notify__stopping();
	expect("STOPPING=1\nSTATUS=Stopping");
	serve_notify__reloading();
	len = recv(manager, got, sizeof(got) - 1, MSG_DONTWAIT);
	assert_true(len > 0);
	got[len] = '\0';
	assert_int_equal(sscanf(got, "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
	assert_true(usec <= clock_ns() / 1000 && usec > clock_ns() / 1000 - 10000000);
}

/* WatchdogSec=20s: said at once, and then every 5 s. */
static void the_watchdog_is_fed(void **state)
{
	__u64 now = 1000 * NS_PER_S;
	int fed = 0;

	(void)state;
	assert_int_equal(serve_notify__watchdog_ns(), 10 * NS_PER_S);
	for (int i = 0; i <= 600; i++) {
		char got[64];

		serve_notify__alive(now + i * NS_PER_S / 10);
		if (recv(manager, got, sizeof(got), MSG_DONTWAIT) == 10) {
			assert_memory_equal(got, "WATCHDOG=1", 10);
			assert_int_equal(i % 50, 0);
			fed++;
		}
	}
	assert_int_equal(fed, 13);
}

static void without_a_manager_nothing_happens(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	serve_notify__ready("x");
	serve_notify__stopping();
	expect("");
}

static int setup(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char pid[16];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_serve_notify.%d", getpid());
	strcpy(address.sun_path, path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "20000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	return bind(manager, (struct sockaddr *)&address, sizeof(address));
}

static int teardown(void **state)
{
	(void)state;
	close(manager);
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manager_hears),
		cmocka_unit_test(the_watchdog_is_fed),
		cmocka_unit_test(without_a_manager_nothing_happens),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
