// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recordings of perf. Their format is perf's own affair: perf itself prints the events, as the
 * kernel that they are of does (tracepoints/kfunc_trace.h).
 */
#include "event_recording_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message.h"

#define SYSTEM "kfunc:"

/* The value of "key=value " in a line; ends it in place. NULL when it is not there. */
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

/* "  12.345678: kfunc:kfunc_acquire: kfunc=... prog=... prog_id=..." */
static int take_line(struct event_recording *recording, char *line)
{
	char *system = strstr(line, SYSTEM), *name, *end, *prog_id, *replacement;
	struct recorded_event event = { 0 };
	char *kfunc, *program;

	if (!system)
		return 0;
	name = system + strlen(SYSTEM);
	end = strchr(name, ':');
	if (!end)
		return 0;
	*end++ = '\0';
	kfunc = value_of(end, "kfunc");
	program = value_of(end, "prog");
	prog_id = value_of(end, "prog_id");
	replacement = value_of(end, "replacement");
	if (!kfunc || !program || !prog_id)
		return 0;
	event.time_s = strtod(line, NULL);
	event.prog_id = strtoul(prog_id, NULL, 10);
	end_word(kfunc);
	end_word(program);
	/* The last field, and words. */
	if (replacement)
		replacement[strcspn(replacement, "\n")] = '\0';
	event.name = name;
	event.kfunc = kfunc;
	event.program = program;
	event.replacement = strcmp(name, "kfunc_deprecated") == 0 ? replacement : NULL;
	return event_recording__add(recording, &event);
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
		execlp("perf", "perf", "script", "-i", path, "--force", "--ns", "-F",
		       "trace:time,event,trace", (char *)NULL);
		_exit(127);
	}
	close(pipe_fds[1]);
	out = *pid < 0 ? NULL : fdopen(pipe_fds[0], "r");
	if (!out)
		close(pipe_fds[0]);
	return out;
}

int event_recording__read_perf(const char *path, struct event_recording *recording)
{
	size_t size = 0;
	char *line = NULL;
	int err = 0, status = 0;
	pid_t pid;
	FILE *out = start_perf(path, &pid);

	if (!out) {
		err = -errno;
		msg__error("cannot run perf: %s", strerror(-err));
		return err;
	}
	while (!err && getline(&line, &size, out) >= 0) {
		recording->nr_lost += strstr(line, "LOST") != NULL;
		err = take_line(recording, line);
	}
	free(line);
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
