// SPDX-License-Identifier: GPL-2.0-only
#include "refs_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "option_values.h"

#define DEFAULT_MAX_OBJECTS 65536
#define MOST_OBJECTS	    (16u << 20)
#define DEFAULT_MAX_EVENTS  20
#define MOST_EVENTS	    1000000

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace refs [OPTIONS] [-- COMMAND [ARGUMENTS]]\n"
	      "Shows which references BPF programs acquire, give back and hold, until COMMAND ends,\n"
	      "-d passes or Ctrl-C. Without one of the first four: the balance of each type.\n\n"
	      "      --objects          each object that is held: by whom, since when, is it dead\n"
	      "      --zero             acquires that failed because the count was zero\n"
	      "      --iterators        open-coded iterators\n"
	      "      --pairs            what acquires and what releases on this kernel, and end\n"
	      "  -t, --type PATTERN     only these types, a shell glob; several: any of them\n"
	      "  -m, --module MODULE    only functions of this module; vmlinux is one; a glob\n"
	      "      --no-modules       only those of vmlinux: holds no module\n"
	      "  -d, --duration SECONDS\n"
	      "  -i, --interval SECONDS print what is known by then at the end of each interval\n"
	      "      --stale            objects: only dead ones (exited tasks, removed cgroups)\n"
	      "      --min-age TIME     objects: only those held for so long (10s, 5m)\n"
	      "      --sort WHAT        objects: by age (default) or count\n"
	      "      --max-objects N    objects that are told apart (default 65536); more are\n"
	      "                         counted as untracked\n"
	      "      --max-events N     zero: how many of them are shown (default 20)\n"
	      "      --stack            zero: with the stack\n"
	      "      --engine WHAT      of the balance: bpf, module or auto (default): what counts\n"
	      "      --addresses        kernel addresses in JSON and events\n"
	      "      --json             an object; with -i one a line\n"
	      "      --events           trace events for perf and others as well (kernel module)\n"
	      "  -o, --output FILE      results go there; otherwise to standard output, with a "
	      "COMMAND\n"
	      "                         to standard error\n"
	      "  -v, --verbose          what is attached, how long it took, how much memory it takes\n"
	      "  -h, --help\n",
	      out);
}

static int parse_order(const char *text, enum object_order *order)
{
	if (strcmp(text, "age") == 0) {
		*order = ORDER_AGE;
		return 0;
	}
	if (strcmp(text, "count") == 0) {
		*order = ORDER_COUNT;
		return 0;
	}
	msg__error("--sort takes age or count, not '%s'", text);
	return -1;
}

static int choose_mode(struct refs_options *opts, enum reference_mode mode)
{
	if (opts->mode != REFERENCES_BALANCE && opts->mode != mode) {
		msg__error("--objects, --zero, --iterators and --pairs exclude each other");
		return -1;
	}
	opts->mode = mode;
	return 0;
}

static int check(const struct refs_options *opts)
{
	bool objects = opts->mode == REFERENCES_OBJECTS;

	if ((opts->stale_only || opts->min_age_ns) && !objects) {
		msg__error("--stale and --min-age choose among objects: add --objects");
		return -1;
	}
	if (opts->stack && opts->mode != REFERENCES_ZERO) {
		msg__error("--stack is of events: add --zero, or see `kfunctrace trace`");
		return -1;
	}
	if (opts->pairs && (opts->mode != REFERENCES_BALANCE || opts->run.window.command ||
			    opts->engine != ENGINE_AUTO)) {
		msg__error("--pairs watches nothing: it takes neither a command nor an engine nor "
			   "another mode");
		return -1;
	}
	return 0;
}

/* The module counts calls; whatever looks at objects is a BPF program. */
static int settle_engine(struct refs_options *opts)
{
	static const char *const modes[] = {
		[REFERENCES_OBJECTS] = "--objects",
		[REFERENCES_ZERO] = "--zero",
		[REFERENCES_ITERATORS] = "--iterators",
	};
	const char *mode = opts->run.events ? "--events" : NULL;

	if (opts->mode != REFERENCES_BALANCE)
		mode = modes[opts->mode];
	if (!mode)
		return 0;
	if (opts->engine == ENGINE_MODULE) {
		msg__error("--engine=module counts calls and looks at no object, which %s needs: "
			   "leave out one of them",
			   mode);
		return -1;
	}
	opts->engine = ENGINE_BPF;
	return 0;
}

int refs_options__parse(struct refs_options *opts, int argc, char **argv)
{
	enum {
		OPT_OBJECTS = OPT_OWN,
		OPT_ZERO,
		OPT_ITERATORS,
		OPT_PAIRS,
		OPT_STALE,
		OPT_MIN_AGE,
		OPT_SORT,
		OPT_MAX_OBJECTS,
		OPT_MAX_EVENTS,
		OPT_STACK,
		OPT_ENGINE,
	};
	static const struct option longs[] = {
		{ "objects", no_argument, NULL, OPT_OBJECTS },
		{ "zero", no_argument, NULL, OPT_ZERO },
		{ "iterators", no_argument, NULL, OPT_ITERATORS },
		{ "pairs", no_argument, NULL, OPT_PAIRS },
		{ "type", required_argument, NULL, 't' },
		{ "interval", required_argument, NULL, 'i' },
		{ "stale", no_argument, NULL, OPT_STALE },
		{ "min-age", required_argument, NULL, OPT_MIN_AGE },
		{ "sort", required_argument, NULL, OPT_SORT },
		{ "max-objects", required_argument, NULL, OPT_MAX_OBJECTS },
		{ "max-events", required_argument, NULL, OPT_MAX_EVENTS },
		{ "stack", no_argument, NULL, OPT_STACK },
		{ "engine", required_argument, NULL, OPT_ENGINE },
		RUN_LONG_OPTIONS,
		{ 0 },
	};
	int c, err = 0;

	opts->mode = REFERENCES_BALANCE;
	opts->max_objects = DEFAULT_MAX_OBJECTS;
	opts->max_events = DEFAULT_MAX_EVENTS;
	opts->engine = ENGINE_AUTO;
	while (!err && (c = getopt_long(argc, argv, RUN_SHORT_OPTIONS "t:i:", longs, NULL)) != -1) {
		switch (c) {
		case OPT_OBJECTS:
			err = choose_mode(opts, REFERENCES_OBJECTS);
			break;
		case OPT_ZERO:
			err = choose_mode(opts, REFERENCES_ZERO);
			break;
		case OPT_ITERATORS:
			err = choose_mode(opts, REFERENCES_ITERATORS);
			break;
		case OPT_PAIRS:
			opts->pairs = true;
			break;
		case 't':
			err = pattern_list__add(&opts->types, optarg);
			break;
		case 'i':
			err = option__seconds(optarg, "--interval", &opts->run.window.interval);
			break;
		case OPT_STALE:
			opts->stale_only = true;
			break;
		case OPT_MIN_AGE:
			err = option__time_ns(optarg, "--min-age", &opts->min_age_ns);
			break;
		case OPT_SORT:
			err = parse_order(optarg, &opts->order);
			break;
		case OPT_MAX_OBJECTS:
			err = option__number(optarg, "--max-objects", 1, MOST_OBJECTS,
					     &opts->max_objects);
			break;
		case OPT_MAX_EVENTS:
			err = option__number(optarg, "--max-events", 0, MOST_EVENTS, &opts->max_events);
			break;
		case OPT_STACK:
			opts->stack = true;
			break;
		case OPT_ENGINE:
			err = run_options__engine(optarg, &opts->engine);
			break;
		default:
			err = run_options__take(&opts->run, c, print_usage);
		}
	}
	if (!err)
		err = run_options__finish(&opts->run, argc, argv);
	return err ?: check(opts) ?: settle_engine(opts);
}

void refs_options__free(struct refs_options *opts)
{
	pattern_list__free(&opts->types);
	run_options__free(&opts->run);
}
