// SPDX-License-Identifier: GPL-2.0-only
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Never returns. */
static void run(int go_fd, int error_fd, char **argv)
{
	sigset_t none;
	char byte;
	int err;

	/* The parent's signal mask and dispositions are not the command's. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* Ends when the parent closes its side; if the parent died, so does the wish to run. */
	if (read(go_fd, &byte, 1) != 1)
		_exit(0);
	execvp(argv[0], argv);
	err = errno;
	if (write(error_fd, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

int child__prepare(struct child *child, char **argv)
{
	int go[2], error[2], err;

	memset(child, 0, sizeof(*child));
	/* Where it is ignored, which is inherited, the kernel keeps no ended child to ask after. */
	signal(SIGCHLD, SIG_DFL);
	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(error, O_CLOEXEC)) {
		err = -errno;
		close(go[0]);
		close(go[1]);
		return err;
	}
	child->pid = fork();
	if (child->pid == 0) {
		close(go[1]);
		close(error[0]);
		run(go[0], error[1], argv);
	}
	err = child->pid < 0 ? -errno : 0;
	close(go[0]);
	close(error[1]);
	child->go_fd = go[1];
	child->error_fd = error[0];
	if (err) {
		close(child->go_fd);
		close(child->error_fd);
	}
	return err;
}

int child__go(struct child *child)
{
	int err = 0;

	if (write(child->go_fd, "", 1) != 1)
		err = errno;
	close(child->go_fd);
	/* exec closes the pipe when it succeeds. */
	if (!err && read(child->error_fd, &err, sizeof(err)) < 0)
		err = errno;
	close(child->error_fd);
	return -err;
}

bool child__poll(struct child *child)
{
	if (!child->ended)
		child->ended = waitpid(child->pid, &child->status, WNOHANG) == child->pid;
	return child->ended;
}

void child__wait(struct child *child)
{
	while (!child->ended) {
		pid_t pid = waitpid(child->pid, &child->status, 0);

		child->ended = pid == child->pid || (pid < 0 && errno != EINTR);
	}
}

int child__exit_status(const struct child *child)
{
	if (WIFSIGNALED(child->status))
		return 128 + WTERMSIG(child->status);
	return WEXITSTATUS(child->status);
}
