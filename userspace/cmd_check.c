// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace check: whether the programs of BPF object files load on kernels. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "check_report.h"
#include "commands.h"
#include "common_options.h"
#include "message.h"
#include "output.h"

#define MAX_KERNELS 64

struct check_options {
	bool json;
	const char *sarif;
	const char *built_for;
	const char *kernels[MAX_KERNELS];
	int nr_kernels;
	char **paths;
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace check [OPTIONS] OBJECT...\n"
	      "Tells whether the programs in BPF object files load on a kernel, as far as their calls of\n"
	      "kfuncs decide. An OBJECT is a file, or a folder in which all files *.o are looked at.\n\n"
	      "      --against KERNEL  a file that `kfunctrace snapshot` has written, a kernel that\n"
	      "                        comes with the program (6.12, 7.x), or `live`, which is what is\n"
	      "                        asked without this option; several times: each of them\n"
	      "      --built-for KERNEL\n"
	      "                        the kernel that the programs were written for: says what has\n"
	      "                        changed since; without it the first of --against\n"
	      "      --json            an object\n"
	      "      --sarif FILE      for code hosts (SARIF 2.1.0), besides the rest\n"
	      "  -v, --verbose         also what is fine, and files of folders that are left out\n"
	      "  -h, --help\n\n"
	      "Exit status: 0 nothing breaks, 1 something does, 2 trouble, or an object that cannot be\n"
	      "judged.\n",
	      out);
}

static int add_kernel(struct check_options *opts, const char *name)
{
	if (opts->nr_kernels == MAX_KERNELS) {
		msg__error("--against can be given %d times", MAX_KERNELS);
		return -1;
	}
	opts->kernels[opts->nr_kernels++] = name;
	return 0;
}

static int parse_options(int argc, char **argv, struct check_options *opts)
{
	enum { OPT_AGAINST = 256, OPT_BUILT_FOR, OPT_JSON, OPT_SARIF };
	static const struct option longs[] = {
		{ "against", required_argument, NULL, OPT_AGAINST },
		{ "built-for", required_argument, NULL, OPT_BUILT_FOR },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "sarif", required_argument, NULL, OPT_SARIF },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		switch (c) {
		case OPT_AGAINST:
			if (add_kernel(opts, optarg))
				return -1;
			break;
		case OPT_BUILT_FOR:
			opts->built_for = optarg;
			break;
		case OPT_JSON:
			opts->json = true;
			break;
		case OPT_SARIF:
			opts->sarif = optarg;
			break;
		default:
			if (common_option__take(c, print_usage))
				return -1;
		}
	}
	if (optind == argc) {
		msg__error(
			"check needs BPF object files, or folders of them; `kfunctrace check --help`");
		return -1;
	}
	opts->paths = argv + optind;
	return 0;
}

static int open_kernels(struct check *check, const struct check_options *opts)
{
	int err = opts->built_for ? check__add_baseline(check, opts->built_for) : 0;

	if (!opts->nr_kernels && !err) {
		err = check__add_kernel(check, "live");
		if (err)
			msg__error("the running kernel cannot be asked; name others with --against "
				   "(6.12, 7.x, files of `kfunctrace snapshot`)");
	}
	for (int i = 0; i < opts->nr_kernels && !err; i++)
		err = check__add_kernel(check, opts->kernels[i]);
	return err;
}

/* --- files ------------------------------------------------------------------------------------ */

/* Returns what a file has in memory of its own, or NULL with errno. */
static void *read_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat stat;
	char *data = NULL;
	ssize_t got = 1;

	*size = 0;
	if (fd < 0)
		return NULL;
	errno = EINVAL;
	if (!fstat(fd, &stat) && S_ISREG(stat.st_mode))
		data = malloc(stat.st_size + 1);
	while (data && got > 0 && *size < (size_t)stat.st_size) {
		got = read(fd, data + *size, stat.st_size - *size);
		*size += got > 0 ? got : 0;
	}
	close(fd);
	if (got >= 0)
		return data;
	free(data);
	return NULL;
}

/* Returns 0, 1 when the file cannot be judged and that was said, or -ENOMEM. */
static int check_file(struct check *check, const char *path, bool in_folder)
{
	size_t size;
	void *data = read_file(path, &size);
	const char *error;
	int err;

	if (!data) {
		error = errno == EINVAL ? "neither a file nor a folder" : strerror(errno);
		msg__error("cannot read %s: %s", path, error);
		return check__unreadable(check, path, error) ?: 1;
	}
	err = check__object(check, path, data, size);
	free(data);
	if (!err)
		return 0;
	if (err == -ENOMEM)
		return err;
	error = check->objects[check->nr_objects - 1].error;
	if (err == -ENOEXEC && in_folder) {
		msg__detail("%s: left out: %s", path, error);
		check__forget_object(check);
		return 0;
	}
	msg__error("%s: %s", path, error);
	return 1;
}

static int compare_entries(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_object_file(const FTSENT *entry)
{
	struct stat info;

	if (entry->fts_namelen <= 2 || strcmp(entry->fts_name + entry->fts_namelen - 2, ".o") != 0)
		return false;
	return entry->fts_info == FTS_F ||
	       (entry->fts_info == FTS_SL && !stat(entry->fts_accpath, &info) &&
		S_ISREG(info.st_mode));
}

static int check_folder(struct check *check, char *path)
{
	char *const paths[] = { path, NULL };
	/* Build systems put links for files. Those for folders may lead round in a circle. */
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, compare_entries);
	size_t before = check->nr_objects;
	int trouble = 0, err = 0;
	FTSENT *entry;

	if (!fts)
		return -ENOMEM;
	while (err >= 0 && (entry = fts_read(fts))) {
		if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR) {
			msg__error("cannot read %s: %s", entry->fts_path,
				   strerror(entry->fts_errno));
			trouble = 1;
		} else if (is_object_file(entry)) {
			err = check_file(check, entry->fts_path, true);
			trouble |= err > 0;
		}
	}
	fts_close(fts);
	if (err >= 0 && !trouble && check->nr_objects == before) {
		msg__error("%s: there is no BPF object file (*.o) in this folder", path);
		trouble = 1;
	}
	return err < 0 ? err : trouble;
}

/* Returns 0, 1 when something could not be judged, or -ENOMEM. */
static int check_paths(struct check *check, const struct check_options *opts)
{
	int trouble = 0, err = 0;

	for (char **path = opts->paths; *path && err >= 0; path++) {
		struct stat info;

		if (!stat(*path, &info) && S_ISDIR(info.st_mode))
			err = check_folder(check, *path);
		else
			err = check_file(check, *path, false);
		trouble |= err > 0;
	}
	return err < 0 ? err : trouble;
}

/* --- results ---------------------------------------------------------------------------------- */

static int write_sarif(const struct check *check, const char *path)
{
	struct results results;
	int err = results__open(&results, path, NULL);

	if (err)
		return err;
	err = check_report__sarif(check, results__begin(&results));
	return results__close(&results) ?: err;
}

static int print(const struct check *check, const struct check_options *opts)
{
	int err;

	if (opts->json)
		err = check_report__json(check, stdout);
	else
		err = check_report__text(check, msg__verbosity() > 0, stdout);
	if (!err && opts->sarif)
		err = write_sarif(check, opts->sarif);
	return err;
}

static bool breaks(const struct check *check)
{
	for (size_t i = 0; i < check->nr_findings; i++) {
		if (check_finding__counts(&check->findings[i]))
			return true;
	}
	return false;
}

int cmd_check(int argc, char **argv)
{
	struct check_options opts = { 0 };
	struct check check = { 0 };
	int err, trouble, status = EXIT_TROUBLE;

	if (parse_options(argc, argv, &opts))
		return EXIT_TROUBLE;
	err = check__init(&check);
	if (!err && open_kernels(&check, &opts) == 0) {
		trouble = check_paths(&check, &opts);
		err = trouble < 0 ? trouble : print(&check, &opts);
		if (!err && !trouble)
			status = breaks(&check) ? EXIT_FOUND : EXIT_FINE;
	}
	if (err == -ENOMEM)
		msg__error("cannot check: out of memory");
	if (output__finish(stdout, "standard output"))
		status = EXIT_TROUBLE;
	check__free(&check);
	return status;
}
