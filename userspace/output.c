// SPDX-License-Identifier: GPL-2.0-only
#include "output.h"

#include <errno.h>
#include <string.h>

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
