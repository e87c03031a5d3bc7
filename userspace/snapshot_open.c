// SPDX-License-Identifier: GPL-2.0-only
/* Kernels as people name them: the running one, a file, a version. */
#include "snapshot.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "data_path.h"
#include "live_kernel.h"
#include "message.h"

#define SUFFIX ".json"

static int open_live(struct snapshot *snapshot)
{
	struct live_kernel kernel;
	int err = live_kernel__open(&kernel);

	if (err)
		return err;
	err = snapshot__of_live(&kernel, snapshot);
	live_kernel__close(&kernel);
	return err;
}

static int open_file(const char *path, struct snapshot *snapshot)
{
	FILE *in = fopen(path, "re");
	int err;

	if (!in) {
		err = -errno;
		msg__error("cannot read %s: %s", path, strerror(-err));
		return err;
	}
	err = snapshot__read(in, path, snapshot);
	fclose(in);
	return err;
}

/* --- kernels that come with the program ------------------------------------------------------- */

/* "6.12", "6.12.107", "7.x": nobody names a file like that without a folder. */
static bool is_version(const char *name)
{
	size_t digits = strspn(name, "0123456789.");

	return isdigit((unsigned char)*name) && (!name[digits] || strcmp(name + digits, "x") == 0);
}

/* "6.12" is "6.12.107-amd64", and not "6.120.1". */
static bool is_of_version(const char *release, const char *version)
{
	size_t len = strlen(version);

	if (version[len - 1] == 'x')
		return strncmp(release, version, len - 1) == 0;
	return strncmp(release, version, len) == 0 && !isdigit((unsigned char)release[len]) &&
	       version[len - 1] != '.';
}

static int is_snapshot(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > strlen(SUFFIX) && isdigit((unsigned char)entry->d_name[0]) &&
	       strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* What there is, so that whoever named something else can choose. */
static void complain(const char *version, struct dirent **entries, int nr)
{
	char names[1024] = "";
	size_t len = 0;

	for (int i = 0; i < nr && len < sizeof(names); i++)
		len += snprintf(names + len, sizeof(names) - len, "%s%.*s", i ? ", " : "",
				(int)(strlen(entries[i]->d_name) - strlen(SUFFIX)),
				entries[i]->d_name);
	msg__error(
		"no kernel %s comes with kfunctrace%s%s; `kfunctrace snapshot` makes a file of one",
		version, nr ? "; there is " : "", names);
}

static int open_version(const char *version, struct snapshot *snapshot)
{
	char folder[PATH_MAX], path[PATH_MAX * 2];
	struct dirent **entries = NULL;
	const char *found = NULL;
	int nr = 0, err = -ENOENT;

	if (data_path("kernels", folder, sizeof(folder)))
		nr = scandir(folder, &entries, is_snapshot, versionsort);
	for (int i = 0; i < nr; i++) {
		/* Sorted by version: the last one is the newest. */
		if (is_of_version(entries[i]->d_name, version))
			found = entries[i]->d_name;
	}
	if (found) {
		snprintf(path, sizeof(path), "%s/%s", folder, found);
		err = open_file(path, snapshot);
	} else {
		complain(version, entries, nr);
	}
	for (int i = 0; i < nr; i++)
		free(entries[i]);
	free(entries);
	return err;
}

int snapshot__open(const char *name, struct snapshot *snapshot)
{
	memset(snapshot, 0, sizeof(*snapshot));
	if (strcmp(name, "live") == 0)
		return open_live(snapshot);
	return is_version(name) ? open_version(name, snapshot) : open_file(name, snapshot);
}
