// SPDX-License-Identifier: GPL-2.0-only
#include "kernel_package.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "elf_file.h"
#include "kernel_image.h"
#include "message.h"
#include "unpack.h"

#define BLOCK_SIZE ((size_t)1 << 16)

/* An ar archive, and in it a compressed tar archive. */
struct package {
	const char *path;
	struct archive *ar, *tar;
	int (*take)(struct kernel_image *image, void *arg);
	void *arg;
};

static int complain(const struct package *package, struct archive *archive)
{
	const char *why = archive_error_string(archive);

	msg__error("%s: cannot be read as a Debian package: %s", package->path,
		   why ?: "is it cut short or damaged?");
	return -EBADMSG;
}

static int no_memory(const char *name)
{
	msg__error("%s: not enough memory to read it", name);
	return -ENOMEM;
}

/* --- files in it ------------------------------------------------------------------------------ */

static bool is_module(const char *path)
{
	return fnmatch("*.ko", path, 0) == 0 || fnmatch("*.ko.[xgz]*", path, 0) == 0;
}

static bool is_kernel(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	/* The headers of 6.12 and later have a vmlinux; so have packages for debugging. */
	return strcmp(name, "vmlinuz") == 0 || strcmp(name, "vmlinux") == 0 ||
	       strncmp(name, "vmlinuz-", strlen("vmlinuz-")) == 0 ||
	       strncmp(name, "vmlinux-", strlen("vmlinux-")) == 0;
}

/* The bytes of the file that the archive is at; `*data` is to be freed. */
static int read_entry(struct package *package, const char *name, size_t size, void **data)
{
	size_t done = 0;

	if (size > UNPACK_MAX) {
		msg__error("%s: %zu bytes; is it a kernel or a module?", name, size);
		return -EFBIG;
	}
	*data = malloc(size);
	if (!*data)
		return no_memory(name);
	while (done < size) {
		la_ssize_t len = archive_read_data(package->tar, (char *)*data + done, size - done);

		if (len <= 0) {
			free(*data);
			return complain(package, package->tar);
		}
		done += len;
	}
	return 0;
}

/* Of thousands of modules a few bring kfuncs: with the others as little as possible is done. */
static int take_module(struct package *package, const char *name, void *data, size_t size)
{
	struct kernel_image *image;
	void *unpacked;
	int err;

	if (unpack__is_packed(data, size)) {
		err = unpack__all(name, data, size, &unpacked, &size);
		free(data);
		if (err)
			return err;
		data = unpacked;
	}
	if (elf_file__is(data, size) && !elf_file__has_section(data, size, ".BTF_ids")) {
		free(data);
		return 0;
	}
	err = kernel_image__open_memory(name, data, size, &image);
	if (err)
		return err;
	if (kernel_image__may_have_kfuncs(image))
		return package->take(image, package->arg);
	kernel_image__free(image);
	return 0;
}

static int take_kernel(struct package *package, const char *name, void *data, size_t size)
{
	struct kernel_image *image;

	return kernel_image__open_memory(name, data, size, &image)
		       ?: package->take(image, package->arg);
}

static int take_entry(struct package *package, struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	size_t size = archive_entry_size(entry);
	void *data;
	char *name;
	int err;

	if (!path || !size || archive_entry_filetype(entry) != AE_IFREG ||
	    archive_entry_hardlink(entry) || !(is_module(path) || is_kernel(path)))
		return 0;
	if (asprintf(&name, "%s: %s", package->path, strncmp(path, "./", 2) ? path : path + 2) < 0)
		return no_memory(package->path);
	err = read_entry(package, name, size, &data);
	if (!err)
		err = is_module(path) ? take_module(package, name, data, size)
				      : take_kernel(package, name, data, size);
	free(name);
	return err;
}

/* --- the archives ----------------------------------------------------------------------------- */

/* What the outer archive has of the inner one. */
static la_ssize_t read_block(struct archive *tar, void *arg, const void **block)
{
	struct package *package = arg;
	la_int64_t offset;
	size_t size;
	int err = archive_read_data_block(package->ar, block, &size, &offset);

	if (err == ARCHIVE_EOF)
		return 0;
	if (err == ARCHIVE_OK)
		return size;
	archive_set_error(tar, archive_errno(package->ar), "%s",
			  archive_error_string(package->ar) ?: "unknown error");
	return -1;
}

static int read_tar(struct package *package)
{
	struct archive_entry *entry;
	int err;

	unpack__allow_filters(package->tar);
	archive_read_support_format_tar(package->tar);
	if (archive_read_open(package->tar, package, NULL, read_block, NULL) != ARCHIVE_OK)
		return complain(package, package->tar);
	for (;;) {
		err = archive_read_next_header(package->tar, &entry);
		if (err == ARCHIVE_EOF)
			return 0;
		if (err != ARCHIVE_OK)
			return complain(package, package->tar);
		err = take_entry(package, entry);
		if (err)
			return err;
	}
}

static int read_ar(struct package *package)
{
	struct archive_entry *entry;
	int err;

	archive_read_support_format_ar(package->ar);
	if (archive_read_open_filename(package->ar, package->path, BLOCK_SIZE) != ARCHIVE_OK)
		return complain(package, package->ar);
	while ((err = archive_read_next_header(package->ar, &entry)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);

		if (!name || strncmp(name, "data.tar", strlen("data.tar")) != 0)
			continue;
		return read_tar(package);
	}
	if (err != ARCHIVE_EOF)
		return complain(package, package->ar);
	msg__error("%s: no Debian package: it has no data.tar", package->path);
	return -EBADMSG;
}

/* libarchive says of a folder or an empty file what helps nobody. */
static int check_file(const char *path)
{
	struct stat status;

	if (stat(path, &status)) {
		int err = -errno;

		msg__error("cannot read %s: %s", path, strerror(-err));
		return err;
	}
	if (S_ISREG(status.st_mode) && status.st_size)
		return 0;
	msg__error("%s: %s", path,
		   S_ISDIR(status.st_mode)   ? "is a folder; name the package in it"
		   : S_ISREG(status.st_mode) ? "is empty"
					     : "is no regular file");
	return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
}

int kernel_package__read(const char *path, int (*take)(struct kernel_image *image, void *arg),
			 void *arg)
{
	struct package package = { .path = path, .take = take, .arg = arg };
	int err = check_file(path);

	if (err)
		return err;
	package.ar = archive_read_new();
	package.tar = archive_read_new();
	err = package.ar && package.tar ? read_ar(&package) : no_memory(path);
	archive_read_free(package.tar);
	archive_read_free(package.ar);
	return err;
}
