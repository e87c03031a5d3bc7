// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace release: makes the running aggregator let go of a module, so that it can be unloaded. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "commands.h"
#include "common_options.h"
#include "message.h"
#include "output.h"
#include "serve_config.h"
#include "serve_control.h"

/* Detaching waits for all CPUs to have left the probes, kfunc by kfunc. */
#define TIMEOUT_S 60

struct release_options {
	const char *config;
	const char *control;
	bool json;
	char module[64];
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace release [OPTIONS] MODULE\n"
	      "Makes the running aggregator (`kfunctrace serve`) let go of a module, so that it can be\n"
	      "unloaded: what it counted stays.\n\n"
	      "      --config FILE     whose configuration tells the socket\n"
	      "      --control PATH    the aggregator's socket\n"
	      "      --json            an object\n"
	      "  -v, --verbose\n"
	      "  -h, --help\n",
	      out);
}

/* As the kernel writes it, where '-' is '_'. */
static int take_module(const char *name, struct release_options *opts)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-')
			len = 0;
	}
	if (!len || len >= sizeof(opts->module)) {
		msg__error("'%s' is no name of a module", name);
		return -1;
	}
	for (size_t i = 0; i <= len; i++)
		opts->module[i] = name[i] == '-' ? '_' : name[i];
	return 0;
}

static int parse_options(int argc, char **argv, struct release_options *opts)
{
	enum { OPT_CONFIG = 256, OPT_CONTROL, OPT_JSON };
	static const struct option longs[] = {
		{ "config", required_argument, NULL, OPT_CONFIG },
		{ "control", required_argument, NULL, OPT_CONTROL },
		{ "json", no_argument, NULL, OPT_JSON },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		switch (c) {
		case OPT_CONFIG:
			opts->config = optarg;
			break;
		case OPT_CONTROL:
			opts->control = optarg;
			break;
		case OPT_JSON:
			opts->json = true;
			break;
		default:
			if (common_option__take(c, print_usage))
				return -1;
		}
	}
	if (argc - optind != 1) {
		msg__error("release takes the name of one module");
		return -1;
	}
	return take_module(argv[optind], opts);
}

static void say_no_answer(const char *path, int err)
{
	if (err == -ENOENT || err == -ECONNREFUSED)
		msg__error("no aggregator is running: nobody listens on %s; what keeps a module "
			   "then is not `kfunctrace serve`",
			   path);
	else if (err == -EACCES)
		msg__error("cannot ask the aggregator on %s: only root and its own user may", path);
	else if (err == -ETIMEDOUT)
		msg__error("the aggregator on %s has not answered for %d seconds", path, TIMEOUT_S);
	else if (err == -EPROTO)
		msg__error("the aggregator on %s broke off without an answer", path);
	else
		msg__error("cannot ask the aggregator on %s: %s", path, strerror(-err));
}

static void print(const struct release_options *opts, int err, const char *answer)
{
	if (opts->json) {
		json_t *root = json_object();

		json_object_set_new(root, "module", json_string(opts->module));
		json_object_set_new(root, "released", json_boolean(!err));
		json_object_set_new(root, "answer", json_string(answer));
		output__json(stdout, root, true);
	} else if (err) {
		msg__error("%s", *answer ? answer : strerror(-err));
	} else {
		printf("%s\n", *answer ? answer : "released");
	}
}

static int release(const struct release_options *opts, const char *path)
{
	char request[128], *answer;
	int err;

	snprintf(request, sizeof(request), "release %s", opts->module);
	err = serve_control__ask(path, request, TIMEOUT_S, &answer);
	if (!answer) {
		say_no_answer(path, err);
		return EXIT_TROUBLE;
	}
	print(opts, err, answer);
	free(answer);
	return output__finish(stdout, "standard output") || err ? EXIT_TROUBLE : EXIT_FINE;
}

int cmd_release(int argc, char **argv)
{
	struct release_options opts = { 0 };
	struct serve_config config;
	int status = EXIT_TROUBLE;

	if (parse_options(argc, argv, &opts))
		return EXIT_TROUBLE;
	if (opts.control)
		return release(&opts, opts.control);
	if (serve_config__load(&config, opts.config ?: SERVE_CONFIG_PATH, opts.config) == 0)
		status = release(&opts, config.control);
	serve_config__free(&config);
	return status;
}
