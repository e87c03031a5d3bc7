// SPDX-License-Identifier: GPL-2.0-only
#include "serve_config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <ini.h>

#include "clock.h"
#include "config_values.h"
#include "message.h"
#include "notices.h"
#include "printable.h"

/* A file that is no configuration shall not be answered with thousands of messages. */
#define MAX_COMPLAINTS 20
#define MAX_LINE       4096
#define MAX_LINES      100000

/* --- keys ------------------------------------------------------------------------------------- */

struct key {
	const char *section, *name;
	const char *preset;  /* what it is without a file, as in one */
	const char *expects; /* "a time from 100ms to 1h" */
	/* Stores the value. Returns 0, -EINVAL when it is no such value, or -ENOMEM. */
	int (*take)(const struct key *key, void *field, const char *value);
	size_t offset, size; /* of the field */
	double min, max;     /* seconds, bytes, a share or a number */
	bool fixed;	     /* a running aggregator cannot change it */
};

static bool is_off(const char *value)
{
	return strcmp(value, "off") == 0;
}

static int store(const struct key *key, void *field, double value)
{
	if (!(value >= key->min && value <= key->max))
		return -EINVAL;
	if (key->size == sizeof(unsigned int))
		*(unsigned int *)field = value;
	else
		*(__u64 *)field = value;
	return 0;
}

static int take_seconds(const struct key *key, void *field, const char *value)
{
	double seconds;

	return config_value__time(value, &seconds) ? store(key, field, seconds) : -EINVAL;
}

static int take_no(const struct key *key, void *field, const char *value)
{
	(void)key;
	if (!is_off(value) && strcmp(value, "on") != 0)
		return -EINVAL;
	*(bool *)field = is_off(value);
	return 0;
}

static int take_ns(const struct key *key, void *field, const char *value)
{
	double seconds;

	if (!config_value__time(value, &seconds) || seconds < key->min || seconds > key->max)
		return -EINVAL;
	*(__u64 *)field = seconds * NS_PER_S;
	return 0;
}

static int take_bytes(const struct key *key, void *field, const char *value)
{
	double bytes;

	return config_value__bytes(value, &bytes) ? store(key, field, bytes) : -EINVAL;
}

static int take_whole(const struct key *key, void *field, const char *value)
{
	double number;

	if (strchr(value, '.') || !config_value__number(value, &number))
		return -EINVAL;
	return store(key, field, number);
}

static int take_double(const struct key *key, void *field, double value)
{
	if (!(value >= key->min && value <= key->max))
		return -EINVAL;
	*(double *)field = value;
	return 0;
}

static int take_rate(const struct key *key, void *field, const char *value)
{
	double number;

	return config_value__number(value, &number) ? take_double(key, field, number) : -EINVAL;
}

static int take_share(const struct key *key, void *field, const char *value)
{
	double share;

	if (is_off(value)) {
		*(double *)field = 0;
		return 0;
	}
	return config_value__share(value, &share) ? take_double(key, field, share) : -EINVAL;
}

static int take_text(const struct key *key, void *field, const char *value)
{
	char **text = field, *copy = is_off(value) ? NULL : strdup(value);

	(void)key;
	if (!is_off(value) && !copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static int take_file(const struct key *key, void *field, const char *value)
{
	return is_off(value) || value[0] == '/' ? take_text(key, field, value) : -EINVAL;
}

static int take_socket(const struct key *key, void *field, const char *value)
{
	/* The lock file beside it needs no address; a socket's fits into sockaddr_un or not at all. */
	if (value[0] != '/' || strlen(value) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return -EINVAL;
	return take_text(key, field, value);
}

/* What stands behind the colon of an address: whether the host exists, bind() tells. */
static int take_address(const struct key *key, void *field, const char *value)
{
	const char *colon = strrchr(value, ':');
	double port;

	if (is_off(value) || strncmp(value, "unix:/", 6) == 0)
		return take_text(key, field, value);
	if (!colon || colon == value || strchr(colon, '.') ||
	    !config_value__number(colon + 1, &port) || port < 1 || port > 65535)
		return -EINVAL;
	return take_text(key, field, value);
}

static int take_notices(const struct key *key, void *field, const char *value)
{
	size_t len;

	return notices__wrong_word(value, &len) ? -EINVAL : take_text(key, field, value);
}

static void free_globs(struct pattern_list *list)
{
	for (int i = 0; i < list->nr; i++)
		free((char *)list->patterns[i]);
	pattern_list__free(list);
}

static int take_globs(const struct key *key, void *field, const char *value)
{
	struct pattern_list *list = field;

	(void)key;
	free_globs(list);
	for (;;) {
		size_t len;
		char *glob;

		value += strspn(value, " \t");
		len = strcspn(value, " \t");
		if (!len)
			return 0;
		glob = strndup(value, len);
		if (!glob || pattern_list__add(list, glob)) {
			free(glob);
			return -ENOMEM;
		}
		value += len;
	}
}

/* `modules` and `no_modules` are one key. */
static int take_modules(const struct key *key, void *field, const char *value)
{
	struct serve_config *config =
		(void *)((char *)field - offsetof(struct serve_config, modules));

	config->no_modules = is_off(value);
	return take_globs(key, field, is_off(value) || strcmp(value, "on") == 0 ? "" : value);
}

static int take_references(const struct key *key, void *field, const char *value)
{
	static const char *const names[] = {
		[SERVE_REFERENCES_OFF] = "off",
		[SERVE_REFERENCES_BALANCE] = "balance",
		[SERVE_REFERENCES_OBJECTS] = "objects",
	};

	(void)key;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], value) == 0) {
			*(enum serve_references *)field = i;
			return 0;
		}
	}
	return -EINVAL;
}

#define FIELD(name) offsetof(struct serve_config, name), sizeof(((struct serve_config *)NULL)->name)

/*
 * tests/docs.sh compares section, name and preset with the manual page and the example. clang-format
 * would set them in columns of its own.
 */
/* clang-format off */
static const struct key keys[] = {
	{ "serve", "interval", "10s",
	  "a time from 100ms to 1h", take_ns, FIELD(interval_ns), 0.1, 3600, false },
	{ "serve", "kfuncs", "*",
	  "globs, separated by blanks", take_globs, FIELD(kfuncs), 0, 0, false },
	{ "serve", "modules", "on",
	  "on, off, or globs separated by blanks", take_modules, FIELD(modules), 0, 0, false },
	{ "serve", "count", "on",
	  "on or off", take_no, FIELD(no_counting), 0, 0, true },
	{ "serve", "references", "objects",
	  "off, balance or objects", take_references, FIELD(references), 0, 0, true },
	{ "serve", "max_callers", "10000",
	  "a number from 1 to 1000000", take_whole, FIELD(max_callers), 1, 1e6, false },
	{ "serve", "max_objects", "16384",
	  "a number from 1 to 1048576", take_whole, FIELD(max_objects), 1, 1 << 20, true },
	{ "serve", "max_overhead", "1%",
	  "a share of one CPU such as 0.5%, up to 100000%, or off",
	  take_share, FIELD(max_overhead), 1e-6, 1000, false },
	{ "serve", "target", "off",
	  "the version or snapshot of a kernel, or off", take_text, FIELD(target), 0, 0, false },
	{ "serve", "look", "60s",
	  "a time from 1s to 1d", take_ns, FIELD(look_ns), 1, 86400, false },
	{ "serve", "measure", "30s",
	  "a time from 1s to 1d", take_ns, FIELD(measure_ns), 1, 86400, false },
	{ "serve", "control", "/run/kfunctrace/control",
	  "a path from the root, of at most 107 bytes", take_socket, FIELD(control), 0, 0, true },
	{ "history", "file", "/var/lib/kfunctrace/history.db",
	  "a path from the root, or off", take_file, FIELD(history), 0, 0, false },
	{ "history", "retention", "14d",
	  "a time from 1h to 3650d", take_seconds, FIELD(retention_s), 3600, 3650 * 86400., false },
	{ "history", "max_size", "256M",
	  "a size from 1M to 1T", take_bytes, FIELD(max_bytes), 1 << 20, 1024. * (1 << 30), false },
	{ "listen", "address", "127.0.0.1:9435",
	  "HOST:PORT, unix:/PATH or off", take_address, FIELD(listen), 0, 0, false },
	{ "notices", "to", "auto",
	  "auto, journal, syslog, stderr, file:/PATH or unix:/PATH, several separated by blanks, or off",
	  take_notices, FIELD(notices), 0, 0, false },
	{ "notices", "burst", "5",
	  "a number from 1 to 1000", take_whole, FIELD(notice_burst), 1, 1000, false },
	{ "notices", "interval", "10min",
	  "a time from 1s to 1d", take_ns, FIELD(notice_interval_ns), 1, 86400, false },
	{ "notices", "stale_age", "1h",
	  "a time from 1s to 365d", take_ns, FIELD(stale_age_ns), 1, 365 * 86400., false },
	{ "notices", "loss_rate", "100",
	  "a number a second, up to 1000000000", take_rate, FIELD(loss_rate), 0, 1e9, false },
};
/* clang-format on */

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

static int take(const struct key *key, struct serve_config *config, const char *value)
{
	return key->take(key, (char *)config + key->offset, value);
}

static bool is_section(const char *name, size_t len)
{
	for (size_t i = 0; i < NR_KEYS; i++) {
		if (strlen(keys[i].section) == len && memcmp(keys[i].section, name, len) == 0)
			return true;
	}
	return false;
}

static const struct key *find_key(const char *section, const char *name)
{
	for (size_t i = 0; i < NR_KEYS; i++) {
		if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	return NULL;
}

/* --- the file --------------------------------------------------------------------------------- */

struct reading {
	struct serve_config *config;
	FILE *in;
	const char *file;
	int line;
	int complaints;
	int given[NR_KEYS]; /* line of each key, 0: not yet */
	int err;	    /* what is not the file's fault */
};

__attribute__((format(printf, 2, 3))) static void complain(struct reading *reading, const char *fmt,
							   ...)
{
	char text[512];
	va_list args;

	if (++reading->complaints > MAX_COMPLAINTS)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	msg__error("%s:%d: %s", reading->file, reading->line, text);
}

/*
 * What inih skips in silence or tells only of the first: lines that are nothing, sections that hold no
 * key.
 */
static void judge_line(struct reading *reading, const char *line)
{
	const char *end;

	if (reading->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3;
	line += strspn(line, " \t\r\n");
	if (!*line || *line == '#' || *line == ';')
		return;
	if (*line != '[') {
		if (!strpbrk(line, "=:"))
			complain(reading, "neither [section] nor key = value");
		return;
	}
	end = strchr(line, ']');
	if (!end)
		complain(reading, "']' is missing behind a section's name");
	else if (!is_section(line + 1, end - line - 1))
		complain(reading, "there is no section %.*s", (int)(end + 1 - line), line);
	else if (!strchr("#;", end[1 + strspn(end + 1, " \t\r\n")]))
		complain(reading, "nothing may stand behind %.*s", (int)(end + 1 - line), line);
}

/* inih asks for lines here. What is too long for `buf` is said, and left out. */
static char *read_line(char *buf, int size, void *arg)
{
	struct reading *reading = arg;
	int len = 0, c;
	bool has_nul = false;

	while ((c = getc(reading->in)) != EOF && c != '\n') {
		has_nul |= c == '\0';
		if (len < size - 2)
			buf[len] = c == '\t' ? ' ' : c;
		len++;
	}
	if (c == EOF && !len)
		return NULL;
	reading->line++;
	if (reading->line > MAX_LINES || has_nul) {
		complain(reading, has_nul ? "a byte that is 0: this is no text"
					  : "more lines than any configuration has");
		return NULL;
	}
	if (len >= size - 2) {
		complain(reading, "longer than %d bytes", size - 3);
		len = 0;
	}
	buf[len] = '\n';
	buf[len + 1] = '\0';
	judge_line(reading, buf);
	return buf;
}

static void take_value(struct reading *reading, const struct key *key, const char *value)
{
	int *given = &reading->given[key - keys], err;

	if (*given) {
		complain(reading, "%s stands in line %d already", key->name, *given);
		return;
	}
	*given = reading->line;
	if (!printable__is(value)) {
		complain(reading, "the value of %s is not plain text (UTF-8)", key->name);
		return;
	}
	err = *value ? take(key, reading->config, value) : -EINVAL;
	if (err == -EINVAL)
		complain(reading, "%s takes %s, not '%.200s'", key->name, key->expects, value);
	else if (err)
		reading->err = err;
}

/* inih calls this for each `key = value`; 1 is fine. */
static int take_pair(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *reading = arg;
	const struct key *key;

	if (reading->err)
		return 1;
	key = find_key(section, name);
	if (key)
		take_value(reading, key, value);
	else if (!*section)
		complain(reading, "%.100s stands before the first [section]", name);
	else if (is_section(section, strlen(section)))
		complain(reading, "[%s] has no key %.100s", section, name);
	return 1; /* an unknown section has been told */
}

/* Returns what serve_config__load() does. */
static int judge(const struct reading *reading, int parsed)
{
	if (reading->err || parsed == -2)
		return reading->err ?: -ENOMEM;
	if (reading->complaints > MAX_COMPLAINTS)
		msg__error("%s: %d more", reading->file, reading->complaints - MAX_COMPLAINTS);
	if (parsed > 0 && !reading->complaints) {
		msg__error("%s:%d: not understood", reading->file, parsed);
		return -EINVAL;
	}
	return reading->complaints ? -EINVAL : 0;
}

static int read_file(struct serve_config *config, FILE *in, const char *path)
{
	struct reading reading = { .config = config, .in = in, .file = path };
	int parsed;

	ini_use_stack = false;
	ini_max_line = MAX_LINE;
	ini_allow_multiline = false;
	errno = 0;
	parsed = ini_parse_stream(read_line, &reading, take_pair, &reading);
	if (ferror(in)) {
		int err = errno ? -errno : -EIO;

		msg__error("cannot read %s: %s", path, strerror(-err));
		return err;
	}
	return judge(&reading, parsed);
}

/* --- as a whole ------------------------------------------------------------------------------- */

int serve_config__load(struct serve_config *config, const char *path, bool must_exist)
{
	FILE *in;
	int err = 0;

	memset(config, 0, sizeof(*config));
	for (size_t i = 0; i < NR_KEYS && !err; i++)
		err = take(&keys[i], config, keys[i].preset);
	if (err) {
		msg__error("out of memory");
		return err;
	}
	in = fopen(path, "re");
	if (!in && errno == ENOENT && !must_exist)
		return 0;
	if (!in) {
		err = -errno;
		msg__error("cannot open %s: %s", path, strerror(errno));
		return err;
	}
	err = read_file(config, in, path);
	fclose(in);
	if (err == -ENOMEM)
		msg__error("out of memory");
	return err;
}

void serve_config__free(struct serve_config *config)
{
	free_globs(&config->kfuncs);
	free_globs(&config->modules);
	free(config->target);
	free(config->control);
	free(config->history);
	free(config->listen);
	free(config->notices);
	memset(config, 0, sizeof(*config));
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_globs(const struct pattern_list *a, const struct pattern_list *b)
{
	if (a->nr != b->nr)
		return false;
	for (int i = 0; i < a->nr; i++) {
		if (strcmp(a->patterns[i], b->patterns[i]) != 0)
			return false;
	}
	return true;
}

static bool same_field(const struct key *key, const struct serve_config *a,
		       const struct serve_config *b)
{
	const void *field_a = (const char *)a + key->offset,
		   *field_b = (const char *)b + key->offset;

	if (key->take == take_modules && a->no_modules != b->no_modules)
		return false;
	if (key->take == take_globs || key->take == take_modules)
		return same_globs(field_a, field_b);
	if (key->take == take_text || key->take == take_file || key->take == take_socket ||
	    key->take == take_address || key->take == take_notices)
		return same_text(*(char *const *)field_a, *(char *const *)field_b);
	return memcmp(field_a, field_b, key->size) == 0;
}

const char *serve_config__fixed_difference(const struct serve_config *a,
					   const struct serve_config *b)
{
	for (size_t i = 0; i < NR_KEYS; i++) {
		if (keys[i].fixed && !same_field(&keys[i], a, b))
			return keys[i].name;
	}
	return NULL;
}
