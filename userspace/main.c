// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace: which BPF programs call which kernel functions, how often. The command table. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "message.h"
#include "version.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "stat", cmd_stat, "count calls for a while, or while a command runs" },
	{ "trace", cmd_trace, "events of references as they happen" },
	{ "users", cmd_users, "which loaded programs contain calls of which kfuncs" },
	{ "list", cmd_list, "the kfuncs that the running kernel has registered" },
	{ "serve", cmd_serve, "count day and night: history, metrics for Prometheus, notices" },
	{ "refs", cmd_refs, "references that programs hold: balance, objects, refcount-zero" },
	{ "report", cmd_report, "who used which kfuncs over days, and who uses deprecated ones" },
	{ "release", cmd_release, "make the running aggregator let go of a module" },
	{ "snapshot", cmd_snapshot, "what its kfuncs look like, in a file" },
	{ "diff", cmd_diff, "what changes for programs from one kernel to another" },
	{ "lint", cmd_lint, "what is wrong with kfuncs, for those who write them" },
	{ "check", cmd_check, "whether the programs of BPF object files load on a kernel" },
	{ "doctor", cmd_doctor, "what this kernel and these privileges allow, and why not" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace COMMAND [OPTIONS] [ARGUMENTS]\n"
	      "Shows which BPF programs call which kernel functions (kfuncs), and how often.\n\n",
	      out);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].summary);
	fputs("\n`kfunctrace COMMAND --help` shows the options of a command.\n", out);
}

int main(int argc, char **argv)
{
	/* A reader that went away is an error to report (output__finish), not a silent death. */
	signal(SIGPIPE, SIG_IGN);
	msg__route_libbpf();

	if (argc < 2) {
		print_usage(stderr);
		return EXIT_TROUBLE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_usage(stdout);
		return EXIT_FINE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("kfunctrace %s\n", kfunctrace_version());
		return EXIT_FINE;
	}
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	msg__error("there is no command '%s'; `kfunctrace --help` lists them", argv[1]);
	return EXIT_TROUBLE;
}
