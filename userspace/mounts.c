// SPDX-License-Identifier: GPL-2.0-only
#include "mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blanks and backslashes stand there as \040. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*to++ = (text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0');
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* id parent major:minor root PATH options [fields...] - TYPE source options */
int mounts__parse(char *line, char **path, char **type)
{
	char *rest, *word, *behind = strstr(line, " - ");

	if (!behind)
		return -EINVAL;
	*behind = '\0';
	*type = strtok_r(behind + 3, " \n", &rest);
	word = strtok_r(line, " ", &rest);
	for (int i = 0; i < 4 && word; i++)
		word = strtok_r(NULL, " ", &rest);
	if (!*type || !word)
		return -EINVAL;
	unescape(word);
	*path = word;
	return 0;
}

int mounts__each(const char *type, mount_fn fn, void *arg)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *path, *found;
	size_t size = 0;
	int err = 0;

	if (!file)
		return -errno;
	while (!err && getline(&line, &size, file) > 0) {
		if (!mounts__parse(line, &path, &found) && strcmp(found, type) == 0)
			err = fn(path, arg);
	}
	free(line);
	fclose(file);
	return err;
}
