/* SPDX-License-Identifier: GPL-2.0-only */
/* A socket that listens: on an address and port, or at a path. */
#ifndef KFUNCTRACE_LISTEN_SOCKET_H
#define KFUNCTRACE_LISTEN_SOCKET_H

#include <sys/types.h>

struct listen_socket {
	int fd; /* -1: none; who takes it over sets it so */
	/* Of a Unix socket: where it lies, and which file it is; else NULL. */
	char *path;
	dev_t dev;
	ino_t ino;
};

/*
 * `address`: "127.0.0.1:9435", "[::1]:9435", "unix:/run/kfunctrace/metrics.sock". A Unix socket is made
 * 0660, in the place of a file that nobody listens on any more. The socket does not block. Returns 0
 * or a negative errno, having said what failed and what to do.
 *
 * `beside`: a socket of this process that listens and may have the same port, as all addresses of the host
 * and one of them have; -1: there is none.
 */
int listen_socket__open(struct listen_socket *listener, const char *address, int beside);
/* Removes the file, if it is still the same one. */
void listen_socket__close(struct listen_socket *listener);

#endif
