// SPDX-License-Identifier: GPL-2.0-only
/*
 * The truth as a file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "references.h"
#include "truth.h"
#include "truth_file.h"
#include "workload.h"

static void print_name(FILE *file, const char *key, const char *name)
{
	if (name[0])
		fprintf(file, ", \"%s\": \"%s\"", key, name);
	else
		fprintf(file, ", \"%s\": null", key);
}

/* Names of kfuncs and of programs need no escapes. */
static void print_rows(FILE *file, const struct truth_row *rows, size_t n)
{
	fputs("[\n", file);
	for (size_t i = 0; i < n; i++) {
		fprintf(file, "  {\"kfunc\": \"%s\", \"caller\": \"%s\"", rows[i].kfunc,
			rows[i].program[0] ? "program" : "kernel");
		print_name(file, "program", rows[i].program);
		if (rows[i].subprogram[0])
			print_name(file, "subprogram", rows[i].subprogram);
		if (rows[i].line)
			fprintf(file, ", \"line\": %u", rows[i].line);
		fprintf(file, ", \"calls\": %llu, \"null_returns\": ", rows[i].calls);
		if (rows[i].has_null)
			fprintf(file, "%llu}", rows[i].null_returns);
		else
			fputs("null}", file);
		fputs(i + 1 < n ? ",\n" : "\n", file);
	}
	fputs("]", file);
}

int truth_file__write(const char *path, const struct truth_row *rows, size_t n,
		      const struct references *references)
{
	char *temporary;
	FILE *file;
	int err;

	if (asprintf(&temporary, "%s.tmp", path) < 0)
		return fail(ENOMEM, "cannot write %s", path);
	file = fopen(temporary, "w");
	if (!file) {
		err = fail(errno, "cannot write %s", path);
		goto out;
	}
	if (references)
		fputs("{\"rows\": ", file);
	print_rows(file, rows, n);
	if (references) {
		references__print(references, file, rows, n);
		fputs("}", file);
	}
	fputs("\n", file);
	err = fclose(file) || rename(temporary, path) ? fail(errno, "cannot write %s", path) : 0;
out:
	free(temporary);
	return err;
}
