// SPDX-License-Identifier: GPL-2.0-only
#include "deprecations.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "data_path.h"
#include "kernel_version.h"
#include "kfunc_flags.h"
#include "message.h"
#include "snapshot.h"

#define FOLDER "deprecations.d"

struct entry {
	struct deprecation public;
	bool has_kind;
};

struct deprecations {
	bool is_partial;       /* without what comes with the program */
	struct entry *entries; /* sorted by kfunc once all files are read */
	size_t nr, room;
	char **files;
	size_t nr_files;
};

const char *deprecation_kind__name(enum deprecation_kind kind)
{
	static const char *const names[] = {
		[DEPRECATION_MARKED] = "deprecated",
		[DEPRECATION_SUPERSEDED] = "superseded",
		[DEPRECATION_RENAMED] = "renamed",
		[DEPRECATION_REMOVED] = "removed",
	};

	return names[kind];
}

/* --- one file --------------------------------------------------------------------------------- */

/* A line longer than that is said to be too long. inih counts a line in pieces otherwise. */
#define MAX_LINE 1000

/* A file while it is read. */
struct reading {
	struct deprecations *all;
	FILE *in;
	const char *file;
	int line;
	struct entry *entry; /* of the section */
	int err;
};

static void complain(const struct reading *reading, const char *what, const char *value)
{
	msg__warn("%s:%d: %s '%s'", reading->file, reading->line, what, value);
}

/* inih asks for lines here: that is where they can be counted. */
static char *read_line(char *buf, int size, void *arg)
{
	struct reading *reading = arg;
	char *line = fgets(buf, size, reading->in);
	size_t len;
	int c;

	if (!line)
		return NULL;
	reading->line++;
	len = strlen(line);
	if (len + 1 == (size_t)size && line[len - 1] != '\n') {
		msg__warn("%s:%d: longer than %d characters; the rest of the line is left out",
			  reading->file, reading->line, size - 1);
		do
			c = fgetc(reading->in);
		while (c != EOF && c != '\n');
	}
	return line;
}

static struct entry *find_entry(const struct deprecations *all, const char *kfunc)
{
	for (size_t i = 0; i < all->nr; i++) {
		if (strcmp(all->entries[i].public.kfunc, kfunc) == 0)
			return &all->entries[i];
	}
	return NULL;
}

static void release(struct entry *entry)
{
	struct deprecation *public = &entry->public;

	free((char *)public->kfunc);
	free((char *)public->renamed_to);
	free((char *)public->replacement);
	free((char *)public->words);
	free((char *)public->source);
	memset(entry, 0, sizeof(*entry));
}

static struct entry *add_entry(struct deprecations *all, const char *kfunc)
{
	struct entry *entry = find_entry(all, kfunc);
	char *name;

	if (!entry && all->nr == all->room) {
		size_t room = all->room ? all->room * 2 : 32;
		struct entry *grown = realloc(all->entries, room * sizeof(*grown));

		if (!grown)
			return NULL;
		all->entries = grown;
		all->room = room;
	}
	name = strdup(kfunc);
	if (!name)
		return NULL;
	if (entry)
		release(entry);
	else
		entry = memset(&all->entries[all->nr++], 0, sizeof(*entry));
	entry->public.kfunc = name;
	return entry;
}

/* A section that comes again in the same file goes on; one of another file is replaced. */
static int begin_section(struct reading *reading, const char *kfunc)
{
	struct entry *entry = reading->entry;

	if (entry && strcmp(entry->public.kfunc, kfunc) == 0)
		return 0;
	entry = find_entry(reading->all, kfunc);
	if (entry && entry->public.file == reading->file) {
		complain(reading, "this file has two sections of", kfunc);
	} else {
		entry = add_entry(reading->all, kfunc);
		if (!entry)
			return -ENOMEM;
		entry->public.file = reading->file;
	}
	reading->entry = entry;
	return 0;
}

static int take_text(const char **field, const char *value)
{
	char *copy = *value ? strdup(value) : NULL;

	if (*value && !copy)
		return -ENOMEM;
	free((char *)*field);
	*field = copy;
	return 0;
}

static int take_version(struct reading *reading, unsigned int *field, const char *value)
{
	unsigned int major, minor;
	int end = 0;

	if (sscanf(value, "%5u.%5u%n", &major, &minor, &end) == 2 && !value[end] && major &&
	    minor <= 0xffff)
		*field = KVER(major, minor);
	else
		complain(reading, "no kernel version such as 6.12:", value);
	return 0;
}

static int take_kind(struct reading *reading, const char *value)
{
	for (int kind = 0; kind <= DEPRECATION_REMOVED; kind++) {
		if (strcmp(deprecation_kind__name(kind), value) == 0) {
			reading->entry->public.kind = kind;
			reading->entry->has_kind = true;
			return 0;
		}
	}
	complain(reading, "a kind is deprecated, superseded, renamed or removed, not", value);
	return 0;
}

static int take_key(struct reading *reading, const char *key, const char *value)
{
	struct deprecation *public = &reading->entry->public;

	if (strcmp(key, "since") == 0)
		return take_version(reading, &public->since, value);
	if (strcmp(key, "removed-in") == 0)
		return take_version(reading, &public->removed_in, value);
	if (strcmp(key, "kind") == 0)
		return take_kind(reading, value);
	if (strcmp(key, "renamed-to") == 0)
		return take_text(&public->renamed_to, value);
	if (strcmp(key, "replacement") == 0)
		return take_text(&public->replacement, value);
	if (strcmp(key, "words") == 0)
		return take_text(&public->words, value);
	if (strcmp(key, "source") == 0)
		return take_text(&public->source, value);
	complain(reading, "there is no key", key);
	return 0;
}

/* inih calls this for each `key = value`; 1 is fine. */
static int take(void *arg, const char *section, const char *key, const char *value)
{
	struct reading *reading = arg;

	if (reading->err)
		return 1;
	if (!*section) {
		complain(reading, "before the first [kfunc] stands", key);
		return 1;
	}
	reading->err = begin_section(reading, section);
	if (!reading->err)
		reading->err = take_key(reading, key, value);
	return 1;
}

static int read_stream(struct deprecations *all, FILE *in, const char *file)
{
	struct reading reading = { .all = all, .in = in, .file = file };
	int bad_line;

	ini_use_stack = false;
	ini_max_line = MAX_LINE;
	ini_allow_multiline = false;
	bad_line = ini_parse_stream(read_line, &reading, take, &reading);
	if (reading.err)
		return reading.err;
	if (bad_line == -2)
		return -ENOMEM;
	if (bad_line > 0)
		msg__warn("%s:%d: neither [kfunc] nor key = value; this and other such lines are "
			  "left out",
			  file, bad_line);
	if (ferror(in))
		msg__warn("cannot read %s to its end", file);
	return 0;
}

static int read_file(struct deprecations *all, const char *folder, const char *name)
{
	char **files = realloc(all->files, (all->nr_files + 1) * sizeof(*files));
	char *path;
	FILE *in;
	int err;

	if (!files)
		return -ENOMEM;
	all->files = files;
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	files[all->nr_files++] = path;
	in = fopen(path, "re");
	if (!in) {
		msg__warn("cannot read %s: %s; its deprecations are not known", path,
			  strerror(errno));
		return 0;
	}
	err = read_stream(all, in, path);
	fclose(in);
	return err;
}

/* --- folders ---------------------------------------------------------------------------------- */

static int is_catalogue(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 4, ".ini") == 0;
}

/* In the order of their names. -ENOENT when there is no such folder. */
static int read_folder(struct deprecations *all, const char *folder)
{
	struct dirent **names;
	int nr = scandir(folder, &names, is_catalogue, alphasort), err = 0;

	if (nr < 0)
		return -errno;
	for (int i = 0; i < nr; i++) {
		if (!err)
			err = read_file(all, folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return err;
}

static int read_shipped(struct deprecations *all)
{
	char path[PATH_MAX];
	int err = data_path(FOLDER, path, sizeof(path)) ? read_folder(all, path) : -ENOENT;

	if (!err || err == -ENOMEM)
		return err;
	all->is_partial = true;
	msg__warn("cannot read the catalogue of deprecated kfuncs (share/" FOLDER "): %s; "
		  "deprecated kfuncs are not marked",
		  strerror(-err));
	return 0;
}

static int read_users(struct deprecations *all)
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s/" FOLDER,
		 getenv("KFUNCTRACE_CONFIG") ?: "/etc/kfunctrace");
	err = read_folder(all, path);
	if (!err || err == -ENOMEM || err == -ENOENT)
		return err == -ENOENT ? 0 : err;
	msg__warn("cannot read %s: %s", path, strerror(-err));
	return 0;
}

static enum deprecation_kind kind_of(const struct entry *entry)
{
	if (entry->has_kind)
		return entry->public.kind;
	if (entry->public.since)
		return DEPRECATION_MARKED;
	if (entry->public.renamed_to)
		return DEPRECATION_RENAMED;
	return entry->public.removed_in ? DEPRECATION_REMOVED : DEPRECATION_MARKED;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	return strcmp(left->public.kfunc, right->public.kfunc);
}

int deprecations__load(struct deprecations **deprecations)
{
	struct deprecations *all = calloc(1, sizeof(*all));
	int err;

	*deprecations = all;
	if (!all)
		return -ENOMEM;
	err = read_shipped(all);
	if (!err)
		err = read_users(all);
	for (size_t i = 0; i < all->nr; i++)
		all->entries[i].public.kind = kind_of(&all->entries[i]);
	if (all->nr)
		qsort(all->entries, all->nr, sizeof(*all->entries), compare_entries);
	return err;
}

void deprecations__free(struct deprecations *deprecations)
{
	if (!deprecations)
		return;
	for (size_t i = 0; i < deprecations->nr; i++)
		release(&deprecations->entries[i]);
	for (size_t i = 0; i < deprecations->nr_files; i++)
		free(deprecations->files[i]);
	free(deprecations->entries);
	free(deprecations->files);
	free(deprecations);
}

bool deprecations__is_partial(const struct deprecations *deprecations)
{
	return deprecations->is_partial;
}

/* --- questions -------------------------------------------------------------------------------- */

size_t deprecations__nr(const struct deprecations *deprecations)
{
	return deprecations->nr;
}

const struct deprecation *deprecations__at(const struct deprecations *deprecations, size_t idx)
{
	return &deprecations->entries[idx].public;
}

const struct deprecation *deprecations__find(const struct deprecations *deprecations,
					     const char *kfunc)
{
	const struct entry key = { .public.kfunc = kfunc }, *found;

	if (!deprecations || !deprecations->nr)
		return NULL;
	found = bsearch(&key, deprecations->entries, deprecations->nr, sizeof(key),
			compare_entries);
	return found ? &found->public : NULL;
}

bool deprecation__applies(const struct deprecation *deprecation, unsigned int version)
{
	switch (deprecation->kind) {
	case DEPRECATION_MARKED:
	case DEPRECATION_SUPERSEDED:
		return version >= deprecation->since;
	case DEPRECATION_RENAMED:
	case DEPRECATION_REMOVED:
		/* With a kernel in `since` it was marked before it went. */
		return deprecation->since && version >= deprecation->since;
	}
	return false;
}

const struct deprecation *deprecations__of(const struct deprecations *deprecations,
					   const char *kfunc, bool flagged, unsigned int version)
{
	static const struct deprecation by_flag = {
		.kind = DEPRECATION_MARKED,
		.words = "the kernel flags it as deprecated",
	};
	const struct deprecation *found = deprecations__find(deprecations, kfunc);

	if (found && (flagged || deprecation__applies(found, version)))
		return found;
	return flagged ? &by_flag : NULL;
}

bool kfunc_flags__deprecated(unsigned int flags)
{
	int bit = kfunc_flag__bit("deprecated", strlen("deprecated"));

	/* No kernel has it so far, and none is made up: kfunc_flags.c names the bits. */
	return bit >= 0 && flags & (1u << bit);
}

bool snapshot_kfunc__deprecated(const struct snapshot_kfunc *kfunc)
{
	for (int i = 0; i < kfunc->nr_hooks; i++) {
		if (snapshot_hook__has_flag(&kfunc->hooks[i], "deprecated"))
			return true;
	}
	return false;
}

const char *deprecation__replacement(const struct deprecation *deprecation)
{
	return deprecation->replacement ?: deprecation->renamed_to;
}
