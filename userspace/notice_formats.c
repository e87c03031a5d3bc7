// SPDX-License-Identifier: GPL-2.0-only
#include "notice_formats.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <jansson.h>

#include "printable.h"

/* Documentation/notices.rst lists these; the ids are this program's own and never change. */
static const struct {
	const char *name;
	int priority;
	const char *message_id;
} kinds[NOTICE_NR_KINDS] = {
	[NOTICE_REFCOUNT_ZERO] = { "refcount-zero", LOG_WARNING,
				   "938325c2fa7b42f9a36f0196c03645cf" },
	[NOTICE_DEPRECATED_CALL] = { "deprecated-call", LOG_NOTICE,
				     "b8b550aa7238498e85f990b595df328a" },
	[NOTICE_STALE_REFERENCE] = { "stale-reference", LOG_WARNING,
				     "be5bb740fda44085b0df594696eb0d28" },
	[NOTICE_LOSSES] = { "losses", LOG_WARNING, "cc3d869badd345a5862900af9dbaebef" },
	[NOTICE_DETACHED] = { "detached", LOG_NOTICE, "74ff281fc9bf4a54a3868901b8496651" },
	[NOTICE_ATTACHED] = { "attached", LOG_INFO, "54edf8c160a94cbab5d45f4c6e000fef" },
	[NOTICE_TROUBLE] = { "trouble", LOG_ERR, "6e6f80a7e0294d0bbc1907e658f56e81" },
};

const char *notice_kind__name(enum notice_kind kind)
{
	return kinds[kind].name;
}

/* --- JSON ------------------------------------------------------------------------------------- */

/* Names of programs and processes are anything. */
static json_t *text(const char *value)
{
	char *copy;
	json_t *json;

	if (!value || !*value)
		return json_null();
	copy = strdup(value);
	if (!copy)
		return NULL;
	printable__make(copy);
	json = json_string(copy);
	free(copy);
	return json;
}

static json_t *number(__u64 value)
{
	return value ? json_integer(value) : json_null();
}

static json_t *time_text(const struct timespec *time)
{
	char day[32], full[64];
	struct tm tm;

	gmtime_r(&time->tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(full, sizeof(full), "%s.%06ldZ", day, time->tv_nsec / 1000);
	return json_string(full);
}

size_t notice_format__json_line(const struct notice_record *record, char *buf)
{
	const struct notice *notice = record->notice;
	json_t *root = json_object();
	size_t len;

	json_object_set_new(root, "time", time_text(&record->time));
	json_object_set_new(root, "kind", json_string(notice_kind__name(notice->kind)));
	json_object_set_new(root, "message", text(notice->message));
	json_object_set_new(root, "kfunc", text(notice->kfunc));
	json_object_set_new(root, "module", text(notice->module));
	json_object_set_new(root, "caller", text(notice->caller));
	json_object_set_new(root, "program_type", text(notice->program_type));
	json_object_set_new(root, "program_id", number(notice->program_id));
	json_object_set_new(root, "object_type", text(notice->object_type));
	json_object_set_new(root, "object", text(notice->object));
	json_object_set_new(root, "replacement", text(notice->replacement));
	json_object_set_new(root, "number", number(notice->number));
	json_object_set_new(root, "suppressed", json_integer(record->suppressed));
	len = json_dumpb(root, buf, NOTICE_MAX_BYTES - 1, JSON_COMPACT);
	json_decref(root);
	if (!len || len > NOTICE_MAX_BYTES - 1)
		return 0;
	buf[len++] = '\n';
	return len;
}

/* --- text ------------------------------------------------------------------------------------- */

struct written {
	char *buf;
	size_t len;
};

/* Adds a line without its newline; control characters in it are replaced. It ends where the room does. */
__attribute__((format(printf, 2, 3))) static void add(struct written *written, const char *fmt, ...)
{
	size_t room = NOTICE_MAX_BYTES - written->len;
	char *at = written->buf + written->len;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(at, room, fmt, args);
	va_end(args);
	if (len < 0 || !room)
		return;
	printable__make(at);
	written->len += strlen(at);
}

static void end_line(struct written *written)
{
	if (written->len < NOTICE_MAX_BYTES)
		written->buf[written->len++] = '\n';
}

static void add_field(struct written *written, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	/* All of it, or none. */
	if (strlen(name) + strlen(value) + 2 >= NOTICE_MAX_BYTES - written->len)
		return;
	add(written, "%s=%s", name, value);
	end_line(written);
}

static void add_number(struct written *written, const char *name, __u64 value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", value);
	add_field(written, name, value ? digits : NULL);
}

size_t notice_format__journal(const struct notice_record *record, char *buf)
{
	const struct notice *notice = record->notice;
	struct written written = { .buf = buf };
	char priority[] = { '0' + kinds[notice->kind].priority, '\0' };

	add_field(&written, "MESSAGE_ID", kinds[notice->kind].message_id);
	add_field(&written, "PRIORITY", priority);
	add_field(&written, "SYSLOG_IDENTIFIER", "kfunctrace");
	add_field(&written, "KFUNCTRACE_KIND", notice_kind__name(notice->kind));
	add_field(&written, "KFUNCTRACE_KFUNC", notice->kfunc);
	add_field(&written, "KFUNCTRACE_MODULE", notice->module);
	add_field(&written, "KFUNCTRACE_CALLER", notice->caller);
	add_field(&written, "KFUNCTRACE_PROGRAM_TYPE", notice->program_type);
	add_number(&written, "KFUNCTRACE_PROGRAM_ID", notice->program_id);
	add_field(&written, "KFUNCTRACE_OBJECT_TYPE", notice->object_type);
	add_field(&written, "KFUNCTRACE_OBJECT", notice->object);
	add_field(&written, "KFUNCTRACE_REPLACEMENT", notice->replacement);
	add_number(&written, "KFUNCTRACE_NUMBER", notice->number);
	add_number(&written, "KFUNCTRACE_SUPPRESSED", record->suppressed);
	/* Last: when there is too much, it is the message that is cut. */
	add(&written, "MESSAGE=%s", notice->message ?: "");
	end_line(&written);
	return written.len;
}

size_t notice_format__syslog(const struct notice_record *record, char *buf)
{
	const struct notice *notice = record->notice;
	struct written written = { .buf = buf };
	char time[32];
	struct tm tm;

	/* Local time, and English months whatever the locale: nobody calls setlocale() here. */
	localtime_r(&record->time.tv_sec, &tm);
	strftime(time, sizeof(time), "%b %e %H:%M:%S", &tm);
	add(&written, "<%d>%s kfunctrace[%d]: %s: %s", LOG_DAEMON | kinds[notice->kind].priority,
	    time, getpid(), notice_kind__name(notice->kind), notice->message ?: "");
	return written.len;
}

size_t notice_format__text(const struct notice_record *record, char *buf)
{
	const struct notice *notice = record->notice;
	struct written written = { .buf = buf };

	add(&written, "kfunctrace: %s: %s", notice_kind__name(notice->kind), notice->message ?: "");
	end_line(&written);
	return written.len;
}
