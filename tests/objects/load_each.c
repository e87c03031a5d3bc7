// SPDX-License-Identifier: GPL-2.0-only
/*
 * load-each OBJECT...: what the running kernel says of each program. Loads them one by one, each with
 * its object opened anew, and prints a line "OBJECT PROGRAM yes|no"; why not, goes to standard error.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

static int print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, fmt, args);
}

/* Loads only the program of that place. Returns 1, 0 when refused, or -1 when there is none. */
static int load_one(const char *path, int place, const char **name)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	int at = 0, result = -1;
	static char kept[256];

	if (!object)
		return -1;
	bpf_object__for_each_program(program, object)
	{
		bpf_program__set_autoload(program, at == place);
		if (at++ != place)
			continue;
		snprintf(kept, sizeof(kept), "%s", bpf_program__name(program));
		*name = kept;
		result = 0;
	}
	if (result == 0)
		result = bpf_object__load(object) == 0;
	bpf_object__close(object);
	return result;
}

int main(int argc, char **argv)
{
	int failed = 0;

	libbpf_set_print(print);
	for (int i = 1; i < argc; i++) {
		const char *name = NULL;
		int result, place;

		for (place = 0; (result = load_one(argv[i], place, &name)) >= 0; place++)
			printf("%s %s %s\n", argv[i], name, result ? "yes" : "no");
		if (!place) {
			fprintf(stderr, "load-each: no program in %s\n", argv[i]);
			failed = 1;
		}
	}
	return failed;
}
