// SPDX-License-Identifier: GPL-2.0-only
/* kfunctrace snapshot: the registry of a kernel, the running one or one in files, in a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "common_options.h"
#include "kernel_image.h"
#include "kernel_package.h"
#include "live_kernel.h"
#include "message.h"
#include "output.h"
#include "snapshot.h"

struct snapshot_options {
	const char *output;
	struct named_file {
		const char *path;
		bool is_package;
	} *files;
	int nr_files;
};

/* Kernels and modules in these files. */
struct images {
	struct kernel_image **images;
	int nr;
};

static void print_usage(FILE *out)
{
	fputs("usage: kfunctrace snapshot [OPTIONS]\n"
	      "Writes what the kfuncs of a kernel look like to programs, as JSON that is the same for\n"
	      "the same kernel and that `kfunctrace diff` compares. Of the running kernel, unless\n"
	      "files of another one are named; these options may be repeated:\n\n"
	      "      --image FILE      of the kernel in a file: vmlinux or vmlinuz\n"
	      "      --module FILE     with this module of it: .ko, compressed or not\n"
	      "      --deb FILE        of the kernel and its modules in a Debian package\n\n"
	      "  -o, --output FILE     to a file; otherwise to standard output\n"
	      "  -v, --verbose\n"
	      "  -h, --help\n",
	      out);
}

/* --- files ------------------------------------------------------------------------------------ */

/* Takes the image over. */
static int add_image(struct kernel_image *image, void *arg)
{
	struct images *images = arg;
	struct kernel_image **grown =
		realloc(images->images, (images->nr + 1) * sizeof(struct kernel_image *));

	if (!grown) {
		msg__error("%s: not enough memory to read it", kernel_image__path(image));
		kernel_image__free(image);
		return -ENOMEM;
	}
	images->images = grown;
	images->images[images->nr++] = image;
	msg__detail("%s: %s of %s", kernel_image__path(image), kernel_image__module(image),
		    kernel_image__release(image));
	return 0;
}

static int read_file(const struct named_file *file, struct images *images)
{
	struct kernel_image *image;
	int before = images->nr, err;

	if (!file->is_package)
		return kernel_image__open(file->path, &image) ?: add_image(image, images);
	err = kernel_package__read(file->path, add_image, images);
	if (!err && images->nr == before)
		msg__warn("%s: has no kernel and no module with kfuncs", file->path);
	return err;
}

static int take_files(const struct snapshot_options *opts, struct snapshot *snapshot)
{
	struct images images = { 0 };
	int err = 0;

	for (int i = 0; i < opts->nr_files && !err; i++)
		err = read_file(&opts->files[i], &images);
	if (!err && !images.nr) {
		msg__error("there is no kernel in the packages: Debian has it in linux-image-*, "
			   "since 7.x in linux-binary-*");
		err = -EINVAL;
	}
	if (!err)
		err = snapshot__of_images(images.images, images.nr, snapshot);
	for (int i = 0; i < images.nr; i++)
		kernel_image__free(images.images[i]);
	free(images.images);
	return err;
}

/* --- options ---------------------------------------------------------------------------------- */

static int parse_options(int argc, char **argv, struct snapshot_options *opts)
{
	enum { OPT_IMAGE = 256, OPT_MODULE, OPT_DEB };
	static const struct option longs[] = {
		{ "image", required_argument, NULL, OPT_IMAGE },
		{ "module", required_argument, NULL, OPT_MODULE },
		{ "deb", required_argument, NULL, OPT_DEB },
		{ "output", required_argument, NULL, 'o' },
		COMMON_LONG_OPTIONS,
		{ 0 },
	};
	int c;

	/* More than there can be. */
	opts->files = calloc(argc, sizeof(*opts->files));
	if (!opts->files) {
		msg__error("not enough memory for the options");
		return -1;
	}
	while ((c = getopt_long(argc, argv, "o:vh", longs, NULL)) != -1) {
		switch (c) {
		case OPT_IMAGE:
		case OPT_MODULE:
		case OPT_DEB:
			opts->files[opts->nr_files].path = optarg;
			opts->files[opts->nr_files++].is_package = c == OPT_DEB;
			break;
		case 'o':
			opts->output = optarg;
			break;
		default:
			if (common_option__take(c, print_usage))
				return -1;
		}
	}
	if (optind < argc) {
		msg__error("snapshot takes no arguments: '%s'; files are named with --image, "
			   "--module and --deb",
			   argv[optind]);
		return -1;
	}
	return 0;
}

/* --- the snapshot ----------------------------------------------------------------------------- */

static int take_live(struct snapshot *snapshot)
{
	struct live_kernel kernel;
	int err = live_kernel__open(&kernel);

	if (err)
		return err;
	err = snapshot__of_live(&kernel, snapshot);
	live_kernel__close(&kernel);
	return err;
}

static int write_out(const struct snapshot_options *opts, const struct snapshot *snapshot)
{
	struct results results;
	int err = results__open(&results, opts->output, NULL);

	if (err)
		return err;
	err = snapshot__write(snapshot, results__begin(&results));
	return results__close(&results) ?: err;
}

int cmd_snapshot(int argc, char **argv)
{
	struct snapshot_options opts = { 0 };
	struct snapshot snapshot;
	int err;

	if (parse_options(argc, argv, &opts)) {
		free(opts.files);
		return EXIT_TROUBLE;
	}
	err = opts.nr_files ? take_files(&opts, &snapshot) : take_live(&snapshot);
	if (err == -ENOMEM)
		msg__error("not enough memory for the snapshot");
	if (!err) {
		err = write_out(&opts, &snapshot);
		snapshot__free(&snapshot);
	}
	free(opts.files);
	return err ? EXIT_TROUBLE : EXIT_FINE;
}
