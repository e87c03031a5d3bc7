// SPDX-License-Identifier: GPL-2.0-only
#include "module_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../tracepoints/counter_records.h"

/* Of what is written and read; the module has the same number. */
#define PROTOCOL 1

struct function {
	__u64 address;
	char *name;
	enum probe_kind kind;
	int probe; /* -1: not asked for */
};

struct module_engine {
	int fd;
	bool kept, busy;
	struct function functions[KFT_MAX_PROBES];
	int nr_functions;
	char *text;
	size_t room;
};

/* What the module calls them. */
static const char *const kinds[] = {
	[PROBE_COUNT_ENTRY] = "calls",
	[PROBE_COUNT_RELEASE] = "releases",
	[PROBE_COUNT_EXIT] = "nulls",
	[PROBE_COUNT_EXIT_NEGATIVE] = "negatives",
};

/* --- reading ---------------------------------------------------------------------------------- */

static int find_kind(const char *word, enum probe_kind *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i], word) == 0) {
			*kind = i;
			return 0;
		}
	}
	return -EPROTO;
}

static int make_room(struct module_engine *engine)
{
	size_t room = engine->room ? engine->room * 2 : 1 << 16;
	char *grown = realloc(engine->text, room);

	if (!grown)
		return -ENOMEM;
	engine->text = grown;
	engine->room = room;
	return 0;
}

int module_engine__read(struct module_engine *engine, char **text)
{
	size_t len = 0;
	ssize_t got = 1;

	/* From the beginning it is made anew. */
	if (lseek(engine->fd, 0, SEEK_SET) < 0)
		return -errno;
	while (got) {
		if (len + 1 >= engine->room && make_room(engine))
			return -ENOMEM;
		got = read(engine->fd, engine->text + len, engine->room - len - 1);
		if (got < 0 && errno != EINTR)
			return -errno;
		len += got > 0 ? got : 0;
	}
	engine->text[len] = '\0';
	if (len < 4 || strcmp(engine->text + len - 4, "end\n") != 0)
		return -EIO;
	*text = engine->text;
	return 0;
}

static int take_function(struct module_engine *engine, const char *line)
{
	struct function *function = &engine->functions[engine->nr_functions];
	unsigned long long address;
	char kind[16], state[8], name[256];

	if (engine->nr_functions == KFT_MAX_PROBES ||
	    sscanf(line, "kfunc %*d %llx %15s %7s %255s", &address, kind, state, name) != 4 ||
	    find_kind(kind, &function->kind))
		return -EPROTO;
	function->address = address;
	function->probe = -1;
	function->name = strdup(name);
	if (!function->name)
		return -ENOMEM;
	engine->nr_functions++;
	return 0;
}

static int read_state(struct module_engine *engine)
{
	int version = 0, kept = 0, err;
	char state[16] = "";
	char *text;

	err = module_engine__read(engine, &text);
	if (err)
		return err;
	if (sscanf(text, "kfunctrace %d\nstate %15s\nkept %d", &version, state, &kept) < 2 ||
	    version != PROTOCOL)
		return -EPROTO;
	engine->busy = strcmp(state, "idle") != 0;
	engine->kept = strcmp(state, "counting") == 0 && kept;
	if (!engine->kept)
		return 0;
	for (const char *line = text; line && !err; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "kfunc ", strlen("kfunc ")) == 0)
			err = take_function(engine, line);
	}
	return err;
}

int module_engine__open(struct module_engine **result)
{
	struct module_engine *engine = calloc(1, sizeof(*engine));
	int err = 0;

	if (!engine)
		return -ENOMEM;
	engine->fd = open(MODULE_ENGINE_PATH, O_RDWR | O_CLOEXEC);
	if (engine->fd < 0)
		err = errno == ENXIO || errno == ENODEV ? -ENOENT : -errno;
	if (!err)
		err = read_state(engine);
	if (err) {
		module_engine__close(engine);
		return err;
	}
	*result = engine;
	return 0;
}

void module_engine__close(struct module_engine *engine)
{
	if (!engine)
		return;
	if (engine->fd >= 0)
		close(engine->fd);
	for (int i = 0; i < engine->nr_functions; i++)
		free(engine->functions[i].name);
	free(engine->text);
	free(engine);
}

bool module_engine__is_kept(const struct module_engine *engine)
{
	return engine->kept;
}

bool module_engine__is_busy(const struct module_engine *engine)
{
	return engine->busy && !engine->kept;
}

/* --- commands --------------------------------------------------------------------------------- */

static int command(struct module_engine *engine, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int command(struct module_engine *engine, const char *fmt, ...)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "%d ", PROTOCOL);
	va_list args;

	va_start(args, fmt);
	len += vsnprintf(line + len, sizeof(line) - len, fmt, args);
	va_end(args);
	if (len >= (int)sizeof(line) - 1)
		return -ENAMETOOLONG;
	line[len++] = '\n';
	return write(engine->fd, line, len) == len ? 0 : -errno;
}

static int show_program(struct module_engine *engine, __u32 id)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id), err = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		err = -errno;
	if (!err)
		err = command(engine, "program %d %u", fd, info.type);
	close(fd);
	return err;
}

int module_engine__begin(struct module_engine *engine, int nr_slots, int *nr_unseen)
{
	int err = command(engine, "begin %d", nr_slots);
	__u32 id = 0;

	*nr_unseen = 0;
	if (err)
		return err;
	while (!bpf_prog_get_next_id(id, &id))
		*nr_unseen += show_program(engine, id) != 0;
	return errno == ENOENT ? 0 : -errno;
}

static struct function *find(const struct module_engine *engine, const char *name, __u64 address)
{
	for (int i = 0; i < engine->nr_functions; i++) {
		const struct function *function = &engine->functions[i];

		if (function->address == address && strcmp(function->name, name) == 0)
			return (struct function *)function;
	}
	return NULL;
}

bool module_engine__has(const struct module_engine *engine, const char *function, __u64 address)
{
	return find(engine, function, address) != NULL;
}

int module_engine__add(struct module_engine *engine, const char *name, __u64 address,
		       enum probe_kind *kind, int probe)
{
	struct function *function;
	int err;

	if (engine->kept) {
		function = find(engine, name, address);
		if (!function)
			return -ENODATA;
		function->probe = probe;
		*kind = function->kind;
		return 0;
	}
	if (engine->nr_functions == KFT_MAX_PROBES)
		return -E2BIG;
	err = command(engine, "kfunc %llx %s %s", (unsigned long long)address, name, kinds[*kind]);
	if (err)
		return err;
	function = &engine->functions[engine->nr_functions++];
	function->address = address;
	function->name = NULL;
	function->kind = *kind;
	function->probe = probe;
	return 0;
}

int module_engine__want_lines(struct module_engine *engine)
{
	return command(engine, "lines");
}

int module_engine__start(struct module_engine *engine)
{
	return command(engine, "start");
}

int module_engine__keep(struct module_engine *engine)
{
	return command(engine, "keep");
}

int module_engine__end(struct module_engine *engine)
{
	return command(engine, "end");
}

int module_engine__forget(struct module_engine *engine, __u32 prog_id)
{
	return command(engine, "forget %u", prog_id);
}

int module_engine__probe(const struct module_engine *engine, int n)
{
	return n >= 0 && n < engine->nr_functions ? engine->functions[n].probe : -1;
}

bool module_engine__sees_returns(const struct module_engine *engine, int n)
{
	enum probe_kind kind = engine->functions[n].kind;

	return kind == PROBE_COUNT_EXIT || kind == PROBE_COUNT_EXIT_NEGATIVE;
}
