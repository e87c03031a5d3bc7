// SPDX-License-Identifier: GPL-2.0-only
#include "new_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "output.h"

/* Beside the file: to be renamed it must be on the same file system. */
static int open_temporary(struct new_file *file, mode_t mode)
{
	int fd;

	if (asprintf(&file->temporary, "%s.XXXXXX", file->path) < 0) {
		file->temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(file->temporary, 0);
	if (fd < 0)
		return -errno;
	file->out = fdopen(fd, "w");
	if (!file->out || fchmod(fd, mode)) {
		int err = -errno;

		unlink(file->temporary);
		if (file->out)
			fclose(file->out);
		else
			close(fd);
		return err;
	}
	return 0;
}

static int open_in_place(struct new_file *file)
{
	file->out = fopen(file->path, "we");
	return file->out ? 0 : -errno;
}

/* Who may read the file that was there, and nobody else, may read the new one. */
static mode_t mode_of(const struct stat *old)
{
	mode_t mask;

	if (old)
		return old->st_mode & 0777;
	mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

int new_file__open(struct new_file *file, const char *path)
{
	struct stat stat_of;
	bool exists;
	int err = -ENOMEM;

	memset(file, 0, sizeof(*file));
	if (!strcmp(path, "-")) {
		file->out = stdout;
		return 0;
	}
	exists = !stat(path, &stat_of);
	file->path = exists ? realpath(path, NULL) : strdup(path);
	/* What only its name leads to, as /dev/fd/3 of a pipe does, has no other path. */
	if (!file->path && exists)
		file->path = strdup(path);
	if (file->path && exists && S_ISDIR(stat_of.st_mode))
		err = -EISDIR;
	else if (file->path)
		err = exists && !S_ISREG(stat_of.st_mode)
			      ? open_in_place(file)
			      : open_temporary(file, mode_of(exists ? &stat_of : NULL));
	if (err) {
		msg__error("cannot write to %s: %s", path, strerror(-err));
		free(file->temporary);
		free(file->path);
	}
	return err;
}

int new_file__finish(struct new_file *file, int failed)
{
	int err = output__finish(file->out, file->path ?: "standard output");

	if (file->temporary && !err && !failed && rename(file->temporary, file->path)) {
		err = -errno;
		msg__error("cannot write to %s: %s", file->path, strerror(-err));
	}
	if (file->temporary && (err || failed))
		unlink(file->temporary);
	free(file->temporary);
	free(file->path);
	return err;
}
