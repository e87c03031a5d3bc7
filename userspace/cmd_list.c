// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace list: the registry of the running kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <jansson.h>

#include "commands.h"
#include "common_options.h"
#include "deprecations.h"
#include "json_values.h"
#include "kernel_version.h"
#include "kfunc_flags.h"
#include "live_kernel.h"
#include "message.h"
#include "output.h"
#include "pattern.h"
#include "prototype.h"
#include "table.h"

struct list_options {
	struct pattern_list patterns;
	struct pattern_list modules;
	unsigned int flags; /* all of these */
	const char *hook;   /* or NULL */
	const char *prog_type;
	bool deprecated;
	bool json;
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace list [OPTIONS] [PATTERN...]\n"
	      "Lists the kfuncs that the running kernel and its modules have registered.\n\n"
	      "  PATTERN               shell glob on the name; several: any of them\n"
	      "  -f, --flags LIST      only kfuncs with all these flags: acquire,rcu\n"
	      "  -t, --type TYPE       only kfuncs registered for this program type or hook: xdp\n"
	      "  -m, --module MODULE   only kfuncs of this module; vmlinux is one; a glob\n"
	      "      --deprecated      only kfuncs that are deprecated or superseded on this kernel\n"
	      "      --json            an array of objects\n"
	      "  -v, --verbose         real parameters, annotations and reasons as well\n"
	      "  -h, --help\n",
	      out);
}

static int parse_flags(const char *list, unsigned int *flags)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		int bit = kfunc_flag__bit(list, len);

		if (bit < 0) {
			msg__error("no kernel has a kfunc flag '%.*s'; some that exist: acquire, "
				   "release, "
				   "ret_null, sleepable, destructive, rcu",
				   (int)len, list);
			return -1;
		}
		*flags |= 1u << bit;
		list += len + (list[len] == ',');
	}
	return 0;
}

static int parse_options(int argc, char **argv, struct list_options *opts)
{
	enum { OPT_DEPRECATED = 256 };
	static const struct option longs[] = {
		{ "flags", required_argument, NULL, 'f' },
		{ "type", required_argument, NULL, 't' },
		{ "module", required_argument, NULL, 'm' },
		{ "deprecated", no_argument, NULL, OPT_DEPRECATED },
		{ "json", no_argument, NULL, 'j' },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "f:t:m:vh", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			if (parse_flags(optarg, &opts->flags))
				return EXIT_TROUBLE;
			break;
		case 't':
			opts->prog_type = optarg;
			opts->hook = registry__hook_of_prog_type(optarg);
			break;
		case 'm':
			if (pattern_list__add(&opts->modules, optarg))
				return EXIT_TROUBLE;
			break;
		case OPT_DEPRECATED:
			opts->deprecated = true;
			break;
		case 'j':
			opts->json = true;
			break;
		default:
			if (common_option__take(c, print_usage))
				return EXIT_TROUBLE;
		}
	}
	for (; optind < argc; optind++) {
		if (pattern_list__add(&opts->patterns, argv[optind]))
			return EXIT_TROUBLE;
	}
	return EXIT_FINE;
}

/* A kfunc in "common" is for all program types, so it answers to each of them. */
static bool hook_wanted(const struct kfunc *kfunc, const struct list_options *opts)
{
	if (!opts->prog_type)
		return true;
	for (int i = 0; i < kfunc->nr_hooks; i++) {
		const char *name = kfunc->hooks[i].name;

		if (strcmp(name, "common") == 0 || strcmp(name, opts->prog_type) == 0 ||
		    (opts->hook && strcmp(name, opts->hook) == 0))
			return true;
	}
	return false;
}

static bool wanted(const struct live_kernel *kernel, const struct kfunc *kfunc,
		   const struct list_options *opts)
{
	return (!opts->deprecated || live_kernel__deprecation(kernel, kfunc)) &&
	       (kfunc->flags & opts->flags) == opts->flags && hook_wanted(kfunc, opts) &&
	       pattern_list__match(&opts->modules, kfunc->module) &&
	       pattern_list__match(&opts->patterns, kfunc->name);
}

/* "tracing,tc*": the star marks a hook whose filter restricts its kfuncs further. */
static const char *format_hooks(const struct kfunc *kfunc, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (int i = 0; i < kfunc->nr_hooks && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s%s", i ? "," : "", kfunc->hooks[i].name,
				kfunc->hooks[i].filtered ? "*" : "");
	return buf;
}

static bool flags_differ_by_hook(const struct kfunc *kfunc)
{
	for (int i = 1; i < kfunc->nr_hooks; i++) {
		if (kfunc->hooks[i].flags != kfunc->hooks[0].flags)
			return true;
	}
	return false;
}

static const char *format_coverage(const struct kfunc *kfunc, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", coverage__name(kfunc->coverage), kfunc->twin ? " -> " : "",
		 kfunc->twin ?: "");
	return buf;
}

static const char *public_prototype(const struct kfunc *kfunc, char *buf, size_t size)
{
	if (prototype__format(kfunc->kbtf->btf, kfunc->btf_id, NULL, buf, size))
		snprintf(buf, size, "?");
	return buf;
}

/* --- text ------------------------------------------------------------------------------------- */

static int print_table(const struct live_kernel *kernel, const struct list_options *opts)
{
	const struct registry *registry = kernel->registry;
	struct deprecation_notes notes = { 0 };
	static const struct table_column columns[] = {
		{ .title = "KFUNC", .min = TABLE_WHOLE },
		{ .title = "MODULE", .drop = 3, .min = TABLE_WHOLE },
		{ .title = "FLAGS", .min = 16 },
		{ .title = "HOOKS", .drop = 2, .min = 16 },
		{ .title = "COVERAGE", .drop = 1 },
		{ .title = "PROTOTYPE", .drop = 4, .min = 40 },
	};
	struct table *table = table__new(columns, 6);
	unsigned int version = kernel_version();
	char buf[PROTOTYPE_LEN];
	int err;

	if (!table)
		return -1;
	for (int i = 0; i < registry__nr(registry); i++) {
		const struct kfunc *kfunc = registry__at(registry, i);

		if (!wanted(kernel, kfunc, opts))
			continue;
		table__row(table);
		table__cell(table, "%s%s", kfunc->name,
			    deprecation_notes__mark(&notes, kfunc->name,
						    live_kernel__deprecation(kernel, kfunc)));
		table__cell(table, "%s", kfunc->module);
		table__cell(table, "%s",
			    kfunc_flags__format(kfunc->flags, version, ",", buf, sizeof(buf)));
		table__cell(table, "%s", format_hooks(kfunc, buf, sizeof(buf)));
		table__cell(table, "%s", format_coverage(kfunc, buf, sizeof(buf)));
		table__cell(table, "%s", public_prototype(kfunc, buf, sizeof(buf)));
	}
	err = table__print(table, stdout, terminal_width(stdout));
	table__free(table);
	if (notes.nr)
		fputc('\n', stdout);
	deprecation_notes__print(&notes, stdout);
	return err;
}

static void print_deprecation(const struct deprecation *deprecation)
{
	char text[512];

	printf("    %-10s %s\n", "deprecated",
	       deprecation__format(deprecation, text, sizeof(text)));
	if (deprecation->words)
		printf("    %-10s \"%s\"\n", "words", deprecation->words);
	if (deprecation->source)
		printf("    %-10s %s\n", "source", deprecation->source);
}

static void print_annotations(const struct kfunc *kfunc)
{
	const struct btf *btf = kfunc->kbtf->btf;
	const struct btf_type *proto = prototype__type(btf, kfunc->btf_id);

	for (int i = 0; proto && i < btf_vlen(proto); i++) {
		const struct btf_param *param = &btf_params(proto)[i];
		const char *name = btf__name_by_offset(btf, param->name_off);
		const char *meaning = prototype__explain_param(btf, param->type, name);

		if (meaning)
			printf("    %-10s %s: %s\n", "parameter", name, meaning);
	}
}

static void print_details(const struct live_kernel *kernel, const struct kfunc *kfunc)
{
	const struct deprecation *deprecation = live_kernel__deprecation(kernel, kfunc);
	unsigned int version = kernel_version();
	char buf[PROTOTYPE_LEN];

	printf("%s\n", public_prototype(kfunc, buf, sizeof(buf)));
	if (kfunc->abi_id != kfunc->btf_id &&
	    !prototype__format(kfunc->kbtf->btf, kfunc->abi_id, kfunc->name, buf, sizeof(buf)))
		printf("    %-10s %s\n", "real ABI", buf);
	printf("    %-10s %s\n", "module", kfunc->module);
	if (!flags_differ_by_hook(kfunc)) {
		printf("    %-10s %s\n", "flags",
		       kfunc_flags__format(kfunc->flags, version, ", ", buf, sizeof(buf)));
	}
	for (int i = 0; i < kfunc->nr_hooks; i++) {
		const struct kfunc_hook *hook = &kfunc->hooks[i];

		printf("    %-10s %s", "hook", hook->name);
		if (flags_differ_by_hook(kfunc))
			printf(", flags %s",
			       kfunc_flags__format(hook->flags, version, ", ", buf, sizeof(buf)));
		if (hook->filtered)
			printf(" (a filter of the kernel decides on each program)");
		printf("\n");
	}
	printf("    %-10s %s: %s\n", "coverage", format_coverage(kfunc, buf, sizeof(buf)),
	       kfunc->reason);
	print_annotations(kfunc);
	if (deprecation)
		print_deprecation(deprecation);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_annotations(const struct kfunc *kfunc)
{
	const struct btf *btf = kfunc->kbtf->btf;
	const struct btf_type *proto = prototype__type(btf, kfunc->btf_id);
	json_t *object = json_object();

	for (int i = 0; proto && i < btf_vlen(proto); i++) {
		const struct btf_param *param = &btf_params(proto)[i];
		const char *name = btf__name_by_offset(btf, param->name_off);
		const char *meaning = prototype__explain_param(btf, param->type, name);

		if (meaning)
			json_object_set_new(object, name, json_string(meaning));
	}
	return object;
}

static json_t *json_kfunc(const struct live_kernel *kernel, const struct kfunc *kfunc)
{
	json_t *object = json_object(), *hooks = json_array(), *filtered = json_array();
	json_t *by_hook = json_object();
	unsigned int version = kernel_version();
	char buf[PROTOTYPE_LEN];

	for (int i = 0; i < kfunc->nr_hooks; i++) {
		const struct kfunc_hook *hook = &kfunc->hooks[i];

		json_array_append_new(hooks, json_string(hook->name));
		json_object_set_new(by_hook, hook->name, json_kfunc_flags(hook->flags, version));
		if (hook->filtered)
			json_array_append_new(filtered, json_string(hook->name));
	}
	json_object_set_new(object, "name", json_string(kfunc->name));
	json_object_set_new(object, "module", json_string(kfunc->module));
	json_object_set_new(object, "flags", json_kfunc_flags(kfunc->flags, version));
	json_object_set_new(object, "hooks", hooks);
	json_object_set_new(object, "flags_by_hook", by_hook);
	json_object_set_new(object, "filtered_hooks", filtered);
	json_object_set_new(object, "prototype",
			    json_string(public_prototype(kfunc, buf, sizeof(buf))));
	if (prototype__format(kfunc->kbtf->btf, kfunc->abi_id, kfunc->name, buf, sizeof(buf)) == 0)
		json_object_set_new(object, "abi", json_string(buf));
	json_object_set_new(object, "annotations", json_annotations(kfunc));
	json_object_set_new(object, "coverage", json_string(coverage__name(kfunc->coverage)));
	json_object_set_new(object, "coverage_reason", json_string(kfunc->reason));
	json_object_set_new(object, "specialised_to", json_text(kfunc->twin));
	deprecation__add_json_details(live_kernel__deprecation(kernel, kfunc), object);
	return object;
}

static int print_json(const struct live_kernel *kernel, const struct list_options *opts)
{
	const struct registry *registry = kernel->registry;
	json_t *array = json_array();

	for (int i = 0; i < registry__nr(registry); i++) {
		const struct kfunc *kfunc = registry__at(registry, i);

		if (wanted(kernel, kfunc, opts))
			json_array_append_new(array, json_kfunc(kernel, kfunc));
	}
	return output__json(stdout, array, true);
}

/* --- command ---------------------------------------------------------------------------------- */

static int print_registry(const struct live_kernel *kernel, const struct list_options *opts)
{
	const struct registry *registry = kernel->registry;
	int nr = 0;

	for (int i = 0; i < registry__nr(registry); i++)
		nr += wanted(kernel, registry__at(registry, i), opts);
	if (opts->prog_type && !opts->hook && !registry__has_hook(registry, opts->prog_type)) {
		msg__error("'%s' is no program type that kfuncs are registered for; examples: xdp, "
			   "tc, "
			   "tracing, lsm, struct_ops, syscall",
			   opts->prog_type);
		return EXIT_TROUBLE;
	}
	if (!nr && !opts->json && opts->deprecated) {
		printf(" none of these kfuncs is known to be deprecated on this kernel\n");
		return output__finish(stdout, "standard output") ? EXIT_TROUBLE : EXIT_FINE;
	}
	if (!nr && !opts->json) {
		msg__error("no kfunc of the %d that this kernel has registered matches",
			   registry__nr(registry));
		return EXIT_TROUBLE;
	}

	if (opts->json) {
		print_json(kernel, opts);
	} else if (msg__verbosity()) {
		for (int i = 0; i < registry__nr(registry); i++) {
			if (wanted(kernel, registry__at(registry, i), opts))
				print_details(kernel, registry__at(registry, i));
		}
	} else {
		print_table(kernel, opts);
	}
	return output__finish(stdout, "standard output") ? EXIT_TROUBLE : EXIT_FINE;
}

int cmd_list(int argc, char **argv)
{
	struct list_options opts = { 0 };
	struct live_kernel kernel;
	int status = parse_options(argc, argv, &opts);

	if (status == EXIT_FINE) {
		if (live_kernel__open(&kernel)) {
			status = EXIT_TROUBLE;
		} else {
			status = (opts.deprecated ? live_kernel__need_deprecations(&kernel)
						  : live_kernel__load_deprecations(&kernel))
					 ? EXIT_TROUBLE
					 : print_registry(&kernel, &opts);
			live_kernel__close(&kernel);
		}
	}
	pattern_list__free(&opts.patterns);
	pattern_list__free(&opts.modules);
	return status;
}
