// SPDX-License-Identifier: GPL-2.0-only
#include "serve_control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "message.h"
#include "printable.h"
#include "serve_lock.h"

/* Who comes when all places are taken gets that of who has waited longest. */
#define MAX_CLIENTS  16
#define MAX_REQUEST  256
#define MAX_ANSWER   16384
#define PATIENCE_NS  (5 * NS_PER_S) /* for a client to send its request */
#define NO_ACCEPT_NS (NS_PER_S)	    /* after accept() has failed: no file descriptors left */

struct client {
	int fd; /* -1: a free place */
	__u64 deadline_ns;
	size_t len;
	char request[MAX_REQUEST];
};

struct serve_control {
	serve_control_fn fn;
	void *arg;
	int lock_fd, epoll_fd, listen_fd, timer_fd;
	char *path; /* of the socket, once it is there */
	struct stat made;
	__u64 accept_again_ns; /* 0: it listens */
	struct client clients[MAX_CLIENTS];
};

static int set_address(struct sockaddr_un *address, const char *path)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

/* --- one client ------------------------------------------------------------------------------- */

static void drop(struct client *client)
{
	/* That takes it out of the epoll set too. */
	close(client->fd);
	client->fd = -1;
}

/*
 * The status in a line, then the text. All of it fits into a socket's buffer, which is empty: what does
 * not take it at once is not worth waiting for.
 */
static void answer(struct client *client, int status, const char *text)
{
	char *reply;
	int len = asprintf(&reply, "%d\n%s", status, text);

	if (len >= 0) {
		send(client->fd, reply, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		free(reply);
	}
	drop(client);
}

static void handle(struct serve_control *control, struct client *client, size_t len)
{
	char text[MAX_ANSWER] = "";
	int status;

	if (len && client->request[len - 1] == '\r')
		len--;
	client->request[len] = '\0';
	if (strlen(client->request) != len || !printable__is(client->request)) {
		answer(client, -EINVAL, "the request is not text");
		return;
	}
	status = control->fn(client->request, text, sizeof(text), control->arg);
	answer(client, status, text);
}

/* A request ends with its newline: what breaks off before is none. */
static void read_request(struct serve_control *control, struct client *client)
{
	size_t room = sizeof(client->request) - client->len;
	ssize_t got = recv(client->fd, client->request + client->len, room, MSG_DONTWAIT);
	char *end;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		drop(client);
		return;
	}
	client->len += got;
	end = memchr(client->request, '\n', client->len);
	if (end)
		handle(control, client, end - client->request);
	else if (client->len == sizeof(client->request))
		answer(client, -E2BIG, "the request is too long");
}

/* --- all clients ------------------------------------------------------------------------------ */

static struct client *find_place(struct serve_control *control)
{
	struct client *oldest = &control->clients[0];

	for (int i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0)
			return client;
		if (client->deadline_ns < oldest->deadline_ns)
			oldest = client;
	}
	drop(oldest);
	return oldest;
}

/* The socket's mode says so already, but not to processes that may override modes. */
static bool may_ask(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void take_client(struct serve_control *control, int fd)
{
	struct client *client = find_place(control);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	client->fd = fd;
	client->len = 0;
	client->deadline_ns = clock_ns() + PATIENCE_NS;
	if (!may_ask(fd))
		answer(client, -EACCES, "only root and the aggregator's own user may ask");
	else if (epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		drop(client);
	else
		read_request(control, client); /* who is honest has sent it by now */
}

static void set_listening(struct serve_control *control, bool on)
{
	struct epoll_event event = { .events = on ? EPOLLIN : 0, .data.ptr = control };

	epoll_ctl(control->epoll_fd, EPOLL_CTL_MOD, control->listen_fd, &event);
	control->accept_again_ns = on ? 0 : clock_ns() + NO_ACCEPT_NS;
}

static void accept_clients(struct serve_control *control)
{
	for (int i = 0; i < MAX_CLIENTS; i++) {
		int fd = accept4(control->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take_client(control, fd);
			continue;
		}
		/* Without file descriptors it would be called again at once, and again. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			set_listening(control, false);
		return;
	}
}

/* Drops whose time is over, and sets the timer for who is next. */
static void tend(struct serve_control *control)
{
	struct itimerspec timer = { 0 };
	__u64 now = clock_ns(), next = 0, expirations;

	if (read(control->timer_fd, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
		msg__warn("control socket: the timer fails: %s", strerror(errno));
	if (control->accept_again_ns && control->accept_again_ns <= now)
		set_listening(control, true);
	next = control->accept_again_ns;
	for (int i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0 && client->deadline_ns <= now)
			drop(client);
		if (client->fd >= 0 && (!next || client->deadline_ns < next))
			next = client->deadline_ns;
	}
	timer.it_value.tv_sec = next / NS_PER_S;
	timer.it_value.tv_nsec = next % NS_PER_S;
	timerfd_settime(control->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

void serve_control__run(struct serve_control *control)
{
	struct epoll_event events[MAX_CLIENTS + 2];
	int nr = epoll_wait(control->epoll_fd, events, MAX_CLIENTS + 2, 0);

	for (int i = 0; i < nr; i++) {
		struct client *client = events[i].data.ptr;

		if (events[i].data.ptr == control) {
			accept_clients(control);
		} else if (events[i].data.ptr != &control->timer_fd) {
			/* Another may have its place by now: then there is just nothing to read. */
			if (client->fd >= 0)
				read_request(control, client);
		}
	}
	tend(control);
}

int serve_control__fd(const struct serve_control *control)
{
	return control->epoll_fd;
}

/* --- coming and going ------------------------------------------------------------------------- */

static int make_folder(const char *path)
{
	char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
	int err = folder ? 0 : -ENOMEM;

	if (slash && slash != folder) {
		*slash = '\0';
		if (mkdir(folder, 0755) && errno != EEXIST) {
			err = -errno;
			msg__error("cannot make the folder %s: %s", folder, strerror(errno));
		}
	}
	free(folder);
	return err;
}

static int lock(struct serve_control *control, const char *path)
{
	char *lock_path;

	if (asprintf(&lock_path, "%s.lock", path) < 0)
		return -ENOMEM;
	control->lock_fd = serve_lock__take(lock_path);
	free(lock_path);
	return control->lock_fd < 0 ? control->lock_fd : 0;
}

/* Who holds the lock is the only one: a socket that is there was left by one that was killed. */
static int remove_old(const char *path)
{
	struct stat old;

	if (lstat(path, &old))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(old.st_mode))
		return -ENOTSOCK;
	return unlink(path) ? -errno : 0;
}

static int bind_socket(struct serve_control *control, const char *path)
{
	struct sockaddr_un address;
	int err = set_address(&address, path) ?: remove_old(path);

	if (err)
		return err;
	control->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* The file is made with the mode that the socket has. */
	if (control->listen_fd < 0 || fchmod(control->listen_fd, 0600) ||
	    bind(control->listen_fd, (struct sockaddr *)&address, sizeof(address)) ||
	    stat(path, &control->made))
		return -errno;
	control->path = strdup(path);
	if (!control->path) {
		unlink(path);
		return -ENOMEM;
	}
	return listen(control->listen_fd, 64) ? -errno : 0;
}

static int watch(struct serve_control *control)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = control };

	control->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	control->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (control->epoll_fd < 0 || control->timer_fd < 0 ||
	    epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, control->listen_fd, &event))
		return -errno;
	event.data.ptr = &control->timer_fd;
	return epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, control->timer_fd, &event) ? -errno : 0;
}

int serve_control__open(const char *path, serve_control_fn fn, void *arg,
			struct serve_control **result)
{
	struct serve_control *control = calloc(1, sizeof(*control));
	int err;

	*result = NULL;
	if (!control)
		return -ENOMEM;
	control->fn = fn;
	control->arg = arg;
	control->lock_fd = control->listen_fd = control->epoll_fd = control->timer_fd = -1;
	for (int i = 0; i < MAX_CLIENTS; i++)
		control->clients[i].fd = -1;
	err = make_folder(path) ?: lock(control, path);
	if (!err) {
		err = bind_socket(control, path) ?: watch(control);
		if (err)
			msg__error("cannot listen on %s: %s", path, strerror(-err));
	}
	if (err)
		serve_control__free(control);
	else
		*result = control;
	return err;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void serve_control__free(struct serve_control *control)
{
	struct stat there;

	if (!control)
		return;
	for (int i = 0; i < MAX_CLIENTS; i++)
		close_if_open(control->clients[i].fd);
	/* The lock goes last: until then the path is ours, unless somebody made another file of it. */
	if (control->path && lstat(control->path, &there) == 0 &&
	    there.st_dev == control->made.st_dev && there.st_ino == control->made.st_ino)
		unlink(control->path);
	close_if_open(control->timer_fd);
	close_if_open(control->epoll_fd);
	close_if_open(control->listen_fd);
	close_if_open(control->lock_fd);
	free(control->path);
	free(control);
}

/* --- who asks --------------------------------------------------------------------------------- */

static int set_timeout(int fd, __u64 deadline_ns)
{
	__u64 now = clock_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
	struct timeval timeout = { .tv_sec = left / NS_PER_S, .tv_usec = left % NS_PER_S / 1000 };

	/* 0 would be forever. */
	if (!timeout.tv_sec && !timeout.tv_usec)
		return -ETIMEDOUT;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)))
		return -errno;
	return 0;
}

static int error_of(int err)
{
	return err == EAGAIN || err == EINPROGRESS ? -ETIMEDOUT : -err;
}

static int send_request(int fd, const char *path, const char *request)
{
	struct sockaddr_un address;
	char line[MAX_REQUEST + 1];
	int err = set_address(&address, path), len;

	if (err)
		return err;
	len = snprintf(line, sizeof(line), "%s\n", request);
	if (len > MAX_REQUEST)
		return -E2BIG;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return error_of(errno);
	/* Who may not ask is told so without having been listened to. */
	if (send(fd, line, len, MSG_NOSIGNAL) != len && errno != EPIPE)
		return error_of(errno);
	return 0;
}

/* Until its end. Returns the length, 0 when it broke off, or a negative errno. */
static int read_reply(int fd, __u64 deadline_ns, char *reply, size_t size)
{
	size_t len = 0;

	while (len < size - 1) {
		int err = set_timeout(fd, deadline_ns);
		ssize_t got = err ? 0 : recv(fd, reply + len, size - 1 - len, 0);

		if (err)
			return err;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno != ECONNRESET)
			return error_of(errno);
		if (got <= 0)
			break;
		len += got;
	}
	reply[len] = '\0';
	return len;
}

static int take_reply(char *reply, char **answer_out)
{
	char *end;
	long status = strtol(reply, &end, 10);

	if (end == reply || *end != '\n' || status > 0 || status < -4095)
		return -EPROTO;
	memmove(reply, end + 1, strlen(end + 1) + 1);
	*answer_out = reply;
	return status;
}

int serve_control__ask(const char *path, const char *request, int timeout_s, char **answer_out)
{
	__u64 deadline_ns = clock_ns() + timeout_s * NS_PER_S;
	size_t size = MAX_ANSWER + 64;
	char *reply = malloc(size);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

	*answer_out = NULL;
	if (!reply || fd < 0)
		err = reply ? -errno : -ENOMEM;
	err = err ?: set_timeout(fd, deadline_ns) ?: send_request(fd, path, request);
	if (!err) {
		err = read_reply(fd, deadline_ns, reply, size);
		if (err >= 0)
			err = take_reply(reply, answer_out);
	}
	close_if_open(fd);
	if (!*answer_out)
		free(reply);
	return err;
}
