// SPDX-License-Identifier: GPL-2.0-only
#include "notice_sinks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "message.h"

struct notice_sink {
	notice_format_fn format;
	int (*send)(struct notice_sink *sink, const char *bytes, size_t len);
	char *path;
	int fd;	   /* -1: not open at the moment */
	bool torn; /* the last line of the file is not whole */
};

/* --- datagrams -------------------------------------------------------------------------------- */

static int connect_datagram(struct notice_sink *sink)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int err;

	if (sink->fd >= 0)
		return 0;
	sink->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sink->fd < 0)
		return -errno;
	strcpy(address.sun_path, sink->path);
	if (connect(sink->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	err = -errno;
	close(sink->fd);
	sink->fd = -1;
	return err;
}

/*
 * The journal as well: sd_journal_sendv() and syslog() wait for a journal that hangs, and do not say that
 * there is none.
 */
static int send_datagram(struct notice_sink *sink, const char *bytes, size_t len)
{
	int err;

	/* Whoever listens may have been started again, with another socket at the same place. */
	for (int attempt = 0; attempt < 2; attempt++) {
		err = connect_datagram(sink);
		if (err)
			return err;
		if (send(sink->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		err = -errno;
		if (err == -EAGAIN || err == -EMSGSIZE)
			return err;
		close(sink->fd);
		sink->fd = -1;
	}
	return err;
}

/* --- files ------------------------------------------------------------------------------------ */

static int open_file(struct notice_sink *sink)
{
	struct stat held, there;

	/* logrotate moves it away, or removes it. */
	if (sink->fd >= 0 && (stat(sink->path, &there) || fstat(sink->fd, &held) ||
			      held.st_dev != there.st_dev || held.st_ino != there.st_ino)) {
		close(sink->fd);
		sink->fd = -1;
		sink->torn = false;
	}
	if (sink->fd < 0)
		/* O_NONBLOCK: a fifo that nobody reads. */
		sink->fd = open(sink->path,
				O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
				0640);
	return sink->fd < 0 ? -errno : 0;
}

/* In one write, so that lines of others do not come between. */
static int write_line(struct notice_sink *sink, const char *bytes, size_t len)
{
	struct iovec parts[] = {
		{ .iov_base = "\n", .iov_len = sink->torn },
		{ .iov_base = (void *)bytes, .iov_len = len },
	};
	int err = open_file(sink);
	ssize_t written;

	if (err)
		return err;
	parts[0].iov_len = sink->torn; /* it may be another file by now */
	len += parts[0].iov_len;
	written = writev(sink->fd, parts, 2);
	if (written == (ssize_t)len) {
		sink->torn = false;
		return 0;
	}
	if (written < 0)
		return -errno;
	/* The disk is full, within the line: the next one begins anew. */
	sink->torn = (size_t)written > parts[0].iov_len || (sink->torn && !written);
	return -ENOSPC;
}

/* Standard error belongs to others as well and stays blocking: look whether there is room. */
static int write_stderr(struct notice_sink *sink, const char *bytes, size_t len)
{
	struct pollfd pollfd = { .fd = STDERR_FILENO, .events = POLLOUT };

	(void)sink;
	if (poll(&pollfd, 1, 0) < 1 || !(pollfd.revents & POLLOUT))
		return -EAGAIN;
	return write(STDERR_FILENO, bytes, len) == (ssize_t)len ? 0 : -(errno ?: EIO);
}

/* --- words ------------------------------------------------------------------------------------ */

static const struct {
	const char *word;
	bool prefix;
	const char *path;
	notice_format_fn format;
	int (*send)(struct notice_sink *sink, const char *bytes, size_t len);
} sinks[] = {
	{ "journal", false, NOTICE_JOURNAL_SOCKET, notice_format__journal, send_datagram },
	{ "syslog", false, NOTICE_SYSLOG_SOCKET, notice_format__syslog, send_datagram },
	{ "stderr", false, "", notice_format__text, write_stderr },
	{ "file:", true, NULL, notice_format__json_line, write_line },
	{ "unix:", true, NULL, notice_format__json_line, send_datagram },
};

#define NR_SINKS (sizeof(sinks) / sizeof(sinks[0]))

static const char *resolve(const char *word, size_t *len)
{
	if (*len != strlen("auto") || memcmp(word, "auto", *len) != 0)
		return word;
	word = access(NOTICE_JOURNAL_SOCKET, F_OK) == 0 ? "journal" : "stderr";
	*len = strlen(word);
	return word;
}

/* Its index in `sinks`, or -1. */
static int find(const char *word, size_t len)
{
	for (size_t i = 0; i < NR_SINKS; i++) {
		size_t own = strlen(sinks[i].word);

		if (sinks[i].prefix ? len > own && word[own] == '/' : len == own) {
			if (memcmp(word, sinks[i].word, own) == 0)
				return i;
		}
	}
	return -1;
}

bool notice_sink__is(const char *word, size_t len)
{
	size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	int which;

	word = resolve(word, &len);
	which = find(word, len);
	if (which < 0)
		return false;
	return sinks[which].send != send_datagram || len - strlen(sinks[which].word) <= max;
}

int notice_sink__open(const char *word, size_t len, struct notice_sink **result)
{
	struct notice_sink *sink = calloc(1, sizeof(*sink));
	int which, err = 0;

	*result = NULL;
	if (!sink)
		return -ENOMEM;
	word = resolve(word, &len);
	which = find(word, len);
	if (which >= 0) {
		size_t own = strlen(sinks[which].word);

		sink->format = sinks[which].format;
		sink->send = sinks[which].send;
		sink->path = sinks[which].prefix ? strndup(word + own, len - own)
						 : strdup(sinks[which].path);
	}
	sink->fd = -1;
	if (which < 0 || !sink->path)
		err = which < 0 ? -EINVAL : -ENOMEM;
	else if (sink->send == write_line)
		err = open_file(sink);
	if (err) {
		msg__error("cannot send notices to %.*s: %s", (int)len, word, strerror(-err));
		notice_sink__free(sink);
		return err;
	}
	err = sink->send == send_datagram ? connect_datagram(sink) : 0;
	if (err)
		msg__warn("nobody takes notices on %s yet: %s; it is tried again with each",
			  sink->path, strerror(-err));
	*result = sink;
	return 0;
}

void notice_sink__free(struct notice_sink *sink)
{
	if (!sink)
		return;
	if (sink->fd >= 0)
		close(sink->fd);
	free(sink->path);
	free(sink);
}

int notice_sink__tell(struct notice_sink *sink, const struct notice_record *record)
{
	char bytes[NOTICE_MAX_BYTES];
	size_t len = sink->format(record, bytes);

	return len ? sink->send(sink, bytes, len) : -EMSGSIZE;
}
