// SPDX-License-Identifier: GPL-2.0-only
/* A history that is damaged is moved aside, for whoever wants to see what can be had of it. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "history_file.h"
#include "message.h"

/* Of all runs: each may be as large as the history, and nobody else deletes them. */
#define MAX_KEPT 3

#define MARK	 ".corrupt-"

static const char *const companions[] = { "-wal", "-shm" };
#define NR_COMPANIONS (sizeof(companions) / sizeof(companions[0]))

/* A name that is not taken: PATH.corrupt-20261121T131500Z, and with -2 ... behind it. */
static void name_aside(const char *path, char *name, size_t size)
{
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;
	int length;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	length = snprintf(name, size, "%s" MARK "%s", path, stamp);
	for (int i = 2; i < 100 && length < (int)size && !access(name, F_OK); i++)
		snprintf(name + length, size - length, "-%d", i);
}

/* Whether it is such a name, and none that somebody has given to a copy. */
static bool is_aside(const char *name, const char *base)
{
	size_t length = strlen(base);
	int end = 0;

	if (strncmp(name, base, length) != 0)
		return false;
	name += length;
	if (sscanf(name, MARK "%*8[0-9]T%*6[0-9]Z%n", &end) < 0 || !end)
		return false;
	name += end;
	return !*name || (*name == '-' && name[1] && !name[1 + strspn(name + 1, "0123456789")]);
}

/* How many there are besides `newest`, and the name of the oldest of them. */
static int find_oldest(const char *folder, const char *base, const char *newest, char *oldest,
		       size_t size)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int nr = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (!is_aside(entry->d_name, base) || !strcmp(entry->d_name, newest))
			continue;
		if (!nr || strcmp(entry->d_name, oldest) < 0)
			snprintf(oldest, size, "%s", entry->d_name);
		nr++;
	}
	closedir(dir);
	return nr;
}

static int delete_aside(const char *folder, const char *name)
{
	char path[PATH_MAX + NAME_MAX + 8];

	for (size_t i = 0; i < NR_COMPANIONS; i++) {
		snprintf(path, sizeof(path), "%s/%s%s", folder, name, companions[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return unlink(path);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void delete_old(const char *path, const char *newest)
{
	const char *base = base_of(path);
	char folder[PATH_MAX], oldest[NAME_MAX + 1];

	snprintf(folder, sizeof(folder), "%.*s.", (int)(base - path), path);
	while (find_oldest(folder, base, base_of(newest), oldest, sizeof(oldest)) >= MAX_KEPT) {
		if (delete_aside(folder, oldest))
			break;
	}
}

int history_file__set_aside(const char *path, char *said, size_t size)
{
	char aside[PATH_MAX], from[PATH_MAX + 8], to[PATH_MAX + 8];

	name_aside(path, aside, sizeof(aside));
	if (rename(path, aside)) {
		int err = -errno;

		msg__error("the history %s is corrupt, and cannot be moved aside: %s", path,
			   strerror(-err));
		return err;
	}
	for (size_t i = 0; i < NR_COMPANIONS; i++) {
		snprintf(from, sizeof(from), "%s%s", path, companions[i]);
		snprintf(to, sizeof(to), "%s%s", aside, companions[i]);
		/* A WAL that stays would be taken for that of the new file. */
		if (rename(from, to) && errno != ENOENT)
			unlink(from);
	}
	snprintf(said, size, "the history %s is corrupt: moved to %s, and a new one is begun", path,
		 aside);
	msg__warn("%s", said);
	delete_old(path, aside);
	return 0;
}
