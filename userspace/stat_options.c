// SPDX-License-Identifier: GPL-2.0-only
#include "stat_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tracepoints/counter_records.h"
#include "message.h"
#include "option_values.h"

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace stat [OPTIONS] [-- COMMAND [ARGUMENTS]]\n"
	      "Counts calls of kfuncs by BPF program until COMMAND ends, -d passes or Ctrl-C.\n\n"
	      "  -k, --kfunc PATTERN    shell glob on the name; several: any of them\n"
	      "  -m, --module MODULE    only kfuncs of this module; vmlinux is one; a glob\n"
	      "      --no-modules       only those of vmlinux: holds no module\n"
	      "  -a, --all              also those that the kernel itself calls all the time\n"
	      "  -d, --duration SECONDS\n"
	      "  -i, --interval SECONDS print what was counted in each interval\n"
	      "      --by WHAT          kfunc, caller (default) or site\n"
	      "      --no-nulls         count at entry only: cheaper, no NULL returns\n"
	      "      --slots N          call sites told apart on a CPU (default 4096, a power of "
	      "two)\n"
	      "      --engine WHAT      bpf, module or auto (default): which of them counts\n"
	      "      --keep             the module counts on, also when this program has ended\n"
	      "      --stop             read what it counts on for the last time, and end it\n"
	      "      --addresses        kernel addresses in the JSON of --by site\n"
	      "      --json             an array of rows; with -i one array a line\n"
	      "      --events           trace events of calls for perf and others (kernel module)\n"
	      "  -o, --output FILE      results go there; otherwise to standard output, with a "
	      "COMMAND\n"
	      "                         to standard error\n"
	      "  -v, --verbose          what is attached, what is left out and why, and how long "
	      "it took\n"
	      "  -h, --help\n",
	      out);
}

static int parse_slots(const char *text, int *nr_slots)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end || value < KFT_MAX_DISPLACEMENT || value > KFT_MAX_SLOTS ||
	    (value & (value - 1))) {
		msg__error("--slots takes a power of two from %d to %d, not '%s'",
			   KFT_MAX_DISPLACEMENT, KFT_MAX_SLOTS, text);
		return -1;
	}
	*nr_slots = value;
	return 0;
}

static int parse_by(const char *text, enum stat_by *by)
{
	if (strcmp(text, "kfunc") == 0)
		*by = STAT_BY_KFUNC;
	else if (strcmp(text, "caller") == 0)
		*by = STAT_BY_CALLER;
	else if (strcmp(text, "site") == 0)
		*by = STAT_BY_SITE;
	else {
		msg__error("--by takes kfunc, caller or site, not '%s'", text);
		return -1;
	}
	return 0;
}

/* Only the module outlives the tool. */
static int settle_engine(struct stat_options *opts)
{
	if (!opts->keep && !opts->stop)
		return 0;
	if (opts->keep && opts->stop) {
		msg__error("--keep and --stop are opposites");
		return -1;
	}
	if (opts->engine == ENGINE_BPF) {
		msg__error("%s is for the module's engine: BPF programs go with their tool",
			   opts->keep ? "--keep" : "--stop");
		return -1;
	}
	opts->engine = ENGINE_MODULE;
	return 0;
}

int stat_options__parse(struct stat_options *opts, int argc, char **argv)
{
	enum { OPT_BY = OPT_OWN, OPT_NO_NULLS, OPT_SLOTS, OPT_ENGINE, OPT_KEEP, OPT_STOP };
	static const struct option longs[] = {
		{ "kfunc", required_argument, NULL, 'k' },
		{ "all", no_argument, NULL, 'a' },
		{ "interval", required_argument, NULL, 'i' },
		{ "by", required_argument, NULL, OPT_BY },
		{ "no-nulls", no_argument, NULL, OPT_NO_NULLS },
		{ "slots", required_argument, NULL, OPT_SLOTS },
		{ "engine", required_argument, NULL, OPT_ENGINE },
		{ "keep", no_argument, NULL, OPT_KEEP },
		{ "stop", no_argument, NULL, OPT_STOP },
		RUN_LONG_OPTIONS,
		{ 0 },
	};
	int c, err = 0;

	opts->by = STAT_BY_CALLER;
	opts->nr_slots = KFT_MAX_SLOTS;
	opts->engine = ENGINE_AUTO;
	while (!err &&
	       (c = getopt_long(argc, argv, RUN_SHORT_OPTIONS "k:ai:", longs, NULL)) != -1) {
		switch (c) {
		case 'k':
			err = pattern_list__add(&opts->kfuncs, optarg);
			break;
		case 'a':
			opts->all = true;
			break;
		case 'i':
			err = option__seconds(optarg, "--interval", &opts->run.window.interval);
			break;
		case OPT_BY:
			err = parse_by(optarg, &opts->by);
			break;
		case OPT_NO_NULLS:
			opts->no_nulls = true;
			break;
		case OPT_SLOTS:
			err = parse_slots(optarg, &opts->nr_slots);
			break;
		case OPT_ENGINE:
			err = run_options__engine(optarg, &opts->engine);
			break;
		case OPT_KEEP:
			opts->keep = true;
			break;
		case OPT_STOP:
			opts->stop = true;
			break;
		default:
			err = run_options__take(&opts->run, c, print_usage);
		}
	}
	return err ?: settle_engine(opts) ?: run_options__finish(&opts->run, argc, argv);
}

void stat_options__free(struct stat_options *opts)
{
	pattern_list__free(&opts->kfuncs);
	run_options__free(&opts->run);
}
