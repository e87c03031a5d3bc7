// SPDX-License-Identifier: GPL-2.0-only
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "message.h"

int output__finish(FILE *out, const char *name)
{
	int err = 0;

	errno = 0;
	if (fflush(out) || ferror(out))
		err = errno ? -errno : -EIO;
	if (out != stdout && out != stderr && fclose(out) && !err)
		err = -errno;
	if (err)
		msg__error("cannot write to %s: %s; the result is incomplete", name,
			   strerror(-err));
	return err;
}

int output__json(FILE *out, json_t *value, int pretty)
{
	int err = -ENOMEM;

	if (value) {
		err = json_dumpf(value, out, pretty ? JSON_INDENT(2) : JSON_COMPACT) ? -ENOMEM : 0;
		/* What could not be written, output__finish() tells. */
		if (ferror(out))
			err = 0;
		fputc('\n', out);
	}
	json_decref(value);
	return err;
}

int results__open(struct results *results, const char *path, char *const *command)
{
	int fd, err;

	memset(results, 0, sizeof(*results));
	if (!path) {
		results->out = command ? stderr : stdout;
		results->name = command ? "standard error" : "standard output";
		return 0;
	}
	results->name = path;
	results->is_file = true;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0)
		results->out = fdopen(fd, "w");
	if (results->out)
		return 0;
	err = -errno;
	msg__error("cannot write to %s: %s", path, strerror(-err));
	return err;
}

FILE *results__begin(struct results *results)
{
	/* Fails on what is no regular file, and there need not happen. */
	if (results->is_file && !results->begun && !ftruncate(fileno(results->out), 0))
		results->begun = true;
	return results->diverted ? stderr : results->out;
}

bool results__failed(const struct results *results)
{
	return ferror(results->out);
}

int results__print_last(struct results *results, int (*print)(void *arg), void *arg)
{
	int err = results__failed(results) ? 0 : print(arg);

	if (err || !results__failed(results) || results->out == stderr)
		return err;
	msg__error("cannot write to %s: it is closed, or its disk is full; the totals follow here",
		   results->name);
	results->diverted = true;
	return print(arg);
}

int results__close(struct results *results)
{
	int err = output__finish(results->out, results->name);

	return results->diverted ? -EIO : err;
}
