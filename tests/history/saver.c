// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a history whose sums are known, as the aggregator does: restores, counts, saves.
 *
 *   history-saver FILE loop [MILLISECONDS]   until it is killed; a line after each save: "saved SUM",
 *                                            "failed SUM": calls so far, those of before included
 *   history-saver FILE days DAYS PAIRS       the past days, each pair with a call an hour
 *   history-saver FILE once CALLS            one pair, so many calls more; prints all
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "aggregate.h"
#include "history.h"

#define HOUR 3600

static struct aggregate *aggregate;
static struct history *history;

static void count(int pair, __u64 calls, __s64 now)
{
	const struct aggregate_counts counts = { .calls = calls };
	struct known_program program = { .kind = KNOWN_PROGRAM, .type = "xdp", .id = pair + 1 };
	char kfunc[32];
	__u32 idx;

	snprintf(kfunc, sizeof(kfunc), "kfunc_%d", pair % 50);
	snprintf(program.name, sizeof(program.name), "program_%d", pair / 50);
	snprintf(program.loader, sizeof(program.loader), "net.service");
	idx = aggregate__kfunc(aggregate, kfunc, NULL);
	if (pair % 50 == 7)
		aggregate__set_deprecation(aggregate, idx, "deprecated", "kfunc_8", "6.9");
	if (!aggregate__add(aggregate, idx, &program, &counts, now))
		exit(1);
}

static unsigned long long all_calls(void)
{
	unsigned long long calls = 0;

	for (size_t i = 0; i < aggregate__nr_rows(aggregate); i++)
		calls += aggregate__row_at(aggregate, i)->counts.calls;
	return calls;
}

/* In one write, so that a line is there as a whole or not at all. */
static void say(const char *what)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "%s %llu\n", what, all_calls());

	if (write(1, line, length) != length)
		exit(1);
}

static void __attribute__((noreturn)) loop(int pause_ms)
{
	unsigned int seed = getpid();

	for (;;) {
		int first = rand_r(&seed) % 2000;

		for (int i = 0; i < 300; i++)
			count(first + i, 1 + rand_r(&seed) % 5, time(NULL));
		say(history__save(history, aggregate, time(NULL)) ? "failed" : "saved");
		if (rand_r(&seed) % 8 == 0)
			history__tidy(history, time(NULL));
		usleep(pause_ms * 1000);
	}
}

static int days(int nr_days, int pairs)
{
	__s64 now = time(NULL);

	aggregate__state(aggregate)->started = now - nr_days * 24 * HOUR;
	for (__s64 then = now - (nr_days * 24 - 1) * HOUR; then <= now; then += HOUR) {
		for (int i = 0; i < pairs; i++)
			count(i, 1, then);
		if (history__save(history, aggregate, then))
			return 1;
	}
	say("saved");
	return 0;
}

int main(int argc, char **argv)
{
	const struct aggregate_options bounds = { .max_callers = 100000, .max_objects = 100 };
	const struct history_options opts = {
		.path = argv[1],
		.retention_s = 100 * 24 * HOUR,
		.max_bytes = 256 << 20,
	};
	int status = 2;

	if (argc < 3)
		return 2;
	aggregate = aggregate__new(&bounds);
	strcpy(aggregate__state(aggregate)->release, "6.12.0-test");
	aggregate__state(aggregate)->started = time(NULL);
	if (history__open(&opts, &history) || history__restore(history, aggregate))
		return 1;
	if (!strcmp(argv[2], "loop"))
		loop(argc > 3 ? atoi(argv[3]) : 0);
	else if (!strcmp(argv[2], "days") && argc > 4)
		status = days(atoi(argv[3]), atoi(argv[4]));
	else if (!strcmp(argv[2], "once") && argc > 3) {
		count(0, atoi(argv[3]), time(NULL));
		status = history__save(history, aggregate, time(NULL)) != 0;
		say(status ? "failed" : "saved");
	}
	history__close(history);
	aggregate__free(aggregate);
	return status;
}
