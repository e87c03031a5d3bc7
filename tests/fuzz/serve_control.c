// SPDX-License-Identifier: GPL-2.0-only
/* Bytes as what clients send to the aggregator's control socket: a byte of choices, and the request. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "printable.h"
#include "serve_control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct serve_control *control;
static char folder[] = "/tmp/fuzz-serve-control.XXXXXX", path[64];
static int handled;

static int handle(const char *request, char *answer, size_t size, void *arg)
{
	(void)arg;
	handled++;
	/* What handlers are promised. */
	if (!printable__is(request) || strlen(request) > 255 || *answer)
		abort();
	snprintf(answer, size, "%s", request);
	return -(int)strlen(request);
}

static void clean(void)
{
	char lock[80];

	serve_control__free(control);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	rmdir(folder);
}

static void begin(void)
{
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof(path), "%s/control", folder);
	if (serve_control__open(path, handle, NULL, &control))
		abort();
	atexit(clean);
}

static int connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		abort();
	return fd;
}

/* An answer is a status, its line's end, and the text: nothing, or all of that. */
static void check_answer(int fd)
{
	char reply[20000], text[20000] = "";
	ssize_t got = recv(fd, reply, sizeof(reply) - 1, MSG_DONTWAIT);
	int status;

	if (got <= 0) {
		if (handled)
			abort();
		return;
	}
	reply[got] = '\0';
	if (sscanf(reply, "%d\n%19999[^\n]", &status, text) < 1 || status > 0)
		abort();
	if (handled && status != -(int)strlen(strchr(reply, '\n') + 1))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece, sent = 0;
	int fd;

	if (!control)
		begin();
	if (!size)
		return 0;
	piece = *data++ & 63 ?: SIZE_MAX;
	size--;
	handled = 0;
	fd = connect_client();
	while (sent < size && sent < 1024) {
		size_t len = size - sent < piece ? size - sent : piece;
		ssize_t done = send(fd, data + sent, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done <= 0)
			break;
		sent += done;
		serve_control__run(control);
	}
	shutdown(fd, SHUT_WR);
	serve_control__run(control);
	serve_control__run(control);
	if (handled > 1)
		abort();
	check_answer(fd);
	close(fd);
	return 0;
}
