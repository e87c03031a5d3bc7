// SPDX-License-Identifier: GPL-2.0-only
/* Bytes as a history: reported on, and then taken up by an aggregator, which has to get its way. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aggregate.h"
#include "history.h"
#include "usage_report.h"

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], path[128];

static void empty_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

static void remove_folder(void)
{
	empty_folder();
	rmdir(folder);
}

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "%s/kfunctrace-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof(path), "%s/history.db", folder);
	atexit(remove_folder);
}

static void report(void)
{
	const struct usage_query query = { .end = NOW, .want_points = true };
	struct usage_report report;
	FILE *out;

	if (!usage_from_history(&report, path, &query)) {
		out = fopen("/dev/null", "w");
		usage_report__print_text(&report, out);
		usage_report__print_json(&report, out, false);
		fclose(out);
	}
	usage_report__free(&report);
}

static void aggregate(void)
{
	const struct history_options opts = {
		.path = path,
		.retention_s = 86400,
		.max_bytes = 16 << 20,
	};
	const struct aggregate_options bounds = { .max_callers = 20, .max_objects = 10 };
	const struct known_program program = { .name = "net", .type = "xdp" };
	const struct aggregate_counts counts = { .calls = 1 };
	struct aggregate *totals = aggregate__new(&bounds);
	struct history *history;

	/* That of another program, or of a later version, which is tried again. */
	if (history__open(&opts, &history)) {
		history__close(history);
		aggregate__free(totals);
		return;
	}
	history__restore(history, totals);
	aggregate__add(totals, aggregate__kfunc(totals, "kfunc", NULL), &program, &counts, NOW);
	history__tidy(history, NOW);
	if (history__save(history, totals, NOW))
		abort();
	history__close(history);
	aggregate__free(totals);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd;

	if (!*folder)
		make_folder();
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	report();
	aggregate();
	empty_folder();
	return 0;
}
