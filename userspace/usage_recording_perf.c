// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recordings of perf. Their format is perf's own affair: perf itself prints the events, as the
 * kernel that they are of does (tracepoints/kfunc_trace.h).
 */
#include "usage_recording.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message.h"

#define SYSTEM "kfunc:"
#define LOST   "PERF_RECORD_LOST lost "

/* The value of "key=value" in a line; NULL when it is not there. */
static char *value_of(char *text, const char *key)
{
	size_t len = strlen(key);

	for (char *at = text; (at = strstr(at, key)); at += len) {
		if ((at == text || at[-1] == ' ') && at[len] == '=')
			return at + len + 1;
	}
	return NULL;
}

static void end_word(char *text)
{
	if (text)
		text[strcspn(text, " \n")] = '\0';
}

static __s64 number_of(char *text, const char *key)
{
	const char *value = value_of(text, key);

	return value ? strtoll(value, NULL, 10) : -1;
}

/* `fields` is what follows the event's name: "kfunc=... prog=... prog_id=...". */
static int take_event(struct recording *recording, const char *name, char *fields, double time_s)
{
	char *kfunc = value_of(fields, "kfunc"), *program = value_of(fields, "prog");
	char *type = value_of(fields, "type"), *object = value_of(fields, "object");
	char *prog_id = value_of(fields, "prog_id"), *replacement;
	struct recorded_event event = {
		.name = name,
		.count = number_of(fields, "count"),
		.duration_ns = number_of(fields, "duration_ns"),
		.time_s = time_s,
	};

	if (!kfunc || !program || !prog_id)
		return 0;
	replacement = value_of(fields, "replacement");
	event.prog_id = strtoul(prog_id, NULL, 10);
	event.object = object ? strtoull(object, NULL, 16) : 0;
	end_word(kfunc);
	end_word(program);
	end_word(type);
	/* The last field, and words, which may look like others. */
	if (replacement) {
		replacement[strcspn(replacement, "\n")] = '\0';
		type = NULL;
	}
	event.kfunc = kfunc;
	event.program = program;
	event.type = type;
	event.replacement = replacement;
	return recording__event(recording, &event);
}

/*
 * "  12.345678: PERF_RECORD_LOST lost 123", with more before the time when what was lost may be of
 * another kind. Elsewhere in a line it is only a text of some event.
 */
static void take_lost(struct recording *recording, const char *line)
{
	const char *lost = strstr(line, LOST), *colon = lost;

	while (colon && colon > line && colon[-1] == ' ')
		colon--;
	if (colon && colon - line >= 2 && colon[-1] == ':' && isdigit((unsigned char)colon[-2]))
		recording__lost(recording, strtoull(lost + strlen(LOST), NULL, 10), false);
}

/* "# hostname : vm" and others, before the first event. */
static int take_header(struct recording *recording, char *line)
{
	char *value = strstr(line, " : ");

	if (!value)
		return 0;
	value += strlen(" : ");
	end_word(value);
	if (strncmp(line, "# hostname ", 11) == 0)
		return recording__host(recording, value);
	if (strncmp(line, "# os release ", 13) == 0)
		return recording__release(recording, value);
	return 0;
}

/* "  12.345678: kfunc:kfunc_acquire: kfunc=... prog=... prog_id=..." */
static int take_line(struct recording *recording, char *line)
{
	char *name, *end;
	double time_s;

	if (*line == '#')
		return take_header(recording, line);
	time_s = strtod(line, &name);
	name += strspn(name, ": ");
	if (strncmp(name, SYSTEM, strlen(SYSTEM)) != 0) {
		take_lost(recording, line);
		return 0;
	}
	name += strlen(SYSTEM);
	end = strchr(name, ':');
	if (!end)
		return 0;
	*end++ = '\0';
	return take_event(recording, name, end, time_s);
}

int recording__read_perf_text(struct recording *recording, FILE *text)
{
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	while (!err && getline(&line, &size, text) >= 0)
		err = take_line(recording, line);
	free(line);
	return err;
}

/* Returns a stream to read its output from, or NULL with errno set. */
static FILE *start_perf(const char *path, pid_t *pid)
{
	int pipe_fds[2];
	FILE *out;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return NULL;
	*pid = fork();
	if (*pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(pipe_fds[1], 1);
		execlp("perf", "perf", "script", "-i", path, "--force", "--header", "--ns",
		       "--show-lost-events", "-F", "trace:time,event,trace", (char *)NULL);
		_exit(127);
	}
	close(pipe_fds[1]);
	out = *pid < 0 ? NULL : fdopen(pipe_fds[0], "r");
	if (!out)
		close(pipe_fds[0]);
	return out;
}

int recording__read_perf(struct recording *recording, const char *path)
{
	int err = 0, status = 0;
	pid_t pid;
	FILE *out = start_perf(path, &pid);

	if (!out) {
		err = -errno;
		msg__error("cannot run perf: %s", strerror(-err));
		return err;
	}
	err = recording__read_perf_text(recording, out);
	fclose(out);
	if (waitpid(pid, &status, 0) < 0)
		status = -1;
	if (!err && WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		msg__error("%s is a recording of perf, and there is no perf to read it with "
			   "(Debian: linux-perf)",
			   path);
		err = -ENOENT;
	} else if (!err && status) {
		msg__error("%s: `perf script` cannot read it (its message is above)", path);
		err = -EBADMSG;
	}
	return err;
}
