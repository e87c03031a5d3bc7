// SPDX-License-Identifier: GPL-2.0-only
#include "systemd_unit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t end_len = strlen(end);

	return len > end_len && strncmp(text + len - end_len, end, end_len) == 0;
}

bool systemd_unit__of_path(const char *path, char *unit, size_t size)
{
	const char *found = NULL;
	size_t found_len = 0, len;

	for (; *path; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (ends_with(path, len, ".service") || ends_with(path, len, ".scope")) {
			found = path;
			found_len = len;
		}
	}
	if (!found)
		return false;
	snprintf(unit, size, "%.*s", (int)found_len, found);
	/* Who may make cgroups chooses their names. */
	for (; *unit; unit++) {
		if (iscntrl((unsigned char)*unit))
			*unit = '?';
	}
	return true;
}

bool systemd_unit__of_process(pid_t pid, char *unit, size_t size)
{
	char path[64], line[4096];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	/* "0::PATH" is version 2; with version 1, systemd has a hierarchy "name=systemd" of its own. */
	while (!found && fgets(line, sizeof(line), file)) {
		char *at = strchr(line, ':');

		line[strcspn(line, "\n")] = '\0';
		if (!at || (strncmp(at, "::", 2) != 0 && strncmp(at, ":name=systemd:", 14) != 0))
			continue;
		found = systemd_unit__of_path(strchr(at + 1, ':') + 1, unit, size);
	}
	fclose(file);
	return found;
}
