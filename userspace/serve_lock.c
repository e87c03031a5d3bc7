// SPDX-License-Identifier: GPL-2.0-only
#include "serve_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"

/* Somebody may have removed the file between open() and flock(): then the lock is on nothing. */
static bool is_still_there(int fd, const char *path)
{
	struct stat held, there;

	return fstat(fd, &held) == 0 && stat(path, &there) == 0 && held.st_dev == there.st_dev &&
	       held.st_ino == there.st_ino;
}

static int say_who_runs(int fd, const char *path)
{
	char text[32] = "";
	long pid;

	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		text[0] = '\0';
	pid = strtol(text, NULL, 10);
	if (pid > 0)
		msg__error("an aggregator is already running, pid %ld (it holds %s)", pid, path);
	else
		msg__error("an aggregator is already running (it holds %s)", path);
	return -EEXIST;
}

static int write_pid(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", getpid());

	if (ftruncate(fd, 0))
		return -errno;
	if (pwrite(fd, text, len, 0) != len)
		return -(errno ?: EIO);
	return 0;
}

int serve_lock__take(const char *path)
{
	int fd, err;

	for (;;) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			break;
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			if (errno != EWOULDBLOCK)
				break;
			err = say_who_runs(fd, path);
			close(fd);
			return err;
		}
		if (is_still_there(fd, path)) {
			errno = 0;
			err = write_pid(fd);
			/* The pid is for people: a full disk keeps nobody from running. */
			if (err)
				msg__warn("cannot write the pid into %s: %s", path, strerror(-err));
			return fd;
		}
		close(fd);
	}
	err = -errno;
	msg__error("cannot lock %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}
