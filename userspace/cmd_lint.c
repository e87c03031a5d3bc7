// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace lint: what is wrong with the kfuncs of a kernel or of modules, for their authors. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "commands.h"
#include "common_options.h"
#include "json_values.h"
#include "kernel_image.h"
#include "kernel_version.h"
#include "lint.h"
#include "live_kernel.h"
#include "message.h"
#include "output.h"

struct lint_options {
	bool json;
	const char *image;
	char **modules;
	int nr_modules;
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace lint [OPTIONS] [MODULE.ko...]\n"
	      "Finds what is wrong with the kfuncs of modules or of a kernel, for those who write "
	      "them.\n"
	      "Without an image or a module: with all that the running kernel has registered.\n\n"
	      "      --image FILE      of this kernel (vmlinux or vmlinuz); with modules only of "
	      "these,\n"
	      "                        which are for this kernel\n"
	      "      --json            an object\n"
	      "  -v, --verbose         notes as well: what may be meant so\n"
	      "  -h, --help\n\n"
	      "Exit status: 0 no error and no warning, 1 some, 2 trouble.\n",
	      out);
}

static int parse_options(int argc, char **argv, struct lint_options *opts)
{
	enum { OPT_JSON = 256, OPT_IMAGE };
	static const struct option longs[] = {
		{ "json", no_argument, NULL, OPT_JSON },
		{ "image", required_argument, NULL, OPT_IMAGE },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		switch (c) {
		case OPT_JSON:
			opts->json = true;
			break;
		case OPT_IMAGE:
			opts->image = optarg;
			break;
		default:
			if (common_option__take(c, print_usage))
				return -1;
		}
	}
	opts->modules = argv + optind;
	opts->nr_modules = argc - optind;
	return 0;
}

/* --- printing --------------------------------------------------------------------------------- */

struct counts {
	size_t of[LINT_NR_SEVERITIES];
	int nr_kfuncs;
};

static struct counts count(const struct lint_findings *findings,
			   const struct lint_subject *subjects, int nr)
{
	struct counts counts = { 0 };

	for (size_t i = 0; i < findings->nr; i++)
		counts.of[findings->findings[i].severity]++;
	for (int i = 0; i < nr; i++)
		counts.nr_kfuncs += subjects[i].wanted ? subjects[i].nr : 0;
	return counts;
}

/* As compilers do: what is wrong on a line that can be searched for, the rest below. */
static void print_finding(const struct lint_finding *finding)
{
	printf("%s: %s%s%s: %s [%s]\n", lint_severity__name(finding->severity), finding->subject,
	       finding->kfunc ? ": " : "", finding->kfunc ?: "", finding->what, finding->rule);
	printf("    %s\n", finding->effect);
	printf("    to mend it: %s\n", finding->remedy);
}

static void print_text(const struct lint_findings *findings, const struct counts *counts)
{
	size_t hidden = 0;

	for (size_t i = 0; i < findings->nr; i++) {
		if (findings->findings[i].severity == LINT_NOTE && !msg__verbosity())
			hidden++;
		else
			print_finding(&findings->findings[i]);
	}
	printf("%s %d kfuncs: %zu errors, %zu warnings, %zu notes%s\n",
	       findings->nr > hidden ? "\n" : "", counts->nr_kfuncs, counts->of[LINT_ERROR],
	       counts->of[LINT_WARNING], counts->of[LINT_NOTE], hidden ? " (-v prints them)" : "");
}

static int print_json(const struct lint_findings *findings, const struct counts *counts)
{
	json_t *root = json_object(), *array = json_array();

	for (size_t i = 0; i < findings->nr; i++) {
		const struct lint_finding *finding = &findings->findings[i];
		json_t *json = json_object();

		json_object_set_new(json, "severity",
				    json_string(lint_severity__name(finding->severity)));
		json_object_set_new(json, "rule", json_string(finding->rule));
		json_object_set_new(json, "module", json_string(finding->subject));
		json_object_set_new(json, "kfunc", json_text(finding->kfunc));
		json_object_set_new(json, "what", json_string(finding->what));
		json_object_set_new(json, "effect", json_string(finding->effect));
		json_object_set_new(json, "remedy", json_string(finding->remedy));
		json_array_append_new(array, json);
	}
	json_object_set_new(root, "kfuncs", json_integer(counts->nr_kfuncs));
	json_object_set_new(root, "findings", array);
	return output__json(stdout, root, true);
}

/* --- what is looked at ------------------------------------------------------------------------ */

/* Returns the exit status. */
static int report(const struct lint_options *opts, const struct lint_subject *subjects, int nr,
		  struct lint_findings *findings)
{
	int err = lint__run(subjects, nr, findings);
	struct counts counts = count(findings, subjects, nr);

	if (err)
		msg__error("not enough memory for the findings");
	else if (opts->json)
		err = print_json(findings, &counts);
	else
		print_text(findings, &counts);
	if (output__finish(stdout, "standard output") || err)
		return EXIT_TROUBLE;
	return counts.of[LINT_ERROR] || counts.of[LINT_WARNING] ? EXIT_FOUND : EXIT_FINE;
}

static int lint_live(const struct lint_options *opts)
{
	struct lint_findings findings = { 0 };
	struct lint_subject *subjects;
	struct live_kernel kernel;
	int nr, err, status = EXIT_TROUBLE;

	if (live_kernel__open(&kernel))
		return EXIT_TROUBLE;
	err = lint__of_live(&kernel, &subjects, &nr);
	if (err) {
		msg__error("cannot read what the kernel has registered: %s", strerror(-err));
	} else {
		status = report(opts, subjects, nr, &findings);
		lint_subjects__free(subjects, nr);
	}
	lint_findings__free(&findings);
	live_kernel__close(&kernel);
	return status;
}

/* Files that are looked at, the kernel first. */
struct files {
	struct kernel_image **images;
	struct lint_subject *subjects;
	int nr_images, nr_subjects;
	int nr_wanted; /* of the subjects */
	bool trouble;  /* some could not be read; the others are looked at all the same */
};

static struct kernel_image *open_image(struct files *files, const char *path)
{
	struct kernel_image *image;

	if (kernel_image__open(path, &image)) {
		files->trouble = true;
		return NULL;
	}
	files->images[files->nr_images++] = image;
	return image;
}

static void add_subject(struct files *files, struct kernel_image *image,
			struct kernel_image *kernel, bool wanted, struct lint_findings *findings)
{
	struct lint_subject *subject = &files->subjects[files->nr_subjects];

	if (wanted && !lint__check_btf(image, findings))
		return;
	if (kernel_image__read_types(image, kernel) || lint__of_image(image, subject)) {
		files->trouble = true;
		return;
	}
	subject->wanted = wanted;
	files->nr_subjects++;
	files->nr_wanted += wanted;
	if (wanted)
		lint__check_image(image, findings);
}

/* Where distributions put the kernel that runs, or its file with symbols. */
static struct kernel_image *open_running_kernel(struct files *files)
{
	static const char *const places[] = {
		"/usr/lib/debug/boot/vmlinux-%s",
		"/lib/modules/%s/build/vmlinux",
		"/boot/vmlinuz-%s",
		"/lib/modules/%s/vmlinuz",
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), places[i], kernel_release());
		if (access(path, R_OK) == 0)
			return open_image(files, path);
	}
	msg__error("the running kernel (%s) is not in /boot: name the kernel that the modules are "
		   "for with --image",
		   kernel_release());
	files->trouble = true;
	return NULL;
}

static void look_at_files(const struct lint_options *opts, struct files *files,
			  struct lint_findings *findings)
{
	struct kernel_image *kernel =
		opts->image ? open_image(files, opts->image) : open_running_kernel(files);

	if (!kernel)
		return;
	if (kernel_image__is_module(kernel)) {
		msg__error("%s is a module; --image takes a kernel", opts->image);
		files->trouble = true;
		return;
	}
	add_subject(files, kernel, NULL, !opts->nr_modules, findings);
	for (int i = 0; i < opts->nr_modules; i++) {
		struct kernel_image *module = open_image(files, opts->modules[i]);

		if (module)
			add_subject(files, module, kernel, true, findings);
	}
}

static int lint_files(const struct lint_options *opts)
{
	struct lint_findings findings = { 0 };
	struct files files = {
		.images = calloc(opts->nr_modules + 1, sizeof(*files.images)),
		.subjects = calloc(opts->nr_modules + 1, sizeof(*files.subjects)),
	};
	int status = EXIT_TROUBLE;

	if (!files.images || !files.subjects)
		msg__error("not enough memory");
	else
		look_at_files(opts, &files, &findings);
	if (files.nr_wanted || findings.nr)
		status = report(opts, files.subjects, files.nr_subjects, &findings);
	lint_findings__free(&findings);
	lint_subjects__free(files.subjects, files.nr_subjects);
	/* A module's types stand on its kernel's. */
	while (files.nr_images)
		kernel_image__free(files.images[--files.nr_images]);
	free(files.images);
	return files.trouble ? EXIT_TROUBLE : status;
}

int cmd_lint(int argc, char **argv)
{
	struct lint_options opts = { 0 };

	if (parse_options(argc, argv, &opts))
		return EXIT_TROUBLE;
	return opts.image || opts.nr_modules ? lint_files(&opts) : lint_live(&opts);
}
