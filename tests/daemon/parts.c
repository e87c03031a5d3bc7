// SPDX-License-Identifier: GPL-2.0-only
/* Parts of the aggregator, one at a time, for tests/daemon.sh. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "clock.h"
#include "live_kernel.h"
#include "message.h"
#include "notices.h"
#include "program_holders.h"
#include "serve_control.h"
#include "serve_privileges.h"

/* parts tell TO KFUNC CALLER MESSAGE */
static int tell(char **argv)
{
	struct notices_options opts = { .to = argv[0], .burst = 5, .interval_ns = NS_PER_S };
	struct notice notice = {
		.kind = NOTICE_DEPRECATED_CALL,
		.kfunc = argv[1],
		.caller = argv[2],
		.program_id = 42,
		.message = argv[3],
	};
	struct notices *notices;
	int failed;

	if (notices__open(&opts, &notices))
		return 2;
	notices__tell(notices, &notice, clock_ns());
	failed = notices__failed(notices);
	notices__free(notices);
	printf("failed %d\n", failed);
	return 0;
}

static int answer(const char *request, char *text, size_t size, void *arg)
{
	(void)arg;
	snprintf(text, size, "asked to %s", request);
	return strstr(request, "busy") ? -EBUSY : 0;
}

/* parts control PATH: until it is killed */
static int control(char **argv)
{
	struct serve_control *control;

	if (serve_control__open(argv[0], answer, NULL, &control))
		return 2;
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd pollfd = { .fd = serve_control__fd(control), .events = POLLIN };

		poll(&pollfd, 1, -1);
		serve_control__run(control);
	}
}

/* --- privileges ------------------------------------------------------------------------------- */

static void say(const char *what, int err)
{
	printf("%s: %s\n", what, err < 0 ? strerrorname_np(-err) : "ok");
}

static int err_of(int result)
{
	return result < 0 ? -errno : 0;
}

static void do_with_kernel(const struct live_kernel *kernel)
{
	struct program_holders *holders;
	int nr_addresses = 0, fd;
	__u32 id;

	for (int i = 0; i < registry__nr(kernel->registry); i++)
		nr_addresses += registry__at(kernel->registry, i)->address != 0;
	say("addresses", nr_addresses ? 0 : -ENODATA);
	/* There is one: the iterators that read the kernel. */
	say("program-next-id", err_of(bpf_prog_get_next_id(0, &id)));
	fd = bpf_prog_get_fd_by_id(id);
	say("program-by-id", err_of(fd));
	close(fd);
	say("holders", program_holders__read(kernel->btfs, &holders));
	program_holders__free(holders);
}

/* What the aggregator does while it runs. */
static void do_what_is_needed(pid_t other)
{
	struct live_kernel kernel;
	__u32 key = 0;
	char path[64], buf[64];
	int fd, err;

	/* Loads iterators and runs them; needs the BTF of modules, by id. */
	err = live_kernel__open(&kernel);
	say("registry", err);
	if (!err) {
		do_with_kernel(&kernel);
		live_kernel__close(&kernel);
	}
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "x", 4, 8, 16, NULL);
	say("map", err_of(fd));
	say("map-update", fd < 0 ? -EBADF : err_of(bpf_map_update_elem(fd, &key, "12345678", 0)));
	/* Of another user's process. */
	snprintf(path, sizeof(path), "/proc/%d/fd/0", other);
	say("fd-of-others", err_of(readlink(path, buf, sizeof(buf))));
}

/* What it has no business to do. */
static void do_what_is_not(pid_t other, const char *file)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	say("kill", err_of(kill(other, 0)));
	say("write-file-of-others", err_of(open(file, O_WRONLY)));
	say("chown", err_of(chown(file, 0, 0)));
	say("setuid", err_of(setresuid(1000, 1000, 1000)));
	say("settimeofday", err_of(settimeofday(&now, NULL)));
	say("packet-socket", err_of(socket(AF_PACKET, SOCK_RAW, 0)));
	say("mknod", err_of(mknod("/tmp/parts-device", S_IFCHR | 0600, 259)));
}

static void show_status(const char *title)
{
	char line[128];
	FILE *in = fopen("/proc/self/status", "r");

	while (fgets(line, sizeof(line), in)) {
		if (strncmp(line, "Cap", 3) == 0 || strncmp(line, "NoNewPrivs", 10) == 0)
			printf("%s %s", title, line);
	}
	fclose(in);
	fflush(stdout);
}

/* Says that it is there, and stays until nobody holds the other end of `alive` any more. */
static void be_other(int ready, int alive)
{
	char byte;

	/* /proc/PID is root's until the process executes something, or says that it may be dumped. */
	if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000) ||
	    prctl(PR_SET_DUMPABLE, 1) || write(ready, "", 1) != 1)
		_exit(1);
	_exit(read(alive, &byte, 1) ? 1 : 0);
}

/*
 * A process of another user, which ends with us: what we execute later holds the pipe too. A signal at our
 * death would not do, as we may not kill it by then.
 */
static pid_t start_other(void)
{
	int ready[2], alive[2];
	char byte;
	pid_t other;

	if (pipe(ready) || pipe(alive))
		return -1;
	other = fork();
	if (!other) {
		close(alive[1]);
		be_other(ready[1], alive[0]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		other = -1;
	close(ready[0]);
	close(alive[0]);
	return other;
}

/* parts privileges FILE COMMAND...: FILE belongs to another user; then execs COMMAND */
static int privileges(char **argv)
{
	pid_t other = start_other();

	if (other < 0)
		return 2;
	show_status("before");
	say("drop", serve_privileges__drop());
	show_status("after");
	do_what_is_needed(other);
	do_what_is_not(other, argv[0]);
	/* Again: what is already so is no error. */
	say("drop-again", serve_privileges__drop());
	fflush(stdout);
	execvp(argv[1], argv + 1);
	return 2;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	msg__route_libbpf();
	if (argc == 6 && strcmp(argv[1], "tell") == 0)
		return tell(argv + 2);
	if (argc == 3 && strcmp(argv[1], "control") == 0)
		return control(argv + 2);
	if (argc > 3 && strcmp(argv[1], "privileges") == 0)
		return privileges(argv + 2);
	return 2;
}
