// SPDX-License-Identifier: GPL-2.0-only
#include "listen_socket.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "message.h"

#define BACKLOG 256

static int failed(const char *address, int err)
{
	const char *what_to_do = "";

	if (err == EADDRINUSE)
		what_to_do =
			": somebody listens there, perhaps another aggregator; stop it, or listen "
			"elsewhere";
	else if (err == EADDRNOTAVAIL)
		what_to_do = ": this host has no such address";
	else if (err == ENOENT)
		what_to_do = ": make the folder first";
	else if (err == EACCES || err == EPERM)
		what_to_do = ": not allowed; ports below 1024 and most folders need root";
	msg__error("cannot listen on %s: %s%s", address, strerror(err), what_to_do);
	return -err;
}

static int new_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* --- addresses ----------------------------------------------------------------------------------- */

/* Splits "127.0.0.1:9435" or "[::1]:9435" into two strings, in place. */
static bool split_address(char *text, char **host, char **port)
{
	char *colon = strrchr(text, ':');

	if (!colon || colon == text || !colon[1])
		return false;
	*colon = '\0';
	*host = text;
	*port = colon + 1;
	if (*text == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		*host = text + 1;
		return true;
	}
	/* Without brackets nobody knows which colon is the last. */
	return !strchr(text, ':');
}

/*
 * All addresses and one of them go together while both sockets say so. Not for longer: another process of
 * this user could share the port, too.
 */
static void share_port(int fd, int beside, int on)
{
	if (fd < 0 || beside < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	setsockopt(beside, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

static int listen_inet(struct listen_socket *listener, const char *address, int beside)
{
	/* No names: asking for one may take for ever, and does not say which address it is. */
	static const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	char *copy = strdup(address), *host, *port, *end;
	int err = 0, on = 1;

	if (!copy)
		return failed(address, ENOMEM);
	if (!split_address(copy, &host, &port) || strtoul(port, &end, 10) > 65535 || *end ||
	    getaddrinfo(host, port, &hints, &found)) {
		msg__error(
			"cannot listen on %s: it must be an address and a port, as 127.0.0.1:9435 or "
			"[::1]:9435, or unix:PATH",
			address);
		free(copy);
		return -EINVAL;
	}
	free(copy);
	listener->fd = new_socket(found->ai_family);
	share_port(listener->fd, beside, true);
	if (listener->fd < 0 ||
	    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(listener->fd, found->ai_addr, found->ai_addrlen) || listen(listener->fd, BACKLOG))
		err = failed(address, errno);
	share_port(listener->fd, beside, false);
	freeaddrinfo(found);
	return err;
}

/* --- paths --------------------------------------------------------------------------------------- */

/*
 * Removes a socket that nobody listens on, as a process that was killed leaves it. 0, or the errno that
 * says why the path cannot be taken.
 */
static int remove_dead_socket(const struct sockaddr_un *addr)
{
	struct stat stat;
	int fd, err = 0;

	if (lstat(addr->sun_path, &stat))
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(stat.st_mode))
		return EEXIST;
	fd = new_socket(AF_UNIX);
	if (fd < 0)
		return errno;
	if (!connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) || errno == EAGAIN)
		err = EADDRINUSE;
	else if (errno != ECONNREFUSED)
		err = errno;
	close(fd);
	if (!err && unlink(addr->sun_path))
		err = errno;
	return err;
}

static int bind_path(int fd, const struct sockaddr_un *addr)
{
	/* What it is at its birth counts: nobody may come in before a chmod. */
	mode_t mask = umask(0117);
	int err = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) ? errno : 0;

	umask(mask);
	return err;
}

static int listen_unix(struct listen_socket *listener, const char *address, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat stat;
	int err;

	if (*path != '/' || strlen(path) >= sizeof(addr.sun_path)) {
		msg__error(
			"cannot listen on %s: the path must begin with / and be shorter than %zu",
			address, sizeof(addr.sun_path));
		return -EINVAL;
	}
	strcpy(addr.sun_path, path);
	err = remove_dead_socket(&addr);
	if (err)
		return failed(address, err);
	listener->fd = new_socket(AF_UNIX);
	if (listener->fd < 0)
		return failed(address, errno);
	err = bind_path(listener->fd, &addr);
	if (err)
		return failed(address, err);
	listener->path = strdup(path);
	if (!lstat(path, &stat)) {
		listener->dev = stat.st_dev;
		listener->ino = stat.st_ino;
	}
	if (!listener->path || listen(listener->fd, BACKLOG))
		return failed(address, listener->path ? errno : ENOMEM);
	return 0;
}

int listen_socket__open(struct listen_socket *listener, const char *address, int beside)
{
	int err;

	*listener = (struct listen_socket){ .fd = -1 };
	if (!strncmp(address, "unix:", 5))
		err = listen_unix(listener, address, address + 5);
	else
		err = listen_inet(listener, address, beside);
	if (err)
		listen_socket__close(listener);
	return err;
}

void listen_socket__close(struct listen_socket *listener)
{
	struct stat stat;

	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
	if (listener->path && !lstat(listener->path, &stat) && stat.st_dev == listener->dev &&
	    stat.st_ino == listener->ino)
		unlink(listener->path);
	free(listener->path);
	listener->path = NULL;
}
