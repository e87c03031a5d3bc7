// SPDX-License-Identifier: GPL-2.0-only
/*
 * Serves an aggregate that nothing was counted for, as `kfunctrace serve` serves its own: for tests of
 * what is served. Reads commands from standard input, a line each, and ends with it:
 *
 *   drain           all counts again; says "drained"
 *   unready TEXT    it is in trouble
 *   ready           it no longer is
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aggregate.h"
#include "fill.h"
#include "openmetrics.h"
#include "status_server.h"

static unsigned int kfuncs = 5, callers = 4;

static void obey(struct aggregate *aggregate, char *line)
{
	struct aggregate_state *state = aggregate__state(aggregate);

	line[strcspn(line, "\n")] = '\0';
	if (!strcmp(line, "drain")) {
		fill_drain(aggregate, kfuncs, callers);
		puts("drained");
	} else if (!strncmp(line, "unready ", 8)) {
		state->ready = false;
		snprintf(state->trouble, sizeof(state->trouble), "%s", line + 8);
		puts("unready");
	} else if (!strcmp(line, "ready")) {
		state->ready = true;
		*state->trouble = '\0';
		puts("ready");
	}
	fflush(stdout);
}

static int serve(struct aggregate *aggregate, const char *listen)
{
	const struct status_server_options opts = {
		.listen = listen,
		.version = "test",
		.host = "host.example",
	};
	struct status_server *server;
	char line[256];

	if (status_server__open(&opts, aggregate, &server))
		return 2;
	puts("serving");
	fflush(stdout);
	/* A pipe gives up what it has at once: lines are not kept back in a buffer of stdio. */
	setvbuf(stdin, NULL, _IONBF, 0);
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = status_server__fd(server), .events = POLLIN },
			{ .fd = STDIN_FILENO, .events = POLLIN },
		};

		if (poll(fds, 2, status_server__timeout_ms(server)) < 0 && errno != EINTR)
			break;
		if (fds[1].revents) {
			if (!fgets(line, sizeof(line), stdin))
				break;
			obey(aggregate, line);
		}
		status_server__run(server);
	}
	status_server__free(server);
	return 0;
}

static int print(const struct aggregate *aggregate, const char *format)
{
	char *text;
	size_t size;

	if (exposition__write(aggregate,
			      strcmp(format, "prometheus") ? EXPOSITION_OPENMETRICS
							   : EXPOSITION_PROMETHEUS,
			      "test", &text, &size))
		return 2;
	fwrite(text, size, 1, stdout);
	free(text);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "kfuncs", required_argument, NULL, 'k' },
		{ "callers", required_argument, NULL, 'c' },
		{ "example", no_argument, NULL, 'e' },
		{ "print", required_argument, NULL, 'p' },
		{ "listen", required_argument, NULL, 'l' },
		{ 0 },
	};
	const char *listen = NULL, *format = NULL;
	struct aggregate *aggregate;
	bool example = false;
	int c, status;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'k':
			kfuncs = atoi(optarg);
			break;
		case 'c':
			callers = atoi(optarg);
			break;
		case 'e':
			example = true;
			break;
		case 'p':
			format = optarg;
			break;
		case 'l':
			listen = optarg;
			break;
		default:
			return 2;
		}
	}
	if (!listen == !format) {
		fputs("usage: metrics-server [--kfuncs N] [--callers N] [--example] --listen ADDRESS\n"
		      "       metrics-server ... --print openmetrics|prometheus\n",
		      stderr);
		return 2;
	}
	aggregate = example ? fill_example() : fill_aggregate(kfuncs, callers);
	if (!aggregate)
		return 2;
	status = format ? print(aggregate, format) : serve(aggregate, listen);
	aggregate__free(aggregate);
	return status;
}
