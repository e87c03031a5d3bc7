// SPDX-License-Identifier: GPL-2.0-only
#include "file_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"

static int map(const char *path, int fd, struct file_bytes *bytes)
{
	struct stat status;

	int err;

	if (fstat(fd, &status)) {
		err = -errno;
		msg__error("cannot read %s: %s", path, strerror(-err));
		return err;
	}
	if (S_ISDIR(status.st_mode)) {
		msg__error("%s: is a folder; name the file in it", path);
		return -EISDIR;
	}
	if (!S_ISREG(status.st_mode)) {
		msg__error("%s: is no regular file", path);
		return -EINVAL;
	}
	if (!status.st_size) {
		msg__error("%s: is empty", path);
		return -ENODATA;
	}
	bytes->size = status.st_size;
	/* Private and writable: libelf may turn words round where they lie. */
	bytes->data = mmap(NULL, bytes->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (bytes->data != MAP_FAILED)
		return 0;
	err = -errno;
	bytes->data = NULL;
	msg__error("cannot read %s: %s", path, strerror(-err));
	return err;
}

int file_bytes__read(const char *path, struct file_bytes *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;

	*bytes = (struct file_bytes){ .mapped = true };
	if (fd < 0) {
		err = -errno;
		msg__error("cannot read %s: %s", path, strerror(-err));
		return err;
	}
	err = map(path, fd, bytes);
	close(fd);
	return err;
}

void file_bytes__free(struct file_bytes *bytes)
{
	if (bytes->mapped && bytes->data)
		munmap(bytes->data, bytes->size);
	else if (!bytes->mapped)
		free(bytes->data);
	*bytes = (struct file_bytes){ 0 };
}
