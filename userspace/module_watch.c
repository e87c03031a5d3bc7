// SPDX-License-Identifier: GPL-2.0-only
#include "module_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/netlink.h>

#include "clock.h"

/* The kernel's own messages; udev's have another group. */
#define KERNEL_GROUP 1
/* Nothing has come for so long: all of a batch has. */
#define SETTLE_NS (NS_PER_S / 10)
#define MOST_NS	  NS_PER_S
/* A host that boots loads hundreds at once. */
#define RECEIVE_BYTES (1 << 20)

struct module_watch {
	int socket_fd, timer_fd, epoll_fd;
	__u64 first_ns; /* when the first came of what is not settled; 0: all is */
	struct module_watch_stats stats;
};

/* --- messages ------------------------------------------------------------------------------------- */

bool module_event__parse(const char *message, size_t len, struct module_event *event)
{
	static const char added[] = "add@/module/", removed[] = "remove@/module/";
	size_t head = strnlen(message, len), prefix;

	/* The first line has no end: it is no message of the kernel's. */
	if (head == len)
		return false;
	event->added = strncmp(message, added, strlen(added)) == 0;
	if (!event->added && strncmp(message, removed, strlen(removed)) != 0)
		return false;
	prefix = strlen(event->added ? added : removed);
	head -= prefix;
	/* Below a module there are other objects (holders, drivers). */
	if (!head || head >= sizeof(event->name) || memchr(message + prefix, '/', head))
		return false;
	memcpy(event->name, message + prefix, head + 1);
	return true;
}

static void set_timer(struct module_watch *watch, __u64 ns)
{
	const struct itimerspec when = { .it_value = { ns / NS_PER_S, ns % NS_PER_S } };

	timerfd_settime(watch->timer_fd, 0, &when, NULL);
}

/* Something has changed: wait for more of it, though not for ever. */
static void postpone(struct module_watch *watch)
{
	__u64 now = clock_ns(), rest;

	if (!watch->first_ns)
		watch->first_ns = now;
	rest = watch->first_ns + MOST_NS > now ? watch->first_ns + MOST_NS - now : 1;
	set_timer(watch, rest < SETTLE_NS ? rest : SETTLE_NS);
}

static void take(struct module_watch *watch, const char *message, size_t len)
{
	struct module_event event;

	if (!module_event__parse(message, len, &event))
		return;
	if (event.added)
		watch->stats.added++;
	else
		watch->stats.removed++;
	postpone(watch);
}

/* Returns 0 when there is nothing left, or a negative errno. */
static int receive(struct module_watch *watch)
{
	/* The kernel's are 2 KiB at the most. */
	char message[8192];
	struct sockaddr_nl from = { 0 };
	struct iovec part = { message, sizeof(message) };
	struct msghdr head = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	ssize_t len;

	for (;;) {
		len = recvmsg(watch->socket_fd, &head, MSG_DONTWAIT);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == ENOBUFS) {
			watch->stats.lost++;
			postpone(watch);
			continue;
		}
		if (len < 0)
			return errno == EAGAIN ? 0 : -errno;
		/* Anybody with the rights to may send to the group. */
		if (from.nl_pid == 0)
			take(watch, message, len);
		head.msg_namelen = sizeof(from);
	}
}

int module_watch__settled(struct module_watch *watch)
{
	__u64 unused;
	int err = receive(watch);

	if (err)
		return err;
	if (read(watch->timer_fd, &unused, sizeof(unused)) < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	watch->first_ns = 0;
	return 1;
}

/* The first four letters of `text`, as a filter loads them. */
#define WORD(text) ((__u32)(text)[0] << 24 | (text)[1] << 16 | (text)[2] << 8 | (text)[3])

/*
 * Messages come of everything that the host has, and of disks or interfaces very many. Those that do
 * not begin as ours do are not even queued.
 */
static void filter(const struct module_watch *watch)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WORD("add@"), 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WORD("/mod"), 5, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WORD("remo"), 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WORD("ve@/"), 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WORD("modu"), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ~0u),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog prog = { sizeof(insns) / sizeof(insns[0]), insns };

	/* Without it there is more to read. */
	setsockopt(watch->socket_fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

/* --- the watch ------------------------------------------------------------------------------------ */

static int open_socket(struct module_watch *watch)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
	int size = RECEIVE_BYTES;

	watch->socket_fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (watch->socket_fd < 0)
		return -errno;
	/* Without the right to, it stays at the limit that there is for all. */
	if (setsockopt(watch->socket_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(watch->socket_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	filter(watch);
	if (bind(watch->socket_fd, (const struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return 0;
}

static int watch_file(struct module_watch *watch, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int module_watch__open(struct module_watch **result)
{
	struct module_watch *watch = calloc(1, sizeof(*watch));
	int err;

	if (!watch)
		return -ENOMEM;
	watch->socket_fd = -1;
	watch->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = watch->timer_fd < 0 || watch->epoll_fd < 0 ? -errno : open_socket(watch);
	if (!err)
		err = watch_file(watch, watch->socket_fd) ?: watch_file(watch, watch->timer_fd);
	if (err) {
		module_watch__free(watch);
		return err;
	}
	*result = watch;
	return 0;
}

static void close_file(int fd)
{
	if (fd >= 0)
		close(fd);
}

void module_watch__free(struct module_watch *watch)
{
	if (!watch)
		return;
	close_file(watch->epoll_fd);
	close_file(watch->timer_fd);
	close_file(watch->socket_fd);
	free(watch);
}

int module_watch__fd(const struct module_watch *watch)
{
	return watch->epoll_fd;
}

struct module_watch_stats module_watch__stats(const struct module_watch *watch)
{
	return watch->stats;
}
